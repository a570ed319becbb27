// How the end of an exec is heard of: at once where the engine tells it, before or after somebody asks.
import { expect, test } from "vitest";
import { ExecEnds } from "./exec-ends.ts";

/** As many as are kept. */
const MANY = 1_024;

test("an end is known to who asks after it, and to who waits for it", async () => {
  const ends = new ExecEnds();
  ends.told("early", 3);
  expect(await ends.codeOf("early", 0)).toBe(3);
  const waiting = ends.codeOf("late", 60_000);
  ends.told("late", 0);
  expect(await waiting).toBe(0);
});

test("who waits for an end that nobody tells goes on by himself", async () => {
  const ends = new ExecEnds();
  const waiting = ends.codeOf("one", 1);
  ends.told("other", 0);
  expect(await waiting).toBeNull();
});

test("an event is worth waiting for only while the engine's events are heard", () => {
  const ends = new ExecEnds();
  expect(ends.waitMs).toBe(0);
  ends.connected(true);
  expect(ends.waitMs).toBeGreaterThan(0);
  ends.connected(false);
  expect(ends.waitMs).toBe(0);
});

test("the newest ends are kept, and no more of them than there can be commands", async () => {
  const ends = new ExecEnds();
  for (let exec = 0; exec <= MANY; exec += 1) {
    ends.keepQuiet(`waits-${exec}`);
    ends.told(`ended-${exec}`, 1);
  }
  expect([ends.isQuiet("waits-0"), ends.isQuiet(`waits-${MANY}`)]).toEqual([false, true]);
  expect(await Promise.all([ends.codeOf("ended-0", 1), ends.codeOf(`ended-${MANY}`, 1)])).toEqual([null, 1]);
});
