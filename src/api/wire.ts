// What is said over the controller's sockets: JSON over HTTP/1.1, and one WebSocket per running command. Both ends parse with these schemas.
import { z } from "zod";
import { ERROR_CODES, type ErrorCode, OperationError } from "./errors.ts";
import type { SandboxEvent } from "./event.ts";
import type { Issue } from "./issue.ts";
import type { Sandbox } from "./sandbox.ts";

/** RFC 9457 problem details, the body of every error answer. */
export const Problem = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string(),
  fix: z.string().optional(),
  retryable: z.boolean(),
});
export type Problem = z.output<typeof Problem>;

/** Errors that are not operating errors are bugs and show as `EngineFailed` would: without their text, which may hold anything. */
export function toProblem(error: unknown): Problem {
  const known = error instanceof OperationError ? error : new OperationError("EngineFailed", "internal error; the controller's log says more");
  const facts = ERROR_CODES[known.code];
  return {
    type: "about:blank",
    title: known.code,
    status: facts.status,
    code: known.code,
    detail: known.message,
    ...(known.fix === undefined ? {} : { fix: known.fix }),
    retryable: facts.retryable,
  };
}

export function toOperationError(problem: Problem): OperationError {
  return new OperationError(problem.code, problem.detail, problem.fix === undefined ? {} : { fix: problem.fix });
}

// ---- commands in a sandbox -------------------------------------------------------------------------------------------------

/** 1 MiB of arguments is half of what Linux accepts. */
const ArgvSchema = z.array(z.string().max(131_072)).min(1).max(4_096);
const TerminalSize = z.strictObject({ columns: z.int().min(1).max(1_000), rows: z.int().min(1).max(1_000) });
const EnvironmentSchema = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string());

export const CommandRequest = z.strictObject({
  argv: ArgvSchema,
  env: EnvironmentSchema.optional(),
  /** Absent: the sandbox's workdir. */
  workdir: z.string().startsWith("/").optional(),
  tty: TerminalSize.optional(),
  stdin: z.boolean(),
  /** The process group inside is killed after this. Absent: no limit. At most a day. */
  timeoutMs: z.int().min(1).max(86_400_000).optional(),
});
export type CommandRequest = z.output<typeof CommandRequest>;

/** Text frames from the client. The first one is `start`. */
export const CommandControl = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("start"), request: CommandRequest }),
  z.strictObject({ kind: z.literal("resize"), size: TerminalSize }),
  z.strictObject({ kind: z.literal("signal"), name: z.string().regex(/^[A-Z0-9]{1,10}$/) }),
  z.strictObject({ kind: z.literal("stdin-end") }),
]);
export type CommandControl = z.output<typeof CommandControl>;

/** Text frames to the client. `exit` or `error` is the last one; both come after all output. */
export const CommandNotice = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("started"), sandbox: z.string(), containerId: z.string() }),
  /** `reason` tells a command's own end from one that was forced. */
  z.object({ kind: z.literal("exit"), code: z.int(), reason: z.enum(["exited", "timeout"]) }),
  z.object({ kind: z.literal("error"), problem: Problem }),
]);
export type CommandNotice = z.output<typeof CommandNotice>;

/** First byte of each binary frame; the rest is data. */
export const COMMAND_CHANNEL = { stdin: 0, stdout: 1, stderr: 2 } as const;

// ---- detached processes ----------------------------------------------------------------------------------------------------

export const ProcessStart = CommandRequest.omit({ tty: true, stdin: true });
export type ProcessStart = z.output<typeof ProcessStart>;

/** A process that goes on when nobody is connected; all its state is inside the container. */
export const SandboxProcess = z.object({
  id: z.string().regex(/^[a-z0-9]{8,32}$/),
  argv: z.array(z.string()),
  state: z.enum(["running", "exited"]),
  startedAt: z.number(),
  /** null while it runs. */
  exitCode: z.int().nullable(),
  /** Bytes of output so far, stdout and stderr together as they came. */
  outputBytes: z.int(),
});
export type SandboxProcess = z.output<typeof SandboxProcess>;

// ---- views -----------------------------------------------------------------------------------------------------------------

export interface SandboxList {
  items: Sandbox[];
}

export interface SandboxDetail {
  sandbox: Sandbox;
  events: SandboxEvent[];
}

/** What the loop would do to one sandbox, step by step, until it is converged or has to wait. */
export interface PlannedSandbox {
  name: string;
  wanted: boolean;
  because: string;
  /** Each as the log prints it: what, on what, why. */
  actions: string[];
  /** Why the rest waits, and until when. Absent: nothing waits. */
  waits?: string;
}

export interface PlanView {
  items: PlannedSandbox[];
  /** Issues of the config that was planned with. */
  issues: Issue[];
}

export interface ConfigView {
  file: string;
  /** false: the file is not in force; the last good one is. */
  ok: boolean;
  issues: Issue[];
  loadedAt: number | null;
}

export interface ControllerView {
  instance: string;
  version: string;
  stateDir: string;
  startedAt: number;
  ready: boolean;
  checks: { name: string; ok: boolean; message: string }[];
  engine: { endpoint: string; product: string; version: string } | null;
  config: ConfigView;
  sandboxes: number;
}

/** One value in force, and the place that says so. */
export interface ExplainedValue {
  key: string;
  value: string;
  source: string;
}

export interface ExplainView {
  agentId: string;
  sessionKey: string | null;
  sandboxed: boolean;
  because: string;
  /** null when the session is not sandboxed. */
  sandbox: { name: string; scope: string; scopeKey: string; status: Sandbox | null } | null;
  values: ExplainedValue[];
  mounts: { source: string; target: string; access: "ro" | "rw"; kind: string }[];
  tools: { tool: string; allowed: boolean; rule: string; source: string; fix: string | null }[];
  /** What the loop does next and when, and keys that would change what is not as wished. */
  next: string[];
  warnings: Issue[];
}

/** Something on the engine or in the state folder that is ours and that nothing wants. */
export interface UnownedObject {
  kind: "container" | "network" | "volume" | "workspace";
  name: string;
  because: string;
  /** Whether the sweep may remove it now; false while its grace lasts. */
  removable: boolean;
  bytes: number | null;
}

export interface PruneView {
  items: UnownedObject[];
  removed: string[];
}

