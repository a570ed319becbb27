// That a container which has just been started counts as ready only once it is seen to stay up.
import { expect, test } from "vitest";
import { elapsed, later, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import { ago, containerOf, desiredOf, inputOf, NOW } from "./decide.fixture.ts";
import { plan } from "./plan.ts";
import { isReady } from "./status.ts";

/** A container with its final name that was started so long ago. */
function look(startedMsAgo: number, settled: boolean) {
  const desired = desiredOf();
  const input = inputOf(desired, [containerOf(desired, { startedAt: ago(startedMsAgo), settled })]);
  const made = plan(input);
  const requeueMs = made.requeueAt === null ? null : elapsed(NOW, made.requeueAt);
  // Its age wakes it in days.
  return { isReady: isReady(input, made), requeueMs: requeueMs !== null && requeueMs < SECOND_MS ? requeueMs : null };
}

test("it is not ready before its main process was seen at rest, and is looked at again within a moment", () => {
  expect(look(5, false)).toEqual({ isReady: false, requeueMs: 20 });
  expect(look(5, true)).toEqual({ isReady: true, requeueMs: null });
});

test("where an engine shows no processes, half a second tells", () => {
  expect(look(495, false)).toEqual({ isReady: false, requeueMs: 5 });
  expect(look(500, false)).toEqual({ isReady: true, requeueMs: null });
});

test("an engine's clock that is ahead makes nobody wait", () => {
  const desired = desiredOf();
  const startedAt = later(NOW, toDurationMs(60 * SECOND_MS));
  const input = inputOf(desired, [containerOf(desired, { startedAt, settled: false })]);
  expect(isReady(input, plan(input))).toBe(true);
});
