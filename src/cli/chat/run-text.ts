// What a run's events say on a terminal: text of the answer, and a line for what else the agent does. Pure.
// Where it is printed, and how, is the commands'.
import { z } from "zod";
import { AgentEventPayload, ChatEventPayload, type ChatUsage } from "../../api/gateway-protocol/chat.ts";
import { VERBOSE_LEVELS, type VerboseLevel } from "../../api/thinking.ts";

export interface RunEnd {
  runId: string;
  outcome: "final" | "aborted" | "error";
  text: string;
  usage: ChatUsage | null;
  steps: number | null;
  error: { kind: string; message: string; fix: string | null } | null;
}

/** `text`: more of the answer. `piece-ended`: what follows is another paragraph. `replaced`: the paragraph begins anew. */
export type RunSaying =
  /** @property verbose how much is to be shown of what the agent does. null: as the command likes */
  | { kind: "started"; verbose: VerboseLevel | null }
  | { kind: "text"; text: string }
  | { kind: "piece-ended" }
  | { kind: "replaced" }
  | { kind: "tool"; callId: string; line: string }
  | { kind: "output"; callId: string; text: string }
  | { kind: "tool-ended"; callId: string; line: string; isError: boolean; text: string }
  | { kind: "note"; line: string }
  | { kind: "end"; end: RunEnd }
  | { kind: "nothing" };

/** What is left of it where less is to be shown: without output, or without what the agent does at all. */
export function toShown(saying: RunSaying, verbose: VerboseLevel): RunSaying {
  if (verbose === "full") return saying;
  if (saying.kind === "output") return NOTHING;
  if (saying.kind === "tool-ended" && verbose === "on") return { ...saying, text: "" };
  return verbose === "off" && (saying.kind === "tool" || saying.kind === "tool-ended") ? NOTHING : saying;
}

const NOTHING: RunSaying = { kind: "nothing" };
const LINE_LENGTH_MAX = 200;

/** @param event `chat` or `agent`; others say nothing. A gateway of another version may send what is not known here: that says nothing either */
export function toSaying({ event, data }: { event: string; data: unknown }): RunSaying {
  if (event === "chat") {
    const chat = ChatEventPayload.safeParse(data);
    return chat.success ? fromChat(chat.data) : NOTHING;
  }
  const agent = event === "agent" ? AgentEventPayload.safeParse(data) : null;
  return agent?.success === true ? fromAgent(agent.data) : NOTHING;
}

function fromChat({
  state,
  runId,
  deltaText = "",
  replace,
  message,
  usage,
  steps,
  errorKind,
  errorMessage,
  fix,
}: ChatEventPayload): RunSaying {
  if (state === "delta") return replace === true ? { kind: "replaced" } : { kind: "text", text: deltaText };
  const text = message?.content.map((part) => part.text).join("") ?? "";
  const error = errorMessage === undefined ? null : { kind: errorKind ?? "error", message: errorMessage, fix: fix ?? null };
  return { kind: "end", end: { runId, outcome: state, text, usage: usage ?? null, steps: steps ?? null, error } };
}

const Data = z.looseObject({
  phase: z.string(),
  toolCallId: z.string().optional(),
  name: z.string().optional(),
  args: z.unknown().optional(),
  text: z.string().optional(),
  message: z.string().optional(),
  isError: z.boolean().optional(),
  skipped: z.boolean().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  before: z.number().optional(),
  after: z.number().optional(),
  verbose: z.enum(VERBOSE_LEVELS).nullish().catch(null),
});

function fromAgent({ stream, data }: AgentEventPayload): RunSaying {
  const parsed = Data.safeParse(data);
  if (!parsed.success) return NOTHING;
  const { phase, toolCallId: callId = "", text = "" } = parsed.data;
  if (stream === "assistant") return { kind: "piece-ended" };
  if (stream === "lifecycle") return fromLifecycle(parsed.data);
  if (stream !== "tool") return NOTHING;
  if (phase === "start") return { kind: "tool", callId, line: renderCall(parsed.data.name ?? "", parsed.data.args) };
  if (phase === "placed") return NOTHING;
  if (phase === "update") return { kind: "output", callId, text };
  return { kind: "tool-ended", callId, line: renderEnd(parsed.data), isError: parsed.data.isError === true, text };
}

function fromLifecycle({ phase, message = "", text = "", before = 0, after = 0, verbose = null }: z.output<typeof Data>): RunSaying {
  if (phase === "start") return { kind: "started", verbose };
  if (phase === "notice") return { kind: "note", line: text };
  if (phase === "retrying") return { kind: "note", line: `the model did not answer (${message}); it is asked again` };
  if (phase === "compacted") return { kind: "note", line: `earlier parts were put together: ${before} tokens became ${after}` };
  return phase === "steered" ? { kind: "note", line: `taken in: ${oneLine(text)}` } : NOTHING;
}

/** `exec npm test` */
function renderCall(tool: string, args: unknown): string {
  const fields = typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {};
  const told = ["command", "path", "pattern", "action", "url", "task"]
    .map((name) => fields[name])
    .find((value) => typeof value === "string");
  return oneLine(`${tool} ${told ?? (Object.keys(fields).length === 0 ? "" : JSON.stringify(args))}`.trimEnd());
}

function renderEnd({ isError, skipped, details }: z.output<typeof Data>): string {
  if (skipped === true) return "skipped";
  const code = details?.code;
  return typeof code === "number" ? `exit ${code}` : isError === true ? "failed" : "done";
}

function oneLine(text: string): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, " ");
  return line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX - 3)}...` : line;
}
