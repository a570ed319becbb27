// What each operation of the HTTP API does: asks sessions, tools and the controller, and says it in the form that the table promises.
// Routes, checks and errors are app.ts's; the table is operations.ts.

import type { SessionKey } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import { toGatewayPart, toShownPart } from "../../api/config/gateway-part.ts";
import { OperationError } from "../../api/errors.ts";
import { EventStream } from "../../api/event-stream.ts";
import type { FILE_OPERATIONS } from "../../api/gateway-protocol/operations-files.ts";
import type { GATEWAY_OPERATIONS } from "../../api/gateway-protocol/operations-gateway.ts";
import type { SANDBOX_OPERATIONS } from "../../api/gateway-protocol/operations-sandboxes.ts";
import type { Say } from "../../api/place.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { Session } from "../../api/session.ts";
import { renderRefusal, toToolName } from "../../api/tool-policy.ts";
import { renderActor } from "../devices/identity.ts";
import type { Pairing } from "../devices/pairing.ts";
import type { LogTail } from "../log-tail.ts";
import type { Models } from "../models/open-models.ts";
import type { SandboxProcesses } from "../sandbox/sandbox-port.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { SessionService } from "../sessions/service.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { SessionFiles } from "../sessions/session-files.ts";
import type { SessionTerminals } from "../sessions/session-terminals.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Expected } from "../tools/files.ts";
import type { ToolResult, Tools } from "../tools/tool-port.ts";
import { approvalHandlers } from "./approval-handlers.ts";
import { type BrowserHandlerParts, browserHandlers } from "./browser-handlers.ts";
import { chatHandlers } from "./chat-handlers.ts";
import type { GatewayCheck } from "./checks.ts";
import { configHandlers } from "./config-handlers.ts";
import { type CredentialHandlerParts, credentialHandlers } from "./credential-handlers.ts";
import { deviceHandlers } from "./device-handlers.ts";
import type { Handlers } from "./handler.ts";
import { modelHandlers } from "./model-handlers.ts";
import { type OpenAiHandlerParts, openAiHandlers } from "./openai-handlers.ts";
import { overviewHandlers } from "./overview-handlers.ts";
import { terminalHandlers } from "./terminal-handlers.ts";
import { toStreamForm, toToolStream } from "./tool-stream.ts";

export interface HandlerParts extends OpenAiHandlerParts {
  sessions: Sessions;
  service: SessionService;
  tools: Tools;
  files: SessionFiles;
  terminals: SessionTerminals;
  /** Browsers of sessions, and who watches them. */
  browsing: Pick<BrowserHandlerParts, "browsers" | "views" | "thumbnails">;
  /** Where its detached processes are. @throws OperationError `Forbidden` */
  processesOf(session: Session): SandboxProcesses;
  controller: StreamClient;
  end: Pick<SessionEnd, "delete" | "reset">;
  pairing: Pairing;
  credentials: CredentialHandlerParts;
  models: Pick<Models, "view" | "usage">;
  /** The config in force. */
  config(): Config;
  /** Whether the gateway can do its job. Must not throw. */
  ready(): Promise<readonly GatewayCheck[]>;
  logTail: Pick<LogTail, "read">;
  /** Told of every failed call whose answer is a stream: its status says 200. */
  failed(error: unknown): void;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

const PAGE_LENGTH_DEFAULT = 100;
const SETUP_LINES_DEFAULT = 200;
const EGRESS_LINES_DEFAULT = 200;
const LOG_BYTES_DEFAULT = 262_144;

export function makeHandlers(parts: HandlerParts): Handlers {
  return {
    ...sessionHandlers(parts),
    ...toolHandlers(parts),
    ...fileHandlers(parts),
    ...processHandlers(parts),
    ...terminalHandlers({ ...parts, find: (key) => parts.sessions.get(parts.service.expand(key)) }),
    ...browserHandlers({ ...parts, ...parts.browsing, find: (key) => parts.sessions.get(parts.service.expand(key)) }),
    ...controllerHandlers(parts),
    ...approvalHandlers(parts.controller),
    ...configHandlers(parts.controller),
    ...overviewHandlers(parts.controller, parts.say),
    ...deviceHandlers(parts.pairing),
    ...credentialHandlers(parts.credentials),
    ...modelHandlers(parts.models, parts.say),
    ...chatHandlers(parts),
    ...openAiHandlers(parts),
    ...gatewayHandlers(parts),
  };
}

type SessionOperations =
  | "listSessions"
  | "createSession"
  | "getSession"
  | "deleteSession"
  | "resetSession"
  | "spawnSession"
  | "listMessages";

function sessionHandlers({ sessions, service, end }: HandlerParts): Pick<Handlers, SessionOperations> {
  const find = (params: Readonly<Record<string, string>>): Session => sessions.get(service.expand(params.key ?? ""));
  return {
    listSessions: async () => ({ items: await Promise.all(sessions.list().map((session) => service.view(session))) }),
    createSession: async ({ body }) => await service.view(await service.open(body)),
    getSession: async ({ params }) => await service.view(find(params)),
    deleteSession: async ({ params }) => {
      const session = find(params);
      await end.delete(session);
      return { deleted: session.spec.key };
    },
    resetSession: async ({ params }) => await service.view(await end.reset(find(params))),
    spawnSession: async ({ params, body: { agentId, task } }) =>
      await service.spawn(find(params), { ...(agentId !== undefined && { agentId }), ...(task !== undefined && { task }) }),
    listMessages: async ({ params, query }) => {
      const page = { after: query.after ?? 0, limit: query.limit ?? PAGE_LENGTH_DEFAULT };
      return { items: await sessions.messages(find(params).spec.key, page) };
    },
  };
}

function toolHandlers({ sessions, service, tools, failed, say }: HandlerParts): Pick<Handlers, "listTools" | "callTool" | "invokeTool"> {
  const find = (key: string): Session => sessions.get(service.expand(key));
  return {
    listTools: async ({ params }) => {
      const items = await tools.list(find(params.key ?? ""));
      return {
        items: items.map(({ name, description, inputSchema, decision: { allowed, rule, source, fix } }) => ({
          ...{ name, description, inputSchema: { ...inputSchema } },
          ...{ allowed, rule, source, fix: fix === null ? null : say(fix) },
        })),
      };
    },
    callTool: async ({ params, query, body, headers, signal, emit }) => {
      const call = { session: find(params.key ?? ""), tool: params.tool ?? "", input: body };
      if (emit !== undefined) return toAnswer(await tools.call({ ...call, signal, emit }));
      const form = toStreamForm(headers.get("accept"), query.encoding);
      if (form === null) return toAnswer(await tools.call({ ...call, signal, emit: async () => undefined }));
      return toToolStream({ form, signal, failed, say, run: (emit, over) => tools.call({ ...call, signal: over, emit }) });
    },
    invokeTool: async ({ body, signal }) => {
      const session = await service.open({ key: body.sessionKey ?? "main" });
      const input = body.action === undefined ? (body.args ?? {}) : { action: body.action, ...body.args };
      try {
        if (body.dryRun === true) return { ok: true, result: await dryRun(tools, session, body.tool) };
        const { content, details } = await tools.call({ session, tool: body.tool, input, signal, emit: async () => undefined });
        return { ok: true, result: { content, details } };
      } catch (error) {
        return toInvokeError(error, say);
      }
    },
  };
}

const toAnswer = ({ content, details, isError }: ToolResult) => ({
  content: content.map((part) => ({ ...part })),
  details: { ...details },
  isError,
});

/** @throws OperationError `NotFound`, `Forbidden` */
async function dryRun(tools: Tools, session: Session, name: string): Promise<Record<string, unknown>> {
  const tool = (await tools.list(session)).find(({ decision }) => decision.tool === toToolName(name));
  if (tool === undefined) throw new OperationError("NotFound", `there is no tool ${JSON.stringify(name)}`);
  if (!tool.decision.allowed) throw new OperationError("Forbidden", renderRefusal(tool.decision));
  return { tool: tool.name, allowed: true };
}

/** As upstream answers: what the policy refuses is not there. */
function toInvokeError(error: unknown, say: Say): Response {
  if (!(error instanceof OperationError)) throw error;
  const status = { Forbidden: 404, NotFound: 404, InvalidArgument: 400, LimitExceeded: 429 }[String(error.code)] ?? 500;
  const type = status === 404 ? "not_found" : status === 400 ? "invalid_request" : status === 429 ? "rate_limited" : "tool_error";
  return Response.json({ ok: false, error: { type, message: say(error.message) } }, { status });
}

type FileOperations = keyof typeof FILE_OPERATIONS;

function fileHandlers({ sessions, service, files }: HandlerParts): Pick<Handlers, FileOperations> {
  const find = (key: string | undefined): Session => sessions.get(service.expand(key ?? ""));
  return {
    listFiles: async ({ params, query, signal }) => await files.list(find(params.key), query.path ?? "", signal),
    readFile: async ({ params, signal }) => {
      const { bytes, version, content } = await files.read(find(params.key), params.path ?? "", signal);
      // What a sandbox wrote must never be a page of this origin.
      const harmless = { "content-type": "application/octet-stream", "content-disposition": "attachment" };
      const headers = { ...harmless, "content-length": String(bytes), etag: `"${version}"` };
      return new Response(ReadableStream.from(content), { headers });
    },
    writeFile: async ({ params, body, headers, signal }) => {
      return await files.write(find(params.key), { path: params.path ?? "", body, expected: toExpected(headers) }, signal);
    },
    moveFile: async ({ params, body: { from, to, version }, signal }) => {
      await files.arrange(find(params.key), { kind: "move", path: from, target: to, version: version ?? null }, signal);
      return { from, to };
    },
    removeFile: async ({ params, query, signal }) => {
      const path = params.path ?? "";
      const kind = query.contents === "remove" ? "remove-all" : "remove";
      await files.arrange(find(params.key), { kind, path, version: query.version ?? null }, signal);
      return { removed: path };
    },
    makeFolder: async ({ params, body: { path }, signal }) => {
      await files.arrange(find(params.key), { kind: "folder", path }, signal);
      return { path };
    },
    receiveMedia: async ({ params, query, body, signal }) => {
      const { path, bytes } = await files.receive(find(params.key), { name: query.name ?? "file", body }, signal);
      return { path, bytes };
    },
  };
}

/** @throws OperationError `InvalidArgument` */
function toExpected(headers: Headers): Expected {
  if (headers.get("if-none-match") === "*") return "none";
  const match = headers.get("if-match");
  if (match === null) return "any";
  const version = /^"([A-Za-z0-9:.-]{1,256})"$/.exec(match)?.[1];
  if (version === undefined) throw new OperationError("InvalidArgument", "If-Match: expected one ETag, as reading the file answers it");
  return { version };
}

/** Whoever watches keeps no sandbox. A model's tools are another matter. */
const LOOK = { isLook: true } as const;

type ProcessOperations = "listProcesses" | "getProcess" | "clearProcess" | "readProcessLog" | "writeProcess" | "killProcess";

function processHandlers({ sessions, service, processesOf }: HandlerParts): Pick<Handlers, ProcessOperations> {
  const find = (params: Readonly<Record<string, string>>): { processes: SandboxProcesses; key: SessionKey; id: string } => {
    const session = sessions.get(service.expand(params.key ?? ""));
    return { processes: processesOf(session), key: session.spec.key, id: params.id ?? "" };
  };
  return {
    listProcesses: async ({ params }) => {
      const { processes, key } = find(params);
      return { items: await processes.list(key, LOOK) };
    },
    getProcess: async ({ params }) => {
      const { processes, key, id } = find(params);
      return (await processes.log(key, id, { offset: 0, limit: 0, waitMs: 0, ...LOOK })).process;
    },
    clearProcess: async ({ params }) => {
      const { processes, key, id } = find(params);
      await processes.clear(key, id);
      return { cleared: id };
    },
    readProcessLog: async ({ params, query }) => {
      const { processes, key, id } = find(params);
      const range = { offset: query.offset ?? 0, limit: query.limit ?? LOG_BYTES_DEFAULT, waitMs: query.wait ?? 0, ...LOOK };
      return await processes.log(key, id, range);
    },
    writeProcess: async ({ params, body }) => {
      const { processes, key, id } = find(params);
      return await processes.write(key, id, body);
    },
    killProcess: async ({ params, body }) => {
      const { processes, key, id } = find(params);
      return await processes.kill(key, id, body.signal);
    },
  };
}

function controllerHandlers({ controller, failed }: HandlerParts): Pick<Handlers, keyof typeof SANDBOX_OPERATIONS> {
  const toRecord = (sandbox: Sandbox): Record<string, unknown> => ({ ...sandbox });
  return {
    listSandboxes: async () => ({ items: (await controller.sandboxes("all")).map(toRecord) }),
    getSandbox: async ({ params }) => ({ ...(await controller.sandbox(params.name ?? "")) }),
    readSetupLog: async ({ params, query }) => await controller.logs(params.name ?? "", query.tail ?? SETUP_LINES_DEFAULT),
    listEgress: async ({ params, query }) => {
      const { items, counts } = await controller.egressLog(params.name ?? "", query.tail ?? EGRESS_LINES_DEFAULT);
      return { items: items.map((line) => ({ ...line })), counts: counts.map((count) => ({ ...count })) };
    },
    explainSandbox: async ({ query: { name, session, agent, kind } }) => ({
      ...(await controller.explain({ name: name ?? null, session: session ?? null, agent: agent ?? null, kind: kind ?? null })),
    }),
    recreateSandbox: async ({ params, identity }) => await controller.recreateSandbox(params.name ?? "", renderActor(identity)),
    pinSandbox: async ({ params, body, identity }) =>
      await controller.pinSandbox(params.name ?? "", body.pinned ?? true, renderActor(identity)),
    plan: async () => ({ ...(await controller.plan()) }),
    listEvents: async ({ headers, query, signal }) => {
      const last = headers.get("last-event-id");
      if (headers.get("accept")?.includes("text/event-stream") === true)
        return followEvents(
          { controller, failed },
          { lastEventId: last !== null && /^\d{1,15}$/.test(last) ? Number(last) : null, signal },
        );
      const { items } = await controller.events({ sandbox: null, tail: query.tail ?? null });
      return { items: items.map((event) => ({ ...event })) };
    },
  };
}

function gatewayHandlers({ config, ready, logTail }: HandlerParts): Pick<Handlers, keyof typeof GATEWAY_OPERATIONS> {
  return {
    getHealth: async () => {
      const checks = await ready();
      return { ready: checks.every(({ ok }) => ok), checks: [...checks] };
    },
    getConfig: async () => {
      const { file, ...part } = toShownPart(toGatewayPart(config()));
      return { file, config: part };
    },
    tailLog: async ({ query }) => logTail.read(query),
  };
}

/** Passes the controller's events on; a client that comes again says the last that it knows, and gets what came after. */
function followEvents(
  { controller, failed }: Pick<HandlerParts, "controller" | "failed">,
  { lastEventId, signal }: { lastEventId: number | null; signal: AbortSignal },
): Response {
  const stream = new EventStream();
  const over = AbortSignal.any([signal, stream.gone]);
  const pass = async (): Promise<void> => {
    try {
      const options = { signal: over, ...(lastEventId !== null && { lastEventId }) };
      for await (const { event, data, id } of controller.follow("/v1/events", options)) await stream.send(event, data, id ?? undefined);
    } catch (error) {
      failed(error);
    } finally {
      await stream.close();
    }
  };
  void pass();
  return stream.response;
}
