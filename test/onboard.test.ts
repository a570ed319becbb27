// A first day at the command line: a config made from answers, changed without losing what a person wrote, and what the other first commands say.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { makeStateDir } from "../src/controller/servers/server.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

const onboard = async (stateDir: string, ...flags: string[]) => await cli(["onboard", "--non-interactive", ...flags], { stateDir });
const configOf = (stateDir: string): string => readFileSync(join(stateDir, "openclaw.json"), "utf8");

test("a first config sandboxes everything, explains itself, is its owner's alone, and is valid", async () => {
  const stateDir = join(makeStateDir(), "new", "state");
  const { code, stdout } = await onboard(stateDir, "--mode", "local");
  expect(code).toBe(0);
  expect(stdout).toContain('agents.defaults.sandbox.mode: "all"');
  expect(stdout).toContain("openclaw start");
  expect(configOf(stateDir)).toContain('mode: "all",');
  expect(configOf(stateDir).match(/^ *\/\//gm)?.length).toBeGreaterThan(6);
  expect(statSync(join(stateDir, "openclaw.json")).mode & 0o777).toBe(0o600);
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  expect(await cli(["config", "validate"], { stateDir })).toMatchObject({ code: 0, stdout: expect.stringContaining("0 warnings") });
});

test("answers of a first config are flags", async () => {
  const stateDir = makeStateDir();
  const flags = [
    "--sandbox",
    "non-main",
    "--scope",
    "session",
    "--workspace-access",
    "rw",
    "--network",
    "bridge",
    "--port",
    "18800",
    "--bind",
    "lan",
  ];
  expect((await onboard(stateDir, ...flags)).code).toBe(0);
  const value = async (path: string): Promise<string> => (await cli(["config", "get", path], { stateDir })).stdout.trim();
  const sandbox = "agents.defaults.sandbox";
  const paths = [
    `${sandbox}.mode`,
    `${sandbox}.scope`,
    `${sandbox}.workspaceAccess`,
    `${sandbox}.docker.network`,
    "gateway.port",
    "gateway.bind",
  ];
  expect(await Promise.all(paths.map(value))).toEqual(["non-main", "session", "rw", "bridge", "18800", "lan"]);
});

const WRITTEN = `// mine
{
  agents: { list: [{ id: "main" }, { id: "work" }], defaults: { sandbox: { scope: 'session', /* kept */ mode: "non-main" } } },
  someday: { unknown: true }, // kept too
}
`;

test("a config that is there keeps its comments, its unknown keys and everything that was not answered", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), WRITTEN, { mode: 0o600 });
  const { code, stdout } = await onboard(stateDir, "--sandbox", "all");
  expect(code).toBe(0);
  expect(stdout).toContain('  agents.defaults.sandbox.mode: "non-main" -> "all"\n');
  expect(configOf(stateDir)).toBe(WRITTEN.replace('"non-main"', '"all"'));
});

test("what is said already changes nothing, not even the file's date", async () => {
  const stateDir = makeStateDir();
  const path = join(stateDir, "openclaw.json");
  writeFileSync(path, WRITTEN, { mode: 0o600 });
  const { mtimeMs, ino } = statSync(path);
  for (const flags of [[], ["--scope", "session"]]) expect((await onboard(stateDir, ...flags)).stdout).toContain("nothing to change");
  expect(statSync(path)).toMatchObject({ mtimeMs, ino });
});

test.each([
  ["an answer that can't be", ["--scope", "nobody"], 1, 'expected "session", "agent" or "shared"'],
  ["an unsafe one", ["--network", "host"], 1, "removes the network isolation"],
  ["a port that is none", ["--port", "70000"], 2, "Expected a port"],
])("%s is refused with its place, and no config is made", async (_, flags, code, text) => {
  const stateDir = makeStateDir();
  expect(await onboard(stateDir, ...flags)).toMatchObject({ code, stderr: expect.stringContaining(text) });
  expect(existsSync(join(stateDir, "openclaw.json"))).toBe(false);
});

test("a config with a mistake is left as it is, and the mistake is named", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), '{ agents: { defaults: { sandbox: { moed: "all" } } } }', { mode: 0o600 });
  expect(await onboard(stateDir, "--sandbox", "off")).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "mode"?') });
  expect(configOf(stateDir)).toContain("moed");
});

test("another gateway's state folder is left alone", async () => {
  const stateDir = makeStateDir();
  mkdirSync(join(stateDir, "state"));
  writeFileSync(join(stateDir, "state", "openclaw.sqlite"), "theirs");
  expect(await onboard(stateDir)).toMatchObject({ code: 1, stderr: expect.stringContaining("--state-dir") });
  expect(existsSync(join(stateDir, "openclaw.json"))).toBe(false);
});

test("at a terminal a person chooses with the arrow keys", async () => {
  const stateDir = makeStateDir();
  const run = startCli(["onboard"], { stateDir, terminal: true });
  const press = async (question: string, ...keys: string[]): Promise<void> => {
    await until(question, () => run.printed.includes(question));
    for (const key of keys) run.stdin.write(key);
  };
  await press("run their tools in a sandbox?", "\r");
  await press("Who shares a sandbox?", "\u001b[B", "\r");
  await press("the agent's workspace?", "\u001b[B", "\u001b[B", "\r");
  await press("reach the network?", "\r");
  await press("Model provider?", "\r");
  expect(await run.ended).toBe(0);
  expect(run.printed).toContain('agents.defaults.sandbox.scope: "session"');
  expect(run.printed).toContain('agents.defaults.sandbox.workspaceAccess: "rw"');
});

test.each([
  ["with Ctrl-C", (stdin: PassThrough) => void stdin.write("\u0003")],
  ["with Ctrl-D", (stdin: PassThrough) => void stdin.write("\u0004")],
  ["by closing the terminal", (stdin: PassThrough) => void stdin.end()],
])("a person who leaves in the middle %s changes nothing", async (_, leave) => {
  const stateDir = makeStateDir();
  const run = startCli(["onboard"], { stateDir, terminal: true });
  await until("the first question", () => run.printed.includes("run their tools in a sandbox?"));
  run.stdin.write("\r");
  await until("the second question", () => run.printed.includes("Who shares a sandbox?"));
  leave(run.stdin);
  expect(await run.ended).toBe(1);
  expect(run.printed).toContain("Nothing was changed");
  expect(existsSync(join(stateDir, "openclaw.json"))).toBe(false);
});

test("in Compose's container the next steps are Compose's", async () => {
  const env = { OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli" };
  const { stdout } = await cli(["onboard", "--non-interactive"], { stateDir: makeStateDir(), env });
  expect(stdout).toContain("docker compose up -d ");
  expect(stdout).toContain("docker compose run --rm openclaw-cli sandbox list");
});

test.each([
  ["channels login", "not connected yet"],
  ["channels add --channel telegram --token t", "not connected yet"],
])("openclaw %s says that it is not there yet, and what is", async (words, text) => {
  expect(await cli(words.split(" "), { stateDir: makeStateDir() })).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining(text),
  });
});
