// What is remembered of the last hours, on a clock that moves when it is told to.
import { expect, test } from "vitest";
import type { Condition } from "../../api/condition.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { sandboxOf } from "../servers/server.fixture.ts";
import { History } from "./history.ts";
import { ControllerMetrics } from "./metrics.ts";

const EVERY_MS = 30_000;

function open() {
  const clock = new VirtualClock();
  const sandboxes: Sandbox[] = [];
  const history = new History({ clock, sandboxes: () => sandboxes });
  const metrics = new ControllerMetrics({ version: "1", revision: "1", processMetrics: false });
  metrics.watchFacts(history);
  return { clock, sandboxes, history, metrics };
}

const unknown = (condition: Condition): Condition => ({ ...condition, status: "Unknown" });

test("a sample says how many sandboxes are in which state, and what happened since the one before", async () => {
  const { clock, sandboxes, history, metrics } = open();
  const stop = history.start();
  const [ready, starting] = [sandboxOf(), sandboxOf({ ready: false })];
  sandboxes.push(ready, ready, starting, { ...ready, status: { ...ready.status, conditions: ready.status.conditions.map(unknown) } });
  metrics.converged("config", 1.5);
  metrics.converged("session", 0.5);
  metrics.prune("idle");
  metrics.prune("orphan");
  metrics.unowned("volume", 2);
  metrics.unowned("container", 1);
  await clock.advance(EVERY_MS);
  metrics.unowned("volume", 0);
  const { at, ...figures } = history.view();
  expect(at.map((moment) => moment - (at[0] ?? 0))).toEqual([0, EVERY_MS, EVERY_MS + 1]);
  expect(figures).toEqual({
    everyMs: EVERY_MS,
    ready: [0, 2, 2],
    notReady: [0, 1, 1],
    unknown: [0, 1, 1],
    drifted: [0, 1, 1],
    convergenceSeconds: [null, 1.5, null],
    prunes: [0, 2, 0],
    leaks: [0, 3, 1],
  });
  stop();
  expect(clock.timerCount).toBe(0);
});

test("six hours are kept, and no more, whatever happens", async () => {
  const { clock, history } = open();
  const start = clock.now();
  history.start();
  await clock.advance(7 * 3_600_000);
  const { at, ready } = history.view();
  expect(at).toHaveLength(721);
  expect(ready).toHaveLength(721);
  expect((at[0] ?? 0) - start).toBe(3_630_000);
});

test("a wall clock that is set back leaves no sample after now", async () => {
  const { clock, history } = open();
  history.start();
  await clock.advance(10 * EVERY_MS);
  clock.jump(-5 * EVERY_MS - 1);
  await clock.advance(EVERY_MS);
  const { at } = history.view();
  expect(at).toEqual(at.toSorted((one, other) => one - other));
  expect(at.at(-1)).toBe(clock.now() + 1);
});
