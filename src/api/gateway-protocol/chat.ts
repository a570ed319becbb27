// What is said of a conversation with a model over HTTP and the socket: what is sent, the runs that answer, and what was said before.
// The operations are operations-chat.ts's, the events events.ts's; what a run does is gateway/agent/'s.
import { z } from "zod";
import { QUEUE_MODES } from "../queue-modes.ts";
import { THINKING_LEVELS, VERBOSE_LEVELS } from "../thinking.ts";

/** A message is what a person writes: a megabyte is a book. */
export const CHAT_TEXT_LENGTH_MAX = 1_048_576;
export const ATTACHMENTS_MAX = 10;
export const HISTORY_LENGTH_MAX = 1_000;
/** A day: longer is no answer that anybody waits for. */
const TIMEOUT_MS_MAX = 86_400_000;

export const SEND_STATUSES = ["started", "queued", "steered", "in_flight", "answered"] as const;
export const CHAT_STATES = ["delta", "final", "aborted", "error"] as const;
export const AGENT_STREAMS = ["lifecycle", "assistant", "reasoning", "tool"] as const;

const Time = z.int().meta({ description: "Milliseconds since 1970" });
const RunIdText = z.string().min(1).max(128);
const Count = z.int().min(0);

export const ChatSendBody = z.strictObject({
  message: z.string().min(1).max(CHAT_TEXT_LENGTH_MAX),
  attachments: z
    .array(z.strictObject({ path: z.string().min(1).max(1_024), mediaType: z.string().min(1).max(128) }))
    .max(ATTACHMENTS_MAX)
    .optional()
    .meta({ description: "Files that are in the workspace already, as `files.receive` puts them into media/inbound" }),
  queueMode: z.enum(QUEUE_MODES).optional().meta({
    description: "While a run is under way: into it, after it, together with others after it, or in its place. Absent: the session's",
  }),
  thinking: z
    .enum([...THINKING_LEVELS, "default"])
    .optional()
    .meta({
      description: "How hard the model is to think about this message. Absent: as the message's text, the session and the config say",
    }),
  timeoutMs: z.int().min(1_000).max(TIMEOUT_MS_MAX).optional().meta({ description: "Of the whole run. Absent: the config's" }),
  idempotencyKey: z.string().min(1).max(128).meta({ description: "The same key in the same session twice is one run" }),
});

export const ChatSendAnswer = z.object({
  runId: RunIdText,
  status: z.enum(SEND_STATUSES).meta({
    description: "`steered`: into the run under way. `in_flight`: the key is known. `answered`: a command, whose answer is `reply`",
  }),
  acceptedAt: Time,
  reply: z.string().nullable(),
});
export type ChatSendAnswer = z.output<typeof ChatSendAnswer>;

export const ChatAbortAnswer = z.object({
  runs: Count.meta({ description: "Ended" }),
  queued: Count.meta({ description: "Messages that were waiting, and are dropped" }),
  children: Count.meta({ description: "Spawned sessions whose runs ended with it" }),
  processes: Count.meta({ description: "Commands that were killed" }),
  unstoppable: z.array(z.string()).meta({ description: "What could not be ended, a line each" }),
});

const Usage = z.object({
  input: Count.meta({ description: "Tokens; those of the cache among them" }),
  output: Count,
  cacheRead: Count,
  cacheWrite: Count,
});

export type ChatUsage = z.output<typeof Usage>;

const About = { id: z.int().meta({ description: "Rises; not every number is there" }), at: Time };
const RunError = z.object({
  kind: z.string().meta({ description: "`limit`, `model`, `overflow`, `storage`, `internal`" }),
  message: z.string(),
  fix: z.string().nullable(),
});

const Verbose = z.enum(VERBOSE_LEVELS).nullable().meta({
  description:
    "How much of it is to be shown, as `/verbose` says: nothing, a line for each call, or its output too. null: as the client likes",
});

export const ChatItem = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("user"),
    ...About,
    text: z.string(),
    attachments: z.array(z.object({ path: z.string(), mediaType: z.string() })),
    from: z.string().meta({ description: "`owner`, `token`, a device's id, or a session's key" }),
    state: z.enum(["answered", "queued", "interrupted"]),
  }),
  z.object({
    kind: z.literal("assistant"),
    ...About,
    text: z.string(),
    runId: RunIdText.nullable(),
    model: z.string().nullable(),
    isPartial: z.boolean().meta({ description: "It was stopped, and is not whole" }),
  }),
  z.object({
    kind: z.literal("tool"),
    ...About,
    callId: z.string(),
    tool: z.string(),
    input: z.unknown(),
    state: z.enum(["running", "done", "failed", "skipped", "interrupted"]),
    text: z.string().meta({ description: "Of the result" }),
    sandbox: z.string().nullable().meta({ description: "Name of the sandbox that it ran in" }),
    details: z.record(z.string(), z.unknown()),
    verbose: Verbose,
  }),
  z.object({ kind: z.literal("compaction"), ...About, summary: z.string(), before: Count, after: Count }),
  z.object({
    kind: z.literal("ended"),
    ...About,
    runId: RunIdText,
    outcome: z.enum(["aborted", "error", "interrupted"]),
    error: RunError.nullable(),
  }),
  z.object({ kind: z.literal("note"), ...About, text: z.string() }),
]);
export type ChatItem = z.output<typeof ChatItem>;

const RunningTool = z.object({
  ...{ callId: z.string(), tool: z.string(), input: z.unknown(), sandbox: z.string().nullable(), output: z.string() },
  isRunning: z.boolean(),
});

export const ChatHistoryAnswer = z.object({
  sessionKey: z.string(),
  items: z.array(ChatItem).meta({ description: "Oldest first" }),
  before: z.int().nullable().meta({ description: "To ask with for what came before these. null: nothing did" }),
  run: z
    .object({
      runId: RunIdText,
      startedAt: Time,
      seq: Count.meta({ description: "Events of this run up to this number are in `text` and `tools`" }),
      text: z.string().meta({ description: "What the model says now" }),
      verbose: Verbose,
      tools: z.array(RunningTool),
    })
    .nullable()
    .meta({ description: "What is under way. null: nothing" }),
  model: z.string().nullable().meta({ description: "Which one answers. null: see `fix`" }),
  fix: z.string().nullable(),
});
export type ChatHistoryAnswer = z.output<typeof ChatHistoryAnswer>;

/** As upstream's events have it. */
export const ChatMessage = z.object({
  role: z.literal("assistant"),
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  timestamp: Time,
});

const OfRun = {
  runId: RunIdText,
  sessionKey: z.string(),
  seq: Count.meta({ description: "Rises within a run, over both events" }),
};

export const ChatEventPayload = z.object({
  ...OfRun,
  state: z.enum(CHAT_STATES),
  deltaText: z.string().optional().meta({ description: "Of `delta`: what was added" }),
  replace: z
    .literal(true)
    .optional()
    .meta({ description: "Of `delta`: what was said since the last tool call does not count; `message` is there instead" }),
  message: ChatMessage.optional().meta({
    description: "Of the other states: the whole answer, or what there is of it. Of `delta`: with `replace` alone",
  }),
  usage: Usage.optional(),
  steps: Count.optional(),
  errorKind: z.string().optional(),
  errorMessage: z.string().optional(),
  fix: z.string().optional(),
});
export type ChatEventPayload = z.output<typeof ChatEventPayload>;

export const AgentEventPayload = z.object({
  ...OfRun,
  ts: Time,
  stream: z.enum(AGENT_STREAMS),
  data: z.record(z.string(), z.unknown()).meta({
    description: [
      "`phase` says what: of `lifecycle` start (model, verbose), steered, notice (text), retrying, compacted;",
      "of `assistant` end (text, which is whole; more is another piece);",
      "of `tool` start (name, args), placed (sandbox), update (stream, text), result (isError, text, details, skipped); of `reasoning` delta",
    ].join(" "),
  }),
});
export type AgentEventPayload = z.output<typeof AgentEventPayload>;
