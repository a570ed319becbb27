// A clock on which every wait is a fraction of what it is on a wall: for tests of what waits of minutes would make too few.
import { type DurationMs, type EpochMs, toDurationMs, toEpochMs } from "../src/api/brands.ts";
import { type Clock, createSystemClock } from "../src/api/clock.ts";

export class SwiftClock implements Clock {
  readonly #system = createSystemClock();
  readonly #startedAt = this.#system.now();
  readonly #times: number;

  /** @param times how many seconds pass here in one */
  constructor(times: number) {
    this.#times = times;
  }

  now(): EpochMs {
    return toEpochMs(this.#startedAt + Math.floor((this.#system.now() - this.#startedAt) * this.#times));
  }

  setTimer(delay: DurationMs, fire: () => void): () => void {
    return this.#system.setTimer(toDurationMs(Math.ceil(delay / this.#times)), fire);
  }
}
