// What must hold of the container that serves whatever becomes of the one that is to take its place, and the other way round.
import fc from "fast-check";
import { expect, test } from "vitest";
import { toContainerId, toSandboxUid } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import { ago, containerOf, desiredOf, inputOf, NOW, specOf } from "./decide.fixture.ts";
import { plan } from "./plan.ts";
import type { Action, OwnedContainer, PlanInput, RolloutGate } from "./types.ts";

const SERVED = [desiredOf(), desiredOf({ docker: { env: { A: "1" } } }), desiredOf({ docker: { network: "bridge", memory: "1g" } })];
const WANTED = [
  ...SERVED,
  desiredOf({ docker: { setupCommand: "true", readOnlyRoot: false } }),
  desiredOf({ rollout: { policy: "never" } }),
];

const failure = (codes: readonly Failure["code"][]): fc.Arbitrary<Failure | null> =>
  fc.option(
    fc
      .record({
        code: fc.constantFrom(...codes),
        count: fc.integer({ min: 1, max: 9 }),
        agoSeconds: fc.integer({ min: 0, max: 400 }),
        waitSeconds: fc.integer({ min: 0, max: 300 }),
        generation: fc.constantFrom(0, 1),
        at: fc.option(
          fc.record({
            container: fc.constantFrom(toContainerId("c1"), toContainerId("c2")),
            step: fc.constantFrom("start", "unpause", "promote", "update", "retire"),
            times: fc.integer({ min: 1, max: 4 }),
          }),
        ),
      })
      .map(({ agoSeconds, waitSeconds, at, ...rest }) => {
        const lastAt = ago(agoSeconds * 1_000);
        const retryAt = ago((agoSeconds - waitSeconds) * 1_000);
        return { ...rest, message: "it failed", lastAt, retryAt, ...(at === null ? {} : { at }) };
      }),
    { nil: null },
  );

/** What becomes of the new container. */
const successor: fc.Arbitrary<OwnedContainer | null> = fc.option(
  fc
    .record({
      of: fc.constantFrom(...WANTED),
      state: fc.constantFrom("created", "running", "paused", "exited", "dead", "removing"),
      restarted: fc.boolean(),
      setup: fc.constantFrom<OwnedContainer["setup"]>(
        { kind: "absent" },
        { kind: "fresh" },
        { kind: "running", deadline: NOW },
        { kind: "succeeded" },
        { kind: "failed", message: "exit code 1", at: ago(1_000) },
      ),
    })
    .map(({ of, state, restarted, setup }) => {
      const handle = { id: toContainerId("c2"), uid: toSandboxUid("uid-2"), incarnation: "1" };
      return containerOf(of, { stage: "pending", state, restarted, handle }, { setup });
    }),
  { nil: null },
);

const spec = (wanted: (typeof WANTED)[number]): fc.Arbitrary<PlanInput["spec"]> =>
  fc.constantFrom<PlanInput["spec"]>(specOf(wanted), { kind: "blocked", code: "HostRejected", message: "no profile", generation: 1 });

const gate = fc.constantFrom<RolloutGate>(
  { kind: "open" },
  { kind: "closed", reason: "halted", until: null, message: "halted" },
  { kind: "closed", reason: "paused", until: null, message: "paused" },
);

/** One that serves, or served, in this state, beside anything that may have become of its successor. */
const beside = (serving: OwnedContainer): fc.Arbitrary<PlanInput> =>
  fc.constantFrom(...WANTED).chain((wanted) =>
    fc
      .record({
        successor,
        spec: spec(wanted),
        gate,
        failure: failure(["SetupFailed", "SpecRejected", "EngineFailed", "EngineTimeout", "HostRejected"]),
        image: fc.constantFrom<PlanInput["image"]>(inputOf(wanted, []).image, { kind: "missing" }),
        workspace: fc.constantFrom<PlanInput["workspace"]>(
          inputOf(wanted, []).workspace,
          { kind: "missing" },
          { kind: "refused", message: "a link" },
        ),
        lastUsedAt: fc.constantFrom(null, ago(1_000)),
        pinned: fc.boolean(),
        request: fc.constantFrom(null, { recreateAfter: NOW, kill: false }),
      })
      .map(({ successor: other, ...edit }) => inputOf(wanted, other === null ? [serving] : [other, serving], edit)),
  );

const served = fc.constantFrom(...SERVED);
const isAt = (action: Action, id: string): boolean => "handle" in action && action.handle.id === id;
/** It goes now, for one that is ready to take its place in the same plan. */
const isSwapped = (actions: readonly Action[]): boolean =>
  actions.some((action) => action.kind === "retire" && isAt(action, "c1")) &&
  actions.some((action) => action.kind === "promote" && isAt(action, "c2"));

const RUNS = { numRuns: 1_000 };

test("a container that serves and ended is started, whatever the successor's fate", () => {
  const input = served.chain((from) => beside(containerOf(from, { state: "exited", exitCode: 137, restarted: true })));
  fc.assert(
    fc.property(input, (state) => {
      const { actions } = plan(state);
      const starts = actions.some((action) => action.kind === "start" && isAt(action, "c1"));
      expect(starts || isSwapped(actions)).toBe(true);
    }),
    RUNS,
  );
});

test("a container that serves and was paused, renamed or cut off is put right, whatever the successor's fate", () => {
  const harm = fc.constantFrom(
    { edit: { state: "paused" as const }, step: "unpause" },
    { edit: { stage: "renamed" as const, actualName: "mine" }, step: "promote" },
    { edit: { networks: ["other", "bridge", "none"] }, step: "detach" },
  );
  const input = fc.tuple(served, harm).chain(([from, { edit, step }]) => beside(containerOf(from, edit)).map((state) => ({ state, step })));
  fc.assert(
    fc.property(input, ({ state, step }) => {
      const { actions } = plan(state);
      expect(isSwapped(actions) || actions.some((action) => action.kind === step && isAt(action, "c1"))).toBe(true);
    }),
    RUNS,
  );
});

test("the new container is brought on as if the one that serves were well, however that one fails", () => {
  const ofServing = failure(["CrashLoop", "EngineFailed", "SpecRejected", "EngineTimeout"]);
  const harmed = fc
    .tuple(served, fc.constantFrom("running", "exited", "paused", "dead"), ofServing)
    .chain(([from, state, servingFailure]) =>
      beside(containerOf(from, { state, restarted: state === "exited" })).map((input) => ({ ...input, servingFailure })),
    );
  fc.assert(
    fc.property(harmed, (input) => {
      const bringing = ({ actions }: ReturnType<typeof plan>): string[] =>
        actions.flatMap((action) => (isAt(action, "c2") && action.kind !== "retire" ? [action.kind] : []));
      const well = { ...input, servingFailure: null, containers: input.containers.map((one) => (isServing(one) ? mended(one) : one)) };
      // What is broken needs another one at once, so that more may be done, never less.
      expect(bringing(plan(input))).toEqual(expect.arrayContaining(bringing(plan(well))));
    }),
    RUNS,
  );
});

test("what can't be started for ever waits for its time, and its time comes", () => {
  const loops = failure(["CrashLoop", "EngineFailed", "SpecRejected"]);
  const input = fc
    .tuple(served, loops)
    .chain(([from, servingFailure]) =>
      beside(containerOf(from, { state: "exited", restarted: true })).map((state) => ({ ...state, servingFailure })),
    );
  fc.assert(
    fc.property(input, (state) => {
      const { actions, requeueAt } = plan(state);
      const starts = actions.some((action) => action.kind === "start" && isAt(action, "c1"));
      if (starts || isSwapped(actions) || actions.length > 0) return;
      expect(requeueAt).toBeGreaterThan(NOW);
      const due = state.servingFailure?.retryAt ?? NOW;
      expect(requeueAt).toBeLessThanOrEqual(due);
    }),
    RUNS,
  );
});

const isServing = ({ observation }: OwnedContainer): boolean => observation.stage !== "pending";
const mended = (one: OwnedContainer): OwnedContainer => ({
  ...one,
  observation: { ...one.observation, state: "running", restarted: false },
});
