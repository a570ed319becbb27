// One call of a model, as the rest of the gateway sees it: what is asked, what comes back, and how it may end. Types alone.
// A provider's protocol is sdk-call.ts's; which model and whose key are tried, and how often, is model-service.ts's.
import type { Secret } from "../../api/models/credential.ts";
import type { ModelTarget } from "../../api/models/resolve.ts";
import type { ThinkingLevel } from "../../api/thinking.ts";

/** What a provider sends along and wants to see again with the next call. To be kept as it is and never read. */
export type Opaque = Readonly<Record<string, unknown>> | null;

export type UserPart = { kind: "text"; text: string } | { kind: "image"; mediaType: string; data: Uint8Array };

export type AssistantPart =
  | { kind: "text"; text: string; opaque: Opaque }
  | { kind: "reasoning"; text: string; opaque: Opaque }
  | ({ kind: "tool-call" } & ToolCall);

export interface ToolCall {
  id: string;
  tool: string;
  /** What the model gave, as JSON; null where it gave none that could be read. */
  input: unknown;
  /** Why it must not be run: its arguments are incomplete or unreadable, or there is no such tool. null: nothing. */
  problem: string | null;
  opaque: Opaque;
}

export type ModelMessage =
  | { role: "user"; parts: readonly UserPart[] }
  | { role: "assistant"; parts: readonly AssistantPart[] }
  | { role: "tool"; results: readonly { id: string; tool: string; text: string; isError: boolean }[] };

export interface ToolOffer {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  inputSchema: Readonly<Record<string, unknown>>;
}

/** What is asked, whichever model answers. */
export interface ModelRequest {
  /** The system prompt. Empty: none. */
  system: string;
  messages: readonly ModelMessage[];
  /** By name; the model may ask for several at once. None of them is run here. */
  tools: readonly ToolOffer[];
  /** Conversations that are told apart by a provider's cache. */
  cacheKey: string;
  /** A provider that knows no such effort is not asked for it. null: its own default */
  thinking: ThinkingLevel | null;
}

/** One request to one provider. */
export interface ModelCallRequest extends ModelRequest {
  target: ModelTarget;
  /** null: it is not signed. */
  secret: Secret | null;
}

/** Tokens. `cacheRead` and `cacheWrite` are part of `input`, `reasoning` of `output`. */
export interface TokenUsage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  reasoning: number;
  /** The provider did not say: the numbers are from the length of what was sent and received. */
  isEstimated: boolean;
}

/** `length`: cut at the limit of tokens. `filtered`: the provider withholds it. */
export const STOP_REASONS = ["end", "tool-calls", "length", "filtered", "other"] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/**
 * What a failure means for whoever decides what comes next (decide-next.ts).
 * `rate-limited`: too many calls with this key. `quota`: nothing left to spend with this key. `unauthenticated`: the key itself. `no-credential`: there is
 * none to use. `transient`: the provider or the way there, as it is just now. `cut`: a stream that ended in the middle. `silent`: nothing came for too long.
 * `timed-out`: the call as a whole took too long. `garbage`: what came is no answer. `too-large`: it was larger than anything an answer can be.
 * `overflow`: the conversation does not fit. `rejected`: the provider understood and refuses. `over-budget`: a limit of the config. `aborted`: the caller.
 */
export const MODEL_FAILURES = [
  "rate-limited",
  "quota",
  "unauthenticated",
  "no-credential",
  "transient",
  "cut",
  "silent",
  "timed-out",
  "garbage",
  "too-large",
  "overflow",
  "rejected",
  "over-budget",
  "aborted",
] as const;
export type ModelFailure = (typeof MODEL_FAILURES)[number];

export interface ModelError {
  failure: ModelFailure;
  /** One sentence without a period and without secrets. */
  message: string;
  /** HTTP status. null: there was no response. */
  status: number | null;
  /** What the provider asks to wait. null: it does not say. */
  retryAfterMs: number | null;
  /** What a person does about it. null: nothing, or the message says so. */
  fix: string | null;
}

export type CallEvent =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  /** The last one of a call that went well; its parts have everything that the others said, and the tool calls, each of them complete. */
  | { kind: "answered"; stop: StopReason; parts: readonly AssistantPart[]; usage: TokenUsage }
  /** The last one of a call that did not. @property usage null: nothing was spent */
  | { kind: "failed"; error: ModelError; usage: TokenUsage | null };

export interface ModelCall {
  /** Never throws for what happens outside: its last event is `answered` or `failed`. Runs no tool and tries nothing twice. */
  stream(request: ModelCallRequest, signal: AbortSignal): AsyncIterable<CallEvent>;
}
