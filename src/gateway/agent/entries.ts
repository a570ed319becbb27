// What a line of a session's run log may be: inputs, runs, answers, calls and their results, compactions. Each has the version of its kind; a line of a kind
// or version that is not known here is kept and not understood. Which lines there are is run-log.ts's, what a model sees of them decide/context.ts's.
import { z } from "zod";
import { type AgentId, toEpochMs, toSessionKey } from "../../api/brands.ts";
import { QUEUE_MODES } from "../../api/queue-modes.ts";
import { THINKING_LEVELS, VERBOSE_LEVELS } from "../../api/thinking.ts";
import { STOP_REASONS } from "../models/model-call.ts";
import type { RunId } from "./agent-port.ts";

const VERSION = 1;

export const toRunId = (text: string): RunId => text as RunId;
const Id = z.string().min(1).max(64).transform(toRunId);
const Count = z.number().min(0);
const Line = z.int().min(1);
const Opaque = z.record(z.string(), z.unknown()).nullable();

const RequesterSchema = z.object({
  kind: z.enum(["owner", "device", "token", "session", "schedule"]),
  id: z.string(),
  isOwner: z.boolean(),
});

const AttachmentSchema = z.object({ path: z.string(), mediaType: z.string() });
const Image = z.object({ mediaType: z.string(), base64: z.string() });

const Usage = z.object({
  ...{ input: Count, output: Count, cacheRead: Count, cacheWrite: Count, reasoning: Count },
  isEstimated: z.boolean(),
});

const Part = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), text: z.string(), opaque: Opaque }),
  z.object({ kind: z.literal("reasoning"), text: z.string(), opaque: Opaque }),
  z.object({
    kind: z.literal("tool-call"),
    ...{ id: z.string(), tool: z.string(), input: z.unknown(), problem: z.string().nullable(), opaque: Opaque },
  }),
]);

/** How a call ended. `skipped`: a message came first. `interrupted`: nobody knows how far it got. */
export const RESULT_STATES = ["done", "failed", "skipped", "interrupted"] as const;

/** How much clients are to show of what comes of a message. null: as the conversation says */
const Verbose = z
  .enum([...VERBOSE_LEVELS, "default"])
  .nullable()
  .default(null);

/** What a person may choose for a conversation, and who began it. */
const SETTINGS = [
  "label",
  "timeout",
  "cleanup",
  "model",
  "thinking",
  "verbose",
  "activation",
  "queue",
  "queue.debounce",
  "queue.cap",
  "queue.drop",
] as const;

const RunErrorSchema = z.object({
  kind: z.enum(["limit", "model", "overflow", "storage", "internal"]),
  message: z.string(),
  fix: z.string().nullable(),
});

const head = { v: z.literal(VERSION), at: z.int().transform(toEpochMs) };

export const EntrySchema = z.discriminatedUnion("kind", [
  /** Somebody said something, and was told that it is there. */
  z.object({
    ...head,
    kind: z.literal("input"),
    /** Of the run that is to answer it, as it was promised. */
    runId: Id,
    text: z.string(),
    attachments: z.array(AttachmentSchema),
    requester: RequesterSchema,
    mode: z.enum(QUEUE_MODES),
    /** `child`: a session that this one began says what came of it. */
    origin: z.enum(["chat", "session", "child", "schedule"]),
    idempotencyKey: z.string().nullable(),
    timeoutMs: z.number().nullable(),
    /** For this one alone. null: as the conversation and the config say. Absent: of an earlier release */
    thinking: z
      .enum([...THINKING_LEVELS, "default"])
      .nullable()
      .default(null),
    verbose: Verbose,
    model: z.string().nullable().default(null),
    /** How many sessions in a row spoke to each other until it came. 0: a person or a schedule said it. */
    hops: Count,
    /** Its line in the transcript. null: it is not there. */
    message: Line.nullable(),
  }),
  z.object({ ...head, kind: z.literal("started"), runId: Id, model: z.string() }),
  /** From here on the run has these inputs. */
  z.object({
    ...head,
    kind: z.literal("adopted"),
    runId: Id,
    messages: z.array(z.object({ input: Line, text: z.string(), images: z.array(Image) })),
    /** Into a run that was going on. */
    isSteered: z.boolean(),
  }),
  /** One answer of the model. @property isPartial it was ended in the middle, and has no calls */
  z.object({
    ...head,
    kind: z.literal("assistant"),
    runId: Id.nullable(),
    model: z.string().nullable(),
    parts: z.array(Part),
    stop: z.enum(STOP_REASONS).nullable(),
    usage: Usage.nullable(),
    isPartial: z.boolean(),
    /** As its run was told. Absent: of an earlier release */
    verbose: Verbose,
  }),
  /** The tool is about to begin: a call without a result behind this one may have done its work. */
  z.object({ ...head, kind: z.literal("calling"), runId: Id, callId: z.string(), tool: z.string() }),
  z.object({
    ...head,
    kind: z.literal("result"),
    runId: Id,
    callId: z.string(),
    tool: z.string(),
    state: z.enum(RESULT_STATES),
    /** As the model sees it, but for the fence around it. */
    text: z.string(),
    images: z.array(Image),
    sandbox: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  }),
  /** What stands before that line is seen as this summary. */
  z.object({
    ...head,
    kind: z.literal("compaction"),
    runId: Id.nullable(),
    summary: z.string(),
    keptFrom: Line,
    before: Count,
    after: Count,
  }),
  z.object({
    ...head,
    kind: z.literal("ended"),
    runId: Id,
    outcome: z.enum(["final", "aborted", "error"]),
    /** Of the answer in the transcript. null: it is not there. */
    message: Line.nullable(),
    error: RunErrorSchema.nullable(),
    usage: Usage,
    steps: Count,
  }),
  /** The gateway ended, or the person said stop, before this was answered. @property runId null: no run had begun */
  z.object({ ...head, kind: z.literal("interrupted"), runId: Id.nullable(), inputs: z.array(Line) }),
  /** A message of the transcript that no run brought about: of before there were runs, or stored without one. */
  z.object({
    ...head,
    kind: z.literal("message"),
    message: Line,
    role: z.enum(["user", "assistant", "system", "tool"]),
    text: z.string(),
    from: z.string().transform(toSessionKey).nullable(),
  }),
  /** For people; a model does not see it. */
  z.object({ ...head, kind: z.literal("note"), text: z.string() }),
  /** What a person chose for the conversation. @property value null: as the config says */
  z.object({ ...head, kind: z.literal("setting"), name: z.enum(SETTINGS), value: z.string().nullable() }),
]);
export type Entry = z.output<typeof EntrySchema>;
export type EntryKind = Entry["kind"];
export type EntryOf<Kind extends EntryKind> = Extract<Entry, { kind: Kind }>;
/** Who says a heartbeat. */
export const toHeartbeatId = (agentId: AgentId): string => `heartbeat:${agentId}`;

/** Who asks an agent to write down what it must not forget, and who says that it is over. */
export const MEMORY_FLUSH = { begun: "memory-flush", over: "memory-flush:over" } as const;

export const isMemoryFlush = ({ requester }: Pick<EntryOf<"input">, "requester">): boolean =>
  requester.kind === "schedule" && requester.id === MEMORY_FLUSH.begun;

/** Without what every line begins with. */
export type NewEntry = { [Kind in EntryKind]: Omit<EntryOf<Kind>, "v" | "at"> }[EntryKind];

/** With the number of its line. */
export type Numbered<One = Entry> = One & { id: number };

/** null: not a line that is known here. */
export function parseEntry(text: string, id: number): Numbered | null {
  const parsed = EntrySchema.safeParse(JSON.parse(text));
  return parsed.success ? { ...parsed.data, id } : null;
}

export const toLine = (entry: NewEntry, at: number): object => ({ v: VERSION, at, ...entry });
