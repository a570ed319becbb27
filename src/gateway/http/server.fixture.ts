// A gateway's HTTP API for tests: real sessions in a folder of their own, tools that are data, no controller behind it, and no socket unless
// a test opens one. It asserts nothing.

import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { toDurationMs, toEpochMs } from "../../api/brands.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import type { Say } from "../../api/place.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { decideTool, toToolPolicy } from "../../api/tool-policy.ts";
import type { BrowserPort } from "../browser/browser-port.ts";
import { NO_BROWSERS } from "../browser/no-browsers.fixture.ts";
import { ScriptedAgent } from "../chat/agent.fixture.ts";
import { ChatFeed } from "../chat/chat-feed.ts";
import { openCredentials } from "../credentials/main.ts";
import { LogTail } from "../log-tail.ts";
import { McpEndpoint } from "../mcp/mcp-endpoint.ts";
import { McpSessions } from "../mcp/mcp-sessions.ts";
import { GatewayMetrics } from "../metrics.ts";
import { type Models, openModels } from "../models/open-models.ts";
import { type Browsing, openBrowsing } from "../open-browsing.ts";
import { SandboxStream } from "../sandbox/sandbox-stream.ts";
import { StreamClient } from "../sandbox/stream-client.ts";
import { SessionService } from "../sessions/service.ts";
import { SessionEnd } from "../sessions/session-end.ts";
import { SessionFiles } from "../sessions/session-files.ts";
import { SessionTerminals } from "../sessions/session-terminals.ts";
import { SessionTools } from "../sessions/session-tools.ts";
import { Sessions } from "../sessions/sessions.ts";
import type { ToolCall, ToolDescription, ToolResult, Tools } from "../tools/tool-port.ts";
import { makeHostPort } from "../tools/world.fixture.ts";
import { Broadcast } from "../ws/broadcast.ts";
import { type AccessRules, type GatewayApp, makeGatewayApp } from "./app.ts";
import { AddressLimits } from "./auth.ts";
import type { GatewayCheck } from "./checks.ts";
import { ControlUi } from "./control-ui.ts";
import type { Handlers } from "./handler.ts";
import { makeHandlers } from "./handlers.ts";
import { type OpenedPairing, openPairing } from "./open-pairing.ts";
import { toBlockList } from "./origin.ts";

export const TOKEN = "0123456789abcdef0123456789abcdef";
const HOST = "127.0.0.1:18789";

/** In the state folder, for tests: the gateway's own is where it was built. */
export const UI_FOLDER = "ui";

export interface Server {
  app: GatewayApp;
  stateDir: string;
  sessions: Sessions;
  service: SessionService;
  metrics: GatewayMetrics;
  rules: AccessRules;
  checks: GatewayCheck[];
  clock: { at: number };
  logged: string[];
  /** For how long answers were held back; nobody waits. */
  pauses: number[];
  calls: ToolCall[];
  paired: OpenedPairing;
  models: Models;
  handlers: Handlers;
  browsing: Browsing;
  broadcast: Broadcast;
  agent: ScriptedAgent;
  /** With the right secret, from this host, as curl sends it. */
  ask(path: string, options?: Ask): Promise<Response>;
}

export interface Ask {
  method?: string;
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer>;
  headers?: Readonly<Record<string, string>>;
  /** Absent: this host. */
  from?: string;
  /** false: without the secret. */
  secret?: boolean;
}

export interface ServerOptions {
  /** Absent: as on a host. */
  say?: Say;
  /** What the page's commands begin with. Absent: `openclaw`. */
  command?: string;
  config?: object;
  run?(call: ToolCall): Promise<ToolResult>;
  /** Absent: the controller runs no browsers. */
  browserPort?: BrowserPort;
  /** Those that are listed. Absent: exec. */
  toolNames?: readonly string[];
}

export const DONE: ToolResult = { content: [{ type: "text", text: "done" }], details: { code: 0 }, isError: false };

export async function openServer({
  config = {},
  run = async () => DONE,
  say = (text) => text,
  command = "openclaw",
  browserPort = NO_BROWSERS,
  toolNames = ["exec"],
}: ServerOptions = {}): Promise<Server> {
  const stateDir = await createFolder();
  const folders = { stateDir, home: "/home/claw" };
  const text = JSON.stringify({ agents: { list: [{ id: "main" }, { id: "work" }] }, ...config });
  const parsed = parseConfig(toSources(text, join(stateDir, "openclaw.json")), { ...folders, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(`the test's config is not valid: ${JSON.stringify(parsed.issues)}`);
  const clock = { at: Date.now() };
  const logged: string[] = [];
  const pauses: number[] = [];
  const logTail = new LogTail();
  const log = pino(
    { level: "trace" },
    {
      write: (line: string) => {
        logged.push(line);
        logTail.add(line);
      },
    },
  );
  const broadcast = new Broadcast("epoch");
  const sessions = await Sessions.open({
    ...{ stateDir, now: () => toEpochMs(Date.now()), newUid: randomUUID, writeFailed: () => undefined },
    changed: (key, change) => broadcast.send("sessions.changed", { key, change }),
  });
  onTestFinished(() => sessions.stop());
  const service = new SessionService({ sessions, config: () => parsed.value, folders, newUid: randomUUID });
  const calls: ToolCall[] = [];
  const tools: Tools = {
    list: async ({ spec: { agentId } }) => {
      const policy = toToolPolicy(parsed.value, { agentId, sandbox: null });
      const toDescription = (name: string): ToolDescription => ({
        ...{ name, description: "runs", inputSchema: { type: "object" }, decision: decideTool(policy, name) },
      });
      return toolNames.map(toDescription);
    },
    admit: () => undefined,
    call: async (call) => {
      calls.push(call);
      if (call.tool !== "exec") throw new OperationError("NotFound", `there is no tool ${JSON.stringify(call.tool)}`);
      return await run(call);
    },
  };
  const controller = new StreamClient(stateDir, say);
  const sandbox = new SandboxStream(controller);
  const metrics = new GatewayMetrics({ version: "0.1.0", revision: "test", processMetrics: false });
  const files = new SessionFiles({
    config: () => parsed.value,
    folders,
    sandbox,
    sessions,
    metrics,
    newId: () => randomUUID().replaceAll("-", ""),
    isReady: async (key) => (await controller.sessionSandbox(key)).ready,
    spoolFolder: join(stateDir, "gateway"),
  });
  const rules: AccessRules = {
    ...{ hosts: [], allowedOrigins: [], proxies: toBlockList([]), page: true },
    credentials: { kind: "secret", mode: "token", secret: TOKEN },
  };
  const checks: GatewayCheck[] = [{ name: "state", ok: true, message: "the state folder can be written" }];
  const failed = (error: unknown): void => log.warn({ err: error }, "call failed");
  const sessionTools = new SessionTools({ tools, sessions, metrics });
  const terminals = new SessionTerminals({
    ...{ tools: sessionTools, log, newId: () => randomBytes(8).toString("hex") },
    placeOf: () => ({ port: makeHostPort(stateDir), path: undefined, loginProfile: false }),
  });
  const credentials = openCredentials({
    ...{ stateDir, now: () => toEpochMs(clock.at), configured: () => ({ order: {}, profiles: [] }) },
    refused: (profile, because) => log.warn({ profile, because }, "credential refused"),
  });
  const models = await openModels({
    ...{ stateDir, config: () => parsed.value, stores: [credentials], variables: {}, metrics: metrics.models, chance: () => 0.5, log },
  });
  const end = new SessionEnd({
    ...{ sessions, tools: sessionTools },
    ...{
      endRuns: async () => undefined,
      endOnHost: async () => undefined,
      releaseSandbox: async () => undefined,
      forgetUsage: models.forgetSession,
    },
  });
  const mcpSessions = new McpSessions({ sessions, service, end });
  const mcp = new McpEndpoint({
    ...{ tools, say, failed, newUid: randomUUID, uptime: () => toDurationMs(performance.now()), version: "0.1.0" },
    session: (agentId) => mcpSessions.plan(agentId),
    endSession: (session) => mcpSessions.end(session),
  });
  onTestFinished(() => mcp.stop());
  const limits = new AddressLimits({ now: () => toEpochMs(clock.at), pause: async (ms) => void pauses.push(ms) });
  const paired = await openPairing({
    ...{ stateDir, limits, log, now: () => toEpochMs(clock.at), makeToken: () => randomBytes(32).toString("base64url") },
    newGeneration: () => randomBytes(8).toString("hex"),
    newCode: () => randomBytes(16).toString("base64url"),
    requested: (request) => broadcast.send("device.pair.requested", request),
    resolved: (decision) => broadcast.send("device.pair.resolved", decision),
    withdrawn: (deviceId) => void controller.withdrawKey(deviceId).catch(failed),
  });
  const browsing = openBrowsing({
    ...{ port: browserPort, metrics: metrics.browsers, log, now: () => toEpochMs(clock.at), pages: () => `http://${HOST}` },
    newCode: () => randomBytes(16).toString("base64url"),
  });
  const agent = new ScriptedAgent();
  const feed = ChatFeed.open(agent, () => performance.now(), broadcast);
  const handlers = makeHandlers({
    browsing,
    ...{
      agent,
      feed,
      commands: [
        { name: "status", about: "what goes on" },
        { name: "stop", about: "end what goes on" },
      ],
      newUid: randomUUID,
      now: () => toEpochMs(clock.at),
    },
    credentials: { credentials, audit: ({ action, ...entry }) => log.info(entry, action) },
    ...{ sessions, service, tools, files, terminals, models, controller, processesOf: () => sandbox.processes },
    ...{ end, say, failed, pairing: paired.pairing, ready: async () => checks, logTail, config: () => parsed.value },
  });
  const app = makeGatewayApp({
    rules: () => rules,
    ...{ ...paired, limits },
    ready: async () => checks,
    ui: new ControlUi(join(stateDir, UI_FOLDER), command),
    ...{ handlers, mcp, metrics, log, say, version: "0.1.0" },
  });
  const ask = async (path: string, { method, json, body, headers, from = "127.0.0.1", secret = true }: Ask = {}): Promise<Response> => {
    const content = json === undefined ? body : JSON.stringify(json);
    const init = {
      method: method ?? (content === undefined ? "GET" : "POST"),
      headers: {
        host: HOST,
        ...(secret && { authorization: `Bearer ${TOKEN}` }),
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(content !== undefined && { body: content }),
    };
    return await app.request(path, init, { incoming: { socket: { remoteAddress: from } }, outgoing: {} });
  };
  return {
    app,
    stateDir,
    sessions,
    service,
    metrics,
    rules,
    checks,
    clock,
    logged,
    pauses,
    calls,
    paired,
    models,
    handlers,
    browsing,
    broadcast,
    agent,
    ask,
  };
}

/** The value of one series in a scrape. */
export async function sample(metrics: GatewayMetrics, series: string): Promise<number> {
  const { text } = await metrics.registry.render(undefined);
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")[1] ?? Number.NaN,
  );
}
