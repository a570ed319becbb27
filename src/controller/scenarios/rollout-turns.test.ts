// Whose turn it is, as the controller keeps it over time: who was looked at since the start, who is woken by a person, by time and by another's end.
// What is permitted in each situation is decide/rollout.test.ts; over an engine it is rollouts.test.ts.
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { type SandboxName, SECOND_MS, toSandboxName } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { containerOf, desiredOf, INSTANCE, inputOf, NOW } from "../decide/decide.fixture.ts";
import type { PlanInput } from "../decide/types.ts";
import { Rollouts } from "../loop/rollouts.ts";
import { ControllerMetrics } from "../metrics/metrics.ts";
import { EventLog } from "../records/event-log.ts";

const [A, B] = [toSandboxName("a"), toSandboxName("b")];
const old = desiredOf({ docker: { env: { ROUND: "1" } } });
const desired = desiredOf({ docker: { env: { ROUND: "2" } } });

async function createRollouts() {
  const clock = new VirtualClock(NOW);
  const woken: SandboxName[] = [];
  const rollouts = new Rollouts({
    instance: INSTANCE,
    clock,
    log: pino({ level: "silent" }),
    events: await EventLog.open({ folder: join(await createFolder(), "events"), clock, writeFailed: () => undefined }),
    metrics: new ControllerMetrics({ version: "test", revision: "test", processMetrics: false }),
    statuses: { size: 2, names: () => [A, B] },
    wake: (names) => void woken.push(...names),
  });
  const inputAt = (name: SandboxName, edit: Partial<PlanInput> = {}): PlanInput =>
    inputOf(desired, [containerOf(old)], { name, now: clock.now(), ...edit });
  /** A pass looks at a sandbox that has the old spec. @returns whether it is replaced, or why not */
  const look = (name: SandboxName): string => {
    const { actions, verdict } = rollouts.judge(inputAt(name));
    rollouts.looked(name);
    return actions.length > 0 ? "replaced" : verdict.kind === "deferred" ? verdict.reason : verdict.kind;
  };
  /** A pass looks at a sandbox whose new container serves. */
  const lookAtMade = (name: SandboxName): void => {
    const parts = rollouts.judge(inputAt(name)).replacement?.parts ?? [];
    rollouts.judge(inputAt(name, { containers: [containerOf(desired)], change: { parts, since: NOW, pending: false } }));
  };
  /** Names that are woken while this time passes. */
  const wokenWithin = async (durationMs: number): Promise<SandboxName[]> => {
    woken.length = 0;
    await clock.advance(durationMs);
    return [...new Set(woken)].sort();
  };
  return { rollouts, woken, look, lookAtMade, wokenWithin };
}

test("after a start nobody is the first of a change before everybody was looked at once; then whoever waited is woken", async () => {
  const { rollouts, look, wokenWithin } = await createRollouts();
  expect(look(A)).toBe("turn");
  rollouts.expect([A, B]);
  expect(look(A)).toBe("turn");
  expect(await wokenWithin(SECOND_MS)).toEqual([]);
  expect(look(B)).toBe("turn");
  expect(await wokenWithin(SECOND_MS)).toContain(A);
  expect([look(A), look(B)]).toEqual(["replaced", "canary"]);
});

test("a sandbox that is gone frees the turn that it had, and whoever waited for it is woken", async () => {
  const { rollouts, look, wokenWithin } = await createRollouts();
  rollouts.expect([]);
  expect([look(A), look(B)]).toEqual(["replaced", "canary"]);
  await wokenWithin(SECOND_MS);
  rollouts.forget(A);
  expect(await wokenWithin(SECOND_MS)).toEqual([B]);
  expect(look(B)).toBe("replaced");
});

test("a pause holds everybody, also the one that had begun, and its end wakes everybody", async () => {
  const { rollouts, woken, look } = await createRollouts();
  rollouts.expect([]);
  expect(look(A)).toBe("replaced");
  rollouts.pause(NOW);
  expect([look(A), look(B)]).toEqual(["paused", "paused"]);
  woken.length = 0;
  rollouts.pause(null);
  expect(woken).toEqual([A, B]);
  expect(look(A)).toBe("replaced");
});

test("the canary's proof is a matter of time: whoever waits for it is woken when it has served for long enough", async () => {
  const { rollouts, look, lookAtMade, wokenWithin } = await createRollouts();
  rollouts.expect([]);
  look(A);
  lookAtMade(A);
  expect(look(B)).toBe("canary");
  await wokenWithin(500);
  expect(look(B)).toBe("canary");
  expect(await wokenWithin(3 * SECOND_MS)).toContain(B);
  expect(look(B)).toBe("replaced");
});
