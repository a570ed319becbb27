// The time, for ages and countdowns: one clock for the whole page, so that all of them change together.
import { useSyncExternalStore } from "react";

const TICK_MS = 1_000;

class PageClock {
  readonly #listeners = new Set<() => void>();
  #now = Date.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  readonly now = (): number => this.#now;

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#timer === undefined) this.#begin();
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  #begin(): void {
    this.#now = Date.now();
    this.#timer = setInterval(() => {
      this.#now = Date.now();
      for (const listener of this.#listeners) listener();
    }, TICK_MS);
  }
}

const clock = new PageClock();

/** Milliseconds since 1970, anew each second. */
export const useNow = (): number => useSyncExternalStore(clock.subscribe, clock.now);
