// The work queue of the loop, with the promises of client-go's workqueue. What a pass does with a key is the caller's; the queue never looks.
// It keeps nothing over a restart: the first listing after a start adds every key again.
//
// Promises:
// - A key is never worked on twice at the same time. Added while it is worked on, it is worked on once more afterwards.
// - A burst of adds of one key is one pass, at the highest priority among them.
// - No add is lost: a pass that starts after the add sees what the add was about.
// - `addAfter` keeps one timer per key, the earliest: a later one is dropped. An `add` does not cancel it (as in client-go), since the pass
//   that follows may not look at what the timer is for; the price is one cheap pass.
// - A higher priority goes first; within one priority first come, first served. Each eighth slot goes to the key that has waited longest,
//   so that no priority starves.
// - A failing key is added again with exponential back-off and jitter, 5 ms to 5 min; success forgets. Other adds do not wait for it.
// - What is thrown in a pass is a bug: it is reported, and the key is tried again like any failing one.
// - After `stop` nothing starts.
import PQueue from "p-queue";
import { type DurationMs, type EpochMs, elapsed, later, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";

/** Highest first. `live`: somebody waits for it now; `change`: something was edited or happened; `resync`: to be sure. */
export const QUEUE_PRIORITIES = ["live", "change", "resync"] as const;
export type QueuePriority = (typeof QUEUE_PRIORITIES)[number];

export type WorkResult =
  /** Back-off is forgotten; the next pass comes when something is added. */
  | { kind: "done" }
  /** Back-off is forgotten; look again after `delay`, 0 for at once. */
  | { kind: "after"; delay: DurationMs; priority?: QueuePriority }
  /** Back-off, but no longer than `within`. */
  | { kind: "retry"; within?: DurationMs };
/** How a pass ended; `panic`: it threw. */
export type WorkEnd = WorkResult | { kind: "panic" };

export interface WorkContext {
  priority: QueuePriority;
  /** Failures of this key in a row so far. */
  failures: number;
  /** Aborts when the deadline of `stop` is over. */
  signal: AbortSignal;
}

export interface QueueObserver<Key> {
  added(priority: QueuePriority): void;
  /** How many keys of a priority wait now. */
  depth(priority: QueuePriority, depth: number): void;
  /** A pass starts, this long after its key was added. */
  started(waited: DurationMs): void;
  ended(key: Key, end: WorkEnd, worked: DurationMs): void;
  /** A failing key was put off. */
  retried(key: Key, delay: DurationMs): void;
  /** A pass threw. */
  panicked(key: Key, error: unknown): void;
}

export interface KeyedQueueParts<Key> {
  clock: Clock;
  /** 0 inclusive to 1 exclusive, for jitter. */
  random(): number;
  /** Passes at the same time, at least 1. */
  concurrency: number;
  work(key: Key, context: WorkContext): Promise<WorkResult>;
  observer?: QueueObserver<Key>;
}

export interface QueueStats {
  /** Keys that wait now, by priority. */
  depth: Readonly<Record<QueuePriority, number>>;
  /** Passes that run now. */
  active: number;
  /** Keys with a timer. */
  delayed: number;
  /** Sum over running passes of how long each has run so far. */
  unfinishedMs: DurationMs;
  longestRunningMs: DurationMs;
  /** How long the key that has waited longest has waited. 0: none waits. */
  oldestWaitMs: DurationMs;
}

export interface StopResult<Key> {
  /** Passes that did not end before the deadline; their signal was aborted. */
  unfinished: readonly Key[];
}

const BACK_OFF_MS_MIN = 5;
const BACK_OFF_MS_MAX = 5 * MINUTE_MS;
/** 5 ms doubled 16 times is 5.5 min: more failures change nothing. */
const DOUBLINGS_MAX = 16;
const OLDEST_EACH = 8;

interface Waiting {
  priority: QueuePriority;
  since: EpochMs;
}

interface Running {
  since: EpochMs;
  /** Added again meanwhile. null: not. */
  again: QueuePriority | null;
}

interface Delayed {
  at: EpochMs;
  priority: QueuePriority;
  cancel(): void;
}

const rank = (priority: QueuePriority): number => QUEUE_PRIORITIES.indexOf(priority);
const higher = (left: QueuePriority, right: QueuePriority): QueuePriority => (rank(left) <= rank(right) ? left : right);

export class KeyedQueue<Key> {
  readonly #parts: KeyedQueueParts<Key>;
  readonly #pool: PQueue;
  /** Each in order of arrival. A key is in at most one. */
  readonly #waiting: Readonly<Record<QueuePriority, Map<Key, Waiting>>> = { live: new Map(), change: new Map(), resync: new Map() };
  readonly #running = new Map<Key, Running>();
  readonly #delayed = new Map<Key, Delayed>();
  readonly #failures = new Map<Key, number>();
  readonly #abort = new AbortController();
  readonly #idle: (() => void)[] = [];
  #started = false;
  #stopped = false;
  #filling = false;
  #picks = 0;

  constructor(parts: KeyedQueueParts<Key>) {
    if (!Number.isInteger(parts.concurrency) || parts.concurrency < 1) throw new Error("concurrency must be a whole number of at least 1");
    this.#parts = parts;
    this.#pool = new PQueue({ concurrency: parts.concurrency });
  }

  /** Nothing runs before this; adds are kept. */
  start(): void {
    this.#started = true;
    this.#fillSoon();
  }

  /** Work on the key as soon as there is a slot. */
  add(key: Key, priority: QueuePriority = "change"): void {
    if (this.#stopped) return;
    this.#parts.observer?.added(priority);
    const running = this.#running.get(key);
    if (running === undefined) this.#enqueue(key, priority);
    else running.again = running.again === null ? priority : higher(running.again, priority);
    this.#fillSoon();
  }

  /** Add the key after `delay`, unless a timer for it ends earlier. At once for 0 and less. */
  addAfter(key: Key, delay: DurationMs, priority: QueuePriority = "change"): void {
    if (this.#stopped) return;
    if (!(delay > 0)) {
      this.add(key, priority);
      return;
    }
    const at = later(this.#parts.clock.now(), delay);
    const known = this.#delayed.get(key);
    if (known !== undefined && known.at <= at) {
      known.priority = higher(known.priority, priority);
      return;
    }
    known?.cancel();
    const entry: Delayed = {
      at,
      priority: known === undefined ? priority : higher(known.priority, priority),
      cancel: this.#parts.clock.setTimer(delay, () => {
        if (this.#delayed.get(key) !== entry) return;
        this.#delayed.delete(key);
        this.add(key, entry.priority);
      }),
    };
    this.#delayed.set(key, entry);
  }

  /** The next failure of the key is its first. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** Failures of the key in a row. */
  failuresOf(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** When the next timer ends. null: there is none. */
  nextTimerAt(): EpochMs | null {
    let next: EpochMs | null = null;
    for (const { at } of this.#delayed.values()) if (next === null || at < next) next = at;
    return next;
  }

  stats(): QueueStats {
    const now = this.#parts.clock.now();
    let [unfinished, longest] = [0, 0];
    for (const { since } of this.#running.values()) {
      unfinished += elapsed(since, now);
      longest = Math.max(longest, elapsed(since, now));
    }
    const oldest = this.#oldest();
    return {
      depth: { live: this.#waiting.live.size, change: this.#waiting.change.size, resync: this.#waiting.resync.size },
      active: this.#running.size,
      delayed: this.#delayed.size,
      unfinishedMs: toDurationMs(unfinished),
      longestRunningMs: toDurationMs(longest),
      oldestWaitMs: toDurationMs(oldest === null ? 0 : elapsed(oldest[1].since, now)),
    };
  }

  /** Resolves when nothing waits and nothing runs; timers may be set still. */
  onIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#checkIdle();
    });
  }

  /** Starts nothing more and waits for running passes at most `deadline`. What waits is dropped. */
  async stop(deadline: DurationMs): Promise<StopResult<Key>> {
    this.#stopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    for (const priority of QUEUE_PRIORITIES) {
      this.#waiting[priority].clear();
      this.#parts.observer?.depth(priority, 0);
    }
    let cancel = (): void => {};
    const over = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.setTimer(deadline, resolve);
    });
    await Promise.race([this.#pool.onIdle(), over]);
    cancel();
    const unfinished = [...this.#running.keys()];
    if (unfinished.length > 0) this.#abort.abort();
    this.#checkIdle();
    return { unfinished };
  }

  #enqueue(key: Key, priority: QueuePriority): void {
    const known = this.#find(key);
    if (known !== null && rank(known.priority) <= rank(priority)) return;
    if (known !== null) this.#take(key, known);
    this.#waiting[priority].set(key, { priority, since: known?.since ?? this.#parts.clock.now() });
    this.#parts.observer?.depth(priority, this.#waiting[priority].size);
  }

  #find(key: Key): Waiting | null {
    for (const priority of QUEUE_PRIORITIES) {
      const known = this.#waiting[priority].get(key);
      if (known !== undefined) return known;
    }
    return null;
  }

  #take(key: Key, { priority }: Waiting): void {
    this.#waiting[priority].delete(key);
    this.#parts.observer?.depth(priority, this.#waiting[priority].size);
  }

  /** Once the caller is through: the adds of one burst are one pass, in order of priority. */
  #fillSoon(): void {
    if (this.#filling) return;
    this.#filling = true;
    queueMicrotask(() => {
      this.#filling = false;
      this.#fill();
      this.#checkIdle();
    });
  }

  /** Hands the pool a key only when a slot is free: what waits in the pool could not be overtaken any more. */
  #fill(): void {
    while (this.#started && !this.#stopped && this.#running.size < this.#parts.concurrency) {
      const next = this.#next();
      if (next === null) return;
      const [key, waiting] = next;
      this.#take(key, waiting);
      this.#running.set(key, { since: this.#parts.clock.now(), again: null });
      void this.#pool.add(() => this.#run(key, waiting));
    }
  }

  #next(): [Key, Waiting] | null {
    this.#picks += 1;
    if (this.#picks % OLDEST_EACH === 0) return this.#oldest();
    for (const priority of QUEUE_PRIORITIES) {
      const first = this.#waiting[priority].entries().next();
      if (!first.done) return first.value;
    }
    return null;
  }

  #oldest(): [Key, Waiting] | null {
    let oldest: [Key, Waiting] | null = null;
    for (const priority of QUEUE_PRIORITIES) {
      const first = this.#waiting[priority].entries().next();
      if (!first.done && (oldest === null || first.value[1].since < oldest[1].since)) oldest = first.value;
    }
    return oldest;
  }

  async #run(key: Key, { priority, since }: Waiting): Promise<void> {
    const { clock, observer, work } = this.#parts;
    const startedAt = clock.now();
    observer?.started(elapsed(since, startedAt));
    let result: WorkEnd;
    try {
      result = await work(key, { priority, failures: this.failuresOf(key), signal: this.#abort.signal });
    } catch (error) {
      observer?.panicked(key, error);
      result = { kind: "panic" };
    }
    observer?.ended(key, result, elapsed(startedAt, clock.now()));
    const again = this.#running.get(key)?.again ?? null;
    this.#running.delete(key);
    if (!this.#stopped) {
      this.#settle(key, result);
      if (again !== null) this.#enqueue(key, again);
    }
    this.#fillSoon();
  }

  #settle(key: Key, end: WorkEnd): void {
    switch (end.kind) {
      case "done":
        this.forget(key);
        break;
      case "after":
        this.forget(key);
        this.addAfter(key, end.delay, end.priority);
        break;
      case "retry":
      case "panic": {
        const longest = end.kind === "retry" ? (end.within ?? BACK_OFF_MS_MAX) : BACK_OFF_MS_MAX;
        const delay = toDurationMs(Math.min(this.#backOff(key), longest));
        this.#parts.observer?.retried(key, delay);
        this.addAfter(key, delay);
        break;
      }
    }
  }

  /** Between half of and the whole of 5 ms times two to the power of the failures before. */
  #backOff(key: Key): DurationMs {
    const before = this.failuresOf(key);
    this.#failures.set(key, before + 1);
    const whole = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(before, DOUBLINGS_MAX));
    return toDurationMs(Math.ceil(whole * (0.5 + this.#parts.random() / 2)));
  }

  #checkIdle(): void {
    const waiting = QUEUE_PRIORITIES.some((priority) => this.#waiting[priority].size > 0);
    if (waiting || this.#running.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
