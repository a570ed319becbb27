// One call of a model through one of the AI SDK's providers: its stream as our events, its errors as our failures, with an end to silence, length and time. Nothing is tried
// twice, and no tool is run. Which model, which key, and what comes after a failure is model-service.ts's.
import { createHash } from "node:crypto";
import type {
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { AnswerParts } from "./answer-parts.ts";
import { makeGuardedFetch } from "./guarded-fetch.ts";
import type { CallEvent, ModelCall, ModelCallRequest, ModelError, StopReason, TokenUsage, ToolCall } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";
import { toModelError } from "./sdk-error.ts";
import { isCodex, makeSdkModel } from "./sdk-model.ts";
import { toSdkEffort, toSdkOptions, toSdkPrompt, toSdkTools } from "./sdk-prompt.ts";

export interface CallLimits {
  /** Silence that ends a call, of a provider in public and of one that is one's own, which may have one slow card. */
  silenceMsMax: number;
  silenceOwnMsMax: number;
  /** Of one answer on the wire; a long one is a megabyte, its events are five times that. */
  bytesMax: number;
}

export const CALL_LIMITS: CallLimits = { silenceMsMax: 120_000, silenceOwnMsMax: 300_000, bytesMax: 64 * 1_048_576 };

export interface SdkCallParts {
  clock: Clock;
  /** Where calls go that a ChatGPT sign-in signs. */
  codexBaseUrl(): string;
  limits?: CallLimits;
}

export class SdkCall implements ModelCall {
  readonly #parts: SdkCallParts;

  constructor(parts: SdkCallParts) {
    this.#parts = parts;
  }

  async *stream(request: ModelCallRequest, signal: AbortSignal): AsyncGenerator<CallEvent> {
    using ending = new Ending(this.#parts.clock, request.target.timeoutSeconds, signal);
    const parts = new AnswerParts();
    const seen: Seen = { isAccepted: false, usage: null, stop: null };
    try {
      for await (const part of await this.#open(request, ending, seen)) {
        const event = take(part, { parts, seen, tools: request.tools });
        if (event !== null) yield event;
      }
    } catch (error) {
      seen.error = error;
    }
    const usage = seen.usage ?? estimate(request, parts);
    const error = ending.error ?? toEnd(seen, parts, this.#parts.clock.now());
    if (error !== null) yield { kind: "failed", error, usage: seen.isAccepted ? usage : null };
    else yield { kind: "answered", stop: seen.stop ?? "other", parts: parts.finish(seen.stop ?? "other"), usage };
  }

  async #open(request: ModelCallRequest, ending: Ending, seen: Seen): Promise<ReadableStream<LanguageModelV4StreamPart>> {
    const { clock, codexBaseUrl, limits = CALL_LIMITS } = this.#parts;
    const { target, secret } = request;
    const conversation = toConversation(request.cacheKey);
    const silenceMsMax = toDurationMs(target.isSelfHosted && !isCodex(request) ? limits.silenceOwnMsMax : limits.silenceMsMax);
    const guarded = makeGuardedFetch(
      {
        ...{ clock, silenceMsMax, bytesMax: limits.bytesMax, fail: (error) => ending.fail(error) },
        accepted: () => {
          seen.isAccepted = true;
        },
      },
      ending.signal,
    );
    const model = await makeSdkModel({ target, secret, fetch: guarded, codexBaseUrl: codexBaseUrl(), conversation });
    const answer = await model.doStream({
      ...{ prompt: toSdkPrompt(request), providerOptions: toSdkOptions(request, conversation) },
      ...{ ...toSdkTools(request.tools), ...toSdkEffort(request) },
      // The endpoint of ChatGPT sign-ins knows neither.
      ...(target.maxTokens === null || isCodex(request) ? {} : { maxOutputTokens: target.maxTokens }),
      ...(target.temperature === null || isCodex(request) ? {} : { temperature: target.temperature }),
      abortSignal: ending.signal,
    });
    return answer.stream;
  }
}

/** A session's key may name a person, and may hold what no header can. */
const toConversation = (cacheKey: string): string => createHash("sha256").update(cacheKey).digest("hex").slice(0, 32);

interface Seen {
  /** The provider took the request, so it may ask to be paid. */
  isAccepted: boolean;
  usage: TokenUsage | null;
  /** null: the stream did not end as streams do. */
  stop: StopReason | null;
  /** What ended it. Absent: nothing did. */
  error?: unknown;
}

interface Taking {
  parts: AnswerParts;
  seen: Seen;
  /** What was offered. */
  tools: ModelCallRequest["tools"];
}

function take(part: LanguageModelV4StreamPart, { parts, seen, tools }: Taking): CallEvent | null {
  switch (part.type) {
    case "text-start":
    case "reasoning-start":
      parts.begin(kindOf(part.type), part.id, part.providerMetadata);
      return null;
    case "text-delta":
    case "reasoning-delta": {
      const { id, delta: text, providerMetadata } = part;
      parts.add(kindOf(part.type), id, { text, metadata: providerMetadata });
      return text === "" ? null : { kind: kindOf(part.type), text };
    }
    case "text-end":
    case "reasoning-end":
      parts.note(kindOf(part.type), part.id, part.providerMetadata);
      return null;
    case "tool-input-delta":
      parts.countArguments(part.delta);
      return null;
    case "tool-call":
      parts.call({ id: part.toolCallId, tool: part.toolName, opaque: part.providerMetadata ?? null, ...toInput(part, tools) });
      return null;
    case "finish":
      seen.usage = toUsage(part.usage);
      seen.stop = toStop(part.finishReason);
      return null;
    case "error":
      seen.error ??= part.error;
      return null;
    default:
      return null;
  }
}

const kindOf = (type: string): "text" | "reasoning" => (type.startsWith("text") ? "text" : "reasoning");

function toInput({ toolName, input }: LanguageModelV4ToolCall, tools: ModelCallRequest["tools"]): Pick<ToolCall, "input" | "problem"> {
  if (!tools.some(({ name }) => name === toolName)) return { input: null, problem: `there is no tool ${JSON.stringify(toolName)}` };
  // Without any argument some models write nothing at all.
  const parsed = input.trim() === "" ? {} : parseObject(input);
  return parsed === null ? { input: null, problem: "its arguments are not the JSON of an object" } : { input: parsed, problem: null };
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** null: the provider never said that it was done. */
function toStop({ unified, raw }: LanguageModelV4FinishReason): StopReason | null {
  switch (unified) {
    case "stop":
      return "end";
    case "tool-calls":
      return "tool-calls";
    case "length":
      return "length";
    case "content-filter":
      return "filtered";
    default:
      return unified === "other" && raw !== undefined ? "other" : null;
  }
}

const CUT = toModelFailure("cut", "the stream ended in the middle");
const NOTHING = toModelFailure("garbage", "the answer can't be understood: there is nothing in it");

/** null: it went well. */
function toEnd({ error, stop, isAccepted }: Seen, parts: AnswerParts, now: number): ModelError | null {
  if (error !== undefined && !isUnfinished(error)) return toModelError(error, { isAccepted, now });
  if (stop !== null && error === undefined) return null;
  return parts.isEmpty ? NOTHING : CUT;
}

/** As one of the SDK's providers says that a stream ended without its end. */
const isUnfinished = (error: unknown): boolean => error instanceof Error && /ended without a finish reason/i.test(error.message);

/** More than any context holds: whoever says so did not count. */
const TOKENS_MAX = 1_000_000_000;

/** null: the provider did not say, or what no count can be: a limit must not be got round with it. */
function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): TokenUsage | null {
  const [input, output] = [inputTokens.total, outputTokens.total];
  const isCount = (tokens: number | undefined): tokens is number =>
    Number.isSafeInteger(tokens) && Number(tokens) >= 0 && Number(tokens) <= TOKENS_MAX;
  if (!isCount(input) || !isCount(output) || input === 0) return null;
  const part = (tokens: number | undefined, whole: number): number => (isCount(tokens) ? Math.min(tokens, whole) : 0);
  return {
    ...{ input, output, cacheRead: part(inputTokens.cacheRead, input), cacheWrite: part(inputTokens.cacheWrite, input) },
    ...{ reasoning: part(outputTokens.reasoning, output), isEstimated: false },
  };
}

/** Of English text; of others fewer. */
const CHARACTERS_PER_TOKEN = 4;
/** Of an image, about what providers count for one of a megapixel. */
const IMAGE_TOKENS = 1_500;

function estimate({ system, messages, tools }: ModelCallRequest, parts: AnswerParts): TokenUsage {
  let [characters, images] = [system.length + JSON.stringify(tools).length, 0];
  for (const message of messages) {
    if (message.role === "tool") for (const { text } of message.results) characters += text.length;
    else
      for (const part of message.parts) {
        if (part.kind === "image") images += 1;
        else characters += part.kind === "tool-call" ? JSON.stringify(part.input ?? null).length : part.text.length;
      }
  }
  const toTokens = (count: number): number => Math.ceil(count / CHARACTERS_PER_TOKEN);
  const input = toTokens(characters) + images * IMAGE_TOKENS;
  return { input, output: toTokens(parts.characters), cacheRead: 0, cacheWrite: 0, reasoning: 0, isEstimated: true };
}

/** Ends a call once: by its time, by what the fetch finds, or because the caller wants no more. The first reason is the one that counts. */
class Ending {
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #stopTimer: () => void;
  readonly #aborted = (): void => this.fail(toModelFailure("aborted", "the call was aborted"));
  #error: ModelError | null = null;

  constructor(clock: Clock, timeoutSeconds: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#stopTimer = clock.setTimer(toDurationMs(timeoutSeconds * 1_000), () =>
      this.fail(toModelFailure("timed-out", `the call took longer than ${timeoutSeconds} s`)),
    );
    if (signal.aborted) this.#aborted();
    else signal.addEventListener("abort", this.#aborted, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get error(): ModelError | null {
    return this.#error;
  }

  fail(error: ModelError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#controller.abort(new Error(error.message));
  }

  /** Also where the caller stops reading: nothing goes on behind its back. */
  [Symbol.dispose](): void {
    this.#stopTimer();
    this.#signal.removeEventListener("abort", this.#aborted);
    this.#controller.abort();
  }
}
