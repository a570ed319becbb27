// How often something may be asked for: so many times at once after a rest, and then once per interval.
// What is asked for, and what is said when it is too often, is the routes'.
import { type DurationMs, type EpochMs, elapsed } from "../../api/brands.ts";

export interface RequestRateOptions {
  /** At least 1. */
  atOnceMax: number;
  each: DurationMs;
  now(): EpochMs;
}

export class RequestRate {
  readonly #options: RequestRateOptions;
  /** Requests that were used up at `#at`, and have not been given back since. */
  #used = 0;
  #at: EpochMs;

  constructor(options: RequestRateOptions) {
    this.#options = options;
    this.#at = options.now();
  }

  /** @returns false: too often; nothing is counted then */
  take(): boolean {
    const { atOnceMax, each, now } = this.#options;
    const at = now();
    this.#used = Math.max(0, this.#used - elapsed(this.#at, at) / each);
    this.#at = at;
    if (this.#used + 1 > atOnceMax) return false;
    this.#used += 1;
    return true;
  }
}
