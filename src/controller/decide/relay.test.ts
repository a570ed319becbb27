// Relays of a sandbox, as plans: what is made, what goes, what waits, and what its condition says.
import { describe, expect, test } from "vitest";
import { MINUTE_MS, toContainerId, toEpochMs, toImageId, toSandboxUid } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import { ago, containerOf, desiredOf, IMAGE, inputOf, NOW, renderPlan } from "./decide.fixture.ts";
import { EGRESS_VERSION, type EgressContainer, type EgressInput, NO_SILENCE } from "./egress-facts.ts";
import { forecast } from "./forecast.ts";
import { plan } from "./plan.ts";
import { judgeEgress } from "./relay.ts";
import { isReady, summarize } from "./status.ts";
import type { OwnedContainer, PlanInput } from "./types.ts";

const RELAY_IMAGE = toImageId(`sha256:${"e".repeat(64)}`);
const listed = desiredOf({ egress: { allow: ["example.com"] } });
const RELAY_UID = toSandboxUid("relay-1");

function relayOf(container: OwnedContainer, edit: Partial<EgressContainer> = {}): EgressContainer {
  const { id, incarnation } = container.observation.handle;
  return {
    handle: { id: toContainerId("r1"), uid: RELAY_UID, incarnation: "1" },
    role: "relay",
    name: listed.name,
    actualName: `${listed.name}-egress-relay-1`,
    state: "running",
    createdAt: ago(60 * MINUTE_MS),
    startedAt: ago(60 * MINUTE_MS),
    exitCode: null,
    imageId: RELAY_IMAGE,
    version: EGRESS_VERSION,
    userId: 0x6000_0001,
    of: { id, incarnation },
    networks: [],
    changes: [],
    ...edit,
  };
}

const egressOf = (edit: Partial<EgressInput> = {}): EgressInput => ({
  image: { kind: "found", id: RELAY_IMAGE, user: "", env: {} },
  imageMissing: "the image is missing; build it: scripts/build.sh",
  relays: [],
  policy: { kind: "in-force", relays: new Set([RELAY_UID]) },
  ...NO_SILENCE,
  failure: null,
  ...edit,
});

const running = containerOf(listed);
const inputWith = (edit: Partial<EgressInput>, other: Partial<PlanInput> = {}, container = running): PlanInput =>
  inputOf(listed, [container], { egress: egressOf(edit), ...other });
const linesOf = (input: PlanInput): string[] => renderPlan(plan(input)).split("\n");

const conditionOf = (input: PlanInput) => {
  const { kind, scopeKey, agentId, scope, settings } = listed;
  const spec = { kind, scopeKey, agentId, scope, image: settings.docker.image };
  const described = { previous: null, spec, failure: null, servingFailure: null, egressFailure: input.egress.failure, blocker: null };
  return summarize(input, plan(input), described).status.conditions.find(({ type }) => type === "Egress");
};

describe("a sandbox with a list", () => {
  test("gets a relay in the network of its container, and is ready once the proxy has its list", () => {
    const bare = inputWith({});
    expect(linesOf(bare)[0]).toBe("attach-relay to c1 (wanted): its list of destinations takes a relay in its network");
    expect(isReady(bare, plan(bare))).toBe(false);
    const untold = inputWith({ relays: [relayOf(running)], policy: { kind: "in-force", relays: new Set() } });
    expect(plan(untold).actions).toEqual([]);
    expect(isReady(untold, plan(untold))).toBe(false);
    const told = inputWith({ relays: [relayOf(running)] });
    expect(isReady(told, plan(told))).toBe(true);
    expect(conditionOf(told)).toMatchObject({ status: "True", reason: "InForce" });
  });

  test("is one pass of the plan from nothing to converged", () => {
    const { actions, rest } = forecast(inputOf(listed, [], { egress: egressOf() }));
    expect(actions.map(({ kind }) => kind)).toEqual(["create", "start", "promote", "attach-relay"]);
    expect(rest.verdict.kind).toBe("converged");
  });

  test("is ready with its network closed where the image of the relay is missing, and its condition has the command", () => {
    const input = inputWith({ image: { kind: "missing" }, policy: { kind: "unavailable", message: "nothing runs" } });
    expect(plan(input).actions).toEqual([]);
    expect(isReady(input, plan(input))).toBe(true);
    const message = "the network is closed: the image is missing; build it: scripts/build.sh";
    expect(conditionOf(input)).toMatchObject({ status: "False", reason: "EgressUnavailable", message });
  });

  test("goes on working while a relay that had served is made anew", () => {
    const input = inputWith({ relays: [relayOf(running, { state: "exited", exitCode: 137 })] });
    expect(linesOf(input).slice(0, 2)).toEqual([
      "remove-relay r1 (crash): it exited with code 137",
      "attach-relay to c1 (wanted): its list of destinations takes a relay in its network",
    ]);
    expect(isReady(input, plan(input))).toBe(true);
    expect(conditionOf(input)).toMatchObject({ status: "False", reason: "EgressUnavailable" });
  });

  test("gets another relay for one that runs and passes nothing on, and says that its network is closed meanwhile", () => {
    const input = inputWith({ relays: [relayOf(running)], silent: new Set([RELAY_UID]) });
    expect(linesOf(input).slice(0, 2)).toEqual([
      "remove-relay r1 (crash): it gives no sign of life",
      "attach-relay to c1 (wanted): its list of destinations takes a relay in its network",
    ]);
    const message = "the network is closed: its relay does not work: it gives no sign of life";
    expect(conditionOf(input)).toMatchObject({ status: "False", reason: "EgressUnavailable", message });
  });

  test("gets another relay for one that never gave a sign of life, unless it is of an image that may have none", () => {
    const unheard = new Set([RELAY_UID]);
    const input = inputWith({ relays: [relayOf(running)], unheard });
    expect(linesOf(input)[0]).toBe("remove-relay r1 (crash): it gives no sign of life");
    const message = "the network is closed: its relay does not work: it gives no sign of life";
    expect(conditionOf(input)).toMatchObject({ status: "False", reason: "EgressUnavailable", message });
    const busy = containerOf(listed, {}, { inUse: "yes" });
    expect(plan(inputWith({ relays: [relayOf(busy, { imageId: IMAGE })], unheard }, {}, busy)).actions).toEqual([]);
  });

  test("gets another relay for one that was changed by hand, at once, whoever uses it", () => {
    const busy = containerOf(listed, {}, { inUse: "yes" });
    const input = inputWith({ relays: [relayOf(busy, { changes: ["PidsLimit is 1, not 128"] })] }, {}, busy);
    expect(linesOf(input).slice(0, 2)).toEqual([
      "remove-relay r1 (external): it was changed by hand: PidsLimit is 1, not 128",
      "attach-relay to c1 (wanted): its list of destinations takes a relay in its network",
    ]);
    expect(conditionOf(input)?.message).toContain("its relay was changed by hand: PidsLimit is 1, not 128");
  });

  test("waits ever longer for one that keeps ending, and says what the relay said", () => {
    const failure: Failure = {
      code: "CrashLoop",
      message: "it exited with code 1: bind: address already in use",
      count: 3,
      lastAt: NOW,
      retryAt: toEpochMs(NOW + 2_000),
      generation: 1,
    };
    const input = inputWith({ failure });
    expect(plan(input)).toMatchObject({ actions: [], requeueAt: NOW + 2_000 });
    expect(isReady(input, plan(input))).toBe(true);
    expect(conditionOf(input)?.message).toContain("its relay can't be kept: it exited with code 1: bind: address already in use");
  });

  test("runs its setup only once the list is in force: what that fetches would be half there", () => {
    const withSetup = desiredOf({ egress: { allow: ["example.com"] }, docker: { setupCommand: "npm install" } });
    const pending = containerOf(withSetup, { stage: "pending" }, { setup: { kind: "fresh" } });
    const closed = inputOf(withSetup, [pending], { egress: egressOf({ image: { kind: "missing" } }) });
    expect(plan(closed)).toMatchObject({ actions: [], verdict: { kind: "blocked", code: "EgressUnavailable" } });
    const open = inputOf(withSetup, [pending], { egress: egressOf({ relays: [relayOf(pending)] }) });
    expect(plan(open).actions.map(({ kind }) => kind)).toEqual(["setup"]);
  });
});

describe("a relay goes", () => {
  test("with the run of the container that it belongs to", () => {
    const restarted = containerOf(listed, { handle: { ...running.observation.handle, incarnation: "2" } });
    const lines = linesOf(inputWith({ relays: [relayOf(running)] }, {}, restarted));
    expect(lines[0]).toBe("remove-relay r1 (orphan): the run of the container that it belongs to is over");
    expect(lines[1]).toMatch(/^attach-relay to c1/);
  });

  test("with the list, at once, whoever uses the sandbox", () => {
    const unlisted = desiredOf();
    const used = containerOf(unlisted, {}, { inUse: "yes" });
    const input = inputOf(unlisted, [used], { egress: egressOf({ relays: [relayOf(used)] }), lastUsedAt: NOW });
    expect(linesOf(input)[0]).toBe("remove-relay r1 (released): the sandbox has no list of destinations any more");
    expect(judgeEgress(input, used)).toEqual({ kind: "unset" });
  });

  test("when it was paused, and that is no crash", () => {
    expect(linesOf(inputWith({ relays: [relayOf(running, { state: "paused" })] }))[0]).toBe("remove-relay r1 (external): it was paused");
  });

  test("for another image once the sandbox is idle, and not before", () => {
    const old = relayOf(running, { imageId: IMAGE });
    const busy = containerOf(listed, {}, { inUse: "yes" });
    expect(plan(inputWith({ relays: [old] }, {}, busy))).toMatchObject({ actions: [], requeueAt: NOW + 30_000 });
    expect(plan(inputWith({ relays: [old] }, { pinned: true })).actions).toEqual([]);
    expect(linesOf(inputWith({ relays: [old] })).slice(0, 2)).toEqual([
      "remove-relay r1 (image): its image was replaced",
      "attach-relay to c1 (drift): its list of destinations takes a relay in its network",
    ]);
  });

  test("not while nobody can tell whether the sandbox is wanted", () => {
    const want = { kind: "unknown", because: "sessions are not read" } as const;
    expect(plan(inputWith({ relays: [relayOf(running)] }, { want })).actions).toEqual([]);
  });
});

test("a sandbox without a list has no relay, no condition, and the plan that it had", () => {
  const unlisted = desiredOf();
  const input = inputOf(unlisted, [containerOf(unlisted)]);
  expect(plan(input)).toMatchObject({ actions: [], verdict: { kind: "converged" } });
  expect(conditionOf(input)).toBeUndefined();
});
