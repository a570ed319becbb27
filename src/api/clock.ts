// The clock and the timers of everything in the controller that waits. Tests give a virtual one; `main` creates the real one.
// It is not a scheduler: who waits for what is the caller's.
import { type DurationMs, type EpochMs, toEpochMs } from "./brands.ts";

export interface Clock {
  /** The wall clock. May jump; waits do not depend on it. */
  now(): EpochMs;
  /** Calls `fire` once after `delay`, however long, unless the result was called before. Does not keep the process alive. */
  setTimer(delay: DurationMs, fire: () => void): () => void;
}

/** What one timer of Node can wait: 2^31 - 1 ms, 24.8 days. A longer one fires at once, so that longer waits are made of several. */
const TIMER_MS_MAX = 2_147_483_647;

export function createSystemClock(): Clock {
  return {
    now: () => toEpochMs(Date.now()),
    setTimer(delay, fire) {
      let timer: NodeJS.Timeout;
      const wait = (rest: number): void => {
        const step = Math.min(rest, TIMER_MS_MAX);
        timer = setTimeout(() => (rest > step ? wait(rest - step) : fire()), step);
        timer.unref();
      };
      wait(Math.max(0, delay));
      return () => clearTimeout(timer);
    },
  };
}
