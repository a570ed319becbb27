// The protocol of the controller's sockets: JSON over HTTP/1.1, SSE, and one WebSocket per running command. Both ends parse with these schemas.
// Shapes and limits only: who may call is the servers' business, what happens then is the loop's.
import { z } from "zod";
import { ERROR_CODES, type ErrorCode, OperationError } from "./errors.ts";
import type { SandboxEvent } from "./event.ts";
import type { Finding } from "./finding.ts";
import type { Issue } from "./issue.ts";
import type { FieldDrift, Sandbox } from "./sandbox.ts";

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

/** Errors that are not operating errors are bugs: their text may hold anything and is not shown. */
export function toProblem(error: unknown): Problem {
  const known = error instanceof OperationError ? error : new OperationError("InternalError", "internal error; see the log");
  const facts = ERROR_CODES[known.code];
  return {
    type: "about:blank",
    title: known.code,
    status: facts.status,
    code: known.code,
    detail: known.message,
    ...(known.fix === undefined ? {} : { fix: known.fix }),
    retryable: known.retryable,
  };
}

export function fromProblem(problem: Problem): OperationError {
  const { code, detail, fix, retryable } = problem;
  return new OperationError(code, detail, { ...(fix !== undefined && { fix }), ...(!retryable && { retryable }) });
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

/**
 * How many bytes one side may send that the other has not yet said to be `consumed`: stdin in one direction, stdout and stderr together
 * in the other. Neither side ever stops reading the socket, so signals, pings and a disconnect get through however full the pipes are,
 * and a command holds at most two windows of memory.
 */
export const COMMAND_WINDOW_BYTES = 262_144;
/** Data bytes of one binary frame. A quarter of the window, so that it never runs dry while an answer is on its way. */
export const COMMAND_CHUNK_BYTES_MAX = 65_536;
/** Any frame. The largest is a `start` with its arguments. */
export const COMMAND_FRAME_BYTES_MAX = 1_048_576;

/** More than one window was never sent, so it can't have been consumed. */
const Consumed = z.strictObject({ kind: z.literal("consumed"), bytes: z.int().min(1).max(COMMAND_WINDOW_BYTES) });

/** Without `SIG`, as `kill -l` prints them. */
export const SignalName = z.string().regex(/^[A-Z][A-Z0-9]{1,9}$/);

/**
 * A `start` of the client's request for the socket, base64url of its JSON: the command begins without waiting for the answer to that. Who has taken it
 * says `1` in the answer's header of the same name; otherwise it is sent as the first frame.
 */
export const COMMAND_START_HEADER = "openclaw-start";
/** Bytes of its JSON: with base64, and beside all other headers, two thirds of what a request's headers may have. */
export const COMMAND_START_BYTES_MAX = 8_192;

/** Text frames from the client. The first one is `start`, unless it came with the request. */
export const CommandControl = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("start"), request: CommandRequest }),
  z.strictObject({ kind: z.literal("resize"), size: TerminalSize }),
  z.strictObject({ kind: z.literal("signal"), name: SignalName }),
  z.strictObject({ kind: z.literal("stdin-end") }),
  /** Bytes of output that the client has passed on. */
  Consumed,
]);
export type CommandControl = z.output<typeof CommandControl>;

/** Text frames to the client. `exit` or `error` is the last one; both come after all output. */
export const CommandNotice = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("started"), sandbox: z.string(), containerId: z.string() }),
  /**
   * `code` is 128 and its number when a signal ended the command. `reason` tells its own end from one that was forced. `outputHeld`: something
   * that it left running still has its output, of which nothing more comes; absent where that is not so, or not known.
   */
  z.object({ kind: z.literal("exit"), code: z.int(), reason: z.enum(["exited", "timeout"]), outputHeld: z.literal(true).optional() }),
  z.object({ kind: z.literal("error"), problem: Problem }),
  /** Bytes of stdin that the command's pipe has taken. */
  Consumed,
]);
export type CommandNotice = z.output<typeof CommandNotice>;

/** First byte of each binary frame; the rest is data. */
export const COMMAND_CHANNEL = { stdin: 0, stdout: 1, stderr: 2 } as const;

export type CommandStream = "stdout" | "stderr";

export interface CommandOutput {
  stream: CommandStream;
  chunk: Buffer;
}

export type CommandEnd = Pick<Extract<CommandNotice, { kind: "exit" }>, "code" | "reason" | "outputHeld">;

/** What runs inside a sandbox, each through commands of its own: the tools, and `media`, files that people send. */
export const SANDBOX_TOOLS = ["exec", "process", "read", "write", "edit", "apply_patch", "media"] as const;
export type SandboxTool = (typeof SANDBOX_TOOLS)[number];

// ---- detached processes ----------------------------------------------------------------------------------------------------

export const ProcessStart = CommandRequest.omit({ tty: true, stdin: true });
export type ProcessStart = z.output<typeof ProcessStart>;

/** A process that goes on when nobody is connected; all its state is inside the container. */
export const SandboxProcess = z.object({
  id: z.string().regex(/^[a-z0-9]{8,32}$/),
  argv: z.array(z.string()),
  state: z.enum(["running", "exited"]),
  startedAt: z.number(),
  /** null while it runs, and when its supervisor was killed too, so that nobody knows. 137 after KILL. */
  exitCode: z.int().nullable(),
  /** Whether its own timeoutMs ended it. */
  timedOut: z.boolean(),
  /** Bytes of output so far, stdout and stderr together as they came. */
  outputBytes: z.int(),
  /** How many of the first of them are no longer kept. */
  droppedBytes: z.int(),
  /** Whether some output is in neither: the storage for logs in this sandbox was full. */
  outputLost: z.boolean(),
});
export type SandboxProcess = z.output<typeof SandboxProcess>;

export interface ProcessList {
  items: SandboxProcess[];
}

/** A piece of a detached process's output. */
export interface ProcessLog {
  /** Position of the first byte of `data`. Larger than what was asked for when the output before it is no longer kept. */
  offset: number;
  /** base64 */
  data: string;
  /** Where to read on. */
  nextOffset: number;
  process: SandboxProcess;
}

export const PROCESS_LOG_READ_BYTES_MAX = 1_048_576;
/** One write to a process's stdin. */
export const PROCESS_STDIN_BYTES_MAX = 1_048_576;

export const ProcessInput = z.strictObject({
  /** base64. Absent: nothing to write. */
  data: z.base64().optional(),
  /** Whether its stdin is closed afterwards. */
  end: z.boolean(),
});
export type ProcessInput = z.output<typeof ProcessInput>;

export const ProcessKill = z.strictObject({ signal: SignalName });

// ---- views -----------------------------------------------------------------------------------------------------------------

export interface SandboxList {
  items: Sandbox[];
}

/** The sandbox of one live session, as the gateway sees it. */
export interface SessionSandbox {
  sessionKey: string;
  /** null: the controller does not know the session yet, or it has ended or is not sandboxed. */
  sandbox: string | null;
  ready: boolean;
  /** Reason of the Ready condition, or `SessionUnknown`, `NotSeen`. */
  reason: string;
  /** One sentence for people. */
  message: string;
  /** Whether nothing goes on until somebody mends what `message` says; it is tried again by itself, but later. */
  blocked: boolean;
}

/** Which sandbox goes with all that runs in it. null: the session's serves others too, and stays. */
export interface SandboxRelease {
  sandbox: string | null;
}

/** What the gateway requests about a sandbox, and for whom: the device's id, as the gateway says. */
export const GatewayRequest = z.strictObject({ by: z.string().max(64).optional() });
export const GatewayPin = GatewayRequest.extend({ pinned: z.boolean() });

export interface GatewayRequestView {
  /** Its full name. */
  sandbox: string;
}

/** As many as one agent may have; each is under 600 bytes. */
export const SESSION_ENDS_MAX = 5_000;
/** Sessions that have ended: is their end known, and what it releases gone? */
export const SessionEnds = z.strictObject({
  items: z.array(z.strictObject({ key: z.string().max(512), uid: z.uuid() })).max(SESSION_ENDS_MAX),
});
export type SessionEnds = z.output<typeof SessionEnds>;

/** The uids of those whose files say nothing to the controller any more. */
export interface SeenSessionEnds {
  seen: string[];
}

/** What a name stands for: a sandbox that is there, or one that an agent or a session may get. */
export interface NameView {
  /** null: it has not been created. */
  sandbox: string | null;
  scopeKey: string;
  /** Why there is none yet, and what makes one. Empty: it is there. */
  message: string;
}

export interface SandboxDetail {
  sandbox: Sandbox;
  events: SandboxEvent[];
}

/** SSE of `GET /v1/watch`: `list` with a SandboxList comes first, then one `changed` per change; a slow reader gets the newest only. */
export interface SandboxChanged {
  name: string;
  /** null: it is gone, and so is its status. */
  sandbox: Sandbox | null;
}

export interface EventList {
  items: SandboxEvent[];
}

/** What `docker.setupCommand` printed in the newest container. */
export interface SetupLogView {
  /** `none`: no setup ran in this process's memory. */
  state: "none" | "running" | "succeeded" | "failed";
  /** stdout and stderr as they came; invalid UTF-8 is replaced. */
  text: string;
  /** Whether earlier output was dropped. */
  truncated: boolean;
}

/** A config's files as texts, read by the person who asks; the controller parses them as it would its own. */
export const ConfigTexts = z.strictObject({
  main: z.string().min(1),
  files: z.array(z.tuple([z.string(), z.strictObject({ realPath: z.string(), text: z.string().max(1_048_576) })])).max(65),
});
export type ConfigTexts = z.output<typeof ConfigTexts>;

export const PlanRequest = z.strictObject({
  /** Absent: the config in force. */
  config: ConfigTexts.optional(),
});

export const PruneRequest = z.strictObject({ dryRun: z.boolean() });

/** What the loop would do to one sandbox, step by step, until it is converged or has to wait. */
export interface PlannedSandbox {
  name: string;
  wanted: boolean;
  because: string;
  /** What differs now, with values fit to be shown. Empty while there is no container. */
  drift: readonly FieldDrift[];
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

/** Where the controller put a copy of another gateway's database. */
export interface UpstreamCopy {
  copy: string;
}

export interface ControllerView {
  /** null: the engine has not answered yet; in a container only it knows the name of the state folder that the instance is made of. */
  instance: string | null;
  version: string;
  stateDir: string;
  startedAt: number;
  ready: boolean;
  checks: { name: string; ok: boolean; message: string }[];
  engine: { endpoint: string; product: string; version: string } | null;
  config: ConfigView;
  sandboxes: number;
  /** Since when a person holds all replacements back. null: nobody does. */
  rolloutsPausedSince: number | null;
  /** How many removals are awaiting approval. */
  removalsHeld: number;
}

/** A removal that waits for a person, since it would be one of too many. */
export interface HeldRemoval {
  name: string;
  scopeKey: string;
  because: string;
  /** Milliseconds since the epoch; an approval names this moment, so that it is good for this wait only. */
  since: number;
}

export interface HeldView {
  items: HeldRemoval[];
  /** How many would be gone, with those that went within the last hour, and of how many. */
  removals: number;
  of: number;
}

/** What is wrong with a container that says it is an OpenClaw sandbox, and the command for a person who wants it put right. */
export interface AuditFinding {
  kind: "dangerous" | "unlimited" | "orphaned" | "half-made" | "stale";
  /** `note`: worth knowing; nothing has to be done. */
  level: "warn" | "note";
  message: string;
  fix: string;
}

export interface AuditedContainer {
  id: string;
  name: string;
  /** Who made it, in words. */
  owner: string;
  /** Empty: it says none. */
  scopeKey: string;
  image: string;
  state: string;
  createdAt: number | null;
  findings: AuditFinding[];
}

export interface AuditView {
  items: AuditedContainer[];
}

/** Something on the engine or in the state folder that is ours and that nothing wants. */
export interface UnownedObject {
  kind: "container" | "probe" | "network" | "volume" | "workspace";
  name: string;
  because: string;
  /** `removable` goes at the next sweep, `waits` at a later one, `kept` stays on purpose. */
  fate: "removable" | "waits" | "kept";
  /** What it takes on disk. null: not measured. */
  size: ObjectSize | null;
}

export interface ObjectSize {
  bytes: number;
  /** false: it is more than that; the rest was not counted. */
  complete: boolean;
}

/** What `GET /v1/doctor` found, in the order of the checks. */
export interface DoctorView {
  findings: Finding[];
}

export interface UnownedList {
  items: UnownedObject[];
}

export interface PruneView {
  items: UnownedObject[];
  /** Names of what was removed; empty for a dry run. */
  removed: string[];
}
