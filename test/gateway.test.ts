// The gateway as a process that a person starts: when it refuses to, what it leaves behind, which edits it follows while it runs. No engine and
// no controller: what runs in sandboxes is gateway.engine.test.ts.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";
import { cli } from "./cli.fixture.ts";
import { PROGRAM, spawnGateway } from "./gateway.fixture.ts";

test.each<[string, object | string | null, readonly string[], string]>([
  ["without a config", null, [], "create one, or start with --allow-unconfigured"],
  ["with a config that is not valid", '{ gateway: { mode: "local", prot: 1 } }', ["--allow-unconfigured"], 'did you mean "port"'],
  ["with a config that does not say local", {}, [], "gateway.mode local"],
  ["as a remote one", { gateway: { mode: "remote" } }, [], "gateway.mode is remote"],
  ["open to everybody", { gateway: { mode: "local", auth: { mode: "none" } } }, ["--bind", "lan"], "other hosts could connect"],
  ["with a port that is none", { gateway: { mode: "local" } }, ["--port", "http"], "is not a port"],
  ["with a password that is not there", { gateway: { mode: "local", auth: { mode: "password" } } }, [], "OPENCLAW_GATEWAY_PASSWORD"],
])("%s it does not start, and says what to do", async (_, config, flags, said) => {
  const site = await createFolderSite();
  if (config !== null) await site.writeConfig(config);
  const { code, stderr } = await cli(["gateway", "--state-dir", site.stateDir, ...flags], { stateDir: site.stateDir });
  expect(code).not.toBe(0);
  expect(stderr).toContain(said);
});

test("beside another gateway, or in the folder of another program's, it does not start", async () => {
  const site = await createFolderSite();
  await site.writeConfig({ gateway: { mode: "local" } });
  await mkdir(join(site.stateDir, "state"));
  await writeFile(join(site.stateDir, "state", "openclaw.sqlite"), "");
  const start = () => cli(["gateway", "--port", "0"], { stateDir: site.stateDir });
  expect((await start()).stderr).toContain("--adopt");
  const other = await createFolderSite();
  await other.writeConfig({ gateway: { mode: "local" } });
  await spawnGateway(other);
  expect((await cli(["gateway", "--port", "0"], { stateDir: other.stateDir })).stderr).toMatch(
    /another gateway \(pid \d+ on .*\) is using this/,
  );
});

test("a token in the config counts as soon as it is saved, the old one no more; a broken file changes nothing", async () => {
  const site = await createFolderSite();
  await site.writeConfig({ gateway: { mode: "local", auth: { token: "first-token" } } });
  const gateway = await spawnGateway(site);
  const statusFor = async (token: string): Promise<number> =>
    (await gateway.send("/v1/sessions", { method: "GET", headers: { authorization: `Bearer ${token}` } })).status;
  expect([await statusFor("first-token"), await statusFor("second-token")]).toEqual([200, 401]);
  const listening = await listen(gateway.url, "first-token");
  await site.writeConfig({ gateway: { mode: "local", auth: { token: "second-token" } } });
  await until("the new token counts", async () => (await statusFor("second-token").catch(() => 0)) === 200 || null);
  expect(await statusFor("first-token")).toBe(401);
  // What the old one opened is closed, however long it would have gone on.
  await expect(listening.text()).rejects.toThrow("terminated");
  await site.writeConfig("{ gateway: { mode: ");
  await until("the file is found to be broken", () => Promise.resolve(gateway.log.includes("the last good one stays in force") || null));
  expect(await statusFor("second-token")).toBe(200);
  expect(gateway.log).not.toMatch(/first-token|second-token/);
});

/** An answer without end: an MCP client that listens. */
async function listen(url: string, token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json, text/event-stream", "content-type": "application/json" };
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  const welcome = await fetch(`${url}/mcp`, { method: "POST", headers, body });
  await welcome.text();
  return await fetch(`${url}/mcp`, { headers: { ...headers, "mcp-session-id": welcome.headers.get("mcp-session-id") ?? "" } });
}

test("health finds the gateway and its secret by the state folder, and tells what is missing", async () => {
  const site = await createFolderSite();
  await site.writeConfig({ gateway: { mode: "local" } });
  const none = await cli(["health"], { stateDir: site.stateDir });
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("no gateway has been started")]);
  const gateway = await spawnGateway(site);
  const alone = await cli(["health"], { stateDir: site.stateDir });
  expect(alone.code).toBe(1);
  expect(alone.stdout).toMatch(/not ready\n {2}ok {3}state: .*\n {2}FAIL controller: .*no controller is running on/);
  const stranger = await cli(["health", "--token", "wrong", "--json"], { stateDir: site.stateDir });
  expect(stranger).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/refused the token\n {2}set OPENCLAW_GATEWAY_TOKEN/),
  });
  expect(await cli(["status"], { stateDir: site.stateDir })).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("Gateway at http://127.0.0.1:"),
    stderr: expect.stringContaining("no controller is running"),
  });
  // Root may read every file; a folder in its place is nobody's to read.
  const hidden = await createFolderSite();
  await mkdir(join(hidden.stateDir, "gateway", "address.json"), { recursive: true });
  expect(await cli(["health"], { stateDir: hidden.stateDir })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/address\.json can't be read: .*\n {2}run the command as the user that runs the gateway/),
  });
  await gateway.crash();
  expect((await cli(["health"], { stateDir: site.stateDir })).stderr).toContain("no gateway answers");
  expect(await cli(["health", "--url", "here"], { stateDir: site.stateDir })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--url http://HOST:PORT"),
  });
});

test("a session on the gateway's host finds its background command again after a kill -9, and takes it along when it ends", async () => {
  const site = await createFolderSite();
  await site.writeConfig({ gateway: { mode: "local" }, tools: { exec: { host: "gateway" } } });
  const first = await spawnGateway(site);
  await first.ask("/v1/sessions", { key: "main" });
  const command = "echo $$; while read -r line; do echo got $line; done";
  const { body } = await first.tool("main", "exec", { command, background: true });
  const { id } = z.object({ id: z.string() }).parse(body.details);
  await first.crash();

  const second = await spawnGateway(site);
  await second.ask(`/v1/sessions/main/processes/${id}/stdin`, { data: Buffer.from("one\n").toString("base64"), end: false });
  const pid = await until("it has read its input", async () => {
    const { text } = await second.tool("main", "process", { action: "log", id });
    return /^(\d+)\ngot one\n\(running\)$/.exec(text)?.[1] ?? null;
  });
  expect(await second.ask("/v1/sessions/main/processes")).toMatchObject({ body: { items: [{ id, state: "running" }] } });
  const foreground = second.tool("main", "exec", { command: "touch begun; sleep 600" });
  await until(
    "a command runs in the foreground, too",
    async () => (await readdir(join(site.stateDir, "workspace"))).includes("begun") || null,
  );
  await second.ask("/v1/sessions/main", undefined, "DELETE");
  expect(await foreground).toMatchObject({ status: 409, body: { code: "Aborted" } });
  await expect(readFile(`/proc/${pid}/environ`, "utf8")).rejects.toThrow("ENOENT");
  await expect(readdir(join(site.stateDir, "gateway", "processes"))).resolves.toEqual([]);
});

test("a foreground command on the gateway's host, with what left its group, ends with a gateway that is killed", async () => {
  const site = await createFolderSite();
  await site.writeConfig({ gateway: { mode: "local" }, tools: { exec: { host: "gateway" } } });
  const gateway = await spawnGateway(site);
  await gateway.ask("/v1/sessions", { key: "main" });
  const pidIn = (name: string): Promise<number> =>
    until(`${name} says its number`, async () => Number(await readFile(join(site.stateDir, name), "utf8").catch(() => "")) || null);
  const command = `cd '${site.stateDir}'; setsid sh -c 'echo $$ >left; exec sleep 60' & echo $$ >first; wait`;
  gateway.tool("main", "exec", { command }).catch(() => undefined);
  const pids = [await pidIn("first"), await pidIn("left")];
  await gateway.crash();
  await until("both have ended", () => pids.every((pid) => !isRunning(pid)));
});

/** Whether there is such a process that is not a zombie. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("start runs both processes; a signal ends both, and one that ends by itself takes the other with it", async () => {
  const site = await createFolderSite();
  await site.writeConfig({ gateway: { mode: "local" } });
  const begin = async () => {
    const args = ["start", "--state-dir", site.stateDir, "--port", "0"];
    const env = { ...process.env, OPENCLAW_METRICS_LISTEN: "127.0.0.1:0", OPENCLAW_INSTANCE: site.instance };
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env,
    });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    site.atEnd(async () => {
      child.kill("SIGTERM");
      await ended;
    });
    const isUp = (): boolean => log.includes("controller started") && log.includes("gateway started");
    await until("both have started", () => Promise.resolve(isUp() || null));
    return { child, ended };
  };
  const first = await begin();
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  const second = await begin();
  const { pid } = z.object({ pid: z.int() }).parse(JSON.parse(await readFile(join(site.stateDir, "gateway", "lock.json"), "utf8")));
  process.kill(pid, "SIGKILL");
  expect(await second.ended).toBe(1);
});
