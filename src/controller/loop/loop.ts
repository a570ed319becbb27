// Connects the queue and the passes: what each outcome means for the queue, and how every hint becomes a name.
// It decides nothing about sandboxes and keeps nothing that a restart would need.
import type { Logger } from "pino";
import { type DurationMs, elapsed, type SandboxName, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { Trigger } from "../decide/types.ts";
import { KeyedQueue, type QueueObserver, type QueueStats, type WorkResult } from "../queue/keyed-queue.ts";
import type { QueuePriority } from "../queue/priority.ts";
import type { Convergence } from "./convergence.ts";
import type { PassOutcome } from "./reconcile.ts";

export interface LoopParts {
  clock: Clock;
  /** 0 inclusive to 1 exclusive. */
  random(): number;
  /** Passes at the same time. */
  concurrency: number;
  convergence: Convergence;
  log: Logger;
  observer: QueueObserver<SandboxName>;
}

/** A person or a session waits for these; what happened to a container comes next, a precaution last. */
const PRIORITY: Readonly<Record<Trigger, QueuePriority>> = {
  session: "live",
  recreate: "live",
  config: "change",
  crash: "change",
  external: "change",
  resync: "resync",
};

export class Loop {
  readonly #parts: LoopParts;
  readonly #queue: KeyedQueue<SandboxName>;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    const { clock, random, concurrency, observer } = parts;
    this.#queue = new KeyedQueue({ clock, random, concurrency, observer });
  }

  /** Nothing is worked on before this; what was enqueued waits. Called once. @param reconcile one pass */
  start(reconcile: (name: SandboxName) => Promise<PassOutcome>): void {
    this.#queue.start(async (name, { priority }) => this.#toResult(await reconcile(name), priority));
  }

  /** Something may have changed for this sandbox. */
  enqueue(name: SandboxName, trigger: Trigger): void {
    this.#parts.convergence.noticed(name, trigger);
    this.#queue.add(name, PRIORITY[trigger]);
  }

  /** The same, with time until then: nobody waits for it. */
  enqueueWithin(name: SandboxName, trigger: Trigger, delay: DurationMs): void {
    this.#parts.convergence.noticed(name, trigger);
    this.#queue.addAfter(name, delay, PRIORITY[trigger]);
  }

  /** The same, and what failed before may succeed now: the engine is back, or the spec is another one. */
  enqueueFresh(name: SandboxName, trigger: Trigger): void {
    this.#queue.forget(name);
    this.enqueue(name, trigger);
  }

  /** Whether the last pass of this name failed: what its status says may be old. */
  isFailing(name: SandboxName): boolean {
    return this.#queue.failuresOf(name) > 0;
  }

  stats(): QueueStats {
    return this.#queue.stats();
  }

  /** Nothing waits and nothing runs; timers may be set. */
  onIdle(): Promise<void> {
    return this.#queue.onIdle();
  }

  /** Starts no new pass and waits for the running ones. */
  async stop(deadline: DurationMs): Promise<void> {
    const { unfinished } = await this.#queue.stop(deadline);
    if (unfinished.length > 0) this.#parts.log.warn({ sandboxes: unfinished }, "passes did not finish in time");
  }

  /** @param priority of the pass that ended */
  #toResult(outcome: PassOutcome, priority: QueuePriority): WorkResult {
    switch (outcome.kind) {
      case "again":
        return { kind: "after", delay: toDurationMs(0), priority };
      case "failed":
        return outcome.dueAt === null ? { kind: "retry" } : { kind: "retry", within: elapsed(this.#parts.clock.now(), outcome.dueAt) };
      case "settled":
        return outcome.requeueAt === null
          ? { kind: "done" }
          : { kind: "after", delay: elapsed(this.#parts.clock.now(), outcome.requeueAt) };
    }
  }
}
