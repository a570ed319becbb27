// Whether a container may be stopped now: live work, what may be live work, and the hot window.
import { expect, test } from "vitest";
import { MINUTE_MS } from "../../api/brands.ts";
import { ago, containerOf, desiredOf, NOW } from "./decide.fixture.ts";
import type { ContainerState } from "./observation.ts";
import type { OwnedContainer } from "./types.ts";
import { mayStop, type StopRules } from "./use.ts";

const RULES: StopRules = { hotWindowMs: 5 * MINUTE_MS, forced: false, kill: false };
const cold = { now: NOW, lastUsedAt: null, servingFailure: null };
const used = (inUse: OwnedContainer["inUse"], state: ContainerState = "running"): OwnedContainer =>
  containerOf(desiredOf(), { state }, { inUse });

test("work in a container keeps it, also while somebody has paused it, and so does what may be work", () => {
  for (const state of ["running", "paused"] as const) {
    for (const inUse of ["yes", "unknown"] as const)
      expect(mayStop(cold, used(inUse, state), RULES)).toMatchObject({ kind: "no", until: null });
    expect(mayStop(cold, used("no", state), RULES)).toEqual({ kind: "yes" });
  }
});

test("what ended holds no work, whatever is said of its use", () => {
  for (const state of ["created", "exited", "dead"] as const) expect(mayStop(cold, used("unknown", state), RULES)).toEqual({ kind: "yes" });
});

test("after the last use it is kept for exactly the hot window", () => {
  const last = { lastUsedAt: ago(5 * MINUTE_MS), servingFailure: null };
  expect(mayStop({ ...last, now: ago(1) }, used("no"), RULES)).toMatchObject({ kind: "no", until: NOW });
  expect(mayStop({ ...last, now: NOW }, used("no"), RULES)).toEqual({ kind: "yes" });
});

test("what ended, or ends again and again, has no hot window", () => {
  const hot = { ...cold, lastUsedAt: NOW };
  const ends = (count: number) => ({ code: "CrashLoop" as const, message: "ended", generation: 1, count, lastAt: NOW, retryAt: NOW });
  expect(mayStop(hot, used("no", "exited"), RULES)).toEqual({ kind: "yes" });
  expect(mayStop({ ...hot, servingFailure: ends(1) }, used("no"), RULES).kind).toBe("no");
  expect(mayStop({ ...hot, servingFailure: ends(2) }, used("no"), RULES)).toEqual({ kind: "yes" });
  expect(mayStop({ ...hot, servingFailure: ends(2) }, used("yes"), RULES).kind).toBe("no");
});

test("a person ends the hot window, and live work only by saying kill", () => {
  const hot = { ...cold, lastUsedAt: NOW };
  const forced = { ...RULES, forced: true };
  expect(mayStop(hot, used("no"), forced)).toEqual({ kind: "yes" });
  for (const inUse of ["yes", "unknown"] as const) {
    expect(mayStop(hot, used(inUse), forced).kind).toBe("no");
    expect(mayStop(hot, used(inUse), { ...forced, kill: true })).toEqual({ kind: "yes" });
  }
});
