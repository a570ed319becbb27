// When a command's output is given up: only after its end, and never because its reader is slow. On a real engine it is docker-exec.engine.test.ts.
import { expect, test } from "vitest";
import { EndWatch } from "./docker-exec-end.ts";

/** Pauses take no time; the engine is asked at these moments, and says from `overMs` on that the command has ended. */
async function watch(overMs: number, { fullTurns = 0, closedMs = Number.POSITIVE_INFINITY, failing = 0 } = {}) {
  let nowMs = 0;
  let full = fullTurns;
  const asked: number[] = [];
  const endWatch: EndWatch = new EndWatch({
    isOver: async () => {
      asked.push(nowMs);
      if (asked.length <= failing) throw new Error("no answer");
      return nowMs >= overMs;
    },
    isFull: () => full-- > 0,
    pause: async (delayMs, signal) => {
      nowMs += delayMs;
      if (nowMs >= closedMs) endWatch.stop();
      signal.throwIfAborted();
    },
  });
  const isGivenUp = await endWatch.untilGivenUp();
  return { isGivenUp, isHeld: endWatch.isHeld, nowMs, asked };
}

test("output that nobody closes is given up 2.5 s after its command's end", async () => {
  expect(await watch(0)).toMatchObject({ isGivenUp: true, isHeld: true, nowMs: 3_000 });
});

test("output that an engine closes 2 s after the end was held, and one that only took its time was not", async () => {
  expect(await watch(200, { closedMs: 2_200 })).toMatchObject({ isGivenUp: false, isHeld: true });
  expect(await watch(200, { closedMs: 1_000 })).toMatchObject({ isGivenUp: false, isHeld: false });
});

test("a reader that is slow has all the time that it needs", async () => {
  expect(await watch(0, { fullTurns: 600 })).toMatchObject({ isGivenUp: true, nowMs: 63_000 });
});

test("a command that goes on is looked at ever less often, and nothing is given up before its end", async () => {
  const { asked, nowMs, isGivenUp } = await watch(86_400_000);
  expect([isGivenUp, nowMs >= 86_400_000]).toEqual([true, true]);
  expect(asked.filter((at) => at <= 60_000).length).toBeLessThan(40);
  expect(asked.length).toBeLessThan(1_600);
  expect((await watch(3_600_000, { closedMs: 1_800_000 })).isGivenUp).toBe(false);
});

test("an engine that does not answer is asked again", async () => {
  expect(await watch(0, { failing: 3 })).toMatchObject({ isGivenUp: true, isHeld: true, nowMs: 4_500 });
});
