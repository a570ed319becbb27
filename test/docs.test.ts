// The pages that are made from tables in the code are as the tables are, and every link of a page leads somewhere.
// Whether a page's commands print what it shows is tried by hand: docs/tour.md is written by scripts/tour.ts.
import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { COMMANDS_PAGE, CONFIG_PAGE, renderCommandsPage, renderConfigPage } from "../scripts/docs.ts";
import { STEPS } from "../scripts/egress-tour-steps.ts";
import { readCommands } from "../scripts/page-commands.ts";
import { renderWebsocketPage, WEBSOCKET_PAGE } from "../scripts/websocket-page.ts";

test("docs/config.md says what the tables of keys say (node scripts/docs.ts writes it)", async () => {
  expect(await readFile(CONFIG_PAGE, "utf8")).toBe(renderConfigPage());
});

test("docs/commands.md says what the table of others' commands says (node scripts/docs.ts writes it)", async () => {
  expect(await readFile(COMMANDS_PAGE, "utf8")).toBe(renderCommandsPage());
});

test("docs/websocket.md says what the socket's schemas say (node scripts/docs.ts writes it)", async () => {
  expect(await readFile(WEBSOCKET_PAGE, "utf8")).toBe(renderWebsocketPage());
});

test.each([
  ["README.md", "Set up your own"],
  ["docs/docker.md", "First steps"],
])("docs/tour.md has played every command of %s's %j", async (page, heading) => {
  const commands = readCommands(page, heading).filter((command) => !command.startsWith("export PATH="));
  expect(commands.length).toBeGreaterThan(5);
  const played = (await readFile("docs/tour.md", "utf8")).split("\n").filter((line) => line.startsWith("$ "));
  expect(commands.filter((command) => !played.some((line) => line.includes(command)))).toEqual([]);
});

test("docs/egress.md has played every step of its tour, and npm, git, pip and apt got what they asked for (node scripts/egress-tour.ts)", async () => {
  const page = await readFile("docs/egress.md", "utf8");
  const typed = STEPS.flatMap((step) => ("run" in step ? [`$ ${step.run}\n`] : []));
  expect(typed.filter((command) => !page.includes(command))).toEqual([]);
  for (const said of ["code EAI_AGAIN", "added 1 package", "README.md", "Successfully installed greeting", "Hello, world!"])
    expect(page).toContain(said);
});

test("every link to a file of the project, or to a heading in it, leads there", async () => {
  const broken: string[] = [];
  for await (const page of glob(["*.md", "docs/*.md", "manifests/**/*.md"])) {
    const text = await readFile(page, "utf8");
    for (const [, target = ""] of text.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      const isThere = existsSync(file) && (anchor === undefined || headingsOf(await readFile(file, "utf8")).includes(anchor));
      if (!isThere) broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("docs/contributing.md answers twenty questions with folders that the code map of ARCHITECTURE.md has", async () => {
  const rows = (await readFile("docs/contributing.md", "utf8")).split("\n## Twenty questions")[1]?.match(/^\| (?!question|---).*$/gm) ?? [];
  expect(rows).toHaveLength(20);
  const folders = rows.map((row) => /\((?:\.\.\/)(src\/[\w/-]+\/)\)/.exec(row)?.[1] ?? row);
  expect(new Set(folders).size).toBe(20);
  const mapped = foldersOf(await readFile("ARCHITECTURE.md", "utf8"));
  expect(folders.filter((folder) => !mapped.includes(folder))).toEqual([]);
  expect(mapped.filter((folder) => !existsSync(folder))).toEqual([]);
});

test("the code map of ARCHITECTURE.md has every folder of the code", async () => {
  const mapped = foldersOf(await readFile("ARCHITECTURE.md", "utf8"));
  const missing: string[] = [];
  for await (const file of glob("src/*/**/*.ts")) {
    const folder = `${dirname(file)}/`;
    if (!mapped.includes(folder) && !missing.includes(folder)) missing.push(folder);
  }
  expect(missing).toEqual([]);
});

/** The folders at the beginnings of the code map's lines, those that are indented in the one above. */
function foldersOf(page: string): string[] {
  const map = page.split("## Code map")[1]?.split("```")[1] ?? "";
  let top = "";
  return map.split("\n").flatMap((line) => {
    const names = /^( *)((?:[\w-]+\/)+(?: [\w-]+\/)*) /.exec(line);
    if (names === null) return [];
    const [, indent = "", list = ""] = names;
    if (/^src\/\w+\/$/.test(list) && indent === "") {
      top = list;
      return [list];
    }
    return list.split(" ").map((name) => `${top}${name}`);
  });
}

/** As forges make anchors of them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
