// What a model sees of a conversation: lines of the run log as messages, the newest summary in the place of what it stands for. Every call has its result,
// also where the gateway was killed between the two. Pure. Which lines there are is run-log.ts's; what fits is compaction.ts's.
import type { AssistantPart, ModelMessage, UserPart } from "../../models/model-call.ts";
import type { EntryOf, Numbered } from "../entries.ts";
import { fence, toSpoken } from "./fence.ts";

/** A message, and the line of the log that it begins with: where a conversation may be cut. */
export interface Seen {
  line: number;
  message: ModelMessage;
}

const INTERRUPTED = "The gateway was stopped before this call ended; how far it got is not known.";
const INPUT_DEPTH_MAX = 16;
const CUT = "[the answer was ended here]";
const IMAGE_BELOW = "[an image, in the next message]";

/** @param entries of the log in their order, from the line that the newest summary keeps, and without that; unknown ones left out */
export function toSeen(entries: readonly Numbered[], summary: string | null): Seen[] {
  const context = new Context();
  if (summary !== null) context.say(0, [{ kind: "text", text: renderSummary(summary) }]);
  for (const entry of entries) context.add(entry);
  return context.finish();
}

export const renderSummary = (summary: string): string =>
  `Earlier parts of this conversation were replaced by this summary of them:\n\n${fence("summary of the conversation so far", summary)}`;

class Context {
  readonly #seen: Seen[] = [];
  /** The last answer's calls, with results as they come. */
  #open: { line: number; calls: readonly Extract<AssistantPart, { kind: "tool-call" }>[]; results: Map<string, EntryOf<"result">> } | null =
    null;

  add(entry: Numbered): void {
    switch (entry.kind) {
      case "adopted":
        for (const { text, images } of entry.messages) this.say(entry.id, [{ kind: "text", text }, ...images.map(toImagePart)]);
        return;
      case "assistant":
        return this.#answer(entry);
      case "result":
        this.#open?.results.set(entry.callId, entry);
        return;
      case "message":
        return this.#quote(entry);
      // What is about the runs, and nothing that was said.
      case "input":
      case "started":
      case "calling":
      case "compaction":
      case "ended":
      case "interrupted":
      case "note":
      case "setting":
        return;
    }
  }

  say(line: number, parts: readonly UserPart[]): void {
    this.#close();
    this.#seen.push({ line, message: { role: "user", parts } });
  }

  finish(): Seen[] {
    this.#close();
    return this.#seen;
  }

  #answer({ id, parts, isPartial }: Numbered<EntryOf<"assistant">>): void {
    this.#close();
    const kept = isPartial ? toPartial(parts) : parts.filter(isSeenAgain).map(toHarmless);
    if (kept.length === 0) return;
    this.#seen.push({ line: id, message: { role: "assistant", parts: kept } });
    const calls = kept.filter((part) => part.kind === "tool-call");
    if (calls.length > 0) this.#open = { line: id, calls, results: new Map() };
  }

  #quote({ id, role, text, from }: Numbered<EntryOf<"message">>): void {
    if (role === "assistant") {
      this.#close();
      return void this.#seen.push({ line: id, message: { role, parts: [{ kind: "text", text: toSpoken(text), opaque: null }] } });
    }
    const isSpoken = role === "user" && from === null;
    this.say(id, [
      { kind: "text", text: isSpoken ? toSpoken(text) : fence(from === null ? `a ${role} message` : `session ${from}`, text) },
    ]);
  }

  /** Results in the order of the calls; images come as what a person shows, which every protocol has. */
  #close(): void {
    if (this.#open === null) return;
    const { line, calls, results } = this.#open;
    this.#open = null;
    const found = calls.map(({ id, tool }) => ({ id, tool, result: results.get(id) ?? null }));
    const shown = found.map(({ id, tool, result }) => ({ id, tool, ...toShown(tool, result) }));
    this.#seen.push({ line, message: { role: "tool", results: shown } });
    const images = found.flatMap(({ result }) => result?.images ?? []);
    if (images.length > 0) this.#seen.push({ line, message: { role: "user", parts: images.map(toImagePart) } });
  }
}

function toShown(tool: string, result: EntryOf<"result"> | null): { text: string; isError: boolean } {
  if (result === null) return { text: INTERRUPTED, isError: true };
  const { state, text, images } = result;
  const whole = images.length > 0 ? `${text}${text === "" ? "" : "\n"}${IMAGE_BELOW}` : text;
  // What the gateway itself says needs no fence.
  if (state === "skipped" || state === "interrupted") return { text: whole, isError: true };
  return { text: fence(`output of ${tool}`, whole), isError: state === "failed" };
}

const toImagePart = ({ mediaType, base64 }: { mediaType: string; base64: string }): UserPart => ({
  ...{ kind: "image", mediaType },
  data: Buffer.from(base64, "base64"),
});

/** Reasoning that its provider doesn't ask to see again says nothing to it. */
const isSeenAgain = (part: AssistantPart): boolean => part.kind !== "reasoning" || part.opaque !== null;

/**
 * A model may be made to say marks of its template, which the server would take for turns when it renders them again. What a provider has signed goes back as it
 * was: that provider renders no text that it did not write.
 */
function toHarmless(part: AssistantPart): AssistantPart {
  if (part.opaque !== null || part.kind === "reasoning") return part;
  return part.kind === "text" ? { ...part, text: toSpoken(part.text) } : { ...part, input: toHarmlessInput(part.input, 0) };
}

function toHarmlessInput(value: unknown, depth: number): unknown {
  if (typeof value === "string") return toSpoken(value);
  // Deeper than any tool's input: it is told that it was wrong anyway.
  if (typeof value !== "object" || value === null || depth > INPUT_DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((one) => toHarmlessInput(one, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [toSpoken(name), toHarmlessInput(inner, depth + 1)]));
}

/** Whatever was signed by a provider was signed as a whole. */
function toPartial(parts: readonly AssistantPart[]): AssistantPart[] {
  const text = parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("");
  return text === "" ? [] : [{ kind: "text", text: `${toSpoken(text)}\n${CUT}`, opaque: null }];
}
