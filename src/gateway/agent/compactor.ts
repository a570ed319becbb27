// Makes a conversation shorter when it has to be, and writes that down: the newest messages stay, a summary takes the place of the others. A summary that is not
// written, or is no summary, changes nothing. Where it is cut is decide/compaction.ts's, what the summary is summary.ts's.
import type { ModelError, TokenUsage, ToolOffer } from "../models/model-call.ts";
import type { ModelTurn } from "../models/model-turn.ts";
import type { RunId } from "./agent-port.ts";
import { estimateAll, estimateTokens, findCut, isNearLimit, isSoonNear, type Window } from "./decide/compaction.ts";
import { renderSummary, type Seen } from "./decide/context.ts";
import type { RunLog } from "./run-log.ts";
import { writeSummary } from "./summary.ts";

export interface CompactorParts {
  /** Who writes summaries. */
  turn: ModelTurn;
  window: Window;
  keepRecentTokens: number;
  keepsNames: boolean;
  isGuarded: boolean;
}

export interface Compaction {
  /** null: a person asked for it between runs. */
  runId: RunId | null;
  log: RunLog;
  seen: readonly Seen[];
  /** `overflow`: a provider refused it, so that any estimate was too low. */
  why: "near" | "overflow" | "asked";
  focus: string;
  signal: AbortSignal;
}

export type Compacted =
  | { kind: "done"; before: number; after: number }
  /** @property error null: there is nothing that could be replaced */
  | { kind: "failed"; error: ModelError | null };

/** Of what the one who writes the summary is shown, where no window is known: 100 000 tokens. */
const SHOWN_CHARACTERS_MAX = 400_000;
const CHARACTERS_PER_TOKEN = 3;

export class Compactor {
  readonly #parts: CompactorParts;
  /** What a provider counted, and of how many messages: the rest is estimated. */
  #counted: { messages: number; tokens: number } | null = null;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  counted(seen: readonly Seen[], { input, output, isEstimated }: TokenUsage): void {
    this.#counted = isEstimated ? null : { messages: seen.length, tokens: input + output };
  }

  isNeeded(seen: readonly Seen[], system: string, tools: readonly ToolOffer[]): boolean {
    if (this.#parts.window.contextWindow === null) return false;
    return isNearLimit(this.#estimate(seen, system, tools), this.#parts.window);
  }

  /** Whether it will be needed soon, and there is room for a few answers yet. */
  isSoon(
    seen: readonly Seen[],
    { system, tools, softTokens }: { system: string; tools: readonly ToolOffer[]; softTokens: number },
  ): boolean {
    return isSoonNear(this.#estimate(seen, system, tools), this.#parts.window, softTokens);
  }

  async compact({ runId, log, seen, why, focus, signal }: Compaction): Promise<Compacted> {
    const before = estimateAll(seen);
    const { keepRecentTokens, window, keepsNames, isGuarded, turn } = this.#parts;
    const tail = findCut(seen, Math.min(keepRecentTokens, Math.floor(before / (why === "overflow" ? 4 : 2))));
    // One result that is larger than all else would stay: then nothing does.
    const cut = why !== "asked" && estimateAll(seen.slice(tail)) > before / 2 ? seen.length : tail;
    if (cut === 0) return { kind: "failed", error: null };
    const keptFrom = seen[cut]?.line ?? log.count + 1;
    const room =
      window.contextWindow === null ? SHOWN_CHARACTERS_MAX : (window.contextWindow - window.reserveTokens) * CHARACTERS_PER_TOKEN;
    const charactersMax = Math.max(8_000, Math.min(SHOWN_CHARACTERS_MAX, room));
    const messages = seen.slice(0, cut).map(({ message }) => message);
    const summary = await writeSummary({ turn, messages, focus, charactersMax, keepsNames, isGuarded, cacheKey: log.session, signal });
    if (typeof summary !== "string") return { kind: "failed", error: summary };
    const own = estimateTokens({ role: "user", parts: [{ kind: "text", text: renderSummary(summary) }] });
    const after = own + estimateAll(seen.slice(cut));
    await log.append({ kind: "compaction", runId, summary, keptFrom, before, after });
    this.#counted = null;
    return { kind: "done", before, after };
  }

  #estimate(seen: readonly Seen[], system: string, tools: readonly ToolOffer[]): number {
    const counted = this.#counted;
    if (counted !== null) return counted.tokens + estimateAll(seen.slice(counted.messages));
    const rest = Math.ceil((system.length + JSON.stringify(tools).length) / CHARACTERS_PER_TOKEN);
    return rest + estimateAll(seen);
  }
}
