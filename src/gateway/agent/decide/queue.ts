// What becomes of a message that comes while a session's run goes on, and what the next run takes of those that wait. Pure.
// Who keeps them, and who runs, is agent-service.ts's.
import type { QueueMode } from "../../../api/queue-modes.ts";

/** One that waits. */
export interface Waiting {
  mode: QueueMode;
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

/** As many as a person can mean; each may be 1 MiB. */
export const WAITING_MAX = 20;

/** @param isRunning a run goes on, or is about to begin @param waiting how many there are */
export function decideArrival(mode: QueueMode, { isRunning, waiting }: { isRunning: boolean; waiting: number }): Arrival {
  if (!isRunning) return "start";
  if (waiting >= WAITING_MAX) return "refuse";
  if (mode === "steer") return "steer";
  return mode === "interrupt" ? "interrupt" : "wait";
}

/**
 * How many of those that wait the next run takes, from the first on: neighbours that are to be collected are one run, and every other one has its own. What was
 * to steer a run that has ended is followed up.
 */
export function countNext(waiting: readonly Waiting[]): number {
  if (waiting[0]?.mode !== "collect") return Math.min(1, waiting.length);
  const end = waiting.findIndex(({ mode }) => mode !== "collect");
  return end === -1 ? waiting.length : end;
}
