// `config edit` with editors that are scripts: what is saved, what is refused, and that an edited text is never lost.
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { makeStateDir, openServer } from "../src/controller/servers/server.fixture.ts";
import { type CliResult, cli, startCli, until } from "./cli.fixture.ts";

const BEFORE = '{\n  // kept\n  gateway: { mode: "local" },\n  agents: { list: [{ id: "main" }] },\n}\n';

/** @param server whether a controller answers */
async function open({ server = true } = {}) {
  const stateDir = server ? (await openServer()).stateDir : makeStateDir();
  const path = join(stateDir, "openclaw.json");
  writeFileSync(path, BEFORE, { mode: 0o640 });
  const edit = async (script: string, flags: string[] = ["--yes"], env: Record<string, string> = {}): Promise<CliResult> =>
    await cli(["config", "edit", ...flags], {
      stateDir,
      env: { ...process.env, VISUAL: "", EDITOR: toEditor(stateDir, script), ...env } as Record<string, string>,
    });
  return { stateDir, path, edit };
}

/** `$1` is the file. */
function toEditor(folder: string, script: string): string {
  mkdirSync(join(folder, "editor"), { recursive: true });
  const path = join(folder, "editor", "run");
  writeFileSync(path, `${script}\n`);
  return `sh ${path}`;
}

/** Where the edited text is, as the command says it. */
const keptIn = ({ stderr }: CliResult): string => /what you edited is in (\S+)/.exec(stderr)?.[1] ?? "";

const RENAME = `sed -i 's/"main"/"work"/' "$1"`;

test("an edit is checked, its plan is shown, and it takes the file's place with its mode", async () => {
  const { path, edit } = await open();
  const result = await edit(RENAME);
  expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing to do.\n") });
  expect(readFileSync(path, "utf8")).toBe(BEFORE.replace("main", "work"));
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(keptIn(result)).toBe("");
});

test("the editor's copy is its user's alone, and gone afterwards", async () => {
  const { stateDir, edit } = await open();
  await edit(`stat -c %a "$1" "$(dirname "$1")" >${stateDir}/modes; echo "$1" >${stateDir}/place; ${RENAME}`);
  expect(readFileSync(join(stateDir, "modes"), "utf8")).toBe("600\n700\n");
  expect(existsSync(dirname(readFileSync(join(stateDir, "place"), "utf8").trim()))).toBe(false);
});

test("what was not changed is not saved", async () => {
  const { path, edit } = await open();
  expect(await edit("true")).toMatchObject({ code: 0, stdout: `${path}: nothing was changed\n` });
});

test("an invalid text is refused with line and column, and kept", async () => {
  const { path, edit } = await open();
  const result = await edit(`printf '{\\n  agents: { list: 7 },\\n}\\n' >"$1"`);
  expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/openclaw\.json:2:\d+: agents\.list/) });
  expect(readFileSync(keptIn(result), "utf8")).toContain("list: 7");
  expect(readFileSync(path, "utf8")).toBe(BEFORE);
});

test("an editor that a signal ended saves nothing, whichever signal it was", async () => {
  const { stateDir, path, edit } = await open();
  // It gives its process to the last command of a script, so that nobody is left to say how that ended.
  const folder = join(stateDir, "shells");
  mkdirSync(folder);
  symlinkSync("/bin/bash", join(folder, "sh"));
  for (const signal of [15, 34]) {
    const result = await edit(`${RENAME}; kill -${signal} $$`, ["--yes"], { PATH: `${folder}:${process.env.PATH}` });
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(`exit code ${128 + signal}`) });
    expect(readFileSync(path, "utf8")).toBe(BEFORE);
  }
});

test("without a terminal and without --yes nothing is saved, and the text is kept", async () => {
  const { path, edit } = await open();
  const result = await edit(RENAME, []);
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining("openclaw config edit --yes") });
  expect(readFileSync(keptIn(result), "utf8")).toContain("work");
  expect(readFileSync(path, "utf8")).toBe(BEFORE);
});

test("at a terminal a person is asked, and a no keeps both texts", async () => {
  const { stateDir, path } = await open();
  const env = { ...process.env, VISUAL: toEditor(stateDir, RENAME) } as Record<string, string>;
  const run = startCli(["config", "edit"], { stateDir, env, terminal: true });
  await until("it asks", () => run.noted.includes("[y/N]"));
  run.stdin.write("n\n");
  expect(await run.ended).toBe(1);
  expect(run.noted).toContain("what you edited is in ");
  expect(readFileSync(path, "utf8")).toBe(BEFORE);
});

test("a file that somebody else saved meanwhile is not overwritten", async () => {
  const { path, edit } = await open();
  const result = await edit(`${RENAME}; echo '{}' >${path}`);
  expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining("changed by something else") });
  expect(readFileSync(path, "utf8")).toBe("{}\n");
  expect(readFileSync(keptIn(result), "utf8")).toContain("work");
});

test("an editor that is not there or fails says so, and nothing changes", async () => {
  const { stateDir, path, edit } = await open();
  expect(await edit("exit 7")).toMatchObject({ code: 1, stderr: expect.stringContaining("exit code 7") });
  const env = { ...process.env, VISUAL: "no-such-editor-here" } as Record<string, string>;
  expect(await cli(["config", "edit"], { stateDir, env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("set VISUAL or EDITOR"),
  });
  expect(readFileSync(path, "utf8")).toBe(BEFORE);
});

test("without a controller it is saved all the same, a link stays one, and without a file there is nothing to edit", async () => {
  const { stateDir, path, edit } = await open({ server: false });
  writeFileSync(join(stateDir, "real.json5"), BEFORE);
  const link = join(stateDir, "link.json5");
  symlinkSync(join(stateDir, "real.json5"), link);
  expect(await edit(RENAME, ["--yes", "--config", link])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("no controller is running"),
  });
  expect(readFileSync(join(stateDir, "real.json5"), "utf8")).toContain("work");
  expect(readFileSync(path, "utf8")).toBe(BEFORE);
  expect(await edit(RENAME, ["--config", join(stateDir, "none")])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("openclaw onboard"),
  });
});
