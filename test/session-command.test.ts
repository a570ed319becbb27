// `openclaw session ...` against a real gateway's HTTP server, sessions in a folder: what people see, and what scripts rely on.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openServer, type Server, TOKEN } from "../src/gateway/http/server.fixture.ts";
import { startGatewayServer } from "../src/gateway/http/server.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

/** A gateway that listens; the second value runs `openclaw session` with its secret. */
async function listen(): Promise<[Server, (...args: string[]) => ReturnType<typeof cli>, string]> {
  const server = await openServer({ config: { agents: { list: [{ id: "main" }, { id: "work", sandbox: { mode: "all" } }] } } });
  const { port, close } = await startGatewayServer(server.app, { host: "127.0.0.1", port: 0 });
  onTestFinished(close);
  const url = `http://127.0.0.1:${port}`;
  const env = { OPENCLAW_GATEWAY_URL: url, OPENCLAW_GATEWAY_TOKEN: TOKEN };
  return [server, (...args) => cli(["session", ...args], { stateDir: server.stateDir, env }), url];
}

test("a session is created once, listed, written to, read, reset and deleted", async () => {
  const [server, session] = await listen();
  expect(await session("list")).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("openclaw session create main") });
  const created = await session("create", "main");
  expect(created).toMatchObject({ code: 0, stdout: "agent:main:main\n" });
  expect(created.stderr).toContain("in no sandbox; to see why: openclaw sandbox explain agent:main:main");
  expect((await session("create", "main")).stdout).toBe("agent:main:main\n");
  expect((await session("create", "work")).stdout).toBe("agent:work:main\n");
  expect((await session("create", "--agent", "work")).stdout).toMatch(/^agent:work:direct:[0-9a-f-]{36}\n$/);
  expect((await session("send", "main", "count", "the files")).stdout).toBe("message 1 was added\n");
  expect((await session("send", "agent:main:main", "and now?", "--role", "assistant")).code).toBe(0);
  const history = await session("history", "main");
  expect(history.stdout).toMatch(/^1 {2}\S+Z {2}user\n {2}count the files\n2 {2}\S+Z {2}assistant\n {2}and now\?\n$/);
  expect((await session("history", "main", "--after", "1", "--limit", "1")).stdout).not.toContain("count");
  expect((await session("list")).stdout).toMatch(/^agent:work:main +work +main +yes +0 +\S+ +- +live$/m);
  expect((await session("reset", "main")).stdout).toBe("agent:main:main was reset\n");
  expect(await session("history", "main")).toMatchObject({ code: 0, stderr: "no messages in main\n" });
  expect((await session("rm", "main")).stdout).toBe("agent:main:main was deleted\n");
  expect(server.sessions.find("agent:main:main")).toBeNull();
});

test("a message may come from stdin, whole, and one of a terminal may not be forgotten", async () => {
  const [server, session, url] = await listen();
  await session("create", "main");
  const env = { OPENCLAW_GATEWAY_URL: url, OPENCLAW_GATEWAY_TOKEN: TOKEN };
  const text = "line 1\nline \u001b[31m2\n";
  expect((await cli(["session", "send", "main"], { stateDir: server.stateDir, env, input: text })).code).toBe(0);
  const listed: unknown = JSON.parse((await session("history", "main", "--json")).stdout);
  expect(listed).toMatchObject({ items: [{ id: 1, text }] });
  expect((await session("history", "main")).stdout).toContain("  line 1\n  line \\x1b[31m2\n");
  const forgotten = await cli(["session", "send", "main"], { stateDir: server.stateDir, env, terminal: true });
  expect(forgotten).toMatchObject({ code: 2, stderr: expect.stringContaining("no message given") });
});

test("more messages than one answer holds are printed to the last one", async () => {
  const [server, session] = await listen();
  await session("create", "main");
  for (let at = 1; at <= 1_100; at += 1)
    await server.sessions.append("agent:main:main" as never, { role: "user", text: `m${at}`, from: null });
  const { items } = JSON.parse((await session("history", "main", "--limit", "1050", "--json")).stdout);
  expect([items.length, items.at(-1)]).toMatchObject([1_050, { text: "m1050" }]);
});

test("at a terminal delete and reset ask first, and anything but a yes changes nothing", async () => {
  const [server, session, url] = await listen();
  await session("create", "main");
  const env = { OPENCLAW_GATEWAY_URL: url, OPENCLAW_GATEWAY_TOKEN: TOKEN };
  for (const verb of ["delete", "reset"]) {
    const run = startCli(["session", verb, "main"], { stateDir: server.stateDir, env, terminal: true });
    await until("it asks", () => run.noted.includes("[y/N]"));
    run.stdin.write("n\n");
    expect(await run.ended).toBe(1);
    expect(server.sessions.find("agent:main:main")).not.toBeNull();
  }
});

test("what is refused says why, with an exit code for scripts", async () => {
  const [server, session] = await listen();
  expect(await session("history", "nix")).toMatchObject({ code: 3, stderr: expect.stringContaining("there is no session") });
  expect(await session("create", "--agent", "nobody")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("configured agents: main, work"),
  });
  expect(await session("list", "--token", "wrong".repeat(8))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("refused the token"),
  });
  expect(await cli(["session", "list"], { stateDir: join(server.stateDir, "none") })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no gateway has been started on"),
  });
  expect((await session("list", "--url", "http://127.0.0.1:1")).stderr).toContain("no gateway answers at http://127.0.0.1:1");
});

test("another program on the gateway's port is not taken for one", async () => {
  const stateDir = (await openServer()).stateDir;
  const other = createServer((_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>hello</h1>"));
  onTestFinished(() => void other.close());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  writeFileSync(join(stateDir, "openclaw.json"), "{}", { mode: 0o600 });
  expect(await cli(["session", "list", "--url", url], { stateDir })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is no OpenClaw gateway"),
  });
});
