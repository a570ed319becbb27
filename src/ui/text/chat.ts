// A conversation as the chat page shows it: what the history holds, and after it what goes on, kept current by the events of runs. Pure.
// When the history is asked for, and how it looks, is pages/chat/'s.
import type { AgentEventPayload, ChatEventPayload, ChatHistoryAnswer, ChatItem } from "../../api/gateway-protocol/chat.ts";
import type { VerboseLevel } from "../../api/thinking.ts";

export type ToolState = "running" | "done" | "failed" | "skipped" | "interrupted";

export interface ToolBlock {
  kind: "tool";
  key: string;
  callId: string;
  tool: string;
  input: unknown;
  state: ToolState;
  output: string;
  sandbox: string | null;
  details: Readonly<Record<string, unknown>>;
  /** How much of it is shown, as somebody said by `/verbose`. null: as the page likes */
  verbose: VerboseLevel | null;
}

export type Block =
  | {
      kind: "user";
      key: string;
      at: number;
      text: string;
      attachments: readonly { path: string; mediaType: string }[];
      from: string;
      state: string;
    }
  | { kind: "assistant"; key: string; text: string; model: string | null; isPartial: boolean; isLive: boolean }
  | { kind: "note"; key: string; text: string; fix: string | null; tone: "rest" | "bad" | "wait" }
  | ToolBlock;

export interface LiveRun {
  runId: string;
  startedAt: number;
  /** Events up to this number are in it. */
  seq: number;
  blocks: readonly Block[];
  /** As a tool's. */
  verbose: VerboseLevel | null;
  /** What it does that is neither said nor a tool. null: nothing */
  doing: string | null;
  /** null: it goes on. */
  ended: { state: "final" | "aborted" | "error"; message: string | null; fix: string | null } | null;
}

export interface Conversation {
  past: readonly Block[];
  live: LiveRun | null;
}

/** Of a tool's output that is shown; the newest stays. */
const OUTPUT_LENGTH_MAX = 200_000;

export function toConversation({ items, run }: ChatHistoryAnswer): Conversation {
  const running = new Map(run?.tools.map((tool) => [tool.callId, tool]) ?? []);
  const known = new Set(items.flatMap((item) => (item.kind === "tool" ? [item.callId] : [])));
  const past = items.map((item): Block => {
    const block = toBlock(item);
    const now = block.kind === "tool" ? running.get(block.callId) : undefined;
    return block.kind === "tool" && now?.isRunning === true
      ? { ...block, state: "running", output: now.output, sandbox: now.sandbox ?? block.sandbox }
      : block;
  });
  return { past, live: run === null ? null : toLive(run, known) };
}

function toLive(run: NonNullable<ChatHistoryAnswer["run"]>, known: ReadonlySet<string>): LiveRun {
  const { runId, startedAt, seq, text, verbose, tools } = run;
  const blocks = tools
    .filter(({ callId }) => !known.has(callId))
    .map(
      ({ callId, tool, input, sandbox, output, isRunning }): Block => ({
        ...{ kind: "tool", key: `tool:${callId}`, callId, tool, input, sandbox, output, details: {}, verbose },
        state: isRunning ? "running" : "done",
      }),
    );
  return { runId, startedAt, seq, verbose, blocks: text === "" ? blocks : withText(blocks, runId, text), doing: null, ended: null };
}

function toBlock(item: ChatItem): Block {
  const key = `item:${item.id}`;
  switch (item.kind) {
    case "user":
      return { ...item, key };
    case "assistant":
      return { kind: "assistant", key, text: item.text, model: item.model, isPartial: item.isPartial, isLive: false };
    case "tool": {
      const { callId, tool, input, state, text, sandbox, details, verbose } = item;
      return { kind: "tool", key: `tool:${callId}`, callId, tool, input, state, output: text, sandbox, details, verbose };
    }
    case "compaction":
      return {
        kind: "note",
        key,
        fix: null,
        tone: "rest",
        text: `Earlier parts were put together: ${item.before} tokens became ${item.after}.`,
      };
    case "ended":
      return { kind: "note", key, fix: item.error?.fix ?? null, tone: item.outcome === "error" ? "bad" : "wait", text: toEndText(item) };
    case "note":
      return { kind: "note", key, text: item.text, fix: null, tone: "rest" };
  }
}

function toEndText({ outcome, error }: { outcome: string; error: { message: string } | null }): string {
  if (error !== null) return `The run failed: ${error.message}`;
  return outcome === "aborted" ? "Stopped." : outcome === "interrupted" ? "The gateway ended while this ran." : "The run failed.";
}

/** What an event of this conversation changes. null: nothing here is of that run, so that the history is to be asked for. */
export function withChat(conversation: Conversation, payload: ChatEventPayload): Conversation | null {
  const live = currentOf(conversation, payload);
  if (live === null) return null;
  if (payload.seq <= live.seq) return conversation;
  const next = { ...live, seq: payload.seq };
  if (payload.state === "delta") {
    const blocks = payload.replace === true ? withoutText(live.blocks) : withText(live.blocks, live.runId, payload.deltaText ?? "");
    return { ...conversation, live: { ...next, blocks, doing: null } };
  }
  const { state, errorMessage = null, fix = null } = payload;
  return {
    ...conversation,
    live: { ...next, doing: null, ended: { state, message: errorMessage, fix }, blocks: live.blocks.map(toStill) },
  };
}

/** As `withChat`. */
export function withAgent(conversation: Conversation, payload: AgentEventPayload): Conversation | null {
  const live = currentOf(conversation, payload);
  if (live === null) return null;
  if (payload.seq <= live.seq) return conversation;
  const next = { ...live, seq: payload.seq };
  const { data, stream } = payload;
  if (stream === "assistant") return { ...conversation, live: { ...next, blocks: live.blocks.map(toStill) } };
  if (stream === "reasoning") return { ...conversation, live: { ...next, doing: "It is thinking" } };
  if (stream === "lifecycle") return { ...conversation, live: { ...next, doing: toDoing(data) } };
  const callId = String(data.toolCallId);
  const change = (block: Block): Block => (block.kind === "tool" && block.callId === callId ? withToolEvent(block, data) : block);
  if (data.phase !== "start") return { past: conversation.past.map(change), live: { ...next, blocks: live.blocks.map(change) } };
  const isKnown = [...conversation.past, ...live.blocks].some((block) => block.kind === "tool" && block.callId === callId);
  const blocks = isKnown ? live.blocks : [...live.blocks.map(toStill), toStarted(callId, data, live.verbose)];
  return { ...conversation, live: { ...next, doing: null, blocks } };
}

function currentOf({ live }: Conversation, { runId }: { runId: string }): LiveRun | null {
  return live !== null && live.runId === runId && live.ended === null ? live : null;
}

function toDoing(data: Readonly<Record<string, unknown>>): string | null {
  if (data.phase === "retrying") return `The model did not answer (${String(data.message)}); it is asked again`;
  if (data.phase === "notice") return String(data.text);
  return data.phase === "compacted" ? "Earlier parts were put together" : null;
}

const toStarted = (callId: string, { name, args }: Readonly<Record<string, unknown>>, verbose: VerboseLevel | null): Block => ({
  ...{ kind: "tool", key: `tool:${callId}`, callId, tool: String(name), input: args, state: "running", output: "", details: {} },
  ...{ sandbox: null, verbose },
});

function withToolEvent(block: ToolBlock, data: Readonly<Record<string, unknown>>): ToolBlock {
  const text = typeof data.text === "string" ? data.text : "";
  if (data.phase === "placed") return { ...block, sandbox: typeof data.sandbox === "string" ? data.sandbox : null };
  if (data.phase === "update") return { ...block, output: (block.output + text).slice(-OUTPUT_LENGTH_MAX) };
  const details = typeof data.details === "object" && data.details !== null ? { ...data.details } : {};
  const state = data.skipped === true ? "skipped" : data.isError === true ? "failed" : "done";
  return { ...block, state, details, output: text.slice(-OUTPUT_LENGTH_MAX) };
}

function withText(blocks: readonly Block[], runId: string, added: string): Block[] {
  const last = blocks.at(-1);
  if (last?.kind === "assistant" && last.isLive) return [...blocks.slice(0, -1), { ...last, text: last.text + added }];
  return [
    ...blocks,
    { kind: "assistant", key: `live:${runId}:${blocks.length}`, text: added, model: null, isPartial: false, isLive: true },
  ];
}

const withoutText = (blocks: readonly Block[]): Block[] => blocks.filter((block) => !(block.kind === "assistant" && block.isLive));

/** More text is another piece. */
const toStill = (block: Block): Block => (block.kind === "assistant" && block.isLive ? { ...block, isLive: false } : block);

/** Of which nothing is shown, as somebody said. */
export const isHidden = (block: Block): boolean => block.kind === "tool" && block.verbose === "off";

/** Whether a call stands open by itself: while it runs and where it went wrong, where nobody said more or less. */
export function isOpenByItself({ verbose, state }: Pick<ToolBlock, "verbose" | "state">): boolean {
  return verbose === null ? state === "running" || state === "failed" : verbose === "full";
}

/** What a call does, in one line: the command, or the path. */
export function renderCall(tool: string, input: unknown): string {
  const fields = typeof input === "object" && input !== null ? (input as Record<string, unknown>) : {};
  for (const name of ["command", "path", "file_path", "pattern", "action", "url", "task", "sessionKey"]) {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
  }
  const text = JSON.stringify(input) ?? "";
  return text === "{}" ? tool : text;
}

/** null: it did not end by itself, or is no command. */
export function exitCodeOf({ details }: Pick<ToolBlock, "details">): number | null {
  return typeof details.code === "number" ? details.code : null;
}

/** `main` of the default agent's main session, the rest of any other key. */
export const toShortKey = (key: string): string => key.replace(/^agent:main:/, "").replace(/^agent:/, "");
