// What is ready to run, as p-queue's `queueClass`: it says which goes next. How many run at the same time is p-queue's concurrency.
//
// The highest priority goes first; within one, first come, first served. Each eighth slot goes to what has waited longest, so that no
// priority starves. However much waits, none of this looks through it.
import type { Queue, QueueAddOptions } from "p-queue";
import { Arrivals } from "../../api/arrivals.ts";
import { QUEUE_PRIORITIES } from "./priority.ts";

type Run = () => Promise<unknown>;

interface Ready {
  readonly id: string;
  readonly run: Run;
  rank: number;
}

const OLDEST_EACH = 8;

export class ReadyQueue implements Queue<Run, QueueAddOptions> {
  readonly #all = new Arrivals<string, Ready>();
  /** Index: the rank, as `rankOf` says. What rises comes last among those that it joins. */
  readonly #byRank: readonly Arrivals<string, Ready>[] = QUEUE_PRIORITIES.map(() => new Arrivals());
  #handedOut = 0;

  get size(): number {
    return this.#all.size;
  }

  /** @param options `id`: no other that is ready has it; `priority`: a rank, see `rankOf` */
  enqueue(run: Run, { id, priority: rank }: Partial<QueueAddOptions> = {}): void {
    if (id === undefined || rank === undefined || this.#all.has(id)) throw new Error("each is ready once, under an id and with a rank");
    const ready: Ready = { id, run, rank };
    this.#ofRank(rank).set(id, ready);
    this.#all.set(id, ready);
  }

  /** undefined: nothing is ready. */
  dequeue(): Run | undefined {
    this.#handedOut += 1;
    const next = firstOf(this.#handedOut % OLDEST_EACH === 0 ? this.#all : this.#highest());
    if (next === undefined) return undefined;
    this.#all.delete(next.id);
    this.#ofRank(next.rank).delete(next.id);
    return next.run;
  }

  /** It has waited as long as before. */
  setPriority(id: string, rank: number): void {
    const ready = this.#all.get(id);
    if (ready === undefined) throw new ReferenceError(`nothing with the id "${id}" is ready`);
    this.#ofRank(ready.rank).delete(id);
    this.#ofRank(rank).set(id, ready);
    ready.rank = rank;
  }

  filter({ priority: rank }: Readonly<Partial<QueueAddOptions>>): Run[] {
    return [...this.#all.values()].filter((ready) => ready.rank === rank).map(({ run }) => run);
  }

  #ofRank(rank: number): Arrivals<string, Ready> {
    const ready = this.#byRank[rank];
    if (ready === undefined) throw new RangeError(`${rank} is no rank`);
    return ready;
  }

  #highest(): Arrivals<string, Ready> {
    return this.#byRank.findLast((ready) => ready.size > 0) ?? this.#all;
  }
}

function firstOf(queue: Arrivals<string, Ready>): Ready | undefined {
  const { oldest } = queue;
  return oldest === undefined ? undefined : queue.get(oldest);
}
