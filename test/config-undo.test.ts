// `sandbox rollout history` and `undo`: an earlier config back in its place after a yes, without showing secrets, and whole whatever ends it in between.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfigSources } from "../src/api/config/load.ts";
import { openServer } from "../src/controller/servers/server.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

const toText = (memory: string, more = ""): string =>
  `{\n  gateway: { mode: "local", auth: { token: "the-secret-token-of-this-test-1234" } },\n  agents: { defaults: { sandbox: { docker: { memory: "${memory}" } } }, list: [{ id: "main" }] },\n${more}}\n`;

async function open(texts = [toText("256m"), toText("512m")]) {
  const server = await openServer();
  const path = join(server.stateDir, "openclaw.json");
  for (const text of texts) {
    writeFileSync(path, text, { mode: 0o600 });
    await server.history.add(await readConfigSources(path, server.stateDir));
  }
  const rollout = (...args: string[]) => cli(["sandbox", "rollout", ...args], { stateDir: server.stateDir });
  return { server, path, rollout };
}

test("history lists what was in force, and shows one without its secrets", async () => {
  const { path, rollout } = await open();
  const { stdout } = await rollout("history");
  expect(stdout).toMatch(/^REVISION +AGE +STATE +CHANGED\n1 +\S+ +- +.*\n2 +\S+ +in force +/);
  expect(JSON.parse((await rollout("history", "--json")).stdout)).toMatchObject({
    items: [{ revision: 1 }, { revision: 2, changed: [path] }],
  });
  const shown = await rollout("history", "--revision", "1");
  expect(shown.stdout).toContain('memory: "256m"');
  expect(shown.stdout).not.toContain("the-secret-token");
  expect(await rollout("history", "--revision", "9")).toMatchObject({ code: 3 });
});

test("undo puts the config of before back with its mode, after its plan was shown", async () => {
  const { path, rollout } = await open();
  expect(await rollout("undo")).toMatchObject({ code: 2, stderr: expect.stringContaining("openclaw sandbox rollout undo --yes") });
  expect(readFileSync(path, "utf8")).toBe(toText("512m"));
  expect(await rollout("undo", "--yes")).toMatchObject({ code: 0, stdout: `Nothing to do.\n${path}: as in revision 1\n` });
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual([toText("256m"), 0o600]);
  expect(await rollout("undo", "--yes", "--to-revision", "1")).toMatchObject({ code: 0, stdout: `${path} is as revision 1 has it\n` });
});

test("a person is asked, told what would be lost, and a no changes nothing", async () => {
  const { server, path } = await open();
  writeFileSync(path, toText("1g"));
  const run = startCli(["sandbox", "rollout", "undo"], { stateDir: server.stateDir, terminal: true });
  await until("it asks", () => run.noted.includes("[y/N]"));
  expect(run.noted).toContain("is in no revision and will be lost");
  run.stdin.write("n\n");
  expect(await run.ended).toBe(1);
  expect(readFileSync(path, "utf8")).toBe(toText("1g"));
});

test("what is no valid config any more, and a first revision, are not undone", async () => {
  const { path, rollout } = await open([toText("nonsense"), toText("512m")]);
  expect(await rollout("undo", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("no valid config any more") });
  expect(readFileSync(path, "utf8")).toBe(toText("512m"));
  const single = await open([toText("256m")]);
  expect(await single.rollout("undo", "--yes")).toMatchObject({ code: 3, stderr: expect.stringContaining("no earlier revision") });
});

test("a file that is included goes back too, and comes back when it was removed", async () => {
  const { server, path, rollout } = await open([]);
  const part = join(server.stateDir, "part.json5");
  for (const mode of ["all", "non-main"]) {
    writeFileSync(part, `{ agents: { defaults: { sandbox: { mode: "${mode}" } } } }`, { mode: 0o600 });
    writeFileSync(path, toText("256m", '  $include: "./part.json5",\n'), { mode: 0o600 });
    await server.history.add(await readConfigSources(path, server.stateDir));
  }
  expect(await rollout("undo", "--yes")).toMatchObject({ code: 0, stdout: expect.stringContaining(`${part}: as in revision 1`) });
  expect(readFileSync(part, "utf8")).toContain('"all"');
});

/** Puts one pair of texts in place of the other until it is killed. */
const WRITER = `
  const { restoreTexts } = await import(${JSON.stringify(new URL("../src/cli/commands/config-undo.ts", import.meta.url).href)});
  const paths = process.argv.slice(1);
  for (let at = 0; ; at += 1) {
    await restoreTexts(paths.map((path) => ({ path, target: path, text: String(at % 2).repeat(300_000), before: null })));
    if (at === 0) console.log("begun");
  }
`;

test("after a kill -9 every file is whole, and undo finishes", async () => {
  const { server, path, rollout } = await open();
  const part = join(server.stateDir, "part.json5");
  for (let round = 0; round < 4; round += 1) {
    const writer = spawn(process.execPath, ["--input-type=module", "-e", WRITER, part, path], { stdio: ["ignore", "pipe", "inherit"] });
    await once(writer.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, 5 * round));
    writer.kill("SIGKILL");
    await once(writer, "exit");
    for (const each of [part, path]) expect(readFileSync(each, "utf8")).toMatch(/^(\d)\1{299999}$/);
    expect(await rollout("undo", "--yes")).toMatchObject({ code: 0 });
    expect(readFileSync(path, "utf8")).toBe(toText("256m"));
  }
});
