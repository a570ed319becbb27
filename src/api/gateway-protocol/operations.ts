// The table of what the gateway offers over HTTP and the WebSocket: names, who may, what goes in and what comes out. Routes, checks, the OpenAPI
// document and docs/websocket.md are made from it, so that none of them can say something else. What an operation does is gateway/http/handlers.ts.
import { z } from "zod";
import { MESSAGE_ROLES } from "../message-roles.ts";
import { AgentIdSchema } from "../session.ts";
import { PROCESS_LOG_READ_BYTES_MAX, ProcessInput, ProcessKill, SandboxProcess } from "../wire.ts";
import { ChatSendAnswer } from "./chat.ts";
import type { Operation } from "./operation.ts";
import { APPROVAL_OPERATIONS } from "./operations-approvals.ts";
import { BROWSER_OPERATIONS } from "./operations-browsers.ts";
import { CHAT_OPERATIONS } from "./operations-chat.ts";
import { CONFIG_OPERATIONS } from "./operations-config.ts";
import { CONTROLLER_OPERATIONS } from "./operations-controller.ts";
import { CREDENTIAL_OPERATIONS } from "./operations-credentials.ts";
import { DEVICE_OPERATIONS } from "./operations-devices.ts";
import { FILE_OPERATIONS } from "./operations-files.ts";
import { GATEWAY_OPERATIONS } from "./operations-gateway.ts";
import { MODEL_OPERATIONS } from "./operations-models.ts";
import { OPENAI_OPERATIONS } from "./operations-openai.ts";
import { SANDBOX_OPERATIONS } from "./operations-sandboxes.ts";
import { TERMINAL_OPERATIONS } from "./operations-terminals.ts";

/** A message is what a person writes, or a model: a megabyte is a book. */
const TEXT_LENGTH_MAX = 1_048_576;
const PAGE_LENGTH_MAX = 1_000;
const LOG_WAIT_MS_MAX = 30_000;

const SessionKeyText = z.string().min(1).max(512);
const Time = z.int().meta({ description: "Milliseconds since 1970" });
/** In a query its digits (`toQueryValues`). */
const Whole = (max: number) => z.int().min(0).max(max);

export const SessionAnswer = z.object({
  key: z.string(),
  agentId: z.string(),
  kind: z.string(),
  createdAt: Time,
  lastActivityAt: Time.nullable(),
  endedAt: Time.nullable(),
  sandboxed: z.boolean(),
  browserUsedAt: Time.nullable().meta({ description: "When its browser was used last. null: it wants none" }),
  messages: z.int(),
});
const MessageAnswer = z.object({
  id: z.int(),
  at: Time,
  role: z.enum(MESSAGE_ROLES),
  text: z.string(),
  from: z.string().nullable(),
});
const ToolAnswer = z.object({
  name: z.string(),
  description: z.string(),
  inputSchema: z.record(z.string(), z.unknown()),
  allowed: z.boolean(),
  rule: z.string(),
  source: z.string(),
  fix: z.string().nullable(),
});
const ToolResultAnswer = z.object({
  content: z.array(z.record(z.string(), z.unknown())),
  details: z.record(z.string(), z.unknown()),
  isError: z.boolean(),
});
const listOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });

export const OPERATIONS = {
  listSessions: {
    method: "get",
    path: "/v1/sessions",
    summary: "Every session, in order of key",
    scope: "operator.read",
    socket: "sessions.list",
    answer: listOf(SessionAnswer),
  },
  createSession: {
    method: "post",
    path: "/v1/sessions",
    summary: "A session by its key (the one that is there, or a new one), or a new conversation of an agent",
    scope: "operator.write",
    socket: "sessions.create",
    body: z.strictObject({
      key: SessionKeyText.optional().meta({ description: "Full, or short for the default agent: main" }),
      agentId: AgentIdSchema.optional(),
    }),
    answer: SessionAnswer,
  },
  getSession: {
    method: "get",
    path: "/v1/sessions/{key}",
    summary: "One session",
    scope: "operator.read",
    socket: "sessions.get",
    answer: SessionAnswer,
  },
  deleteSession: {
    method: "delete",
    path: "/v1/sessions/{key}",
    summary: "Ends the session, removes its conversation, and lets its sandbox go",
    scope: "operator.write",
    socket: "sessions.delete",
    answer: z.object({ deleted: z.string() }),
  },
  resetSession: {
    method: "post",
    path: "/v1/sessions/{key}/reset",
    summary: "The same key with a new conversation; a sandbox of its own is made anew",
    scope: "operator.write",
    socket: "sessions.reset",
    answer: SessionAnswer,
  },
  spawnSession: {
    method: "post",
    path: "/v1/sessions/{key}/spawn",
    summary: "A child, at least as confined as this session",
    scope: "operator.write",
    socket: "sessions.spawn",
    body: z.strictObject({ agentId: AgentIdSchema.optional(), task: z.string().max(TEXT_LENGTH_MAX).optional() }),
    answer: SessionAnswer,
  },
  listMessages: {
    method: "get",
    path: "/v1/sessions/{key}/messages",
    summary: "Messages after an id, oldest first; fewer than the limit where they are large, none when there are no more",
    scope: "operator.read",
    socket: "sessions.messages",
    query: z.object({ after: Whole(Number.MAX_SAFE_INTEGER).optional(), limit: Whole(PAGE_LENGTH_MAX).optional() }),
    answer: listOf(MessageAnswer),
  },
  sendMessage: {
    method: "post",
    path: "/v1/sessions/{key}/messages",
    summary:
      "Appends a message; one of the user's is answered where a model is configured: `chat.history` and the event `chat` have the answer",
    scope: "operator.write",
    socket: "sessions.send",
    body: z.strictObject({
      text: z.string().min(1).max(TEXT_LENGTH_MAX),
      role: z.enum(MESSAGE_ROLES).optional(),
      run: z.boolean().optional().meta({ description: "false: it is kept, and nobody answers. Absent: true" }),
    }),
    answer: MessageAnswer.extend({
      run: ChatSendAnswer.nullable().meta({ description: "What answers it. null: nothing does" }),
    }),
  },
  listTools: {
    method: "get",
    path: "/v1/sessions/{key}/tools",
    summary: "Every tool, whether the session may use it, by which rule, and where that rule stands",
    scope: "operator.read",
    socket: "tools.list",
    answer: listOf(ToolAnswer),
  },
  callTool: {
    method: "post",
    path: "/v1/sessions/{key}/tools/{tool}",
    summary: "Runs a tool; the body is its input",
    scope: "operator.write",
    socket: "tools.call",
    query: z.object({ encoding: z.enum(["text", "base64"]).optional() }),
    // null is how some clients write that there are no arguments.
    body: z.record(z.string(), z.unknown()).nullable(),
    answer: ToolResultAnswer,
    events: "started, progress, stdout, stderr as they come; exit with the result, or error with a problem, ends it",
    frames: "8 bytes [channel, 0, 0, 0, length big-endian], then data: 1 stdout, 2 stderr, 0 the other events as JSON { event, data }",
  },
  listProcesses: {
    method: "get",
    path: "/v1/sessions/{key}/processes",
    summary:
      "Detached processes of the session: in its sandbox, or on the gateway's host. Reading them is no use of the sandbox, and wakes none",
    scope: "operator.read",
    socket: "process.list",
    answer: listOf(SandboxProcess),
  },
  getProcess: {
    method: "get",
    path: "/v1/sessions/{key}/processes/{id}",
    summary: "One detached process",
    scope: "operator.read",
    socket: "process.get",
    answer: SandboxProcess,
  },
  clearProcess: {
    method: "delete",
    path: "/v1/sessions/{key}/processes/{id}",
    summary: "Forgets a process that has ended",
    scope: "operator.write",
    socket: "process.clear",
    answer: z.object({ cleared: z.string() }),
  },
  readProcessLog: {
    method: "get",
    path: "/v1/sessions/{key}/processes/{id}/log",
    summary: "Output from an offset on, base64; waits up to `wait` ms for the first of it",
    scope: "operator.read",
    socket: "process.log",
    query: z.object({
      offset: Whole(Number.MAX_SAFE_INTEGER).optional(),
      limit: Whole(PROCESS_LOG_READ_BYTES_MAX).optional(),
      wait: Whole(LOG_WAIT_MS_MAX).optional(),
    }),
    answer: z.object({ offset: z.int(), data: z.base64(), nextOffset: z.int(), process: SandboxProcess }),
  },
  writeProcess: {
    method: "post",
    path: "/v1/sessions/{key}/processes/{id}/stdin",
    summary: "Writes to a process's stdin",
    scope: "operator.write",
    socket: "process.write",
    body: ProcessInput,
    answer: SandboxProcess,
  },
  killProcess: {
    method: "post",
    path: "/v1/sessions/{key}/processes/{id}/kill",
    summary: "Sends a signal to a process and everything that it started",
    scope: "operator.write",
    socket: "process.kill",
    body: ProcessKill,
    answer: SandboxProcess,
  },
  invokeTool: {
    method: "post",
    path: "/tools/invoke",
    summary: "Runs a tool, in the form of other OpenClaw gateways",
    scope: "operator.write",
    body: z.object({
      tool: z.string().min(1).max(128),
      action: z.string().max(128).optional(),
      args: z.record(z.string(), z.unknown()).optional(),
      sessionKey: SessionKeyText.optional(),
      dryRun: z.boolean().optional(),
    }),
    answer: z.object({
      ok: z.boolean(),
      result: z.unknown().optional(),
      error: z.object({ type: z.string(), message: z.string() }).optional(),
    }),
  },
  ...CHAT_OPERATIONS,
  ...FILE_OPERATIONS,
  ...TERMINAL_OPERATIONS,
  ...BROWSER_OPERATIONS,
  ...SANDBOX_OPERATIONS,
  ...APPROVAL_OPERATIONS,
  ...CONFIG_OPERATIONS,
  ...CONTROLLER_OPERATIONS,
  ...DEVICE_OPERATIONS,
  ...CREDENTIAL_OPERATIONS,
  ...MODEL_OPERATIONS,
  ...OPENAI_OPERATIONS,
  ...GATEWAY_OPERATIONS,
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
export type OperationOf<Name extends OperationName> = (typeof OPERATIONS)[Name];

export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];

export const namesInPath = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);

/** A query is text: digits where the schema has a number are one. What is none is left for the schema to refuse. */
export function toQueryValues(schema: z.ZodObject, query: Readonly<Record<string, string>>): Record<string, unknown> {
  const isNumber = (name: string): boolean => {
    const field: unknown = schema.shape[name];
    const inner = field instanceof z.ZodOptional ? field.unwrap() : field;
    return inner instanceof z.ZodNumber;
  };
  return Object.fromEntries(
    Object.entries(query).map(([name, text]) => [name, isNumber(name) && /^\d{1,16}$/.test(text) ? Number(text) : text]),
  );
}
