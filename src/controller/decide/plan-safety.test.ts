// What a plan never does, and never forgets, whatever it is about: guards of stops, moments to look again, steps that would undo a setup.
// Situations as a person names them, with their words, are plan.test.ts.
import { expect, test } from "vitest";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, toContainerId, toSandboxUid } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import { ago, containerOf, desiredOf, IMAGE, inputOf, NOW, specOf, wantedOf } from "./decide.fixture.ts";
import type { Observation } from "./observation.ts";
import { plan } from "./plan.ts";
import type { OwnedContainer, Plan, PlanInput } from "./types.ts";

const desired = desiredOf();
const changed = desiredOf({ docker: { env: { A: "1" } } });
const withSetup = desiredOf({ docker: { setupCommand: "true", readOnlyRoot: false } });

const steps = ({ actions }: Plan): string[] =>
  actions.map((action) => ("handle" in action ? `${action.kind} ${action.handle.id}` : action.kind));

const named = (container: OwnedContainer, id: string, edit: Partial<Observation> = {}): OwnedContainer => ({
  ...container,
  observation: { ...container.observation, handle: { id: toContainerId(id), uid: toSandboxUid(`uid-${id}`), incarnation: "1" }, ...edit },
});

const madeAt = (container: OwnedContainer, createdAt: EpochMs): OwnedContainer =>
  named(container, container.observation.handle.id, { identity: { ...container.observation.identity, createdAt } });

const pending = (of: typeof desired, id: string, setup: OwnedContainer["setup"], edit: Partial<Observation> = {}): OwnedContainer =>
  named(containerOf(of, { stage: "pending" }, { setup }), id, edit);

const guards = ({ actions }: Plan): string[] => actions.flatMap((action) => (action.kind === "retire" ? action.guard : []));

test("a container that may serve somebody is asked for use again right before it is stopped, whatever the stop is for", () => {
  const swap = plan(inputOf(changed, [containerOf(desired), pending(changed, "c2", { kind: "absent" })]));
  expect(steps(swap)).toEqual(["retire c1", "promote c2"]);
  const twin = plan(inputOf(desired, [containerOf(desired), named(containerOf(changed, { stage: "renamed", actualName: "mine" }), "c2")]));
  expect(steps(twin)).toEqual(["retire c2"]);
  const evidence = { kind: "config", says: "gone" } as const;
  const release = { want: { kind: "unwanted", evidence, because: "gone", hotWindowMs: 0 }, spec: null } as const;
  const released = plan(inputOf(desired, [containerOf(desired)], release));
  expect([guards(swap), guards(twin), guards(released)]).toEqual([["unless-used"], ["unless-used"], ["unless-used"]]);
});

test("the container that serves is removed only once its successor has been seen to be ready", () => {
  for (const successor of [
    pending(withSetup, "c2", { kind: "fresh" }),
    pending(withSetup, "c2", { kind: "running", deadline: NOW }),
    pending(withSetup, "c2", { kind: "absent" }, { state: "created", startedAt: null }),
  ])
    expect(steps(plan(inputOf(withSetup, [containerOf(desired), successor])))).not.toContain("retire c1");
  expect(steps(plan(inputOf(withSetup, [containerOf(desired), pending(withSetup, "c2", { kind: "succeeded" })])))).toEqual([
    "retire c1",
    "promote c2",
  ]);
});

test("a new container gets the name only with its setup done: not while it runs, nor where it failed, is unknown or was undone by a restart", () => {
  const setups: OwnedContainer[] = [
    pending(withSetup, "c1", { kind: "running", deadline: NOW }),
    pending(withSetup, "c1", { kind: "failed", message: "exit code 1", at: NOW }),
    pending(withSetup, "c1", { kind: "absent" }),
    pending(withSetup, "c1", { kind: "fresh" }),
    pending(withSetup, "c1", { kind: "succeeded" }, { restarted: true }),
  ];
  for (const container of setups) expect(steps(plan(inputOf(withSetup, [container])))).not.toContain("promote c1");
  expect(steps(plan(inputOf(withSetup, [pending(withSetup, "c1", { kind: "succeeded" })])))).toEqual(["promote c1"]);
});

test("a container that a restart took its setup from is neither started nor kept", () => {
  const { identity } = containerOf(withSetup).observation;
  for (const state of ["exited", "running"] as const) {
    const container = containerOf(withSetup, { state, restarted: true, identity: { ...identity, hasSetup: true } });
    const made = plan(inputOf(withSetup, [container]));
    expect(steps(made)[0]).toBe("create");
    expect(steps(made)).not.toContain("start c1");
  }
});

test("networks of a container that does not run are nobody's change: it shows none, and none is attached", () => {
  const bridged = desiredOf({ docker: { network: "bridge" } });
  for (const networks of [[], ["bridge", "other"]]) {
    const made = plan(inputOf(bridged, [containerOf(bridged, { state: "exited", exitCode: 0, networks })]));
    expect([steps(made), made.drift]).toEqual([["start c1"], []]);
  }
});

test("a limit that this engine can't change while a container runs is not tried", () => {
  const limited = containerOf(desiredOf({ docker: { memory: "1g" } }), {}, { inUse: "yes" });
  expect(steps(plan(inputOf(desired, [limited])))).toEqual([]);
});

test("a sandbox is looked at when it becomes idle, when it becomes too old, and when the moment of a request has come", () => {
  const at = (edit: Partial<PlanInput>) => plan(inputOf(desired, [containerOf(desired)], edit)).requeueAt;
  expect(at({})).toBe(ago(HOUR_MS - 7 * DAY_MS));
  expect(at({ want: { ...wantedOf(desired), idleAt: ago(-MINUTE_MS) } as PlanInput["want"] })).toBe(NOW + MINUTE_MS);
  expect(at({ request: { recreateAfter: ago(-2 * MINUTE_MS), kill: false } })).toBe(NOW + 2 * MINUTE_MS);
});

test("a person's request holds from its own moment on, and for what was made before it alone", () => {
  const ask = (recreateAfter: EpochMs, createdAt: EpochMs): boolean =>
    steps(plan(inputOf(desired, [madeAt(containerOf(desired), createdAt)], { request: { recreateAfter, kill: false } }))).includes(
      "create",
    );
  expect(ask(NOW, ago(MINUTE_MS))).toBe(true);
  expect(ask(ago(-1), ago(MINUTE_MS))).toBe(false);
  expect(ask(ago(MINUTE_MS), ago(MINUTE_MS - 1))).toBe(false);
});

test("a new container that is not needed any more goes, and the one that serves is left alone", () => {
  const made = plan(inputOf(desired, [containerOf(desired), pending(desired, "c2", { kind: "absent" })]));
  expect([steps(made), made.verdict.kind]).toEqual([["retire c2"], "progressing"]);
});

test("of several containers the one serves that matches the spec, then the one that runs", () => {
  const other = named(containerOf(desired, { stage: "renamed", actualName: "mine" }), "c0");
  const serves = (...containers: OwnedContainer[]) => plan(inputOf(desired, containers)).serving?.observation.handle.id;
  const old = named(containerOf(changed), "c0");
  expect(serves(containerOf(desired, { state: "exited" }), old)).toBe("c1");
  expect(serves(containerOf(desired, { state: "exited" }), other)).toBe("c0");
  expect(serves(containerOf(desired), other)).toBe("c1");
});

test("an image that can't be resolved takes no sandbox away, a rebuilt one replaces it, and an upgrade alone does not", () => {
  const verdict = (edit: Partial<PlanInput>, container = containerOf(desired)) => plan(inputOf(desired, [container], edit)).verdict.kind;
  expect(verdict({ image: { kind: "missing" } })).toBe("converged");
  expect(verdict({ image: { kind: "found", id: `${IMAGE.slice(0, -1)}b` as typeof IMAGE, user: "", env: {} } })).toBe("progressing");
  const { identity } = containerOf(desired).observation;
  const fromOlder = containerOf(desired, { identity: { ...identity, hashVersion: "0", hash: "other" as never } });
  expect(verdict({}, fromOlder)).toBe("converged");
});

test("while it is not known whether it is wanted, or a person has to agree, a sandbox is left as it is", () => {
  const all = [containerOf(desired, { state: "paused" }), pending(changed, "c2", { kind: "absent" })];
  const unknown = plan(inputOf(desired, all, { want: { kind: "unknown", because: "unread" }, spec: null }));
  const held = plan(inputOf(desired, all, { want: { kind: "held", because: "gone", message: "waits" }, spec: null }));
  expect([unknown.actions, unknown.verdict.kind]).toEqual([[], "unknown"]);
  expect([steps(held).filter((step) => step.startsWith("retire")), held.verdict.kind]).toEqual([[], "held"]);
});

const failed = (edit: Partial<Failure>): Failure => ({
  code: "SpecRejected",
  message: "refused",
  generation: specOf(desired).generation,
  count: 1,
  lastAt: NOW,
  retryAt: ago(-10_000),
  ...edit,
});

test("a step that failed at the container that serves waits for its back-off, and keeps no other repair waiting", () => {
  const more = desiredOf({ docker: { memory: "1g" } });
  const at = (step: string): Failure => failed({ at: { container: toContainerId("c1"), step, times: 1 } });
  const repairs = (step: string, edit: Partial<Observation>) =>
    steps(plan(inputOf(more, [containerOf(desired, edit)], { servingFailure: at(step) })));
  expect(repairs("update", {})).toEqual([]);
  expect(repairs("update", { state: "paused" })).toEqual(["unpause c1"]);
  expect(repairs("attach", {})).toEqual(["update c1"]);
  expect(plan(inputOf(more, [containerOf(desired)], { servingFailure: at("update") })).requeueAt).toBe(NOW + 10_000);
});

test("a new container that can't be started gives way to another one, and only for what failed at it itself", () => {
  const created = pending(desired, "c1", { kind: "absent" }, { state: "created", startedAt: null });
  const at = (container: string): Failure => failed({ retryAt: NOW, at: { container: toContainerId(container), step: "start", times: 1 } });
  expect(steps(plan(inputOf(desired, [created], { failure: at("c1") }))).slice(0, 2)).toEqual(["retire c1", "create"]);
  expect(steps(plan(inputOf(desired, [created], { failure: at("c9") })))[0]).toBe("start c1");
});

test("a container that serves and ended is given up when it is refused a start, not for one answer that was lost, and not once it runs", () => {
  const ended = containerOf(desired, { state: "exited", exitCode: 137 });
  const at = (code: Failure["code"], times: number): Failure =>
    failed({ code, retryAt: NOW, at: { container: toContainerId("c1"), step: "start", times } });
  const isReplaced = (servingFailure: Failure, container = ended) =>
    steps(plan(inputOf(desired, [container], { servingFailure }))).includes("create");
  expect(isReplaced(at("SpecRejected", 1))).toBe(true);
  expect(isReplaced(at("EngineTimeout", 1))).toBe(false);
  expect(isReplaced(at("EngineTimeout", 2))).toBe(true);
  expect(isReplaced(at("SpecRejected", 1), containerOf(desired))).toBe(false);
});

test("nothing is made on a workspace that is a symlink or that its user can't write to, nor from an image that is not there", () => {
  const blockers: Partial<PlanInput>[] = [
    { workspace: { kind: "refused", message: "it is a symbolic link" } },
    { workspace: { kind: "ready", uid: 0, gid: 0, mode: 0o755 } },
    { image: { kind: "missing" } },
  ];
  for (const edit of blockers) expect(plan(inputOf(desired, [], edit))).toMatchObject({ actions: [], verdict: { kind: "blocked" } });
  expect(steps(plan(inputOf(desired, [], { workspace: { kind: "ready", uid: 0, gid: 1000, mode: 0o770 } })))[0]).toBe("create");
});
