// The queue of a conversation: what a message does while a run goes on, what becomes of one too many, and when those that wait are taken.
import fc from "fast-check";
import { expect, test } from "vitest";
import { toDurationMs, toEpochMs } from "../../../api/brands.ts";
import { QUEUE_CAP_MAX, QUEUE_DROPS, QUEUE_LIMITS, QUEUE_MODES, type QueueLimits, toQueueWish } from "../../../api/queue-modes.ts";
import { boundWaiting, countNext, decideArrival, decidePause, SHORT_MAX, shorten, type Waiting } from "./queue.ts";

const mode = fc.constantFrom(...QUEUE_MODES);
const drop = fc.constantFrom(...QUEUE_DROPS);
const limits: fc.Arbitrary<QueueLimits> = fc.record({
  debounceMs: fc.nat(2_000).map(toDurationMs),
  cap: fc.integer({ min: 1, max: 25 }),
  drop,
});

test("nothing waits where nothing runs and nothing waits, and what waits is bounded", () =>
  fc.assert(
    fc.property(mode, fc.record({ waiting: fc.nat(60), steering: fc.nat(60), isRunning: fc.boolean() }), limits, (one, line, limit) => {
      const { waiting, steering, isRunning } = line;
      const arrival = decideArrival(one, { isRunning, waiting, steering: isRunning ? steering : 0 }, limit);
      expect(arrival === "start").toBe(!isRunning && waiting === 0);
      if (arrival === "steer") expect(isRunning && one === "steer" && waiting + steering < limit.cap).toBe(true);
      if (waiting >= limit.cap && limit.drop === "new") expect(arrival).toBe("refuse");
      if (arrival === "refuse") expect(waiting + steering).toBeGreaterThanOrEqual(limit.cap);
      if (arrival === "interrupt") expect(one).toBe("interrupt");
    }),
  ));

/** Messages as they come, each bounded as agent-service.ts does; `interrupt` stands before the others. */
function queueUp(modes: readonly Waiting["mode"][], limit: QueueLimits) {
  let waiting: readonly Waiting[] = [];
  const dropped: number[] = [];
  const refused: number[] = [];
  for (const [id, one] of modes.entries()) {
    const whole = waiting.filter(({ isShort }) => !isShort).length;
    const arrival = decideArrival(one === "steer" ? "followup" : one, { isRunning: true, waiting: whole, steering: 0 }, limit);
    if (arrival === "refuse") {
      refused.push(id);
      continue;
    }
    const next = { id, mode: one, isShort: false };
    const bounded = boundWaiting(arrival === "interrupt" ? [next, ...waiting] : [...waiting, next], limit);
    waiting = bounded.kept;
    dropped.push(...bounded.dropped.map((gone) => gone.id));
    expect(waiting.some((kept) => kept.id === id && !kept.isShort)).toBe(true);
  }
  return { waiting, dropped, refused };
}

test("every message is answered, told in short, dropped or refused, once; what came last is whole, and as many as may wait do", () =>
  fc.assert(
    fc.property(fc.array(mode, { maxLength: 160 }), limits, (modes, limit) => {
      const { waiting, dropped, refused } = queueUp(modes, limit);
      expect([...waiting.map(({ id }) => id), ...dropped, ...refused].toSorted((one, other) => one - other)).toEqual(
        modes.map((_, id) => id),
      );
      const whole = waiting.filter(({ isShort }) => !isShort).map(({ id }) => id);
      expect(whole.length).toBe(Math.min(modes.length, limit.cap));
      expect(waiting.length - whole.length).toBeLessThanOrEqual(SHORT_MAX);
      if (limit.drop !== "new") expect(refused).toEqual([]);
      if (limit.drop === "new") expect(dropped).toEqual([]);
      if (limit.drop !== "summarize") expect(whole.length).toBe(waiting.length);
      // Those that had to make room came before all that did not.
      const gone = [...dropped, ...waiting.flatMap(({ id, isShort }) => (isShort ? [id] : []))];
      expect(Math.max(-1, ...gone)).toBeLessThan(Math.min(Number.POSITIVE_INFINITY, ...whole));
    }),
  ));

test("every message that waits is taken by exactly one run, in the order in which they stand; only collected ones and beginnings share one", () =>
  fc.assert(
    fc.property(fc.array(mode, { maxLength: 60 }), limits, (modes, limit) => {
      const { waiting } = queueUp(modes, limit);
      let left = waiting;
      const runs: Waiting[][] = [];
      for (let guard = 0; left.length > 0 && guard <= modes.length; guard += 1) {
        const count = countNext(left);
        expect(count).toBeGreaterThan(0);
        runs.push(left.slice(0, count));
        left = left.slice(count);
      }
      expect(runs.flat()).toEqual(waiting);
      for (const run of runs) {
        const whole = run.filter(({ isShort }) => !isShort);
        if (whole.length > 1) expect(new Set(whole.map((one) => one.mode))).toEqual(new Set(["collect"]));
        // Beginnings are alone where nothing follows them.
        if (run !== runs.at(-1)) expect(whole.length).toBeGreaterThan(0);
      }
      expect(countNext([])).toBe(0);
    }),
  ));

test("a pause is never longer than the quiet that is asked for, ends, and is none where somebody steers or interrupts", () =>
  fc.assert(
    fc.property(fc.array(mode, { maxLength: 8 }), limits, fc.integer({ min: -10_000, max: 10_000 }), (modes, { debounceMs }, sinceMs) => {
      const waiting = modes.map((one, id) => ({ id, mode: one, isShort: false }));
      const lastAt = toEpochMs(1_000_000);
      const now = toEpochMs(1_000_000 + sinceMs);
      const pauseMs = decidePause(waiting, { lastAt, now, debounceMs });
      expect(pauseMs).toBeGreaterThanOrEqual(0);
      expect(pauseMs).toBeLessThanOrEqual(debounceMs);
      if (modes.length === 0 || modes.some((one) => one === "steer" || one === "interrupt")) expect(pauseMs).toBe(0);
      if (sinceMs >= debounceMs) expect(pauseMs).toBe(0);
      const later = toEpochMs(Math.max(now, lastAt) + pauseMs);
      expect(decidePause(waiting, { lastAt, now: later, debounceMs })).toBe(0);
    }),
  ));

test("what is told in short is one line, whatever it was", () => {
  const said = shorten(`one\n\ntwo ${"x".repeat(5_000)}`);
  expect(said).toContain("one two x");
  expect(said).not.toContain("\n");
  expect(said.length).toBeLessThan(300);
});

const NONE = { mode: null, alias: null, debounceMs: null, cap: null, drop: null };
test.each([
  ["collect", { ...NONE, mode: "collect" }],
  ["steer-backlog", { ...NONE, mode: "steer", alias: "steer-backlog" }],
  ["default", { ...NONE, mode: "default" }],
  ["collect debounce:2s cap:10 drop:old", { ...NONE, mode: "collect", debounceMs: 2_000, cap: 10, drop: "old" }],
  ["Debounce:250ms", { ...NONE, debounceMs: 250 }],
  ["cap:100 drop:summarize", { ...NONE, cap: QUEUE_CAP_MAX, drop: "summarize" }],
])("/queue %s", (text, wish) => expect(toQueueWish(text)).toEqual(wish));

test.each(["", "sideways", "cap:0", "cap:101", "cap:x", "drop:all", "debounce:1h", "debounce:11m", "collect followup", "collect cap:1 x"])(
  "/queue %s is none",
  (text) => expect(toQueueWish(text)).toBeNull(),
);

test("upstream's defaults are taken but for what is refused instead of shortened", () =>
  expect(QUEUE_LIMITS).toEqual({ debounceMs: 500, cap: 20, drop: "new" }));
