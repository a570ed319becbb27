// What the plan does in each situation a person can name, compared as the text that they would read.
import { expect, test } from "vitest";
import { type EpochMs, MINUTE_MS, toContainerId, toImageId, toSandboxUid } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import { failureSeen, nextFailure } from "./backoff.ts";
import { ago, containerOf, DOCKER_CAPABILITIES, desiredOf, IMAGE, inputOf, NOW, renderPlan } from "./decide.fixture.ts";
import { plan } from "./plan.ts";
import { UNTOUCHED } from "./tuning.ts";
import type { OwnedContainer, PlanInput } from "./types.ts";

const desired = desiredOf();
const changed = desiredOf({ docker: { env: { A: "1" } } });
const withSetup = desiredOf({ docker: { setupCommand: "true", readOnlyRoot: false } });
const release = (edit: Partial<PlanInput> = {}): PlanInput =>
  inputOf(desired, [containerOf(desired)], {
    want: {
      kind: "unwanted",
      evidence: { kind: "config", says: "the config has no agent main" },
      because: "the config has no agent main",
      hotWindowMs: 5 * MINUTE_MS,
    },
    spec: null,
    ...edit,
  });

function check(input: PlanInput, expected: string): void {
  expect(renderPlan(plan(input))).toBe(expected);
}

/** A second container beside the one that serves. */
const other = (container: OwnedContainer): OwnedContainer => ({
  ...container,
  observation: {
    ...container.observation,
    handle: { ...container.observation.handle, id: toContainerId("c2"), uid: toSandboxUid("uid-2") },
  },
});

const WEEK = "\n  looks again in 601200 s";

test("a sandbox that is right is left alone until its age ends", () => {
  check(inputOf(desired, [containerOf(desired)]), `=> converged${WEEK}`);
});

test("a sandbox that is not there is created, started and named, each step safe by itself", () => {
  const first = inputOf(desired, []);
  const hash = first.spec?.kind === "ready" ? first.spec.hash : "";
  const because = "(wanted): the config starts it eagerly";
  check(
    first,
    `create ${hash} ${because}\nstart the new container ${because}\npromote the new container ${because}\n=> progressing: creating the container`,
  );
  const created = containerOf(desired, { stage: "pending", state: "created", startedAt: null });
  check(inputOf(desired, [created]), `start c1 ${because}\npromote c1 ${because}\n=> progressing: starting the container`);
  const started = containerOf(desired, { stage: "pending" });
  check(inputOf(desired, [started]), "promote c1 (wanted): the config starts it eagerly\n=> progressing: naming the container");
});

test("a container that somebody removed is made again, and the plan says why", () => {
  expect(renderPlan(plan(inputOf(desired, [], { vanished: true })))).toContain("(external): its container was removed by something else");
});

test("a workspace folder that is missing is made before the container", () => {
  check(
    inputOf(desired, [], { workspace: { kind: "missing" } }),
    `prepare-workspace ${desired.workspace.dir} (wanted): its workspace folder does not exist yet\n=> progressing: creating the workspace folder`,
  );
});

test("a workspace that the sandbox's user can't write to names the exact chown", () => {
  const { verdict } = plan(inputOf(desired, [], { workspace: { kind: "ready", uid: 0, gid: 0, mode: 0o755 } }));
  expect(verdict).toMatchObject({
    kind: "blocked",
    code: "HostRejected",
    message: expect.stringContaining(`chown -R 1000:1000 ${desired.workspace.dir}`),
  });
});

test("a missing image says how to get it and is looked for again", () => {
  check(
    inputOf(desired, [], { image: { kind: "missing" } }),
    "=> blocked: image openclaw-sandbox:bookworm-slim is not on this engine; build it with scripts/sandbox-setup.sh\n  looks again in 30 s",
  );
});

test("an image that vanished does not touch the sandbox that was made from it", () => {
  check(inputOf(desired, [containerOf(desired)], { image: { kind: "missing" } }), `=> converged${WEEK}`);
});

test("setup runs once between start and naming", () => {
  const pending = { stage: "pending" as const };
  const step = (setup: OwnedContainer["setup"]): string =>
    renderPlan(plan(inputOf(withSetup, [containerOf(withSetup, pending, { setup })])));
  expect(step({ kind: "fresh" })).toBe(
    "setup c1 (setup): docker.setupCommand runs once in a new container\n=> progressing: starting setup",
  );
  expect(step({ kind: "running", deadline: NOW })).toContain("=> progressing: docker.setupCommand is running");
  expect(step({ kind: "succeeded" })).toContain("promote c1");
});

test("a container whose setup was interrupted by a crash of the controller is made anew", () => {
  const found = containerOf(withSetup, { stage: "pending" }, { setup: { kind: "absent" } });
  expect(renderPlan(plan(inputOf(withSetup, [found])))).toMatch(/^retire c1 .*its creation was interrupted.*\ncreate /);
});

test("a restarted container lost the setup in its tmpfs and is made anew", () => {
  const found = containerOf(withSetup, { restarted: true });
  expect(renderPlan(plan(inputOf(withSetup, [found])))).toMatch(/^create .*\(crash\): it was restarted, which undid its setup/);
});

test("a container that ended is started again", () => {
  check(
    inputOf(desired, [containerOf(desired, { state: "exited", exitCode: 137 })]),
    `start c1 (crash): its main process exited (exit code 137)\n=> progressing: its main process exited (exit code 137)${WEEK}`,
  );
});

test("a container that keeps ending waits longer each time, and says so", () => {
  const failure: Failure = {
    code: "CrashLoop",
    message: "its main process exited",
    count: 4,
    lastAt: NOW,
    retryAt: ago(-4_000),
    generation: 1,
  };
  check(
    inputOf(desired, [containerOf(desired, { state: "exited", exitCode: 137 })], { servingFailure: failure }),
    "=> blocked: its main process exited\n  looks again in 4 s",
  );
});

test("a container that can't be started again as it was made is replaced, once the back-off is over, and goes on being the one to replace", () => {
  const gone = containerOf(desired, { state: "exited", exitCode: 137 });
  const { id } = gone.observation.handle;
  const attempt = { code: "SpecRejected" as const, message: "network n not found", generation: 1, at: { container: id, step: "start" } };
  const first = nextFailure(null, attempt, NOW);
  check(inputOf(desired, [gone], { servingFailure: first }), "=> blocked: network n not found\n  looks again in 10 s");
  const second = nextFailure(first, attempt, ago(-10_000));
  const later = { servingFailure: second, now: ago(-30_000) };
  expect(renderPlan(plan(inputOf(desired, [gone], later)))).toMatch(
    /^start c1 .*\ncreate .*\(crash\): it exited and can't be restarted\nstart the new container /,
  );
  // Somebody started it by hand, after all.
  expect(plan(inputOf(desired, [containerOf(desired)], later)).verdict.kind).toBe("converged");
});

test("a paused, renamed or connected container is repaired in place", () => {
  const found = containerOf(desired, { state: "paused", stage: "renamed", actualName: "mine", networks: ["bridge", "none"] });
  check(
    inputOf(desired, [found]),
    `promote c1 (external): it was renamed to mine\nunpause c1 (external): it was paused\n=> progressing: it was renamed to mine; it was paused${WEEK}`,
  );
  const connected = containerOf(desired, { networks: ["bridge", "none"] });
  expect(renderPlan(plan(inputOf(desired, [connected])))).toContain(
    "detach c1 from bridge (external): network bridge was attached by hand",
  );
});

test("a container that was cut off its network is attached again; one that wants none stays alone", () => {
  const bridged = desiredOf({ docker: { network: "bridge" } });
  const cut = plan(inputOf(bridged, [containerOf(bridged, { networks: [] })]));
  expect(renderPlan(cut)).toContain("attach c1 to bridge (external): network bridge was detached by hand");
  expect(cut.drift).toEqual([{ field: "docker.network", remedy: "live", desired: "bridge", actual: "(detached)" }]);
  expect(plan(inputOf(desired, [containerOf(desired, { networks: [] })])).actions).toEqual([]);
});

test("limits change while the container runs", () => {
  const more = desiredOf({ docker: { memory: "1g", pidsLimit: 64 } });
  const found = containerOf(desired);
  expect(specLine(more, found)).toBe("update c1 (drift): docker.memory unset -> 1073741824, docker.pidsLimit 512 -> 64");
});

test("a limit that can't be lifted in place needs a new container", () => {
  const limited = containerOf(desiredOf({ docker: { memory: "1g" } }));
  expect(specLine(desired, limited)).toMatch(/^create .*docker.memory changed, which this engine can't apply to a running container/);
});

test("a limit that the engine does not enforce is no drift", () => {
  const capabilities = { ...DOCKER_CAPABILITIES, ignoredLimits: new Set(["memory", "memorySwap"] as const) };
  expect(plan(inputOf(desiredOf({ docker: { memory: "1g" } }), [containerOf(desired)], { capabilities })).verdict.kind).toBe("converged");
});

test("what an engine without update reports beside the limits is its own: no new container would be without it", () => {
  const found = containerOf(desired, { tuning: { ...UNTOUCHED, restartPolicy: "always", cpuShares: 1024 } });
  expect(plan(inputOf(desired, [found])).verdict.kind).not.toBe("converged");
  const capabilities = { ...DOCKER_CAPABILITIES, liveFields: new Set<never>() };
  expect(plan(inputOf(desired, [found], { capabilities }))).toMatchObject({ actions: [], verdict: { kind: "converged" } });
});

function specLine(wanted: typeof desired, found: OwnedContainer): string | undefined {
  return renderPlan(plan(inputOf(wanted, [found]))).split("\n")[0];
}

test("drift makes the new container beside the old one, and swaps when it is ready", () => {
  const old = containerOf(desired);
  expect(specLine(changed, old)).toMatch(/^create [0-9a-f]{16} \(drift\): docker.env.A changed$/);
  const successor = other(containerOf(changed, { stage: "pending" }));
  const swap = renderPlan(plan(inputOf(changed, [old, successor]))).split("\n");
  expect(swap[0]).toMatch(/^retire c1 \[permitted: a container that matches the newest spec takes its place\] \(drift\)/);
  expect(swap[1]).toMatch(/^promote c2 /);
});

test("a new container beside one that serves gets the name when it is seen at rest, or has stayed up for half a second", () => {
  const made = other(containerOf(changed, { stage: "pending" }));
  const young = (createdAt: EpochMs, settled = false, startedAt = createdAt) => ({
    ...made,
    observation: { ...made.observation, settled, startedAt, identity: { ...made.observation.identity, createdAt } },
  });
  const planOf = (container: OwnedContainer) => plan(inputOf(changed, [containerOf(desired), container]));
  expect(planOf(young(ago(100)))).toMatchObject({ actions: [], requeueAt: NOW + 20, verdict: { kind: "progressing" } });
  expect(planOf(young(ago(495)))).toMatchObject({ actions: [], requeueAt: NOW + 5 });
  // The engine took its time to start it.
  expect(planOf(young(ago(60_000), false, ago(495)))).toMatchObject({ actions: [], requeueAt: NOW + 5 });
  for (const container of [young(ago(100), true), young(ago(500)), young(ago(-60_000)), young(ago(500), false, ago(-60_000))]) {
    expect(planOf(container).actions.map(({ kind }) => kind)).toEqual(["retire", "promote"]);
  }
});

test("a new container that ends at once is a failed attempt, counted once, and the one that serves goes on", () => {
  const made = other(containerOf(changed, { stage: "pending", state: "exited", exitCode: 127 }));
  const input = inputOf(changed, [containerOf(desired), made]);
  const failure = failureSeen(input, null);
  expect(failure).toMatchObject({
    code: "SpecRejected",
    count: 1,
    retryAt: NOW + 10_000,
    message: expect.stringContaining("exit code 127"),
  });
  expect(failureSeen(input, failure)).toBe(failure);
  const { actions, verdict } = plan({ ...input, failure });
  expect(actions).toMatchObject([{ kind: "retire", handle: { id: "c2" } }]);
  expect(verdict).toMatchObject({ kind: "blocked", code: "SpecRejected" });
});

test("drift in a hot sandbox waits for the end of the hot window and wakes by itself", () => {
  const plan4 = plan(inputOf(changed, [containerOf(desired)], { lastUsedAt: ago(MINUTE_MS) }));
  expect(plan4.actions).toEqual([]);
  expect(plan4.verdict).toMatchObject({ kind: "deferred", until: NOW + 4 * MINUTE_MS });
  expect(plan4.requeueAt).toBe(NOW + 4 * MINUTE_MS);
});

test("drift in a sandbox in use waits for the work to end, and looks again even if no event comes", () => {
  for (const inUse of ["yes", "unknown"] as const) {
    const made = plan(inputOf(changed, [containerOf(desired, {}, { inUse })]));
    expect(made.actions).toEqual([]);
    expect(made.verdict).toMatchObject({ kind: "deferred", until: null });
    expect(made.requeueAt).toBe(NOW + 30_000);
  }
});

test("a person's recreate ends the hot window but not live work, unless it says kill", () => {
  const found = containerOf(desired);
  const hot = { lastUsedAt: ago(1_000), request: { recreateAfter: NOW, kill: false } };
  expect(renderPlan(plan(inputOf(desired, [found], hot)))).toMatch(/^create .*\(forced\): its recreation was requested/);
  const busy = containerOf(desired, {}, { inUse: "yes" });
  expect(plan(inputOf(desired, [busy], hot)).verdict.kind).toBe("deferred");
  const killing = { ...hot, request: { recreateAfter: NOW, kill: true } };
  expect(renderPlan(plan(inputOf(desired, [busy], killing)))).toMatch(/^create /);
  const later = { ...hot, request: { recreateAfter: ago(120 * MINUTE_MS), kill: false } };
  expect(plan(inputOf(desired, [found], later)).verdict.kind).toBe("converged");
});

test("rollout.policy decides over drift: never keeps it, now ends even live work", () => {
  const keep = desiredOf({ docker: { env: { A: "1" } }, rollout: { policy: "never" } });
  expect(plan(inputOf(keep, [containerOf(desired)])).verdict).toMatchObject({
    kind: "deferred",
    message: 'docker.env.A changed; rollout.policy is "never"',
  });
  const now = desiredOf({ docker: { env: { A: "1" } }, rollout: { policy: "now" } });
  const busy = containerOf(desired, {}, { inUse: "yes" });
  const successor = other(containerOf(now, { stage: "pending" }));
  expect(renderPlan(plan(inputOf(now, [busy, successor])))).toContain("running work is ended");
});

test("a rebuilt image is drift, the same image is not", () => {
  const rebuilt = toImageId(`sha256:${"b".repeat(64)}`);
  const image = { kind: "found" as const, id: rebuilt, user: "", env: {} };
  expect(renderPlan(plan(inputOf(desired, [containerOf(desired)], { image })))).toContain(
    "(image): image openclaw-sandbox:bookworm-slim was rebuilt",
  );
  expect(plan(inputOf(desired, [containerOf(desired)], { image })).drift).toEqual([
    {
      field: "docker.image",
      remedy: "recreate",
      desired: "openclaw-sandbox:bookworm-slim (sha256:bbbbbbbbbbbb)",
      actual: `openclaw-sandbox:bookworm-slim (${IMAGE.slice(0, 19)})`,
    },
  ]);
  expect(plan(inputOf(desired, [containerOf(desired)], { image: { ...image, id: IMAGE } })).verdict.kind).toBe("converged");
});

test("a sandbox that is too old is replaced, never while in use", () => {
  const aged = desiredOf({ prune: { maxAgeDays: 0.01 } });
  expect(renderPlan(plan(inputOf(aged, [containerOf(aged)])))).toContain("(age): it is older than prune.maxAgeDays (0.01)");
  expect(plan(inputOf(aged, [containerOf(aged, {}, { inUse: "yes" })])).verdict.kind).toBe("deferred");
});

test("a sandbox that nobody wants goes when the hot window and live work are over", () => {
  check(
    release(),
    "retire c1 [permitted: the config has no agent main] (released): the config has no agent main\n=> progressing: being removed: the config has no agent main",
  );
  expect(plan(release({ lastUsedAt: ago(MINUTE_MS) })).verdict).toMatchObject({ kind: "deferred", until: NOW + 4 * MINUTE_MS });
  expect(plan(release({ containers: [containerOf(desired, {}, { inUse: "unknown" })] })).verdict).toMatchObject({
    kind: "deferred",
    until: null,
  });
  expect(plan(release({ containers: [] })).verdict.kind).toBe("gone");
});

test("while it is not known whether anybody wants it nothing is done", () => {
  const made = plan(release({ want: { kind: "unknown", because: "the session folder could not be read" } }));
  expect(made).toMatchObject({ actions: [], verdict: { kind: "unknown" } });
});

test("a spec that failed is not tried again before its time, another one is at once", () => {
  const failure: Failure = { code: "SetupFailed", message: "exit code 1", count: 2, lastAt: NOW, retryAt: ago(-20_000), generation: 1 };
  check(inputOf(withSetup, [], { failure }), "=> blocked: exit code 1\n  looks again in 20 s");
  const fixed = inputOf(withSetup, [], { failure: { ...failure, generation: 0 } });
  expect(plan(fixed).actions[0]?.kind).toBe("create");
});

test("a failed new spec leaves the old container serving", () => {
  const failure: Failure = { code: "SpecRejected", message: "start failed", count: 1, lastAt: NOW, retryAt: ago(-10_000), generation: 1 };
  const made = plan(inputOf(changed, [containerOf(desired)], { failure }));
  expect(made).toMatchObject({ actions: [], verdict: { kind: "blocked" }, serving: { observation: { state: "running" } } });
});

test("of two made containers the right one stays", () => {
  const right = containerOf(desired);
  const wrong = other(containerOf(changed, { stage: "renamed", actualName: "mine" }));
  for (const containers of [
    [right, wrong],
    [wrong, right],
  ]) {
    const made = plan(inputOf(desired, containers));
    expect(made.actions.map((action) => ("handle" in action ? `${action.kind} ${action.handle.id}` : action.kind))).toEqual(["retire c2"]);
  }
});

test("an unknown hash version compares fields instead of recreating everything", () => {
  const found = containerOf(desired);
  const foreignVersion: OwnedContainer = {
    ...found,
    observation: { ...found.observation, identity: { ...found.observation.identity, hashVersion: "0", hash: "other" as never } },
  };
  expect(plan(inputOf(desired, [foreignVersion])).verdict.kind).toBe("converged");
  expect(renderPlan(plan(inputOf(changed, [foreignVersion])))).toContain("docker.env.A changed");
});

test("a request that came before a release holds for it too: the hot window is over, and live work where it says kill", () => {
  const hot = { lastUsedAt: ago(1_000), request: { recreateAfter: NOW, kill: false } };
  expect(plan(release(hot)).actions).toMatchObject([{ kind: "retire", guard: "unless-used" }]);
  const busy = [containerOf(desired, {}, { inUse: "yes" })];
  expect(plan(release({ ...hot, containers: busy })).verdict.kind).toBe("deferred");
  const killing = { ...hot, request: { recreateAfter: NOW, kill: true } };
  expect(plan(release({ ...killing, containers: busy })).actions).toMatchObject([{ kind: "retire", guard: "always" }]);
  const old = { ...killing, request: { recreateAfter: ago(120 * MINUTE_MS), kill: true } };
  expect(plan(release({ ...old, containers: busy })).verdict.kind).toBe("deferred");
});
