// A clock for tests that moves only when it is told to. It has the promises of the real one, and none of its waits.
import { type DurationMs, type EpochMs, later, toEpochMs } from "./brands.ts";
import type { Clock } from "./clock.ts";

interface Timer {
  at: EpochMs;
  order: number;
  fire(): void;
}

/** Microtasks that follow one another within one moment; more than any chain of awaits in the product. */
const SETTLE_TURNS = 50;

export class VirtualClock implements Clock {
  #now: EpochMs;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startsAt = toEpochMs(Date.UTC(2026, 0, 31, 12))) {
    this.#now = startsAt;
  }

  now(): EpochMs {
    return this.#now;
  }

  setTimer(delay: DurationMs, fire: () => void): () => void {
    this.#order += 1;
    const timer: Timer = { at: later(this.#now, delay), order: this.#order, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Lets everything run that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await Promise.resolve();
  }

  /** Fires what is due within `duration`, in order, each at its own moment. */
  async advance(duration: number): Promise<void> {
    const end = toEpochMs(this.#now + duration);
    await this.settle();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = toEpochMs(Math.max(this.#now, next.at));
      next.fire();
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /** The wall clock is set; timers do not notice. */
  jump(by: number): void {
    this.#now = toEpochMs(this.#now + by);
    for (const timer of this.#timers) timer.at = toEpochMs(timer.at + by);
  }

  #next(end: EpochMs): Timer | null {
    const due = [...this.#timers].filter(({ at }) => at <= end).sort((left, right) => left.at - right.at || left.order - right.order);
    return due[0] ?? null;
  }
}
