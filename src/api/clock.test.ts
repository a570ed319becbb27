// Holds the real clock's timers to their promise, with waits of milliseconds.
import { expect, onTestFinished, test } from "vitest";
import { DAY_MS, toDurationMs } from "./brands.ts";
import { createSystemClock } from "./clock.ts";
import { eventually } from "./store/folder.fixture.ts";

test("a timer of 40 days, which one timer of Node can't wait for, does not fire at once", async () => {
  const clock = createSystemClock();
  const fired: string[] = [];
  onTestFinished(clock.setTimer(toDurationMs(40 * DAY_MS), () => fired.push("40 days")));
  clock.setTimer(toDurationMs(20), () => fired.push("20 ms"));
  await eventually("the short one fires", () => fired.length > 0);
  expect(fired).toEqual(["20 ms"]);
});

test("a timer that was called off does not fire", async () => {
  const clock = createSystemClock();
  const fired: string[] = [];
  const cancel = clock.setTimer(toDurationMs(5), () => fired.push("called off"));
  clock.setTimer(toDurationMs(30), () => fired.push("other"));
  cancel();
  cancel();
  await eventually("the other one fires", () => fired.includes("other"));
  expect(fired).toEqual(["other"]);
});
