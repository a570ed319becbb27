// The stream server as a function from request to response, for the gateway: read-only status, and sessions' sandboxes with their detached
// processes. A caller names a session, never a sandbox; session-gate.ts decides. Commands are stream-server.ts.

import type { Hono } from "hono";
import type { Logger } from "pino";
import type { InstanceId, SandboxName } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { ServerSentEvent } from "../../api/event-stream.ts";
import type { PromptFile, PromptFilesView } from "../../api/prompt-files.ts";
import { type ProcessStart, type SandboxRelease, type SeenSessionEnds, SessionEnds, type SessionSandbox } from "../../api/wire.ts";
import type { ApprovalKeys } from "../records/approval-keys.ts";
import type { GatewayFeed } from "../sources/gateway-feed.ts";
import type { AdminViews } from "../views/admin-views.ts";
import type { ApprovalGate } from "./approval-gate.ts";
import type { Audit } from "./audit.ts";
import { makeBaseApp } from "./base-app.ts";
import type { BrowserGate } from "./browser-gate.ts";
import { Bell, type EventSource } from "./event-source.ts";
import type { Followers } from "./followers.ts";
import type { ProcessService } from "./processes.ts";
import { isLook, parseBody } from "./request.ts";
import { type ApprovalRequests, approvalRoutes } from "./routes-approvals.ts";
import { configRoutes } from "./routes-config.ts";
import { viewRoutes } from "./routes-control.ts";
import { doctorRoutes } from "./routes-doctor.ts";
import { egressLogRoutes, type KeptDecisions } from "./routes-egress.ts";
import { gatewayRoutes } from "./routes-gateway.ts";
import { type ProcessTarget, processRoutes } from "./routes-processes.ts";
import { type GatewayRequestParts, gatewayRequestRoutes } from "./routes-requests.ts";
import { sandboxRoutes } from "./routes-sandboxes.ts";
import type { SessionGate } from "./session-gate.ts";

export interface StreamAppParts {
  views: AdminViews;
  egressLog: KeptDecisions;
  gate: SessionGate;
  browsers: BrowserGate;
  feed: GatewayFeed;
  audit: Audit;
  followers: Followers;
  processes: ProcessService;
  /** Requests the removal of the sandbox and everything running in it. */
  release(name: SandboxName): Promise<void>;
  /** What of these folders says how an agent works; absolute. @throws OperationError `HostRejected` */
  promptFiles(folders: readonly string[]): Promise<PromptFile[]>;
  requests: GatewayRequestParts["requests"] & ApprovalRequests;
  approvals: { instance: InstanceId; keys: ApprovalKeys; gate: ApprovalGate };
  clock: Pick<Clock, "now">;
  log: Logger;
}

/** A session file is noticed within some 10 ms: whoever just wrote one should not wait for the next heartbeat. */
const UNKNOWN_LOOK_MS = 10;

export function makeStreamApp(parts: StreamAppParts): Hono {
  const { views, egressLog, gate, browsers, feed, audit, followers, processes, release, promptFiles, requests, approvals, clock, log } =
    parts;
  const app = makeBaseApp(log);
  app.route("/v1", sandboxRoutes(views, followers));
  app.route("/v1", viewRoutes(views, followers));
  app.route("/v1", egressLogRoutes(views, egressLog, followers));
  app.route("/v1", gatewayRoutes(feed, followers));
  app.route("/v1", configRoutes(views, clock));
  app.route("/v1", doctorRoutes(views, clock));
  app.route("/v1", gatewayRequestRoutes({ views, audit, clock, requests }));
  app.route("/v1", approvalRoutes({ ...approvals, views, audit, requests, clock }));
  app.get("/v1/sessions/:key/sandbox", ({ req, json }) => json(gate.view(req.param("key"))));
  app.get("/v1/sessions/:key/sandbox/watch", ({ req }) => followers.follow(() => watchSession(views, () => gate.view(req.param("key")))));
  app.get("/v1/sessions/:key/browser", ({ req, json }) => json(browsers.view(req.param("key"))));
  app.get("/v1/sessions/:key/browser/watch", ({ req }) =>
    followers.follow(() => watchSession(views, () => browsers.view(req.param("key")))),
  );
  app.post("/v1/sessions/:key/browser/release", async ({ req, json }) => {
    const key = req.param("key");
    const { sandbox } = audit.call({ key, tool: "browser", argv: ["release"] }, () => ({ sandbox: browsers.release(key) }));
    if (sandbox !== null) await release(sandbox);
    const released: SandboxRelease = { sandbox };
    return json(released);
  });
  app.post("/v1/sessions/:key/sandbox/release", async ({ req, json }) => {
    const key = req.param("key");
    const { sandbox } = audit.call({ key, tool: "release", argv: [] }, () => ({ sandbox: gate.ownSandbox(key) }));
    const browser = browsers.ownBrowser(key);
    for (const name of [sandbox, browser]) if (name !== null) await release(name);
    const released: SandboxRelease = { sandbox };
    return json(released);
  });
  app.get("/v1/sessions/:key/prompt-files", async ({ req, json }) => {
    const key = req.param("key");
    const { folders } = audit.call({ key, tool: "prompt", argv: [], isLook: true }, () => gate.promptFolders(key));
    const answer: PromptFilesView = { items: await promptFiles(folders) };
    return json(answer);
  });
  app.post("/v1/sessions/ended", async (context) => {
    const { items } = await parseBody(context, SessionEnds);
    const answer: SeenSessionEnds = { seen: gate.seenEnds(items) };
    return context.json(answer);
  });
  const admit = (key: string, start: ProcessStart | null) => {
    const admitted = gate.admit(key, start === null ? "process" : "exec");
    if (start !== null) gate.checkWorkdir(key, start);
    return admitted;
  };
  const target: ProcessTarget = (context, start) => {
    const key = context.req.param("key") ?? "";
    const isReading = context.req.method === "GET" && isLook(context);
    const call = { key, tool: start === null ? ("process" as const) : ("exec" as const), argv: start?.argv ?? [], isLook: isReading };
    return audit.call(call, () => admit(key, start)).sandbox;
  };
  app.route("/v1", processRoutes("/sessions/:key", target, processes));
  return app;
}

/** `sandbox` with what `look` shows at once, then whenever it is another one. */
function watchSession(views: AdminViews, look: () => SessionSandbox): EventSource {
  const bell = new Bell();
  const stop = views.watch(() => bell.ring());
  let told: SessionSandbox | null = null;
  const timer = setInterval(() => {
    if (told?.sandbox == null) bell.ring();
  }, UNKNOWN_LOOK_MS);
  const next = (): ServerSentEvent[] => {
    const view = look();
    if (told !== null && JSON.stringify(told) === JSON.stringify(view)) return [];
    told = view;
    return [{ event: "sandbox", data: view }];
  };
  const end = (): void => {
    clearInterval(timer);
    stop();
  };
  return { bell, next, end };
}
