// A conversation as people see it: what was said, what tools did, where it was shortened or ended in the middle. Pure. Lines are read by run-log.ts; whoever
// shows them bounds their length.
import { isSilent, REMARK_LENGTH_MAX } from "../../api/silence.ts";
import type { VerboseLevel } from "../../api/thinking.ts";
import type { HistoryItem } from "./agent-port.ts";
import { type EntryOf, isMemoryFlush, MEMORY_FLUSH, type Numbered } from "./entries.ts";
import { type Chosen, verboseOf } from "./settings.ts";

export interface LogState extends Chosen {
  isWaiting(line: number): boolean;
}

/** @param entries oldest first; results of calls that stand before them are left out */
export function toHistory(entries: readonly Numbered[], log: LogState): HistoryItem[] {
  const items: HistoryItem[] = [];
  const calls = new Map<string, number>();
  const adopted = new Set(entries.flatMap((entry) => (entry.kind === "adopted" ? entry.messages.map(({ input }) => input) : [])));
  const interrupted = new Set(entries.flatMap((entry) => (entry.kind === "interrupted" ? entry.inputs : [])));
  const isUnsaid = toUnsaid(entries);
  for (const entry of entries) {
    if (entry.kind === "input" && isOwnWord(entry)) items.push(...toOwnWord(entry));
    else if (entry.kind === "input") {
      const state = adopted.has(entry.id)
        ? "answered"
        : interrupted.has(entry.id)
          ? "interrupted"
          : log.isWaiting(entry.id)
            ? "queued"
            : "answered";
      items.push(toUser(entry, state));
    } else if (entry.kind === "assistant") {
      for (const item of toAssistant(entry, { isUnsaid: isUnsaid(entry), verbose: verboseOf(log, entry.verbose) })) {
        if (item.kind === "tool") calls.set(item.callId, items.length);
        items.push(item);
      }
    } else if (entry.kind === "result") {
      const at = calls.get(entry.callId);
      const item = at === undefined ? undefined : items[at];
      if (at !== undefined && item?.kind === "tool") items[at] = { ...item, ...toOutcome(entry) };
    } else items.push(...toOther(entry));
  }
  return items;
}

const isOwnWord = ({ requester }: EntryOf<"input">): boolean =>
  requester.kind === "schedule" && Object.values<string>(MEMORY_FLUSH).includes(requester.id);

/** What the gateway itself says to the agent is not what somebody said. */
const toOwnWord = (entry: Numbered<EntryOf<"input">>): HistoryItem[] =>
  isMemoryFlush(entry)
    ? [{ id: entry.id, at: entry.at, kind: "note", text: "The agent was asked to write down what it must not forget." }]
    : [];

function toUser(
  { id, at, text, attachments, requester }: Numbered<EntryOf<"input">>,
  state: "answered" | "queued" | "interrupted",
): HistoryItem {
  return { id, at, kind: "user", text, attachments, from: `${requester.kind}:${requester.id}`, state };
}

const textOf = ({ parts }: EntryOf<"assistant">): string => parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("");

/** Whether an answer told nobody anything: where its run ended with it, the run knew how much may stand beside HEARTBEAT_OK. */
function toUnsaid(entries: readonly Numbered[]): (entry: Numbered<EntryOf<"assistant">>) => boolean {
  const last = new Map(entries.flatMap((entry) => (entry.kind === "assistant" ? [[entry.runId, entry.id]] : [])));
  const isTold = new Map(
    entries.flatMap((entry) =>
      entry.kind === "ended" && entry.outcome === "final" ? [[last.get(entry.runId), entry.message !== null]] : [],
    ),
  );
  return (entry) => !(isTold.get(entry.id) ?? !isSilent(textOf(entry).trim(), REMARK_LENGTH_MAX));
}

interface Showing {
  /** What it says was told to nobody. */
  isUnsaid: boolean;
  verbose: VerboseLevel | null;
}

function toAssistant(entry: Numbered<EntryOf<"assistant">>, { isUnsaid, verbose }: Showing): HistoryItem[] {
  const { id, at, runId, model, parts, isPartial } = entry;
  const text = textOf(entry);
  const said: HistoryItem[] = isUnsaid ? [] : [{ id, at, kind: "assistant", text, runId, model, isPartial }];
  const tools = parts.flatMap((part): HistoryItem[] =>
    part.kind === "tool-call"
      ? [
          {
            id,
            at,
            kind: "tool",
            callId: part.id,
            tool: part.tool,
            input: part.input,
            state: "running",
            text: "",
            sandbox: null,
            details: {},
            verbose,
          },
        ]
      : [],
  );
  return [...said, ...tools];
}

const toOutcome = ({ state, text, sandbox, details }: EntryOf<"result">) => ({ state, text, sandbox, details });

function toOther(entry: Numbered): HistoryItem[] {
  const { id, at } = entry;
  switch (entry.kind) {
    case "message":
      if (entry.role === "assistant") return [{ id, at, kind: "assistant", text: entry.text, runId: null, model: null, isPartial: false }];
      return [{ id, at, kind: "user", text: entry.text, attachments: [], from: entry.from ?? entry.role, state: "answered" }];
    case "compaction":
      return [{ id, at, kind: "compaction", summary: entry.summary, before: entry.before, after: entry.after }];
    case "ended":
      return entry.outcome === "final" ? [] : [{ id, at, kind: "ended", runId: entry.runId, outcome: entry.outcome, error: entry.error }];
    case "interrupted":
      return entry.runId === null ? [] : [{ id, at, kind: "ended", runId: entry.runId, outcome: "interrupted", error: null }];
    case "note":
      return [{ id, at, kind: "note", text: entry.text }];
    default:
      return [];
  }
}
