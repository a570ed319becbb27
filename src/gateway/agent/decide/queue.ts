// What becomes of a message that comes while a session's run goes on, when those that wait are taken, and what of them the next run takes. Pure.
// Who keeps them, and who runs, is waiting-line.ts's and agent-service.ts's.
import { type DurationMs, type EpochMs, elapsed, toDurationMs } from "../../../api/brands.ts";
import type { QueueLimits, QueueMode } from "../../../api/queue-modes.ts";
import { toHead } from "../../../api/text/cuts.ts";

/** One that waits. */
export interface Waiting {
  /** Rises in the order in which they came. */
  id: number;
  mode: QueueMode;
  /** Only the beginning of it is left. */
  isShort: boolean;
}

export type Arrival =
  /** A run of its own, now. */
  | "start"
  /** The run that goes on takes it in. */
  | "steer"
  /** Behind those that wait. */
  | "wait"
  /** The run that goes on ends; it comes first. */
  | "interrupt"
  /** There are too many. */
  | "refuse";

export interface Line {
  /** A run goes on, or is about to begin. */
  isRunning: boolean;
  /** Whole messages that wait for a run of theirs. */
  waiting: number;
  /** Those that the run has not taken in yet. */
  steering: number;
}

/** As many beginnings as a person reads; each is a line. */
export const SHORT_MAX = 100;

export function decideArrival(mode: QueueMode, { isRunning, waiting, steering }: Line, { cap, drop }: QueueLimits): Arrival {
  if (!isRunning && waiting === 0) return "start";
  // What somebody steers by can't be dropped behind his back.
  if (isRunning && mode === "steer") return waiting + steering >= cap ? "refuse" : "steer";
  if (waiting >= cap && drop === "new") return "refuse";
  return mode === "interrupt" ? "interrupt" : "wait";
}

export interface Bounded<One> {
  /** In their order; `isShort` says which of them are to be shortened. */
  kept: readonly One[];
  dropped: readonly One[];
}

/** Those that wait once one more has come, which is never the one that has to make room. */
export function boundWaiting<One extends Waiting>(waiting: readonly One[], { cap, drop }: QueueLimits): Bounded<One> {
  const whole = waiting.filter(({ isShort }) => !isShort).toSorted((one, other) => one.id - other.id);
  const excess = drop === "new" ? [] : whole.slice(0, Math.max(0, whole.length - cap));
  const yielding = new Set(excess.map(({ id }) => id));
  if (drop !== "summarize") return part(waiting, ({ id }) => !yielding.has(id));
  const shortened = waiting.map((one) => (yielding.has(one.id) ? { ...one, isShort: true } : one));
  const short = shortened.filter(({ isShort }) => isShort).toSorted((one, other) => one.id - other.id);
  const gone = new Set(short.slice(0, Math.max(0, short.length - SHORT_MAX)).map(({ id }) => id));
  return part(shortened, ({ id }) => !gone.has(id));
}

const part = <One>(all: readonly One[], isKept: (one: One) => boolean): Bounded<One> => ({
  kept: all.filter(isKept),
  dropped: all.filter((one) => !isKept(one)),
});

/** What is taken only once nothing more comes: whoever writes in several pieces means them together. */
const isPatient = ({ mode }: Pick<Waiting, "mode">): boolean => mode === "followup" || mode === "collect";

/** How long to wait until the first of them is taken. 0: now @param lastAt when the newest of them came */
export function decidePause(
  waiting: readonly Waiting[],
  { lastAt, now, debounceMs }: { lastAt: EpochMs; now: EpochMs; debounceMs: DurationMs },
): DurationMs {
  if (waiting.length === 0 || !waiting.every(isPatient)) return toDurationMs(0);
  return toDurationMs(Math.max(0, debounceMs - elapsed(lastAt, now)));
}

const SHORT_LENGTH_MAX = 160;

/** What is told of a message of which only the beginning is left. */
export function shorten(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return `(More messages came than may wait; of this one only the beginning is left.) ${toHead(line, SHORT_LENGTH_MAX)}`;
}

/**
 * How many of those that wait the next run takes, from the first on: neighbours that are to be collected are one run, and every other one has its own. What was
 * to steer a run that has ended is followed up. Beginnings of messages go with what follows them.
 */
export function countNext(waiting: readonly Pick<Waiting, "mode" | "isShort">[]): number {
  const short = waiting.findIndex(({ isShort }) => !isShort);
  if (short === -1) return waiting.length;
  if (waiting[short]?.mode !== "collect") return short + 1;
  const end = waiting.findIndex(({ mode, isShort }) => !isShort && mode !== "collect");
  return end === -1 ? waiting.length : end;
}
