// When a conversation has to be made shorter and where it is cut: the recent tail stays as it is, and a call is never parted from its results. Pure.
// What stands for the rest is written by a model: summary.ts asks for it and judges it.
import type { ModelMessage } from "../../models/model-call.ts";
import type { Seen } from "./context.ts";

/** Characters that a token has at least, of code as of prose: the estimate is rather too high. */
const CHARACTERS_PER_TOKEN = 3.5;
/** What providers count for a picture of usual size. */
const IMAGE_TOKENS = 1_600;
/** Names, marks and braces around each message. */
const MESSAGE_TOKENS = 8;

export function estimateTokens(message: ModelMessage): number {
  const characters = message.role === "tool" ? message.results.reduce((sum, { text }) => sum + text.length, 0) : lengthOf(message.parts);
  const images = message.role === "user" ? message.parts.filter(({ kind }) => kind === "image").length : 0;
  return MESSAGE_TOKENS + Math.ceil(characters / CHARACTERS_PER_TOKEN) + images * IMAGE_TOKENS;
}

function lengthOf(parts: Extract<ModelMessage, { role: "user" | "assistant" }>["parts"]): number {
  let sum = 0;
  for (const part of parts) {
    if (part.kind === "text" || part.kind === "reasoning") sum += part.text.length;
    if (part.kind === "tool-call") sum += part.tool.length + JSON.stringify(part.input ?? {}).length;
  }
  return sum;
}

export const estimateAll = (messages: readonly Pick<Seen, "message">[]): number =>
  messages.reduce((sum, { message }) => sum + estimateTokens(message), 0);

export interface Window {
  /** Tokens that a request and its answer may have. null: not known; then only a provider's refusal says that it is too much. */
  contextWindow: number | null;
  /** Kept free for the answer. */
  reserveTokens: number;
}

/** @param tokens of the next request @returns whether it is to be made shorter first */
export function isNearLimit(tokens: number, { contextWindow, reserveTokens }: Window): boolean {
  // A small window must not be all reserve.
  return contextWindow !== null && tokens > contextWindow - Math.min(reserveTokens, Math.floor(contextWindow / 4));
}

/** Of a few answers and what their calls print. */
const ROOM_TOKENS = 4_000;

/** @param softTokens how many before it is near @returns whether there is something to write down while it can be */
export function isSoonNear(tokens: number, { contextWindow, reserveTokens }: Window, softTokens: number): boolean {
  if (contextWindow === null || tokens + Math.min(ROOM_TOKENS, Math.floor(contextWindow / 8)) > contextWindow) return false;
  return isNearLimit(tokens + softTokens, { contextWindow, reserveTokens });
}

/**
 * How many of the messages are replaced. 0: none can be. What is kept has at most so many tokens, unless the last message and what belongs to it has more.
 * @param tokens where what is kept begins is never a result
 */
export function findCut(seen: readonly Seen[], keptTokensMax: number): number {
  let kept = 0;
  let cut = seen.length;
  for (let at = seen.length - 1; at >= 0; at -= 1) {
    const one = seen[at];
    if (one === undefined) break;
    kept += estimateTokens(one.message);
    if (kept > keptTokensMax && cut < seen.length) break;
    if (isBeginning(seen, at)) cut = at;
  }
  return cut === seen.length ? 0 : cut;
}

/** What belongs to the line before it can't be the first that is kept: results, and the pictures behind them. */
function isBeginning(seen: readonly Seen[], at: number): boolean {
  const one = seen[at];
  return one !== undefined && one.message.role !== "tool" && (at === 0 || seen[at - 1]?.line !== one.line);
}
