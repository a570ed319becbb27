// What must hold of every plan, whatever is wanted and whatever is there.
import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY_MS, MINUTE_MS, toContainerId, toImageId, toSandboxUid } from "../../api/brands.ts";
import { ago, containerOf, desiredOf, IMAGE, inputOf, NOW } from "./decide.fixture.ts";
import { diffLive } from "./fields.ts";
import { applyAction, forecast } from "./forecast.ts";
import { plan } from "./plan.ts";
import { isReady } from "./status.ts";
import { UNTOUCHED } from "./tuning.ts";
import { type Action, type DesiredSandbox, NEW_HANDLE, type OwnedContainer, type Plan, type PlanInput } from "./types.ts";
import { toDesiredBrowser } from "./wanted.ts";

const SPECS = [
  desiredOf(),
  desiredOf({ docker: { env: { A: "1" } } }),
  desiredOf({ docker: { memory: "1g", cpus: 1 } }),
  desiredOf({ docker: { setupCommand: "true", readOnlyRoot: false } }),
  desiredOf({ prune: { maxAgeDays: 0.02 } }),
  desiredOf({ rollout: { policy: "now" } }),
  desiredOf({ rollout: { policy: "never" }, docker: { env: { B: "2" } } }),
];
const browserOf = (sandbox: object): DesiredSandbox => toDesiredBrowser("agent-main-1", desiredOf(sandbox));
const BROWSERS = [
  browserOf({ browser: { enabled: true } }),
  browserOf({ browser: { enabled: true, headless: true } }),
  browserOf({ browser: { enabled: true, noSandbox: true }, docker: { memory: "1g", pidsLimit: 300 } }),
  browserOf({ browser: { enabled: true }, rollout: { policy: "now" } }),
  browserOf({ browser: { enabled: true, cdpPort: 9333 }, rollout: { policy: "never" } }),
];
/** What one sandbox may ever be; a name is of one kind for good. */
const kinds = fc.constantFrom(SPECS, BROWSERS);
const specOfKind = (specs: readonly DesiredSandbox[]): fc.Arbitrary<DesiredSandbox> => fc.constantFrom(...specs);

const containerFrom = (specs: readonly DesiredSandbox[]): fc.Arbitrary<OwnedContainer> =>
  fc
    .record({
      from: specOfKind(specs),
      stage: fc.constantFrom("pending", "current", "renamed"),
      state: fc.constantFrom("created", "running", "paused", "exited", "dead"),
      restarted: fc.boolean(),
      // Also one that was made this very moment: whether it stays up is not known yet.
      ageMinutes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 })),
      image: fc.constantFrom(IMAGE, toImageId(`sha256:${"b".repeat(64)}`)),
      networks: fc.constantFrom(["none"], ["bridge", "none"]),
      tuning: fc.constantFrom(UNTOUCHED, { ...UNTOUCHED, restartPolicy: "always" }, { ...UNTOUCHED, cpusetCpus: "0" }),
      inUse: fc.constantFrom("yes", "no", "unknown"),
      mounts: fc.constantFrom<OwnedContainer["mounts"]>(
        { kind: "own" },
        { kind: "own" },
        { kind: "compared" },
        { kind: "not-compared" },
        { kind: "refused", message: "another folder", at: NOW },
        { kind: "unclear", message: "it can't be seen" },
      ),
      setup: fc.constantFrom<OwnedContainer["setup"]>(
        { kind: "absent" },
        { kind: "fresh" },
        { kind: "running", deadline: NOW },
        { kind: "succeeded" },
        { kind: "failed", message: "exit code 1", at: NOW },
      ),
    })
    .map(({ from, stage, state, restarted, ageMinutes, image, networks, tuning, inUse, mounts, setup }) => {
      const made = containerOf(from, { stage, state, restarted, imageId: image, networks, tuning }, { inUse, mounts, setup });
      const createdAt = ago(ageMinutes * MINUTE_MS);
      return { ...made, observation: { ...made.observation, identity: { ...made.observation.identity, createdAt } } };
    });

const containersFrom = (specs: readonly DesiredSandbox[]) =>
  fc.array(containerFrom(specs), { maxLength: 5 }).map((list) =>
    list.map((one, index) => ({
      ...one,
      observation: {
        ...one.observation,
        handle: { id: toContainerId(`c${index}`), uid: toSandboxUid(`uid-${index}`), incarnation: "1" },
        actualName: one.observation.stage === "renamed" ? `by-hand-${index}` : one.observation.actualName,
      },
    })),
  );

const requests = fc.constantFrom(null, { recreateAfter: NOW, kill: false }, { recreateAfter: NOW, kill: true });
const use = fc.constantFrom(null, ago(MINUTE_MS), ago(60 * MINUTE_MS));

const wanted: fc.Arbitrary<PlanInput> = kinds
  .chain((specs) =>
    fc.record({
      desired: specOfKind(specs),
      containers: containersFrom(specs),
      request: requests,
      lastUsedAt: use,
      workspace: fc.boolean(),
    }),
  )
  .map(({ desired, containers: found, request, lastUsedAt, workspace }) =>
    inputOf(desired, found, { request, lastUsedAt, ...(workspace ? {} : { workspace: { kind: "missing" } }) }),
  );

/** The same with a hot window, a back-off and a person's request from a clock that is ahead, in any combination. */
const delayed: fc.Arbitrary<PlanInput> = fc
  .record({
    input: wanted,
    code: fc.constantFrom("SetupFailed", "SpecRejected", "CrashLoop"),
    retryMs: fc.integer({ min: -1_000, max: 300_000 }),
    generation: fc.constantFrom(0, 1),
    fails: fc.boolean(),
    aheadMs: fc.constantFrom(null, 1, 600_000),
  })
  .map(({ input, code, retryMs, generation, fails, aheadMs }) => ({
    ...input,
    failure: fails ? { code, message: "it failed", count: 2, lastAt: ago(1_000), retryAt: ago(-retryMs), generation } : null,
    request: aheadMs === null ? input.request : { recreateAfter: ago(-aheadMs), kill: false },
  }));

const unwanted = kinds
  .chain((specs) => fc.record({ desired: fc.constant(specs[0] ?? desiredOf()), containers: containersFrom(specs), lastUsedAt: use }))
  .map(({ desired, containers: found, lastUsedAt }) =>
    inputOf(desired, found, {
      lastUsedAt,
      spec: null,
      want: { kind: "unwanted", evidence: { kind: "config", says: "gone" }, because: "gone", hotWindowMs: 5 * MINUTE_MS },
    }),
  );

const everyInput = fc.oneof(wanted, unwanted);
const always = (arbitrary: fc.Arbitrary<PlanInput>, property: (input: PlanInput) => void): void =>
  fc.assert(fc.property(arbitrary, property), { numRuns: 1_500 });

const idle = (input: PlanInput): PlanInput => ({
  ...input,
  lastUsedAt: null,
  containers: input.containers.map((one) => ({ ...one, inUse: "no" })),
});

const retired = (actions: readonly Action[]): string[] => actions.flatMap((action) => (action.kind === "retire" ? [action.handle.id] : []));
const find = (input: PlanInput, id: string): OwnedContainer | undefined =>
  input.containers.find(({ observation }) => observation.handle.id === id);

test("an idle sandbox converges in a bounded number of steps and is then left alone", () => {
  always(wanted, (input) => {
    const { actions, rest } = forecast(idle(input));
    const pinned = input.want.kind === "wanted" && input.want.desired.settings.rollout.policy === "never";
    expect(actions.length).toBeLessThan(5 + 2 * input.containers.length + 6);
    expect(rest.actions).toEqual([]);
    expect(pinned ? ["converged", "deferred"] : ["converged"]).toContain(rest.verdict.kind);
  });
});

test("after convergence exactly one container is left, under its name, running, with the right limits", () => {
  always(wanted, (input) => {
    const end = run(idle(input));
    expect(end.containers).toHaveLength(1);
    const [one] = end.containers;
    expect(one?.observation).toMatchObject({ stage: "current", state: "running", networks: ["none"] });
    const pinned = input.want.kind === "wanted" && input.want.desired.settings.rollout.policy === "never";
    if (end.spec?.kind !== "ready" || one === undefined || pinned) return;
    expect(diffLive(end.spec.container.live, one.observation.live)).toEqual([]);
    expect(one.observation.tuning).toEqual(UNTOUCHED);
  });
});

test("what only time keeps from its spec has it when the moments come that the plans ask for", () => {
  always(delayed, (input) => {
    const end = run({ ...idle(input), lastUsedAt: input.lastUsedAt });
    const pinned = input.want.kind === "wanted" && input.want.desired.settings.rollout.policy === "never";
    expect(pinned ? ["converged", "deferred"] : ["converged"]).toContain(plan(end).verdict.kind);
    expect(end.containers.map(({ observation }) => observation.stage)).toEqual(["current"]);
    // A day: the hot window is minutes, and so is everything else that was waited for.
    expect(end.now - NOW).toBeLessThan(DAY_MS);
  });
});

test("what nobody wants and nobody uses is gone in one plan", () => {
  always(unwanted, (input) => {
    expect(run(idle(input)).containers).toEqual([]);
  });
});

/** What the loop would do: the steps of each plan, and where there is none, a look at the very moment that the plan asks for. */
function run(input: PlanInput): PlanInput {
  let state = input;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const settled = {
      ...state,
      containers: state.containers.map((one) => (one.setup.kind === "running" ? { ...one, setup: { kind: "succeeded" as const } } : one)),
    };
    const { actions, requeueAt, verdict } = plan(settled);
    if (actions.length === 0 && !isUnderWay(verdict, requeueAt)) return settled;
    state = actions.length > 0 ? actions.reduce(applyAction, settled) : { ...settled, now: requeueAt ?? settled.now };
  }
  throw new Error("did not converge");
}

/** Something is to be done that only time keeps from being done. A pin waits for a person. */
function isUnderWay(verdict: Plan["verdict"], requeueAt: Plan["requeueAt"]): boolean {
  if (verdict.kind === "progressing") return true;
  const waits = verdict.kind === "blocked" || (verdict.kind === "deferred" && verdict.reason !== "pinned");
  return waits && requeueAt !== null;
}

/** A new container is looked at 25 times before it counts as staying up; two of those, and some steps for everything else that is waited for. */
const ROUNDS_MAX = 80;

test("the order in which containers are listed never matters", () => {
  always(everyInput, (input) => {
    const reversed = { ...input, containers: input.containers.toReversed() };
    const sorted = (state: PlanInput): string[] =>
      plan(state)
        .actions.map((action) => JSON.stringify(action))
        .sort();
    expect(sorted(reversed)).toEqual(sorted(input));
    expect(plan(reversed).verdict).toEqual(plan(input).verdict);
  });
});

test("nothing is touched that was not handed in", () => {
  always(everyInput, (input) => {
    for (const action of plan(input).actions) {
      if ("handle" in action && action.handle !== NEW_HANDLE) expect(find(input, action.handle.id)).toBeDefined();
    }
  });
});

test("the one right container is never stopped while its sandbox is wanted", () => {
  always(
    kinds
      .chain((specs) => fc.record({ desired: specOfKind(specs), lastUsedAt: use, rest: containersFrom(specs) }))
      .map(({ desired, lastUsedAt, rest }) => {
        const right = containerOf(desired);
        const fresh = {
          ...right,
          observation: { ...right.observation, identity: { ...right.observation.identity, createdAt: ago(MINUTE_MS) } },
        };
        return inputOf(
          desired,
          [
            ...rest.filter(({ observation }) => observation.stage === "pending"),
            { ...fresh, observation: { ...fresh.observation, handle: { ...fresh.observation.handle, id: toContainerId("right") } } },
          ],
          { lastUsedAt },
        );
      }),
    (input) => {
      expect(retired(plan(input).actions)).not.toContain("right");
    },
  );
});

test("work in a container that runs is never ended without a person's kill or policy now", () => {
  always(everyInput, (input) => {
    const mayKill = input.request?.kill === true || (input.want.kind === "wanted" && input.want.desired.settings.rollout.policy === "now");
    if (mayKill) return;
    const { serving, actions } = plan(input);
    // What mounts something else never serves.
    const id = serving?.observation.handle.id ?? "";
    const alive = serving?.observation.state === "running" || serving?.observation.state === "paused";
    if (serving !== null && alive && serving.inUse !== "no") expect(retired(actions)).not.toContain(id);
  });
});

test("every container that is stopped while it may serve is checked again for use right before", () => {
  always(everyInput, (input) => {
    const mayKill = input.request?.kill === true || (input.want.kind === "wanted" && input.want.desired.settings.rollout.policy === "now");
    for (const action of plan(input).actions) {
      if (action.kind !== "retire" || action.guard === "unless-used" || mayKill) continue;
      const isRefused = action.evidence.kind === "mounts";
      expect(isRefused ? "pending" : find(input, action.handle.id)?.observation.stage).toBe("pending");
    }
  });
});

test("what mounts something else goes first, whoever uses it, and nothing else is done with it", () => {
  always(everyInput, (input) => {
    const bad = input.containers.filter(({ mounts }) => mounts.kind === "refused" || mounts.kind === "unclear");
    const { actions, serving } = plan(input);
    expect(retired(actions.slice(0, bad.length)).sort()).toEqual(bad.map(({ observation }) => observation.handle.id).sort());
    for (const { observation } of bad) {
      expect(serving?.observation.handle.id).not.toBe(observation.handle.id);
      expect(actions.filter((action) => "handle" in action && action.handle.id === observation.handle.id)).toHaveLength(1);
    }
  });
});

test("nobody is let into a container, and no setup runs in it, before what it mounts was compared", () => {
  always(everyInput, (input) => {
    const made = plan(input);
    if (isReady(input, made)) expect(["own", "compared"]).toContain(made.serving?.mounts.kind);
    for (const action of made.actions) {
      const one = "handle" in action ? find(input, action.handle.id) : undefined;
      const isPending = one?.observation.stage === "pending";
      if (action.kind === "setup" || (action.kind === "promote" && isPending && one?.observation.state === "running"))
        expect(["own", "compared"]).toContain(one?.mounts.kind);
    }
  });
});

test("whatever waits wakes by itself", () => {
  always(everyInput, (input) => {
    const { actions, requeueAt, verdict } = plan(input);
    const pinned = verdict.kind === "deferred" && verdict.message.includes("rollout.policy");
    if (actions.length === 0 && (verdict.kind === "deferred" || verdict.kind === "blocked") && !pinned)
      expect(requeueAt).toBeGreaterThan(NOW);
  });
});
