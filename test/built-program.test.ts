// scripts/build-program.sh and what it builds, run for real: in small checkouts of their own, whose program says which of its texts it runs, and the whole
// program as it is.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Run, run } from "./run-program.ts";

const project = resolve(import.meta.dirname, "..");
const BUILD_MS_MAX = 60_000;

/** Every file is loaded only when it is called for; each says what it is, and whether it was built. */
const SAYS = 'export const says = (): string => "ONE " + (import.meta.url.endsWith(".ts") ? "from the sources" : "as built");\n';
const FILES: Readonly<Record<string, string>> = {
  "cli/main.ts": `
import { style } from "./style.ts";
const [first, second] = process.argv.slice(2);
console.log(style(await (await import("./program.ts")).say([first, second].join(" "))));
`,
  "cli/program.ts": `
export async function say(words: string): Promise<string> {
  switch (words) {
    case "sandbox list": return (await import("./commands/sandbox-list.ts")).says();
    case "other one": return (await import("./commands/other.ts")).says();
    default: return "nothing";
  }
}
`,
  "cli/style.ts":
    'import { of } from "tiny";\n' +
    'export const WIDTH = 8;\nexport const style = (text: string): string => [text, of, "style", WIDTH].join(" ");\n',
  "cli/commands/sandbox-list.ts": SAYS,
  "cli/commands/other.ts": SAYS,
  "gateway/browser/child/main.ts": 'console.log("a child");\n',
};
/** Commands of which the build wants to know what they load. */
const REST = ["sandbox-describe", "sandbox-exec", "sandbox-explain", "status"];

const AS_BUILT = "ONE as built of style 8\n";
const FROM_SOURCES = "ONE from the sources of style 8\n";

let checkout = "";
const inside = (path: string): string => join(checkout, path);

function makeCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-built-"));
  for (const path of ["bin/openclaw", "scripts/build-program.sh", "scripts/build-program.ts"])
    cpSync(join(project, path), join(folder, path));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  mkdirSync(join(folder, "node_modules"));
  for (const name of readdirSync(join(project, "node_modules")).filter((one) => one !== ".package-lock.json" && one !== ".cache"))
    symlinkSync(join(project, "node_modules", name), join(folder, "node_modules", name));
  return folder;
}

/** A package of the program's own. */
function installTiny(word: string): void {
  mkdirSync(inside("node_modules/tiny"), { recursive: true });
  writeFileSync(inside("node_modules/tiny/package.json"), '{ "name": "tiny", "type": "module", "exports": "./tiny.js" }');
  writeFileSync(inside("node_modules/tiny/tiny.js"), `export const of = "${word}";\n`);
  writeFileSync(inside("node_modules/.package-lock.json"), "{}");
}

function edit(path: string, from: string, to: string): void {
  const { atime, mtime } = statSync(inside(path));
  writeFileSync(inside(path), readFileSync(inside(path), "utf8").replace(from, to));
  // As a tool that keeps dates does.
  utimesSync(inside(path), atime, mtime);
}

const openclaw = async (...args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await run(inside("bin/openclaw"), args, { env: { PATH: process.env.PATH ?? "" } });
  return stdout + stderr;
};
const build = (...args: readonly string[]): Promise<Run> =>
  run("sh", [inside("scripts/build-program.sh"), ...args], { env: { PATH: process.env.PATH ?? "" }, timeoutMs: BUILD_MS_MAX });

describe("a program that is built", () => {
  beforeEach(async () => {
    checkout = makeCheckout();
    const folder = checkout;
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const own = { "cli/built.ts": readFileSync(join(project, "src/cli/built.ts")) };
    const rest = Object.fromEntries(REST.map((name) => [`cli/commands/${name}.ts`, SAYS]));
    for (const [path, text] of Object.entries({ ...FILES, ...own, ...rest })) {
      mkdirSync(dirname(inside(`src/${path}`)), { recursive: true });
      writeFileSync(inside(`src/${path}`), text);
    }
    installTiny("of");
    // Every command that is asked for can be found.
    const commands = REST.map((name) => `    case "${name}": return (await import("./commands/${name}.ts")).says();\n`).join("");
    edit("src/cli/program.ts", "    default:", `${commands}    default:`);
    expect(await openclaw("sandbox", "list")).toBe(FROM_SOURCES);
    expect((await build()).code).toBe(0);
    expect(await openclaw("sandbox", "list")).toBe(AS_BUILT);
  }, BUILD_MS_MAX);

  it.each([
    {
      file: "of its command",
      path: "src/cli/commands/sandbox-list.ts",
      change: ['"ONE ', '"TWO '],
      said: "TWO from the sources of style 8\n",
    },
    { file: "that is loaded first", path: "src/cli/main.ts", change: ["style(await", "style(\nawait"], said: FROM_SOURCES },
    {
      file: "of which the build has but a value",
      path: "src/cli/style.ts",
      change: ["= 8", "= 9"],
      said: "ONE from the sources of style 9\n",
    },
  ])("runs an edit of a file $file at once, whatever its date and length, and is built again when something starts", async (one) => {
    const [from = "", to = ""] = one.change;
    edit(one.path, from, to);
    expect(await openclaw("sandbox", "list")).toBe(one.said);
    expect((await build("--if-needed")).stderr).toContain("building the program");
    expect(await openclaw("sandbox", "list")).toBe(one.said.replace("from the sources", "as built"));
  });

  it("looks at the files of a command alone where it knows them, and else at all", async () => {
    edit("src/cli/commands/other.ts", '"ONE ', '"TWO ');
    expect(await openclaw("sandbox", "list")).toBe(AS_BUILT);
    expect(await openclaw("other", "one")).toBe("TWO from the sources of style 8\n");
  });

  it("goes on from the sources with other packages than it was built with, or without one of its files", async () => {
    installTiny("with");
    expect(await openclaw("sandbox", "list")).toBe("ONE from the sources with style 8\n");
    await build("--if-needed");
    expect(await openclaw("sandbox", "list")).toBe("ONE as built with style 8\n");
    renameSync(inside("src/cli/style.ts"), inside("src/cli/looks.ts"));
    edit("src/cli/main.ts", "./style.ts", "./looks.ts");
    expect(await openclaw("sandbox", "list")).toBe("ONE from the sources with style 8\n");
  });

  it("stays as built once the packages that build it are removed", async () => {
    rmSync(inside("node_modules/rolldown"));
    writeFileSync(inside("node_modules/.package-lock.json"), '{ "packages": {} }');
    expect(await build("--if-needed")).toMatchObject({ code: 0, stderr: "" });
    expect(await openclaw("sandbox", "list")).toBe(AS_BUILT);
    edit("src/cli/main.ts", "style(await", "style(\nawait");
    expect((await build("--if-needed")).stderr).toMatch(/^build-program: running from the sources: .*npm ci --include=dev/);
    expect(await openclaw("sandbox", "list")).toBe(FROM_SOURCES);
  });

  it("is not built again while it is current", async () => {
    const before = statSync(inside("dist/program/start.js"));
    expect(await build("--if-needed")).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(statSync(inside("dist/program/start.js"))).toMatchObject({ ino: before.ino });
  });

  it("needs no sources, as in an image", async () => {
    rmSync(inside("src"), { recursive: true });
    const said = execFileSync(process.execPath, [inside("dist/index.js"), "sandbox", "list"], { encoding: "utf8" });
    expect(said).toBe(AS_BUILT);
  });

  it("lets what runs load more of an older build, and removes what nobody can need any more", async () => {
    const [old = ""] = readdirSync(inside("dist/program")).filter((name) => name.startsWith("other-"));
    edit("src/cli/commands/other.ts", '"ONE ', '"TWO ');
    await build();
    expect(readdirSync(inside("dist/program"))).toContain(old);
    const aMonthAgo = new Date(Date.now() - 31 * 86_400_000);
    utimesSync(inside(`dist/program/${old}`), aMonthAgo, aMonthAgo);
    await build();
    expect(readdirSync(inside("dist/program"))).not.toContain(old);
    expect(await openclaw("other", "one")).toBe("TWO as built of style 8\n");
  });
});

describe("the whole program, built", () => {
  beforeAll(async () => {
    checkout = makeCheckout();
    const folder = checkout;
    cpSync(join(project, "src"), inside("src"), { recursive: true, filter: (path) => !path.startsWith(join(project, "src/ui")) });
    cpSync(join(project, "package.json"), inside("package.json"));
    expect((await build()).stderr).toContain("done");
    return () => rmSync(folder, { recursive: true });
  }, BUILD_MS_MAX);

  const toEither = async (...args: readonly string[]): Promise<[string, string]> => {
    const env = { PATH: process.env.PATH ?? "", HOME: checkout };
    const both = ["dist/program/main.js", "src/cli/main.ts"].map(async (program) => {
      const { code, stdout, stderr } = await run(process.execPath, ["--disable-warning=ExperimentalWarning", inside(program), ...args], {
        env,
      });
      return `${code}\n${stdout}\n${stderr}`;
    });
    return (await Promise.all(both)) as [string, string];
  };

  it.each([
    [["--version"]],
    [["sandbox", "--help"]],
    [["sandbox", "list"]],
    [["sandbox", "explain", "--all"]],
    [["status", "--json"]],
    [["config", "schema"]],
    [["sandbox", "exec", "main", "--", "true"]],
  ])("says what the sources say: %s", async (args) => {
    const [built, fromSources] = await toEither(...args);
    expect(built).toBe(fromSources);
    expect(built.length).toBeGreaterThan(6);
  });

  it("has no part that can't be loaded", async () => {
    const names = readdirSync(inside("dist/program")).filter((name) => /^.+-[\w-]{8}\.js$/.test(name));
    expect(names.length).toBeGreaterThan(50);
    const text = `for (const name of ${JSON.stringify(names)}) await import("${inside("dist/program")}/" + name); console.log("all"); process.exit();`;
    const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", text]);
    expect(stderr).toBe("");
    expect(stdout).toBe("all\n");
  });

  it("has a browser's process whose files lie in the one folder that it may read", async () => {
    const names = readdirSync(inside("dist/program/child"));
    expect(names.length).toBeGreaterThan(3);
    const leaving = names.filter((name) => /["'`]\.\.\//.test(readFileSync(inside(`dist/program/child/${name}`), "utf8")));
    expect(leaving).toEqual([]);
  });
});
