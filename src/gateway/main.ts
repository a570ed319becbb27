// The gateway as a process: the one place in it that reads the clock, chance, environment and signals. Wires and waits; decides nothing.
// It has no way to an engine: what runs in sandboxes runs through the controller's stream socket.
import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { type DeviceId, type EpochMs, toDurationMs, toEpochMs } from "../api/brands.ts";
import { createSystemClock } from "../api/clock.ts";
import { OperationError } from "../api/errors.ts";
import { tuneGarbageCollection } from "../api/garbage.ts";
import type { EventPayload } from "../api/gateway-protocol/events.ts";
import { createLog } from "../api/log.ts";
import { toPackageFile } from "../api/package-file.ts";
import { findPlace, type Say, toPlace } from "../api/place.ts";
import { stopSignal } from "../api/stop-signal.ts";
import { writeGatewayUrl } from "../api/store/gateway-files.ts";
import { openStateFolder } from "../api/store/state-folder.ts";
import { StateLock } from "../api/store/state-lock.ts";
import { copyUpstreamDatabase } from "../api/store/upstream-copy.ts";
import type { SandboxChanged } from "../api/wire.ts";
import type { AgentService } from "./agent/agent-service.ts";
import { Arrivals } from "./agent/arrivals.ts";
import { COMMANDS } from "./agent/decide/commands.ts";
import { openAgent } from "./agent/open-agent.ts";
import type { Browsers } from "./browser/browsers.ts";
import { ChatFeed } from "./chat/chat-feed.ts";
import type { ConfigInForce } from "./config/config-in-force.ts";
import { ConfigWatch } from "./config/config-watch.ts";
import { ControllerConfig } from "./config/controller-config.ts";
import type { Pairing } from "./devices/pairing.ts";
import { endWithGateway } from "./host/host-foreground.ts";
import { HostPort, toHostEnvironment } from "./host/host-port.ts";
import { HostProcesses } from "./host/host-processes.ts";
import { hasTerminals } from "./host/host-terminal.ts";
import { AccessRulesInForce } from "./http/access-rules.ts";
import { makeGatewayApp } from "./http/app.ts";
import { AddressLimits } from "./http/auth.ts";
import { toListenAddress } from "./http/bind.ts";
import type { GatewayCheck } from "./http/checks.ts";
import { ControlUi } from "./http/control-ui.ts";
import { makeHandlers } from "./http/handlers.ts";
import { openPairing } from "./http/open-pairing.ts";
import { type GatewayServer, startGatewayServer } from "./http/server.ts";
import { LogTail } from "./log-tail.ts";
import { McpEndpoint, type McpEndpointParts } from "./mcp/mcp-endpoint.ts";
import { McpSessions } from "./mcp/mcp-sessions.ts";
import { type GatewayCounts, GatewayMetrics } from "./metrics.ts";
import { type Models, openModels } from "./models/open-models.ts";
import { openBrowsing, toPages, toUrl } from "./open-browsing.ts";
import { openSignIns, type SignIns } from "./open-sign-ins.ts";
import { checkReadiness } from "./ready-checks.ts";
import { KnownReady } from "./sandbox/known-ready.ts";
import { followSandboxes, type SandboxFeedParts } from "./sandbox/sandbox-feed.ts";
import { makeSandboxRelease } from "./sandbox/sandbox-release.ts";
import { SandboxStream } from "./sandbox/sandbox-stream.ts";
import { StreamClient } from "./sandbox/stream-client.ts";
import { openBrowserStream } from "./sessions/browser-marks.ts";
import { SessionService } from "./sessions/service.ts";
import { SessionEnd } from "./sessions/session-end.ts";
import { SessionFiles } from "./sessions/session-files.ts";
import { SessionRemoval } from "./sessions/session-removal.ts";
import { SessionTerminals } from "./sessions/session-terminals.ts";
import { SessionTools } from "./sessions/session-tools.ts";
import { Sessions } from "./sessions/sessions.ts";
import { guardUpstreamState } from "./sessions/upstream-state.ts";
import { ToolDispatcher } from "./tools/dispatch.ts";
import { Broadcast } from "./ws/broadcast.ts";
import { Sockets } from "./ws/sockets.ts";
import { routeUpgrades } from "./ws/view-sockets.ts";

export type ConfigSourceName = "file" | "controller";

export interface GatewayOptions {
  /** Absolute. Made when it is not there. */
  stateDir: string;
  /** Absolute. */
  configPath: string;
  /** Whether the config is read from its file, or taken from the controller by a gateway that can't see the file. */
  configSource: ConfigSourceName;
  /** Flag, else environment. null: the config says, or its default. */
  bind: string | null;
  port: string | null;
  token: string | null;
  password: string | null;
  /** Start without a config that says `gateway.mode: "local"`. */
  allowUnconfigured: boolean;
  /** Use a folder in which another gateway keeps its database. */
  adopt: boolean;
  /** pino's: trace, debug, info, warn, error, fatal, silent. */
  logLevel: string;
  /** Home folder of the user. */
  home: string;
}

const UI_FOLDER = toPackageFile("dist/ui");

const now = (): EpochMs => toEpochMs(Date.now());
/** 64 bits. */
const newId = (): string => randomBytes(8).toString("hex");
/** 128 bits. */
const newCode = (): string => randomBytes(16).toString("base64url");
/** 256 bits. */
const makeToken = (): string => randomBytes(32).toString("base64url");

/** Exit code: 0, stopped by a signal. @throws OperationError what keeps it from starting */
export async function runGateway(options: GatewayOptions): Promise<number> {
  tuneGarbageCollection();
  const logTail = new LogTail();
  const { say, program } = sayHere();
  const log = createLog({
    ...{ level: options.logLevel, isTerminal: process.stderr.isTTY === true, say },
    tee: (line) => logTail.add(line),
  });
  const stateDir = await openStateFolder(options.stateDir);
  const folders = { stateDir, home: options.home };
  const controller = new StreamClient(stateDir, say);
  const config = await openConfig({ options, folders, controller, log });
  guardMode(config, options.allowUnconfigured);
  const lock = await StateLock.acquire(join(stateDir, "gateway"), { pid: process.pid, host: hostname(), startedAt: now() });
  using _locked = { [Symbol.dispose]: () => lock.release() };
  const copy = await guardUpstreamState({
    ...{ stateDir, database: config.upstreamDatabase, adopt: options.adopt, now: now() },
    copy: (database) =>
      options.configSource === "controller"
        ? controller.copyUpstreamDatabase()
        : copyUpstreamDatabase(database, join(stateDir, "gateway", "backups"), now()),
  });
  if (copy !== null) log.info({ copy }, "the other gateway's database was copied; this gateway now uses the folder");
  return await serve({ options, stateDir, folders, config, controller, log, logTail, say, program });
}

function openConfig({ options, folders, controller, log }: OpenConfigParts): Promise<ConfigInForce> {
  const isMissingOk = options.allowUnconfigured;
  if (options.configSource === "controller") return ControllerConfig.open({ stateDir: folders.stateDir, controller, log, isMissingOk });
  const trustedOwners = [process.getuid?.() ?? 0, 0];
  const environment = { ...folders, variables: process.env, trustedOwners };
  return ConfigWatch.open({ path: options.configPath, environment, clock: createSystemClock(), log, isMissingOk });
}

/** @throws OperationError `InvalidConfig` */
function guardMode(config: ConfigInForce, allowUnconfigured: boolean): void {
  const { mode } = config.current.gateway;
  if (mode === "local" || allowUnconfigured) return;
  const found = mode === null ? "the config does not set gateway.mode" : `gateway.mode is ${mode}`;
  throw new OperationError("InvalidConfig", `${found}, so the gateway does not start here`, {
    fix: "openclaw config set gateway.mode local; or start it with --allow-unconfigured",
  });
}

interface ServeParts {
  options: GatewayOptions;
  stateDir: string;
  folders: { stateDir: string; home: string };
  config: ConfigInForce;
  controller: StreamClient;
  log: Logger;
  logTail: LogTail;
  /** A hint as it works here, and what is typed for `openclaw`. */
  say: Say;
  program: string;
}

type OpenConfigParts = Pick<ServeParts, "options" | "folders" | "controller" | "log">;

async function serve({ options, stateDir, folders, config, controller, log, logTail, say, program }: ServeParts): Promise<number> {
  const address = toListenAddress(config.current.gateway, options);
  const stopping = new AbortController();
  const stopped = stopSignal(process);
  const rules = await AccessRulesInForce.open({ config, given: options, own: { stateDir, makeToken }, address, hostName: hostname(), log });
  // Ended again in reverse, also when a later step fails: a process that can't start must not look as if it worked.
  await using begun = new AsyncDisposableStack();
  begun.defer(() => log.info("stopped"));
  begun.defer(() => stopping.abort());
  config.watch(stopping.signal);
  const { version, revision } = await readBuild();
  const metrics = new GatewayMetrics({ version, revision, processMetrics: true });
  const broadcast = new Broadcast(newId());
  const { sessions, service, arrivals } = await openSessions({ stateDir, folders, config, broadcast, log });
  begun.defer(() => sessions.stop());
  const failed = (error: unknown): void => logFailure(log, error);
  const known = new KnownReady((key) => sessions.find(key)?.metadata.uid ?? null);
  const sandbox = new SandboxStream(controller, known);
  const pages = (): string => toPages(config.current.gateway, address);
  const browsing = openBrowsing({ port: openBrowserStream(controller, sessions), log, now, newCode, pages, metrics: metrics.browsers });
  const inside = { config: () => config.current, folders, sandbox, browsers: browsing.browsers, newId };
  const { dispatcher, ...opened } = await openTools({ inside, stateDir, sessions, service, arrivals, metrics, controller, log, failed });
  begun.defer(() => opened.agent.stop());
  const limits = new AddressLimits({ now, pause });
  const paired = await openPairing({
    ...{ stateDir, makeToken, limits, now, log, newGeneration: newId, newCode },
    requested: (request) => broadcast.send("device.pair.requested", request),
    resolved: (decision) => broadcast.send("device.pair.resolved", decision),
    withdrawn: (deviceId) => void withdrawKey({ controller, log }, deviceId),
  });
  paired.devices.watch(stopping.signal);
  const ready = (): Promise<readonly GatewayCheck[]> =>
    checkReadiness({ stateDir, controller, say, signIns: opened.credentials.credentials });
  const handlers = makeHandlers({
    ...{ ...opened, browsing, say, sessions, service, controller, failed, pairing: paired.pairing, ready, logTail, config: inside.config },
    feed: ChatFeed.open(opened.agent, () => performance.now(), broadcast),
    ...{ commands: COMMANDS, newUid: randomUUID, now },
    processesOf: (session) => dispatcher.processesOf(session),
  });
  const mcp = await openMcp({ ...opened, sessions, service, version, say, failed });
  void new SessionRemoval({ sessions, controller, failed }).run(stopping.signal);
  void followSandboxes({ controller, failed, ...toListeners(known, broadcast) }, stopping.signal);
  begun.defer(() => mcp.stop());
  const sockets = new Sockets({
    ...{ ...paired, broadcast, handlers, meter: metrics, version, now, say, failed, newNonce: makeToken },
    rules: () => rules.current,
    uptimeMs: () => performance.now(),
  });
  const app = makeGatewayApp({
    ui: new ControlUi(UI_FOLDER, program),
    ...{ ...paired, handlers, mcp, limits, metrics, version, say, log, ready, rules: () => rules.current },
  });
  const upgrade = routeUpgrades({ sockets, views: browsing.views, rules: () => rules.current, say });
  const server = await startGatewayServer(app, { ...address, upgrade });
  begun.defer(() => server.close());
  begun.defer(() => sockets.stop());
  begun.defer(() => browsing.end());
  rules.onRevoked(() => [server.endConnections(), browsing.views.stop()]);
  metrics.watch(toCounts({ sessions, server, sockets, pairing: paired.pairing }));
  await writeGatewayUrl(stateDir, toUrl(server));
  log.info({ url: toUrl(server), state: stateDir, version }, "gateway started");
  await untilAborted(stopped);
  log.info("stopping");
  return 0;
}

/** With what sessions say to each other, before anybody answers it. */
async function openSessions({ stateDir, folders, config, broadcast, log }: OpenSessionsParts): Promise<OpenedSessions> {
  const sessions = await Sessions.open({
    ...{ stateDir, now, newUid: randomUUID },
    changed: (key, change) => broadcast.send("sessions.changed", { key, change }),
    writeFailed: (session, err) => log.error({ session, err }, "session not written"),
  });
  const arrivals = new Arrivals();
  const said = arrivals.tell.bind(arrivals);
  return { sessions, arrivals, service: new SessionService({ sessions, config: () => config.current, folders, newUid: randomUUID, said }) };
}

type OpenSessionsParts = Pick<ServeParts, "stateDir" | "folders" | "config" | "log"> & { broadcast: Broadcast };
type OpenedSessions = Pick<ToolsParts, "sessions" | "service" | "arrivals">;

function sayHere(): { say: Say; program: string } {
  const place = findPlace(process.env, "openclaw");
  return { say: (text) => toPlace(text, place), program: place.program };
}

const logFailure = (log: Logger, error: unknown): void =>
  error instanceof OperationError ? log.debug({ code: error.code }, "call failed") : log.error({ err: error }, "call failed");

/** Of a device that is paired no more, or with less. */
async function withdrawKey({ controller, log }: Pick<ServeParts, "controller" | "log">, deviceId: DeviceId): Promise<void> {
  try {
    await controller.withdrawKey(deviceId);
  } catch (error) {
    const fix = `openclaw devices revoke ${deviceId}, once the controller is there`;
    log.warn({ err: error, fix }, "approval key not withdrawn");
  }
}

interface ToolsParts {
  inside: {
    config(): ConfigInForce["current"];
    folders: ServeParts["folders"];
    sandbox: SandboxStream;
    browsers: Browsers;
    newId(): string;
  };
  stateDir: string;
  sessions: Sessions;
  service: SessionService;
  metrics: GatewayMetrics;
  controller: StreamClient;
  arrivals: Arrivals;
  log: Logger;
  failed(error: unknown): void;
}

interface OpenedTools {
  dispatcher: ToolDispatcher;
  tools: SessionTools;
  files: SessionFiles;
  terminals: SessionTerminals;
  end: SessionEnd;
  models: Models;
  agent: AgentService;
  credentials: SignIns;
}

/** The tools, files and models of sessions, and how those end with what they left running on this host; of sessions that are gone that is ended first. */
async function openTools(parts: ToolsParts): Promise<OpenedTools> {
  const { inside, stateDir, sessions, service, metrics, controller, log, failed } = parts;
  const signIns = openSignIns({ stateDir, config: inside.config, log, say: sayHere().say, now });
  const models = await openModels({
    ...{ stateDir, config: inside.config, stores: [signIns.credentials], variables: process.env },
    ...{ metrics: metrics.models, chance: Math.random, log },
  });
  const host = { env: toHostEnvironment(process.env), newId };
  const hostProcesses = new HostProcesses({ ...host, folder: join(stateDir, "gateway", "processes"), now, failed });
  // That a session is not there is known only where every file was read.
  if (sessions.isComplete) await hostProcesses.endLeft(sessions.list().map(({ spec }) => spec.key));
  const terminals = await hasTerminals(host.env);
  const foreground = endWithGateway(host);
  const dispatcher = new ToolDispatcher({
    ...inside,
    host: (workdir) => new HostPort({ ...foreground, workdir, terminals, processes: hostProcesses.at(workdir) }),
    sessions: service,
  });
  const tools = new SessionTools({ tools: dispatcher, sessions, metrics });
  const files = new SessionFiles({
    ...{ ...inside, sessions, metrics, spoolFolder: join(stateDir, "gateway") },
    isReady: async (key) => (await controller.sessionSandbox(key)).ready,
  });
  const agent = openAgent({
    ...{ ...inside, sessions, service, tools, files, controller, log, failed },
    ...{ arrivals: parts.arrivals, models: models.service, metrics: metrics.agent, newUid: randomUUID },
    processesOf: (session) => dispatcher.processesOf(session),
    reset: (session) => end.reset(session),
    remove: (session) => end.delete(session),
  });
  const end: SessionEnd = new SessionEnd({
    endRuns: (key) => agent.endRuns(key),
    ...{ sessions, tools, endOnHost: (key) => hostProcesses.end(key), forgetUsage: (key) => models.forgetSession(key) },
    releaseSandbox: makeSandboxRelease({ controller, isSandboxed: (session) => service.isSandboxed(session), log }),
  });
  const inPages = new SessionTerminals({ tools, placeOf: (session) => dispatcher.terminalOf(session), newId: inside.newId, log });
  return { dispatcher, tools, files, terminals: inPages, end, models, agent, credentials: signIns };
}

interface McpParts extends Pick<McpEndpointParts, "tools" | "version" | "say" | "failed"> {
  sessions: Sessions;
  service: SessionService;
  end: SessionEnd;
}

/** The MCP endpoint; sessions that clients of an earlier process left are ended first. */
async function openMcp({ sessions, service, end, tools, version, say, failed }: McpParts): Promise<McpEndpoint> {
  const mcpSessions = new McpSessions({ sessions, service, end });
  await mcpSessions.endLeft();
  return new McpEndpoint({
    tools,
    session: (agentId) => mcpSessions.plan(agentId),
    endSession: (session) => mcpSessions.end(session),
    uptime: () => toDurationMs(performance.now()),
    newUid: randomUUID,
    version,
    say,
    failed,
  });
}

function toCounts({
  sessions,
  server,
  sockets,
  pairing,
}: {
  sessions: Sessions;
  server: GatewayServer;
  sockets: Sockets;
  pairing: Pairing;
}): GatewayCounts {
  return {
    ...{ sessions: () => sessions.count, connections: server.connections, sockets: () => sockets.counts() },
    ...{ devices: () => pairing.counts(), socketEvents: () => sockets.events },
  };
}

const toListeners = (known: KnownReady, broadcast: Broadcast): Pick<SandboxFeedParts, "changed" | "lost"> => ({
  changed: (change) => {
    known.changed(change);
    broadcast.send("sandbox.changed", toSandboxEvent(change));
  },
  lost: () => known.forgetAll(),
});

const toSandboxEvent = (change: SandboxChanged | null): EventPayload<"sandbox.changed"> =>
  change === null ? { name: null, sandbox: null } : { name: change.name, sandbox: change.sandbox === null ? null : { ...change.sandbox } };

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

async function readBuild(): Promise<{ version: string; revision: string }> {
  const text = await readFile(toPackageFile("package.json"), "utf8");
  const { version }: { version?: unknown } = JSON.parse(text);
  return { version: String(version), revision: process.env.OPENCLAW_REVISION ?? "unknown" };
}
