// Holds the queue to the promises of its header, with a clock that moves only when told to.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DAY_MS, MINUTE_MS, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { KeyedQueue, type KeyedQueueParts, type QueueObserver, type Work, type WorkEnd, type WorkResult } from "./keyed-queue.ts";
import { QUEUE_PRIORITIES, type QueuePriority } from "./priority.ts";

type Parts = KeyedQueueParts<string>;

const observe = (parts: Partial<QueueObserver<string>>): QueueObserver<string> => ({
  added: () => undefined,
  depth: () => undefined,
  started: () => undefined,
  ended: () => undefined,
  retried: () => undefined,
  panicked: () => undefined,
  ...parts,
});

/** A queue whose passes end when told to, with the record of what ran. */
function createQueue(overrides: Partial<Parts> = {}) {
  const clock = new VirtualClock();
  const started: string[] = [];
  const running = new Map<string, (result: WorkResult) => void>();
  const work: Work<string> = (key) => {
    started.push(key);
    return new Promise((resolve) => running.set(key, resolve));
  };
  const queue = new KeyedQueue<string>({ clock, random: () => 0.5, concurrency: 1, ...overrides });
  const start = (): void => queue.start(work);
  const end = async (key: string, result: WorkResult = { kind: "done" }): Promise<void> => {
    const resolve = running.get(key);
    running.delete(key);
    resolve?.(result);
    await clock.settle();
  };
  return { clock, queue, start, started, end };
}

/** A queue whose passes end at once as `results` says, with the moments at which each ran. */
function createInstantQueue(result: (key: string, pass: number) => WorkResult, overrides: Partial<Parts> = {}) {
  const clock = new VirtualClock();
  const startedAt = clock.now();
  const passes: { key: string; at: number; priority: QueuePriority }[] = [];
  const work: Work<string> = async (key, { priority }) => {
    passes.push({ key, at: clock.now() - startedAt, priority });
    return result(key, passes.length);
  };
  const queue = new KeyedQueue<string>({ clock, random: () => 0.5, concurrency: 1, ...overrides });
  queue.start(work);
  return { clock, queue, passes };
}

const done = (): WorkResult => ({ kind: "done" });

describe("a key", () => {
  test("is worked on once for a burst of adds", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    for (let add = 0; add < 1_000; add += 1) queue.add("a");
    await clock.settle();
    expect(passes).toHaveLength(1);
  });

  test("that is added while it is worked on is worked on once more, afterwards", async () => {
    const { clock, queue, start, started, end } = createQueue({ concurrency: 4 });
    start();
    queue.add("a");
    await clock.settle();
    for (let add = 0; add < 10; add += 1) queue.add("a");
    await clock.settle();
    expect(started).toEqual(["a"]);
    await end("a");
    expect(started).toEqual(["a", "a"]);
    await end("a");
    expect(started).toEqual(["a", "a"]);
  });

  test("that is added before the start is worked on after it", async () => {
    const { clock, queue, start, started } = createQueue();
    queue.add("a");
    await clock.settle();
    expect(started).toEqual([]);
    start();
    await clock.settle();
    expect(started).toEqual(["a"]);
  });

  test("whose pass throws is tried again, and the error is reported", async () => {
    const errors: unknown[] = [];
    const ends: WorkEnd["kind"][] = [];
    const { clock, queue } = createInstantQueue(
      (_key, pass) => {
        if (pass === 1) throw new Error("a bug");
        return { kind: "done" };
      },
      {
        observer: observe({ ended: (_key, end) => ends.push(end.kind), panicked: (_key, error) => errors.push(error) }),
      },
    );
    queue.add("a");
    await clock.advance(SECOND_MS);
    expect(errors).toEqual([new Error("a bug")]);
    expect(ends).toEqual(["panic", "done"]);
  });

  test("whose pass is done is not tried again, and its back-off is forgotten", async () => {
    const { clock, queue, passes } = createInstantQueue((_key, pass) => (pass === 3 ? { kind: "done" } : { kind: "retry" }));
    queue.add("a");
    await clock.advance(DAY_MS);
    expect(passes).toHaveLength(3);
    expect(queue.failuresOf("a")).toBe(0);
  });
});

describe("priorities", () => {
  test("are kept: who waits for an answer goes first, precautions last", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.add("resync-1", "resync");
    queue.add("change-1", "change");
    queue.add("live-1", "live");
    queue.add("change-2", "change");
    queue.add("live-2", "live");
    await clock.settle();
    expect(passes.map(({ key }) => key)).toEqual(["live-1", "live-2", "change-1", "change-2", "resync-1"]);
  });

  test("of a waiting key only rise", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.add("a", "resync");
    queue.add("b", "change");
    queue.add("a", "live");
    queue.add("a", "resync");
    await clock.settle();
    expect(passes).toMatchObject([{ key: "a", priority: "live" }, { key: "b" }]);
  });

  test("hold although every slot was taken when the keys were added", async () => {
    const { clock, queue, start, started, end } = createQueue({ concurrency: 2 });
    start();
    queue.add("x");
    queue.add("y");
    await clock.settle();
    queue.add("low", "resync");
    queue.add("high", "live");
    await end("x");
    expect(started).toEqual(["x", "y", "high"]);
  });

  test("starve nobody: a precaution gets its turn within eight slots of a stream of live requests", async () => {
    const { clock, queue, start, started, end } = createQueue();
    start();
    queue.add("resync", "resync");
    queue.add("live-0", "live");
    await clock.settle();
    for (let pass = 0; pass < 12; pass += 1) {
      await clock.advance(1);
      queue.add(`live-${pass + 1}`, "live");
      await end(started.at(-1) ?? "");
    }
    expect(started.indexOf("resync")).toBeGreaterThan(0);
    expect(started.indexOf("resync")).toBeLessThan(8);
  });
});

describe("a priority", () => {
  test("of a key that is worked on is the highest that was asked for meanwhile", async () => {
    const seen: QueuePriority[] = [];
    const ends: (() => void)[] = [];
    const clock = new VirtualClock();
    const queue = new KeyedQueue<string>({ clock, random: () => 0.5, concurrency: 1 });
    queue.start((_key, { priority }) => {
      seen.push(priority);
      return new Promise((resolve) => ends.push(() => resolve({ kind: "done" })));
    });
    queue.add("a", "resync");
    await clock.settle();
    for (const priority of ["change", "live", "resync"] as const) queue.add("a", priority);
    ends[0]?.();
    await clock.settle();
    expect(seen).toEqual(["resync", "live"]);
  });

  test("that rises does not make a key wait anew", async () => {
    const waits: number[] = [];
    const { clock, queue, start, end } = createQueue({ observer: observe({ started: (waited) => waits.push(waited) }) });
    start();
    queue.add("busy");
    await clock.settle();
    queue.add("a", "resync");
    await clock.advance(SECOND_MS);
    queue.add("a", "live");
    await end("busy");
    expect(waits).toEqual([0, 1_000]);
  });

  test("yields each eighth slot to the key that has waited longest, not to any other that waits", async () => {
    const { clock, queue, start, started, end } = createQueue();
    start();
    queue.add("live-0", "live");
    await clock.settle();
    for (const key of ["oldest", "older", "old"]) {
      queue.add(key, "resync");
      await clock.advance(1);
    }
    for (let pass = 0; pass < 8; pass += 1) {
      queue.add(`live-${pass + 1}`, "live");
      await end(started.at(-1) ?? "");
    }
    expect(started.filter((key) => key.startsWith("old"))).toEqual(["oldest"]);
  });

  test("that a pass asks for is the one of its next look", async () => {
    const { clock, queue, passes } = createInstantQueue((_key, pass) =>
      pass === 1 ? { kind: "after", delay: toDurationMs(SECOND_MS), priority: "resync" } : { kind: "done" },
    );
    queue.add("a", "live");
    await clock.advance(2 * SECOND_MS);
    expect(passes).toMatchObject([
      { at: 0, priority: "live" },
      { at: 1_000, priority: "resync" },
    ]);
  });
});

describe("a place", () => {
  test("is kept until the very moment at which a slot is free: nothing that waits is handed out before", async () => {
    const { clock, queue, start, started, end } = createQueue();
    start();
    queue.add("busy");
    await clock.settle();
    queue.add("low", "resync");
    await clock.settle();
    queue.add("high", "live");
    await end("busy");
    expect(started).toEqual(["busy", "high"]);
  });
});

describe("a queue that was stopped", () => {
  test("keeps nothing that is added afterwards, and no timer", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.addAfter("later", MINUTE_MS);
    await queue.stop(SECOND_MS);
    queue.add("a", "live");
    queue.addAfter("b", SECOND_MS);
    expect([clock.timerCount, queue.nextTimerAt(), queue.stats().depth]).toEqual([0, null, { live: 0, change: 0, resync: 0 }]);
    await clock.advance(2 * MINUTE_MS);
    expect(passes).toEqual([]);
  });
});

describe("a delay", () => {
  test("has the highest priority of all that were asked for its key, also of those that a shorter one took the place of", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.addAfter("dropped", SECOND_MS, "resync");
    queue.addAfter("dropped", MINUTE_MS, "live");
    queue.addAfter("replaced", MINUTE_MS, "live");
    queue.addAfter("replaced", SECOND_MS, "resync");
    await clock.advance(10 * MINUTE_MS);
    expect(passes).toEqual([
      { key: "dropped", at: 1_000, priority: "live" },
      { key: "replaced", at: 1_000, priority: "live" },
    ]);
  });

  test("that is shorter wins, and the longer one is dropped", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.addAfter("a", MINUTE_MS);
    queue.addAfter("a", SECOND_MS);
    queue.addAfter("a", MINUTE_MS);
    await clock.advance(10 * MINUTE_MS);
    expect(passes.map(({ at }) => at)).toEqual([1_000]);
  });

  test("stays although the key is added meanwhile: that pass may not look at what it is for", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.addAfter("a", MINUTE_MS);
    queue.add("a");
    await clock.advance(10 * MINUTE_MS);
    expect(passes.map(({ at }) => at)).toEqual([0, 60_000]);
  });

  test("of 40 days does not end at once", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.addAfter("a", toDurationMs(40 * DAY_MS));
    await clock.advance(39 * DAY_MS);
    expect(passes).toEqual([]);
    await clock.advance(DAY_MS);
    expect(passes).toHaveLength(1);
  });

  test("of nothing, of less than nothing or of no number is no delay", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    for (const [key, delay] of [
      ["zero", 0],
      ["negative", -5],
      ["nan", Number.NaN],
    ] as const)
      queue.addAfter(key, toDurationMs(delay));
    await clock.settle();
    expect(passes.map(({ key }) => key)).toEqual(["zero", "negative", "nan"]);
  });

  test("does not depend on the wall clock, which may be set back an hour", async () => {
    const { clock, queue, passes } = createInstantQueue(done);
    queue.addAfter("a", MINUTE_MS);
    clock.jump(-60 * MINUTE_MS);
    await clock.advance(61 * MINUTE_MS);
    expect(passes).toHaveLength(1);
    expect(queue.stats().oldestWaitMs).toBe(0);
  });
});

describe("back-off", () => {
  test("is forgotten when a pass asks for another look", async () => {
    const { clock, queue } = createInstantQueue((_key, pass) => (pass < 4 ? { kind: "retry" } : { kind: "after", delay: MINUTE_MS }));
    queue.add("a");
    await clock.advance(SECOND_MS);
    expect(queue.failuresOf("a")).toBe(0);
  });

  test("doubles from 5 ms to 5 min, and success forgets it", async () => {
    const delays: number[] = [];
    let healthy = false;
    const { clock, queue } = createInstantQueue(() => (healthy ? { kind: "done" } : { kind: "retry" }), {
      random: () => 1 - Number.EPSILON,
      observer: observe({ retried: (_key, delay) => delays.push(delay) }),
    });
    queue.add("a");
    await clock.advance(60 * MINUTE_MS);
    expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(Math.max(...delays)).toBe(5 * MINUTE_MS);
    healthy = true;
    await clock.advance(5 * MINUTE_MS);
    expect(queue.failuresOf("a")).toBe(0);
    expect(queue.nextTimerAt()).toBeNull();
  });

  test("is spread by chance over the upper half of its delay", () => {
    fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (chance) => {
        const delays: number[] = [];
        const { clock, queue } = createInstantQueue((_key, pass) => (pass <= 8 ? { kind: "retry" } : { kind: "done" }), {
          random: () => chance,
          observer: observe({ retried: (_key, delay) => delays.push(delay) }),
        });
        queue.add("a");
        await clock.advance(10 * SECOND_MS);
        delays.forEach((delay, before) => {
          expect(delay).toBeGreaterThanOrEqual((5 * 2 ** before) / 2);
          expect(delay).toBeLessThanOrEqual(5 * 2 ** before + 1);
        });
      }),
      { numRuns: 20 },
    );
  });

  test("does not hold up a change: a new add is worked on at once", async () => {
    const { clock, queue, passes } = createInstantQueue(() => ({ kind: "retry" }));
    queue.add("a");
    await clock.advance(MINUTE_MS);
    const before = passes.length;
    queue.add("a");
    await clock.settle();
    expect(passes).toHaveLength(before + 1);
  });
});

describe("stopping", () => {
  test("waits for running passes, and starts nothing more", async () => {
    const { clock, queue, start, started, end } = createQueue();
    start();
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", SECOND_MS);
    await clock.settle();
    const stopped = queue.stop(MINUTE_MS);
    queue.add("d");
    await clock.advance(2 * SECOND_MS);
    await end("a");
    expect(await stopped).toEqual({ unfinished: [] });
    expect(started).toEqual(["a"]);
    expect(clock.timerCount).toBe(0);
  });

  test("gives up at its deadline, names what still runs and tells it", async () => {
    let aborted = false;
    const clock = new VirtualClock();
    const queue = new KeyedQueue<string>({ clock, random: () => 0, concurrency: 1 });
    queue.start((_key, { signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise(() => undefined);
    });
    queue.add("stuck");
    await clock.settle();
    const stopped = queue.stop(MINUTE_MS);
    await clock.advance(MINUTE_MS);
    expect(await stopped).toEqual({ unfinished: ["stuck"] });
    expect(aborted).toBe(true);
  });
});

describe("what the queue says about itself", () => {
  test("is how much waits, runs and for how long", async () => {
    const { clock, queue, start, end } = createQueue();
    start();
    queue.add("a");
    await clock.settle();
    queue.add("b", "resync");
    queue.addAfter("c", MINUTE_MS);
    await clock.advance(3 * SECOND_MS);
    expect(queue.stats()).toEqual({
      depth: { live: 0, change: 0, resync: 1 },
      active: 1,
      delayed: 1,
      unfinishedMs: 3_000,
      longestRunningMs: 3_000,
      oldestWaitMs: 3_000,
    });
    await end("a");
    expect(queue.stats()).toMatchObject({ active: 1, depth: { resync: 0 } });
  });

  test("is when it is idle: nothing waits and nothing runs", async () => {
    const { clock, queue, start, end } = createQueue();
    start();
    queue.add("a");
    let idle = false;
    void queue.onIdle().then(() => {
      idle = true;
    });
    await clock.settle();
    expect(idle).toBe(false);
    await end("a");
    expect(idle).toBe(true);
  });
});

type Step =
  | { kind: "add"; key: string; priority: QueuePriority }
  | { kind: "addAfter"; key: string; delay: number; priority: QueuePriority }
  | { kind: "advance"; by: number }
  | { kind: "finish"; index: number; result: WorkResult };

const Keys = fc.constantFrom("a", "b", "c", "d");
const Priorities = fc.constantFrom(...QUEUE_PRIORITIES);
const Results: fc.Arbitrary<WorkResult> = fc.oneof(
  fc.constant<WorkResult>({ kind: "done" }),
  fc.constant<WorkResult>({ kind: "retry" }),
  fc.nat(5_000).map((delay): WorkResult => ({ kind: "after", delay: toDurationMs(delay) })),
);
const Steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("add" as const), key: Keys, priority: Priorities }),
    fc.record({ kind: fc.constant("addAfter" as const), key: Keys, delay: fc.nat(10_000), priority: Priorities }),
    fc.record({ kind: fc.constant("advance" as const), by: fc.nat(5_000) }),
    fc.record({ kind: fc.constant("finish" as const), index: fc.nat(3), result: Results }),
  ),
  { maxLength: 40 },
);

test("whatever happens in whatever order, no key is worked on twice at once, none is lost, and no more passes run than may", async () => {
  await fc.assert(
    fc.asyncProperty(Steps, fc.integer({ min: 1, max: 3 }), async (steps, concurrency) => {
      const clock = new VirtualClock();
      const running = new Map<string, (result: WorkResult) => void>();
      /** Keys whose newest add no pass has started after. */
      const owed = new Set<string>();
      const work: Work<string> = (key) => {
        expect(running.has(key), "a key is never worked on twice at the same time").toBe(false);
        expect(running.size, "no more passes than slots").toBeLessThan(concurrency);
        owed.delete(key);
        return new Promise((resolve) => running.set(key, resolve));
      };
      const finish = (key: string, result: WorkResult): void => {
        const resolve = running.get(key);
        running.delete(key);
        resolve?.(result);
      };
      const queue = new KeyedQueue<string>({ clock, random: () => 0.5, concurrency });
      queue.start(work);
      for (const step of steps) {
        if (step.kind === "add") {
          owed.add(step.key);
          queue.add(step.key, step.priority);
        }
        if (step.kind === "addAfter") queue.addAfter(step.key, toDurationMs(step.delay), step.priority);
        if (step.kind === "advance") await clock.advance(step.by);
        if (step.kind === "finish") {
          const key = [...running.keys()][step.index];
          if (key !== undefined) finish(key, step.result);
        }
        if (step.kind !== "add") await clock.settle();
      }
      for (let round = 0; round < 200 && (queue.stats().active > 0 || queue.nextTimerAt() !== null || owed.size > 0); round += 1) {
        await clock.advance(SECOND_MS);
        for (const key of [...running.keys()]) finish(key, { kind: "done" });
        await clock.settle();
      }
      expect([...owed], "an add is never lost").toEqual([]);
      expect(queue.stats()).toMatchObject({ active: 0, delayed: 0, depth: { live: 0, change: 0, resync: 0 } });
    }),
    { numRuns: 300 },
  );
});

test("of any delays asked for one key, the earliest is when it is worked on, and the only time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 10_000_000_000 }), { minLength: 1, maxLength: 10 }), async (delays) => {
      const { clock, queue, passes } = createInstantQueue(done);
      for (const delay of delays) queue.addAfter("a", toDurationMs(delay));
      await clock.advance(10_000_000_001);
      expect(passes.map(({ at }) => at)).toEqual([Math.min(...delays)]);
    }),
    { numRuns: 100 },
  );
});

test("a queue without a slot is refused", () => {
  for (const concurrency of [0, -1, 1.5, Number.NaN]) expect(() => createQueue({ concurrency })).toThrow("concurrency");
});
