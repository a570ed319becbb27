// The work queue of the loop, with the promises of client-go's workqueue. What a pass does with a key is the caller's; the queue never looks.
// It keeps nothing over a restart: the first listing after a start adds every key again.
//
// p-queue runs the passes: its concurrency is the only bound, and ready-queue.ts, which it asks, is the only order. What p-queue has not is
// here: a key is ready once, is not worked on twice at once, has one timer and a back-off, on a clock that tests can move.
//
// Promises, in client-go's words:
// - `add`: a key is dirty until a pass with it begins. Added again while it waits, it is that one pass, at the highest priority among the
//   adds; added while it is processed, it is added again when that pass is done. So no key is processed twice at the same time, and no add
//   is lost: a pass that begins after the add sees what the add was about.
// - `addAfter`: one timer per key, the earliest: a later one is dropped. An `add` does not cancel it (as in client-go), since the pass
//   that follows may not look at what the timer is for; the price is one cheap pass.
// - done: what the end of a pass says, `WorkResult`. A key that fails is rate limited: added again with exponential back-off and jitter,
//   5 ms to 5 min. Other adds do not wait for it. What is thrown in a pass is a bug: it is reported, and counts as a failure.
// - `forget`: the next failure of the key is its first. A pass that succeeds forgets by itself.
// - `stop`: nothing begins any more, and nothing that is added is kept.
import PQueue from "p-queue";
import { type DurationMs, type EpochMs, elapsed, later, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { higher, QUEUE_PRIORITIES, type QueuePriority, rankOf } from "./priority.ts";
import { ReadyQueue } from "./ready-queue.ts";

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

/** One pass. */
export type Work<Key> = (key: Key, context: WorkContext) => Promise<WorkResult>;

export interface KeyedQueueParts<Key> {
  clock: Clock;
  /** 0 inclusive to 1 exclusive, for jitter. */
  random(): number;
  /** Passes at the same time, at least 1. */
  concurrency: number;
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

interface Waiting {
  priority: QueuePriority;
  since: EpochMs;
}

interface Processing {
  since: EpochMs;
  /** Added again meanwhile. null: not. */
  dirty: QueuePriority | null;
}

interface Delayed {
  at: EpochMs;
  priority: QueuePriority;
  cancel(): void;
}

export class KeyedQueue<Key extends string> {
  readonly #parts: KeyedQueueParts<Key>;
  readonly #pool: PQueue<ReadyQueue>;
  /** In order of arrival. A key is in at most one of this and the next. */
  readonly #waiting = new Map<Key, Waiting>();
  readonly #processing = new Map<Key, Processing>();
  readonly #depth: Record<QueuePriority, number> = { live: 0, change: 0, resync: 0 };
  readonly #delayed = new Map<Key, Delayed>();
  readonly #failures = new Map<Key, number>();
  readonly #abort = new AbortController();
  #work: Work<Key> | null = null;
  #stopped = false;
  #gathering = false;

  constructor(parts: KeyedQueueParts<Key>) {
    if (!Number.isInteger(parts.concurrency) || parts.concurrency < 1) throw new Error("concurrency must be a whole number of at least 1");
    this.#parts = parts;
    this.#pool = new PQueue({ concurrency: parts.concurrency, queueClass: ReadyQueue, autoStart: false });
  }

  /** Nothing runs before this; adds are kept. Called once. */
  start(work: Work<Key>): void {
    this.#work = work;
    this.#gather();
  }

  /** Work on the key as soon as there is a slot. */
  add(key: Key, priority: QueuePriority = "change"): void {
    if (this.#stopped) return;
    this.#parts.observer?.added(priority);
    const processing = this.#processing.get(key);
    if (processing === undefined) this.#ready(key, priority);
    else processing.dirty = processing.dirty === null ? priority : higher(processing.dirty, priority);
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
    for (const { since } of this.#processing.values()) {
      unfinished += elapsed(since, now);
      longest = Math.max(longest, elapsed(since, now));
    }
    const [oldest] = this.#waiting.values();
    return {
      depth: { ...this.#depth },
      active: this.#processing.size,
      delayed: this.#delayed.size,
      unfinishedMs: toDurationMs(unfinished),
      longestRunningMs: toDurationMs(longest),
      oldestWaitMs: toDurationMs(oldest === undefined ? 0 : elapsed(oldest.since, now)),
    };
  }

  /** Resolves when nothing waits and nothing runs; timers may be set still. */
  onIdle(): Promise<void> {
    return this.#pool.onIdle();
  }

  /** Starts nothing more and waits for running passes at most `deadline`. What waits is dropped. */
  async stop(deadline: DurationMs): Promise<StopResult<Key>> {
    this.#stopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#pool.pause();
    this.#pool.clear();
    this.#waiting.clear();
    for (const priority of QUEUE_PRIORITIES) this.#count(priority, -this.#depth[priority]);
    let cancel = (): void => {};
    const over = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.setTimer(deadline, resolve);
    });
    await Promise.race([this.#pool.onIdle(), over]);
    cancel();
    const unfinished = [...this.#processing.keys()];
    if (unfinished.length > 0) this.#abort.abort();
    return { unfinished };
  }

  #ready(key: Key, priority: QueuePriority): void {
    const known = this.#waiting.get(key);
    if (known !== undefined && higher(known.priority, priority) === known.priority) return;
    this.#gather();
    if (known === undefined) {
      this.#waiting.set(key, { priority, since: this.#parts.clock.now() });
      void this.#pool.add(() => this.#process(key), { id: key, priority: rankOf(priority) });
    } else {
      this.#pool.setPriority(key, rankOf(priority));
      this.#count(known.priority, -1);
      known.priority = priority;
    }
    this.#count(priority, 1);
  }

  #count(priority: QueuePriority, change: number): void {
    this.#depth[priority] += change;
    this.#parts.observer?.depth(priority, this.#depth[priority]);
  }

  /** Nothing begins before the caller is through: the adds of one burst are one pass each, in order of priority. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#pool.pause();
    queueMicrotask(() => {
      this.#gathering = false;
      if (this.#work !== null && !this.#stopped) this.#pool.start();
    });
  }

  async #process(key: Key): Promise<void> {
    const { clock, observer } = this.#parts;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || this.#work === null) throw new Error("what is begun has waited, and is begun after the start");
    const { priority, since } = waiting;
    this.#waiting.delete(key);
    this.#count(priority, -1);
    const startedAt = clock.now();
    this.#processing.set(key, { since: startedAt, dirty: null });
    observer?.started(elapsed(since, startedAt));
    let end: WorkEnd;
    try {
      end = await this.#work(key, { priority, failures: this.failuresOf(key), signal: this.#abort.signal });
    } catch (error) {
      observer?.panicked(key, error);
      end = { kind: "panic" };
    }
    observer?.ended(key, end, elapsed(startedAt, clock.now()));
    this.#done(key, end);
  }

  #done(key: Key, end: WorkEnd): void {
    const dirty = this.#processing.get(key)?.dirty ?? null;
    this.#processing.delete(key);
    if (this.#stopped) return;
    this.#settle(key, end);
    if (dirty !== null) this.#ready(key, dirty);
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
}
