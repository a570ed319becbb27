// Messages of one conversation that wait for a run of theirs, and the pause before the next of them is taken. It begins no run and writes nothing down: that is
// agent-service.ts's. What is decided about them is decide/queue.ts's.
import type { DurationMs, EpochMs } from "../../api/brands.ts";
import { toEpochMs } from "../../api/brands.ts";
import type { QueueLimits } from "../../api/queue-modes.ts";
import { boundWaiting, countNext, decidePause, shorten } from "./decide/queue.ts";
import type { Input } from "./run-log.ts";

type WaitingInput = Input & { isShort: boolean };

export class WaitingLine {
  #all: readonly WaitingInput[] = [];
  #lastAt: EpochMs = toEpochMs(0);
  #stopPause: () => void = () => undefined;

  get length(): number {
    return this.#all.length;
  }

  /** Those that are to be answered whole. */
  get whole(): readonly Input[] {
    return this.#all.filter(({ isShort }) => !isShort);
  }

  push(input: Input): void {
    this.#all = [...this.#all, { ...input, isShort: false }];
    this.#lastAt = input.at;
  }

  /** Before all others. */
  putFirst(inputs: readonly Input[]): void {
    this.#all = [...inputs.map((input) => ({ ...input, isShort: false })), ...this.#all];
  }

  /** Makes room for what came last. @returns those that have no run of their own any more */
  bound(limits: QueueLimits): { dropped: readonly Input[]; shortened: readonly Input[] } {
    const before = new Set(this.whole.map(({ id }) => id));
    const { kept, dropped } = boundWaiting(this.#all, limits);
    this.#all = kept;
    return { dropped, shortened: kept.filter(({ id, isShort }) => isShort && before.has(id)) };
  }

  /** @returns those that are gone */
  drop(isDropped: (input: Input) => boolean): readonly Input[] {
    const dropped = this.#all.filter(isDropped);
    this.#all = this.#all.filter((input) => !isDropped(input));
    return dropped;
  }

  pauseMs({ now, debounceMs }: { now: EpochMs; debounceMs: DurationMs }): DurationMs {
    return decidePause(this.#all, { now, debounceMs, lastAt: this.#lastAt });
  }

  /** Of the next run. Empty: none waits. */
  take(): readonly Input[] {
    this.endPause();
    const count = countNext(this.#all);
    const taken = this.#all.slice(0, count);
    this.#all = this.#all.slice(count);
    return taken.map(({ isShort, ...input }) => (isShort ? { ...input, text: shorten(input.text), attachments: [] } : input));
  }

  /** One at a time. @param stop ends it early */
  pause(stop: () => void): void {
    this.#stopPause();
    this.#stopPause = stop;
  }

  endPause(): void {
    this.#stopPause();
    this.#stopPause = () => undefined;
  }
}
