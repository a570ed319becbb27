// When a failed attempt may be made again: how long the waits are, what they are counted by, and what forgives.
import { expect, test } from "vitest";
import { DAY_MS, type EpochMs, MINUTE_MS, toContainerId } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import { backOffOf, failureSeen, nextCrash, nextFailure, spread } from "./backoff.ts";
import { ago, containerOf, desiredOf, inputOf, NOW } from "./decide.fixture.ts";

const REFUSED = { code: "SpecRejected" as const, message: "refused", generation: 3 };
const waitOf = ({ lastAt, retryAt }: Failure): number => (retryAt - lastAt) / 1_000;

function repeat(times: number, next: (previous: Failure | null) => Failure): Failure[] {
  const failures: Failure[] = [];
  for (let time = 0; time < times; time += 1) failures.push(next(failures.at(-1) ?? null));
  return failures;
}

test("the waits after failures double from 10 s to five minutes, and stay there", () => {
  const failures = repeat(8, (previous) => nextFailure(previous, REFUSED, NOW));
  expect(failures.map(waitOf)).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
  expect(failures.at(-1)).toMatchObject({ count: 8, lastAt: NOW });
});

test("another generation, or another kind of failure, starts from the first wait", () => {
  const [, , third] = repeat(3, (previous) => nextFailure(previous, REFUSED, NOW));
  expect(nextFailure(third ?? null, { ...REFUSED, generation: 4 }, NOW)).toMatchObject({ count: 1, generation: 4 });
  expect(nextFailure(third ?? null, { ...REFUSED, code: "SetupFailed" }, NOW)).toMatchObject({ count: 1, code: "SetupFailed" });
});

const crash = (previous: Failure | null, ranMs = 0, generation = 3): Failure =>
  nextCrash(previous, { message: "ended", generation, startedAt: ago(ranMs) }, NOW);

test("what ends is started again at once, then after 1 s, 2 s, 4 s ... five minutes", () => {
  expect(repeat(11, (previous) => crash(previous)).map(waitOf)).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
});

test("ten minutes of running, or another generation, forgive the ends before", () => {
  const [, , third] = repeat(3, (previous) => crash(previous));
  expect(crash(third ?? null, 10 * MINUTE_MS - 1)).toMatchObject({ count: 4 });
  expect(crash(third ?? null, 10 * MINUTE_MS)).toMatchObject({ count: 1, retryAt: NOW });
  expect(crash(third ?? null, 0, 4)).toMatchObject({ count: 1, retryAt: NOW });
});

test("how often a step failed at one container is counted in a row: another container, or another step, starts anew", () => {
  const at = (container: string, step: string) => ({ ...REFUSED, at: { container: toContainerId(container), step } });
  const first = nextFailure(null, at("c1", "start"), NOW);
  const second = nextFailure(first, at("c1", "start"), NOW);
  expect([first.at?.times, second.at?.times]).toEqual([1, 2]);
  expect(nextFailure(second, at("c2", "start"), NOW).at?.times).toBe(1);
  expect(nextFailure(second, at("c1", "promote"), NOW).at?.times).toBe(1);
});

test("a failure of another generation keeps nobody waiting, and one of this generation does until its moment", () => {
  const failure = nextFailure(null, REFUSED, NOW);
  const spec = (generation: number) => ({ kind: "blocked" as const, code: "NotReady" as const, message: "", generation });
  expect(backOffOf(failure, { spec: spec(3), now: NOW })).toMatchObject({ kind: "blocked", retryAt: NOW + 10_000 });
  expect(backOffOf(failure, { spec: spec(3), now: ago(-10_000) })).toBeNull();
  expect(backOffOf(failure, { spec: spec(4), now: NOW })).toBeNull();
});

test("a wait is spread by chance over its upper half, also the longest one, and none stays none", () => {
  const failures = repeat(8, (previous) => nextFailure(previous, REFUSED, NOW));
  const [first, longest] = [failures[0], failures[7]];
  const waits = (failure: Failure | undefined) => [0, 0.5, 1].map((chance) => failure && waitOf(spread(failure, chance)));
  expect(waits(first)).toEqual([5, 7.5, 10]);
  expect(waits(longest)).toEqual([150, 225, 300]);
  expect(waits(crash(null))).toEqual([0, 0, 0]);
  expect(first && spread(first, 0.3)).toEqual({ ...first, retryAt: NOW + 6_500 });
});

const withSetup = desiredOf({ docker: { setupCommand: "false", readOnlyRoot: false } });
const failedAt = (at: EpochMs) =>
  inputOf(withSetup, [containerOf(withSetup, { stage: "pending" }, { setup: { kind: "failed", message: "exit code 1", at } })]);

test("a failed setup is counted once, however often it is looked at, and a later one again", () => {
  const first = failureSeen(failedAt(ago(5_000)), null);
  expect(first).toMatchObject({ code: "SetupFailed", count: 1, lastAt: ago(5_000) });
  expect(failureSeen(failedAt(ago(5_000)), first)).toEqual(first);
  const early = failureSeen(failedAt(ago(5_000)), null, 0);
  expect(early).toMatchObject({ count: 1, lastAt: ago(5_000), retryAt: NOW });
  expect(failureSeen(failedAt(ago(5_000)), early, 0)).toBe(early);
  expect(failureSeen(failedAt(NOW), first)).toMatchObject({ count: 2, lastAt: NOW });
});

test("a wait that was begun under a clock that was set back since is as long as it was, from now on", () => {
  const ahead: Failure = { ...REFUSED, count: 2, lastAt: ago(-DAY_MS), retryAt: ago(-DAY_MS - 20_000) };
  expect(failureSeen(inputOf(desiredOf(), []), ahead)).toMatchObject({ count: 2, lastAt: NOW, retryAt: NOW + 20_000 });
});
