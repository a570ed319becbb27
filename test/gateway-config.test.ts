// A gateway that sees no config file: its part of the config in force comes over the controller's stream socket, a real one here. How the gateway
// uses it is the gateway's own tests'; that nothing else of the state folder is in its container is compose.engine.test.ts's.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pino from "pino";
import { expect, onTestFinished, test } from "vitest";
import { toDurationMs, toInstanceId } from "../src/api/brands.ts";
import { createSystemClock } from "../src/api/clock.ts";
import { toSlug } from "../src/api/names.ts";
import { openStateFolder } from "../src/api/store/state-folder.ts";
import { ControllerMetrics } from "../src/controller/metrics/metrics.ts";
import { EventLog } from "../src/controller/records/event-log.ts";
import { OutputLog } from "../src/controller/records/output-log.ts";
import { openApprovals } from "../src/controller/servers/approvals.fixture.ts";
import { Audit } from "../src/controller/servers/audit.ts";
import { BrowserGate } from "../src/controller/servers/browser-gate.ts";
import { makeHostShellEngine } from "../src/controller/servers/host-shell.fixture.ts";
import { MemoryViews, NO_DECISIONS, silentMeter } from "../src/controller/servers/server.fixture.ts";
import { SessionGate } from "../src/controller/servers/session-gate.ts";
import type { SocketServer } from "../src/controller/servers/socket-server.ts";
import { startStreamServer } from "../src/controller/servers/stream-server.ts";
import { ConfigSource } from "../src/controller/sources/config-source.ts";
import { DesiredState } from "../src/controller/sources/desired-state.ts";
import { GatewayFeed } from "../src/controller/sources/gateway-feed.ts";
import { ControllerConfig } from "../src/gateway/config/controller-config.ts";
import { StreamClient } from "../src/gateway/sandbox/stream-client.ts";

const SEEN = { timeout: 20_000 };
const INSTANCE = toInstanceId("0123456789ab");
const silent = pino({ level: "silent" });
const agentsOf = (...ids: string[]): object => ({ agents: { list: ids.map((id) => ({ id })) } });

interface Place {
  stateDir: string;
  write(config: object | string): void;
  /** What the gateway's own process would leave there. */
  kept: string;
}

async function makePlace(): Promise<Place> {
  const stateDir = await openStateFolder(mkdtempSync(join(tmpdir(), "openclaw-feed-")));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  for (const folder of ["gateway", "controller"]) mkdirSync(join(stateDir, folder), { mode: 0o700 });
  const path = join(stateDir, "openclaw.json");
  const write = (config: object | string): void => {
    writeFileSync(`${path}.new`, typeof config === "string" ? config : JSON.stringify(config), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  return { stateDir, write, kept: join(stateDir, "gateway", "config.json") };
}

interface RunningController {
  /** As when a file event came. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** What of a controller a gateway hears its config from. Stopped after the test. */
async function startController({ stateDir }: Place): Promise<RunningController> {
  const clock = createSystemClock();
  const desired = new DesiredState((scopeKey) => toSlug(INSTANCE, scopeKey), { stateDir, home: "/home/claw" });
  const config = new ConfigSource({
    path: join(stateDir, "openclaw.json"),
    lastGoodPath: join(stateDir, "controller", "last-good.json"),
    environment: { stateDir, home: "/home/claw", variables: { SECRET: "of-the-environment" }, trustedOwners: null },
    clock,
    log: silent,
    events: await EventLog.open({ folder: join(stateDir, "controller", "events"), clock, writeFailed: () => undefined }),
    metrics: new ControllerMetrics({ version: "0", revision: "0" }),
    damaged: { report: () => undefined },
    changed: (next) => void desired.setConfig(next),
  });
  const nothing = (): Promise<never> => Promise.reject(new Error("nothing runs in this test"));
  const gate = new SessionGate({ desired, statusOf: () => null, statuses: () => [], fullness: () => null });
  const server: SocketServer = await startStreamServer({
    promptFiles: async () => [],
    ...{ stateDir, views: new MemoryViews(), egressLog: NO_DECISIONS, log: silent },
    approvals: await openApprovals({ instance: INSTANCE, views: new MemoryViews(), clock }),
    gate,
    browsers: new BrowserGate({ desired, gate, servingOf: () => null }),
    feed: new GatewayFeed({ stateDir, config, desired, now: clock.now, log: silent }),
    audit: new Audit({ instance: INSTANCE, log: silent, record: () => undefined }),
    commands: {
      access: { commands: makeHostShellEngine(["dash"]), dial: nothing, lease: nothing, look: nothing },
      ...{ meter: silentMeter, output: new OutputLog(() => clock.now()), clock, newProcessId: () => randomBytes(8).toString("hex") },
    },
  });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (!stopped) await server.stop();
    stopped = true;
  };
  onTestFinished(stop);
  await config.reload();
  return { reload: () => config.reload(), stop };
}

interface RunningGateway {
  config: ControllerConfig;
  agents(): string[];
  /** What was logged so far, parsed. */
  log: { msg: string; issues?: string[]; because?: string }[];
}

async function startGateway({ stateDir }: Place, options: { isMissingOk?: boolean; patienceMs?: number } = {}): Promise<RunningGateway> {
  const log: RunningGateway["log"] = [];
  const config = await ControllerConfig.open({
    stateDir,
    controller: new StreamClient(stateDir),
    log: pino({ level: "info" }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    isMissingOk: options.isMissingOk ?? false,
    patienceMs: toDurationMs(options.patienceMs ?? 10_000),
  });
  const ended = new AbortController();
  onTestFinished(() => ended.abort());
  config.watch(ended.signal);
  return { config, log, agents: () => config.current.agents.map(({ id }) => id) };
}

test("the gateway follows the config in force; one that is not valid changes nothing and is reported once, with its issue", async () => {
  const place = await makePlace();
  place.write(agentsOf("main"));
  const controller = await startController(place);
  const gateway = await startGateway(place);
  const changes: string[][] = [];
  gateway.config.onChange(() => void changes.push(gateway.agents()));
  expect(gateway.agents()).toEqual(["main"]);

  place.write(agentsOf("main", "work"));
  await controller.reload();
  await expect.poll(gateway.agents, SEEN).toEqual(["main", "work"]);

  place.write({ agents: { defaults: { sandbox: { moed: "all" } } } });
  await controller.reload();
  const invalid = (): RunningGateway["log"] => gateway.log.filter(({ msg }) => msg.startsWith("config is invalid"));
  await expect.poll(() => invalid().length, SEEN).toBe(1);
  expect(invalid()[0]?.issues).toEqual([expect.stringMatching(/openclaw\.json:1:\d+: agents\.defaults\.sandbox\.moed: /)]);
  await controller.reload();
  expect(gateway.agents()).toEqual(["main", "work"]);

  place.write(agentsOf("other"));
  await controller.reload();
  await expect.poll(gateway.agents, SEEN).toEqual(["other"]);
  expect([changes, invalid().length]).toEqual([[["main", "work"], ["other"]], 1]);
});

test("of a config the gateway gets its own part, includes and variables resolved, and no secret or command of a sandbox", async () => {
  const place = await makePlace();
  const docker = {
    env: { API_KEY: "sk-of-the-agent" },
    setupCommand: "curl https://setup.example",
    image: "private.example/image",
    dns: ["10.0.0.9"],
  };
  mkdirSync(join(place.stateDir, "parts"), { mode: 0o700 });
  writeFileSync(join(place.stateDir, "parts", "agents.json5"), JSON.stringify({ defaults: { sandbox: { docker, mode: "all" } } }), {
    mode: 0o600,
  });
  place.write(
    `{ agents: { $include: "./parts/agents.json5" }, gateway: { auth: { token: "\${SECRET}" } }, skills: { key: "sk-of-upstream" } }`,
  );
  await startController(place);
  const { config } = await startGateway(place);
  expect(config.current.gateway.auth.token).toBe("of-the-environment");
  expect(config.current.defaults.sandbox.mode).toBe("all");
  await expect.poll(() => existsSync(place.kept), SEEN).toBe(true);
  const kept = readFileSync(place.kept, "utf8");
  expect(statSync(place.kept).mode & 0o777).toBe(0o600);
  for (const secret of ["sk-of-the-agent", "setup.example", "private.example", "10.0.0.9", "sk-of-upstream"])
    for (const text of [kept, JSON.stringify(config.current)]) expect(text).not.toContain(secret);
});

test("without a controller the gateway starts with the config that it was told last, and follows again once there is one", async () => {
  const place = await makePlace();
  place.write(agentsOf("before"));
  const first = await startController(place);
  const earlier = await startGateway(place);
  await expect.poll(() => existsSync(place.kept), SEEN).toBe(true);
  await first.stop();

  const gateway = await startGateway(place, { patienceMs: 100 });
  expect(gateway.agents()).toEqual(["before"]);
  expect(gateway.log.map(({ msg }) => msg)).toContain("the controller does not answer; the config it sent last is in force");

  place.write(agentsOf("after"));
  const second = await startController(place);
  for (const each of [earlier, gateway]) await expect.poll(each.agents, SEEN).toEqual(["after"]);
  // Told once, however often it was tried.
  expect(earlier.log.filter(({ msg }) => msg.includes("can't be reached"))).toHaveLength(1);
  await second.stop();
  place.write(agentsOf("again"));
  await startController(place);
  for (const each of [earlier, gateway]) await expect.poll(each.agents, SEEN).toEqual(["again"]);
});

test("a gateway that was never told a config waits for the controller, and goes by a damaged one no more than by none", async () => {
  const place = await makePlace();
  place.write(agentsOf("main"));
  writeFileSync(place.kept, '{"file":"', { mode: 0o600 });
  const starting = startGateway(place, { patienceMs: 1 });
  const controller = await startController(place);
  const gateway = await starting;
  expect(gateway.agents()).toEqual(["main"]);
  expect(gateway.log.find(({ msg }) => msg.includes("is unusable"))?.because).toContain("config.json is damaged");
  await expect.poll(() => readFileSync(place.kept, "utf8"), SEEN).toContain('"main"');
  await controller.stop();
});

test("a controller beside a broken file says the last good config, and a gateway that starts then is told what is wrong", async () => {
  const place = await makePlace();
  place.write(agentsOf("good"));
  const before = await startController(place);
  await before.stop();
  place.write("{ agents: ");
  await startController(place);
  const gateway = await startGateway(place);
  expect(gateway.agents()).toEqual(["good"]);
  await expect.poll(() => gateway.log.flatMap(({ issues }) => issues ?? []).length, SEEN).toBe(1);
});

test("without any valid config the gateway says why it does not start; without a file it starts where it may", async () => {
  const place = await makePlace();
  const controller = await startController(place);
  await expect(startGateway(place)).rejects.toMatchObject({ code: "InvalidConfig", fix: expect.stringContaining("--allow-unconfigured") });
  const gateway = await startGateway(place, { isMissingOk: true });
  expect([gateway.agents(), gateway.config.current.gateway.auth.mode]).toEqual([["main"], "token"]);
  place.write(agentsOf("written"));
  await controller.reload();
  await expect.poll(gateway.agents, SEEN).toEqual(["written"]);

  const broken = await makePlace();
  broken.write({ gateway: { port: "x" } });
  await startController(broken);
  await expect(startGateway(broken, { isMissingOk: true })).rejects.toThrow("gateway.port");
});

test("a config that can't be kept is in force all the same, and so is the next one", async () => {
  const place = await makePlace();
  place.write(agentsOf("one"));
  // What a full disk does to a write, whoever writes.
  mkdirSync(place.kept);
  const controller = await startController(place);
  const gateway = await startGateway(place);
  expect(gateway.agents()).toEqual(["one"]);
  place.write(agentsOf("two"));
  await controller.reload();
  await expect.poll(gateway.agents, SEEN).toEqual(["two"]);
  await expect.poll(() => gateway.log.filter(({ msg }) => msg.includes("could not be saved")).length, SEEN).toBe(2);
});

test("the controller says whether another gateway's database is there, and copies it where the gateway can't read it, a few times at most", async () => {
  const place = await makePlace();
  place.write(agentsOf("main"));
  await startController(place);
  expect((await startGateway(place)).config.upstreamDatabase).toBeNull();
  mkdirSync(join(place.stateDir, "state"));
  const path = join(place.stateDir, "state", "openclaw.sqlite");
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE kept (word TEXT); INSERT INTO kept VALUES ('theirs')");
  database.close();
  expect((await startGateway(place)).config.upstreamDatabase).toBe(path);

  const before = readFileSync(path);
  const client = new StreamClient(place.stateDir);
  const [copy, same] = await Promise.all([client.copyUpstreamDatabase(), client.copyUpstreamDatabase()]);
  expect(same).toBe(copy);
  const copied = new DatabaseSync(copy, { readOnly: true });
  expect(copied.prepare("SELECT word FROM kept").get()).toMatchObject({ word: "theirs" });
  copied.close();
  // A config that is just being kept has a temporary name beside it.
  const kept = readdirSync(join(place.stateDir, "gateway")).filter((name) => !name.startsWith("."));
  expect([readFileSync(path), kept]).toEqual([before, ["config.json"]]);
  const folder = join(place.stateDir, "controller", "backups");
  for (let round = 0; round < 20; round += 1) await client.copyUpstreamDatabase().catch(() => undefined);
  expect(readdirSync(folder)).toHaveLength(4);
  await expect(client.copyUpstreamDatabase()).rejects.toMatchObject({ code: "LimitExceeded" });
});
