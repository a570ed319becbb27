// How the command line's answers look, whatever they are about: as wide as the terminal, coloured where a person looks, with times for both.
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { toSandboxName } from "../src/api/brands.ts";
import { NAME, openServer, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import { cli } from "./cli.fixture.ts";

const NOW = Date.UTC(2026, 0, 31, 13);
const LONG_NAME = toSandboxName(`openclaw-sbx-agent-main-workspace-${"a".repeat(20)}-0f3c2a92`);
const MESSAGE = "the engine refused to create the container because its image is not there; build it with scripts/sandbox-setup.sh";

test.each(["60", "80", "100"])("in %s columns nothing is wider but a word by itself, and every name is whole", async (COLUMNS) => {
  const server = await openServer();
  server.views.put(sandboxOf({ name: LONG_NAME, ready: false }));
  server.views.record({ message: MESSAGE });
  for (const command of ["list", "describe", "events"]) {
    const name = command === "describe" ? ["main"] : [];
    const { stdout } = await cli(["sandbox", command, ...name], { stateDir: server.stateDir, env: { COLUMNS }, now: NOW });
    if (command === "list") for (const one of [NAME, LONG_NAME]) expect(stdout).toContain(one);
    if (command === "events") continue;
    const tables = stdout.split("\n").filter((line) => / {2}/.test(line.trim()));
    for (const line of tables.filter((one) => one.length > Number(COLUMNS))) expect(line).toMatch(/^ *\S+:? +\S+$/);
  }
});

test("without a terminal there are 80 columns, and what a person needs least is left out", async () => {
  const server = await openServer();
  const { stdout } = await cli(["sandbox", "list"], { stateDir: server.stateDir, env: { COLUMNS: "" }, now: NOW });
  expect(stdout).toBe(
    "NAME                              AGENT  SCOPE  READY  REASON   GEN/OBS  AGE\n" +
      "openclaw-sbx-agent-main-0f3c2a91  main   agent  True   Serving  2/2      1h\n",
  );
});

test("-o wide has every column, however narrow the terminal", async () => {
  const server = await openServer();
  const { stdout } = await cli(["sandbox", "list", "-o", "wide"], { stateDir: server.stateDir, env: { COLUMNS: "20" }, now: NOW });
  expect(stdout).toMatch(/^NAME +AGENT .* HASH .* DEFERRED-UNTIL +IMAGE/);
});

test("a pipe gets no colours unless they are asked for, and the same text with them", async () => {
  const server = await openServer();
  const list = async (env: Record<string, string>): Promise<string> =>
    (await cli(["sandbox", "list"], { stateDir: server.stateDir, env, now: NOW })).stdout;
  const plain = await list({});
  const coloured = await list({ FORCE_COLOR: "1" });
  expect(plain).not.toContain("\u001b");
  expect(coloured).toContain("\u001b[32mTrue\u001b[39m");
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});

test("JSON and YAML have times as RFC 3339 beside the milliseconds, and a config's numbers as they are", async () => {
  const server = await openServer();
  const ask = async (...args: string[]): Promise<string> => (await cli(args, { stateDir: server.stateDir, now: NOW })).stdout;
  const { items } = JSON.parse(await ask("sandbox", "list", "--json")) as {
    items: { metadata: { createdAt: number; createdAtRfc3339: string }; status: { conditions: { lastTransitionTimeRfc3339: string }[] } }[];
  };
  const [first] = items;
  expect(first?.metadata.createdAtRfc3339).toBe(new Date(first?.metadata.createdAt ?? 0).toISOString());
  expect(first?.status.conditions[0]?.lastTransitionTimeRfc3339).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(await ask("sandbox", "list", "-o", "yaml")).toContain("createdAtRfc3339: ");
  const view = JSON.parse(await ask("sandbox", "describe", "main", "--json")) as { sandbox: { spec: { live: { memory: number } } } };
  expect(JSON.stringify(view)).toContain("Rfc3339");
  expect(JSON.stringify(view)).not.toMatch(/"(?:memory|generation|cpus)Rfc3339"/);
});
