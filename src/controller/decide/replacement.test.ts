// Whether a container that works may be replaced now: pins, the rollout's gate, use, and what a change that is overdue may and may not end.
import { expect, test } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../api/brands.ts";
import type { SandboxChange } from "../../api/sandbox.ts";
import { ago, containerOf, desiredOf, inputOf, NOW } from "./decide.fixture.ts";
import { changeMade, mayReplace, type ReplacementPermit } from "./replacement.ts";
import type { ReplaceReason } from "./roles.ts";
import type { OwnedContainer, PlanInput } from "./types.ts";

const DRIFT: ReplaceReason = { cause: "drift", because: "docker.env.A changed", broken: false };
const AGE: ReplaceReason = { cause: "age", because: "it is too old", broken: false };
const FORCED: ReplaceReason = { cause: "forced", because: "its recreation was requested", broken: false };
const BROKEN: ReplaceReason = { cause: "crash", because: "the engine says it is dead", broken: true };
const CLOSED: PlanInput["gate"] = { kind: "closed", reason: "canary", until: null, message: "waits for the canary" };

/** Waits for a day already where a test says `overdue`: longer than its maxDriftAge of an hour. */
interface Situation extends Partial<PlanInput> {
  inUse?: OwnedContainer["inUse"];
  overdue?: boolean;
  rollout?: object;
}

function permitOf(reason: ReplaceReason, { inUse = "no", overdue = false, rollout = {}, ...edit }: Situation = {}): ReplacementPermit {
  const desired = desiredOf({ rollout: { maxDriftAge: "1h", ...rollout } });
  const serving = containerOf(desired, {}, { inUse });
  const change: SandboxChange = { parts: [], since: ago(DAY_MS), pending: true };
  const input = inputOf(desired, [serving], { ...(overdue && { change }), ...edit });
  if (input.want.kind !== "wanted") throw new Error("it is wanted");
  return mayReplace({ ...input, want: input.want }, serving, reason);
}

const reasonOf = (permit: ReplacementPermit): string => (permit.kind === "yes" ? "yes" : permit.verdict.reason);

test("a pin keeps a container from every change, also one that is overdue, and from age", () => {
  for (const overdue of [false, true]) {
    for (const reason of [DRIFT, AGE]) {
      expect(reasonOf(permitOf(reason, { pinned: true, overdue, rollout: { afterMaxDriftAge: "kill" } }))).toBe("pinned");
      expect(reasonOf(permitOf(reason, { rollout: { policy: "never" }, overdue }))).toBe("pinned");
    }
  }
});

test("a pin yields to a person's own recreate, and to a container that can't serve", () => {
  for (const situation of [{ pinned: true }, { rollout: { policy: "never" } }]) {
    expect(permitOf(FORCED, situation)).toEqual({ kind: "yes", kill: false });
    expect(permitOf(BROKEN, situation)).toEqual({ kind: "yes", kill: false });
  }
});

test("a change that a pin keeps is never overdue, and nobody looks when nothing can come of it", () => {
  expect(permitOf(DRIFT, { pinned: true, overdue: true })).toMatchObject({ verdict: { overdue: false }, requeueAt: null });
  expect(permitOf(DRIFT, { pinned: true })).toMatchObject({ requeueAt: null });
});

test("the rollout's gate keeps what works and not what is broken", () => {
  expect(reasonOf(permitOf(DRIFT, { gate: CLOSED }))).toBe("canary");
  expect(reasonOf(permitOf(DRIFT, { gate: CLOSED, overdue: true }))).toBe("canary");
  expect(permitOf(BROKEN, { gate: CLOSED }).kind).toBe("yes");
});

test("what is broken is replaced within the hot window, and never ends live work, however long it waits", () => {
  expect(permitOf(BROKEN, { lastUsedAt: NOW }).kind).toBe("yes");
  for (const overdue of [false, true])
    expect(reasonOf(permitOf(BROKEN, { inUse: "yes", overdue, rollout: { afterMaxDriftAge: "kill" } }))).toBe("in-use");
});

test("work, and what may be work, keeps a container from a change, and is looked for again", () => {
  for (const inUse of ["yes", "unknown"] as const)
    expect(permitOf(DRIFT, { inUse, rollout: { maxDriftAge: 0 } })).toMatchObject({
      verdict: { reason: "in-use", until: null },
      requeueAt: NOW + 30_000,
    });
});

test("a change becomes overdue at its moment, and is looked at then", () => {
  const change: SandboxChange = { parts: [], since: ago(HOUR_MS - 1_000), pending: true };
  const hot = { lastUsedAt: ago(1), rollout: { hotWindow: "2h", afterMaxDriftAge: "recreate" } };
  expect(permitOf(DRIFT, { ...hot, change })).toMatchObject({ kind: "no", verdict: { overdue: false }, requeueAt: NOW + 1_000 });
  expect(permitOf(DRIFT, { ...hot, change: { ...change, since: ago(HOUR_MS) } })).toEqual({ kind: "yes", kill: false });
});

test("an overdue change ends the hot window or live work only as far as rollout.afterMaxDriftAge says", () => {
  const hot = (afterMaxDriftAge: string) => permitOf(DRIFT, { overdue: true, lastUsedAt: NOW, rollout: { afterMaxDriftAge } });
  const busy = (afterMaxDriftAge: string) => permitOf(DRIFT, { overdue: true, inUse: "yes", rollout: { afterMaxDriftAge } });
  expect([hot("report"), hot("recreate"), hot("kill")].map(reasonOf)).toEqual(["in-use", "yes", "yes"]);
  expect([busy("report"), busy("recreate"), busy("kill")].map(reasonOf)).toEqual(["in-use", "in-use", "yes"]);
  expect(hot("report")).toMatchObject({ verdict: { overdue: true } });
  expect(busy("kill")).toEqual({ kind: "yes", kill: true });
});

test("a person's kill is for what the person asked for, and no reason to end work for another change", () => {
  const request = { recreateAfter: ago(2 * HOUR_MS), kill: true };
  expect(reasonOf(permitOf(DRIFT, { inUse: "yes", request }))).toBe("in-use");
  expect(permitOf(FORCED, { inUse: "yes", request })).toEqual({ kind: "yes", kill: true });
});

test("a change that was made long ago does not make the next one overdue", () => {
  const change: SandboxChange = { parts: [], since: ago(DAY_MS), pending: false };
  expect(permitOf(DRIFT, { change, lastUsedAt: ago(MINUTE_MS) })).toMatchObject({ verdict: { overdue: false } });
});

test("a change is made once a container serves that is newer than its wait; one that was withdrawn is forgotten", () => {
  const change: SandboxChange = { parts: [], since: ago(HOUR_MS), pending: true };
  expect(changeMade(change, containerOf(desiredOf()))).toMatchObject({ pending: false });
  expect(changeMade({ ...change, since: NOW }, containerOf(desiredOf()))).toBeNull();
  expect(changeMade(change, null)).toBeNull();
});
