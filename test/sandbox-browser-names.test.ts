// The commands about sandboxes with a browser's name, and with --browser beside the name of whose browser is meant.
// The grammar of names is controller/views/named-sandbox.test.ts; what explain says of a browser controller/views/explain-browser.test.ts.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toSandboxName, toScopeKey } from "../src/api/brands.ts";
import { SandboxRequest } from "../src/api/request.ts";
import { NAME, openServer, type Server, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import type { ExplainQuery } from "../src/controller/views/admin-views.ts";
import { cli } from "./cli.fixture.ts";

const BROWSER = toSandboxName("openclaw-sbx-browser-agent-main-0f3c2a91");
const BEGINNING = "openclaw-sbx-browser";
const OTHER = toSandboxName("openclaw-sbx-browser-agent-main-web-11111111");

const sandbox = (server: Server, ...args: string[]) => cli(["sandbox", ...args], { stateDir: server.stateDir });

async function openBoth(): Promise<Server> {
  const server = await openServer();
  server.views.put(sandboxOf({ name: BROWSER, spec: { kind: "browser" } }));
  server.views.put(sandboxOf({ name: OTHER, spec: { kind: "browser", scope: "session", scopeKey: toScopeKey("agent:main:web") } }));
  return server;
}

function requestOf({ stateDir }: Server, name: string): SandboxRequest["spec"] | null {
  const path = join(stateDir, "requests", `${name}.request.json`);
  return existsSync(path) ? SandboxRequest.parse(JSON.parse(readFileSync(path, "utf8"))).spec : null;
}

test("a browser is found by its name or its beginning by every command, and nothing is done to the sandbox beside it", async () => {
  const server = await openBoth();
  server.views.record({ message: "made the browser", object: { kind: "Sandbox", name: BROWSER } });
  server.world.onExec(
    () => true,
    async ({ stdout, request }) => {
      stdout.write(request.argv.join(" "));
      return 0;
    },
  );
  const shown: [string[], string][] = [
    [["describe"], "Kind:"],
    [["list"], BROWSER],
    [["top"], BROWSER],
    [["events"], "made the browser"],
    [["wait"], ""],
    [["pin"], `${BROWSER} is pinned`],
    [["unpin"], `${BROWSER}`],
    [["recreate"], `${BROWSER} will be recreated`],
  ];
  for (const [command, text] of shown) {
    const result = await sandbox(server, ...command, `${BEGINNING}-agent-main-0`);
    expect({ command, ...result }).toMatchObject({ code: 0, stdout: expect.stringContaining(text) });
    expect({ command, stdout: result.stdout.split(/\s+/) }).not.toMatchObject({ stdout: expect.arrayContaining([NAME]) });
  }
  expect(requestOf(server, BROWSER)).toMatchObject({ recreateAfter: expect.any(Number) });
  expect(requestOf(server, NAME)).toBeNull();
  expect(await sandbox(server, "exec", BROWSER, "--", "id", "-u")).toMatchObject({ code: 0, stdout: "id -u" });
  writeFileSync(join(server.stateDir, "here.txt"), "text");
  const logs = await sandbox(server, "logs", BROWSER);
  expect([logs.code, logs.stderr]).toEqual([0, expect.stringContaining("what Chromium prints is not kept")]);
});

test("--browser means the browser beside what is named", async () => {
  const server = await openBoth();
  for (const name of ["main", "agent:main", NAME, BROWSER]) {
    const { stdout, code } = await sandbox(server, "describe", "--browser", name);
    expect([name, code, stdout]).toEqual([name, 0, expect.stringContaining(BROWSER)]);
  }
  expect((await sandbox(server, "list", "agent:main:web", "--browser", "-q")).stdout).toBe(`${OTHER}\n`);
  expect(await sandbox(server, "recreate", "main", "--browser")).toMatchObject({ code: 0, stdout: expect.stringContaining(BROWSER) });
  expect([requestOf(server, BROWSER), requestOf(server, NAME)]).toEqual([{ recreateAfter: expect.any(Number) }, null]);
  expect((await sandbox(server, "wait", "main", "--browser")).code).toBe(0);
  server.views.put(sandboxOf({ name: BROWSER, spec: { kind: "browser" }, ready: false }));
  const late = await sandbox(server, "wait", "main", "--browser", "--timeout", "50");
  expect([late.code, late.stderr]).toEqual([4, expect.stringContaining(`${BROWSER} is not ready`)]);
});

test("--browser of what has no browser says when one starts, and that it is gone for who waits for that", async () => {
  const server = await openServer();
  const none = await sandbox(server, "describe", "--browser", "main");
  expect([none.code, none.stderr]).toEqual([
    3,
    'openclaw: there is no browser for "agent:main": one starts when a session uses the tool browser\n  openclaw sandbox explain --browser main\n',
  ]);
  expect((await sandbox(server, "recreate", "main", "--browser")).code).toBe(3);
  expect((await sandbox(server, "wait", "main", "--browser", "--for", "gone")).code).toBe(0);
  const late = await sandbox(server, "wait", "main", "--browser", "--timeout", "50");
  expect([late.code, late.stderr]).toEqual([4, expect.stringContaining("one starts when a session uses the tool browser")]);
});

test("explain --browser asks for the browser, and an empty list of browsers says why it is empty", async () => {
  const server = await openServer();
  const asked: ExplainQuery[] = [];
  const view = {
    ...{ kind: "browser", config: "", agentId: "main", sessionKey: "agent:main:main", sandboxed: true, because: "sandbox.mode is all" },
    ...{ wanted: { yes: false, because: "browser.enabled of agent main is false" }, values: [], ignored: [], mounts: [], tools: [] },
    sandbox: { name: BROWSER, scope: "agent", scopeKey: "agent:main", status: null, live: { kind: "none" } },
    ...{ next: ["to have one, set agents.defaults.sandbox.browser.enabled to true"], warnings: [], missing: [] },
  } as const;
  server.views.explain = async (query) => {
    asked.push(query);
    return structuredClone(view) as never;
  };
  const { stdout } = await sandbox(server, "explain", "--browser", "main");
  expect(stdout).toMatch(/^Browser: +openclaw-sbx-browser-agent-main-0f3c2a91, scope agent \(agent:main\)$/m);
  expect(stdout).toMatch(/^Wanted: +no: browser\.enabled of agent main is false$/m);
  expect((await sandbox(server, "list", "--browser")).stderr).toBe(
    "no browser sandboxes: browser.enabled of agent main is false; to have one, set agents.defaults.sandbox.browser.enabled to true\n",
  );
  expect(asked.map(({ name, kind }) => [name, kind])).toEqual([
    ["main", "browser"],
    [null, "browser"],
  ]);
});
