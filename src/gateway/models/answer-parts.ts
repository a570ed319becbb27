// Puts an answer together from the pieces of a stream: texts and reasoning block by block, in the order in which they began, and whole tool calls.
// Nothing is given out before the stream ended well; what the pieces mean to anybody is not known here.
import type { AssistantPart, Opaque, StopReason, ToolCall } from "./model-call.ts";

type Metadata = Readonly<Record<string, unknown>> | undefined;

export class AnswerParts {
  readonly #parts: AssistantPart[] = [];
  readonly #open = new Map<string, Extract<AssistantPart, { kind: "text" | "reasoning" }>>();
  #characters = 0;

  /** Nothing of an answer came, not even its beginning. */
  get isEmpty(): boolean {
    return this.#parts.length === 0 && this.#characters === 0;
  }

  /** Of text, reasoning and arguments. */
  get characters(): number {
    return this.#characters;
  }

  begin(kind: "text" | "reasoning", id: string, metadata: Metadata): void {
    const part: Extract<AssistantPart, { kind: "text" | "reasoning" }> = { kind, text: "", opaque: null };
    this.#parts.push(part);
    this.#open.set(`${kind}:${id}`, part);
    this.note(kind, id, metadata);
  }

  add(kind: "text" | "reasoning", id: string, { text, metadata }: { text: string; metadata: Metadata }): void {
    if (!this.#open.has(`${kind}:${id}`)) this.begin(kind, id, undefined);
    const part = this.#open.get(`${kind}:${id}`);
    if (part !== undefined) part.text += text;
    this.#characters += text.length;
    this.note(kind, id, metadata);
  }

  note(kind: "text" | "reasoning", id: string, metadata: Metadata): void {
    const part = this.#open.get(`${kind}:${id}`);
    if (part !== undefined && metadata !== undefined) part.opaque = merge(part.opaque, metadata);
  }

  call(call: ToolCall): void {
    this.#parts.push({ kind: "tool-call", ...call });
  }

  /** Pieces of the arguments of a call. */
  countArguments(text: string): void {
    this.#characters += text.length;
  }

  /** What a model was cut off in may look whole and mean something else: its calls are not to be run. Empty texts are nothing. */
  finish(stop: StopReason): AssistantPart[] {
    return this.#parts
      .filter((part) => part.kind !== "text" || part.text !== "")
      .map((part) =>
        part.kind === "tool-call" && stop === "length"
          ? { ...part, problem: part.problem ?? "the answer was cut at its limit of tokens, so the arguments may be incomplete" }
          : part,
      );
  }
}

function merge(before: Opaque, metadata: Readonly<Record<string, unknown>>): Opaque {
  const merged: Record<string, unknown> = { ...before };
  for (const [provider, values] of Object.entries(metadata)) {
    const known = merged[provider];
    merged[provider] = isObject(known) && isObject(values) ? { ...known, ...values } : values;
  }
  return merged;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
