// Has an agent write down what it must not forget, with its own tools, before its conversation is made shorter: when, what it is told, and when that is over.
// It calls nothing: the run (run.ts) does. What is near is decide/compaction.ts's.
import { renderTime } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { MemoryFlush as MemoryFlushSettings } from "../../api/config/assistant.ts";
import { matchesTool, toToolName } from "../../api/tool-policy.ts";
import type { ToolOffer } from "../models/model-call.ts";
import type { Compactor } from "./compactor.ts";
import type { Seen } from "./decide/context.ts";
import type { RunLog } from "./run-log.ts";

export interface MemoryFlushParts {
  /** null: off. */
  settings: MemoryFlushSettings | null;
  compactor: Pick<Compactor, "isSoon">;
  log: Pick<RunLog, "hasRemembered">;
  clock: Pick<Clock, "now">;
}

/** A file that is read, and some that are written. */
const ANSWERS_MAX = 6;
const OVER = "That is over. Go on with what you were asked before.";

const toPrompt = (day: string): string =>
  [
    "Before you go on: earlier parts of this conversation are about to be replaced by a summary. Write down now what must not be lost and is not in a file yet:",
    `append it to memory/${day}.md in the workspace, what must be known always to MEMORY.md. Keep what those files have. Then answer exactly NO_REPLY; nobody reads this answer.`,
  ].join(" ");

export class MemoryFlush {
  readonly #parts: MemoryFlushParts;
  #answers: number | null = null;

  constructor(parts: MemoryFlushParts) {
    this.#parts = parts;
  }

  /** The agent has been asked, and was not told yet that it is over. */
  get isOn(): boolean {
    return this.#answers !== null;
  }

  /** Once between two summaries, where it may write. @returns what it is told; null: nothing */
  begin(seen: readonly Seen[], system: string, tools: readonly ToolOffer[]): string | null {
    const { settings, compactor, log, clock } = this.#parts;
    if (settings === null || this.isOn || log.hasRemembered) return null;
    if (!tools.some(({ name }) => name !== "read" && matchesTool("group:fs", toToolName(name)))) return null;
    if (!compactor.isSoon(seen, { system, tools, softTokens: settings.softThresholdTokens })) return null;
    this.#answers = 0;
    return settings.prompt ?? toPrompt(renderTime(clock.now()).slice(0, 10));
  }

  /** @param wantsCalls whether the agent asks for tools @returns what it is told when it is over; null: it goes on */
  answered(wantsCalls: boolean): string | null {
    if (this.#answers === null) return null;
    this.#answers += 1;
    if (wantsCalls && this.#answers < ANSWERS_MAX) return null;
    this.#answers = null;
    return OVER;
  }
}
