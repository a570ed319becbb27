// The loop put together as a gateway does it, for tests: sessions, tools, models, and what ends it. It asserts nothing.
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "pino";
import { type SessionKey, toAgentId, toEpochMs, toSessionKey } from "../../api/brands.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { Browsers } from "../browser/browsers.ts";
import { NO_BROWSERS, SILENT_METER } from "../browser/no-browsers.fixture.ts";
import type { HostPort } from "../host/host-port.ts";
import { GatewayMetrics } from "../metrics.ts";
import { openModels } from "../models/open-models.ts";
import { SandboxStream } from "../sandbox/sandbox-stream.ts";
import { StreamClient } from "../sandbox/stream-client.ts";
import { SessionService } from "../sessions/service.ts";
import { SessionEnd } from "../sessions/session-end.ts";
import { SessionFiles } from "../sessions/session-files.ts";
import { SessionTools } from "../sessions/session-tools.ts";
import { Sessions } from "../sessions/sessions.ts";
import { ToolDispatcher } from "../tools/dispatch.ts";
import { type ChatInput, NO_WISHES, type Requester } from "./agent-port.ts";
import type { AgentService } from "./agent-service.ts";
import { Arrivals } from "./arrivals.ts";
import { openAgent } from "./open-agent.ts";

export const OWNER: Requester = { kind: "owner", id: "owner", isOwner: true };
export const MAIN = toSessionKey("agent:main:main");

export interface LoopParts {
  stateDir: string;
  config: object;
  /** Where tools of sessions without a sandbox run. */
  host: HostPort;
  log: Logger;
}

export interface Loop {
  agent: AgentService;
  sessions: Sessions;
  service: SessionService;
  stop(): Promise<void>;
}

/** With the session `agent:main:main`. */
export async function openLoop({ stateDir, config: written, host, log }: LoopParts): Promise<Loop> {
  const folders = { stateDir, home: "/home/claw" };
  const sources = toSources(JSON.stringify(written), join(stateDir, "openclaw.json"));
  const parsed = parseConfig(sources, { ...folders, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(`the test's config is not valid: ${JSON.stringify(parsed.issues)}`);
  const config = () => parsed.value;
  const failed = (error: unknown): void => log.error({ err: error }, "failed");
  const newId = (): string => randomBytes(8).toString("hex");
  const now = () => toEpochMs(Date.now());
  const sessions = await Sessions.open({ stateDir, now, newUid: randomUUID, writeFailed: () => undefined });
  const arrivals = new Arrivals();
  const service = new SessionService({ sessions, config, folders, newUid: randomUUID, said: (arrival) => arrivals.tell(arrival) });
  const controller = new StreamClient(stateDir);
  const metrics = new GatewayMetrics({ version: "0", revision: "0", processMetrics: false });
  const inside = { config, folders, sandbox: new SandboxStream(controller), newId };
  const browsers = new Browsers({ port: NO_BROWSERS, meter: SILENT_METER, log, pages: () => "http://127.0.0.1" });
  const dispatcher = new ToolDispatcher({ ...inside, browsers, host: () => host, sessions: service });
  const tools = new SessionTools({ tools: dispatcher, sessions, metrics });
  const models = await openModels({ stateDir, config, stores: [], variables: {}, metrics: metrics.models, chance: () => 0.5, log });
  const files = new SessionFiles({ ...inside, sessions, metrics, spoolFolder: stateDir, isReady: async () => true });
  const agent = openAgent({
    ...{ config, folders, sessions, service, tools, files, controller, arrivals, log, failed, newUid: randomUUID },
    ...{ models: models.service, metrics: metrics.agent },
    processesOf: (session) => dispatcher.processesOf(session),
    reset: (session) => end.reset(session),
    remove: (session) => end.delete(session),
  });
  const end: SessionEnd = new SessionEnd({
    ...{ sessions, tools, endRuns: (key: SessionKey) => agent.endRuns(key), endOnHost: async () => undefined },
    ...{ releaseSandbox: async () => undefined, forgetUsage: models.forgetSession },
  });
  await sessions.create({ key: MAIN, agentId: toAgentId("main"), kind: "main" });
  const stop = async (): Promise<void> => {
    await agent.stop();
    await sessions.stop();
  };
  return { agent, sessions, service, stop };
}

export const toChat = (text: string): ChatInput => ({
  ...{ session: MAIN, text, attachments: [], requester: OWNER },
  ...{ isOwnWord: true, queueMode: null, idempotencyKey: null, timeoutMs: null, wishes: NO_WISHES },
});
