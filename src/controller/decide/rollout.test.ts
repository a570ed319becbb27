// Who may be replaced, situation by situation: one sandbox asks, the others stand somewhere.
import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS, toDurationMs, toSandboxName } from "../../api/brands.ts";
import { ago, containerOf, desiredOf, inputOf, NOW } from "./decide.fixture.ts";
import { forecastAll } from "./forecast.ts";
import { awakened, gateOf, judge, type Rollout } from "./rollout.ts";
import { RolloutBoard, type RolloutMember } from "./rollout-board.ts";

const IMAGE = { field: "docker.image", to: "new", id: "image new" };
const ROUND = { field: "docker.env.ROUND", to: "2", id: "round 2" };

function member(name: string, edit: Partial<RolloutMember> = {}): RolloutMember {
  return {
    name: toSandboxName(name),
    parts: [IMAGE],
    since: ago(MINUTE_MS),
    state: "waiting",
    at: ago(MINUTE_MS),
    failure: null,
    busy: false,
    willing: true,
    asked: false,
    gate: { kind: "open" },
    settings: { canary: 1, maxParallel: null, progressDeadline: toDurationMs(20 * MINUTE_MS) },
    ...edit,
  };
}
const rolloutOf = (...others: RolloutMember[]): Rollout => ({
  board: new RolloutBoard(others),
  paused: false,
  sandboxes: others.length + 1,
  complete: true,
});
const serving = (name: string, edit: Partial<RolloutMember> = {}): RolloutMember =>
  member(name, { state: "serving", willing: false, ...edit });
const replacing = (name: string, edit: Partial<RolloutMember> = {}): RolloutMember => member(name, { state: "replacing", ...edit });
const failed = (name: string, edit: Partial<RolloutMember> = {}): RolloutMember =>
  member(name, { failure: "SetupFailed: exit code 1", ...edit });
const limits = (edit: Partial<RolloutMember["settings"]>): RolloutMember["settings"] => ({ ...member("x").settings, ...edit });

const ask = (own: RolloutMember, ...others: RolloutMember[]): string => {
  const gate = gateOf(rolloutOf(...others), own, NOW);
  if (gate.kind === "open") return "open";
  return `${gate.reason}${gate.until === null ? "" : ` for ${(gate.until - NOW) / SECOND_MS} s`}: ${gate.message}`;
};

describe("a sandbox that could be replaced", () => {
  it.each([
    ["alone", member("a"), [], "open"],
    ["beside others that wait too", member("a"), [member("b"), member("c")], "open"],
    [
      "while the canary is made",
      member("a"),
      [replacing("b")],
      "canary for 1140 s: waiting for the canary b of the same change (docker.image)",
    ],
    ["while the canary of another change is made", member("a"), [replacing("b", { parts: [ROUND] })], "open"],
    ["while the canary of one of its two changes is made", member("a", { parts: [ROUND, IMAGE] }), [replacing("b")], "canary"],
    ["while the canary has just begun to serve", member("a"), [serving("b", { at: ago(500) })], "canary for 1.5 s"],
    ["once the canary has served for two seconds", member("a"), [serving("b", { at: ago(2_000) }), replacing("c")], "open"],
    ["with two canaries of which one is made", member("a", { settings: limits({ canary: 2 }) }), [replacing("b")], "open"],
    [
      "with two canaries under way",
      member("a", { settings: limits({ canary: 2 }) }),
      [replacing("c"), serving("b")],
      "canary for 1140 s: waiting for the canary c",
    ],
    ["without canaries", member("a", { settings: limits({ canary: 0 }) }), [replacing("b")], "open"],
    [
      "after the canary failed",
      member("a"),
      [failed("b")],
      "halted: the change of docker.image is halted because it failed in b (SetupFailed: exit code 1)",
    ],
    ["that failed itself", failed("a"), [], "open"],
    ["that failed itself, as another did", failed("a"), [failed("b")], "open"],
    ["after one failed and one serves", member("a"), [failed("b"), serving("c")], "open"],
    ["after two failed and one serves", member("a"), [failed("b"), failed("d"), serving("c")], "halted"],
    ["while the canary takes too long", member("a"), [replacing("b", { at: ago(20 * MINUTE_MS) })], "halted"],
    ["that a person wants replaced, after the canary failed", member("a", { asked: true }), [failed("b")], "open"],
    [
      "with two places of which two are taken",
      member("a", { parts: [], settings: limits({ maxParallel: 2 }) }),
      [replacing("b"), replacing("c")],
      "turn for 1140 s: waiting for its turn: 2 are being replaced",
    ],
    [
      "with two places of which one is stuck",
      member("a", { parts: [], settings: limits({ maxParallel: 2 }) }),
      [replacing("b"), replacing("c", { at: ago(20 * MINUTE_MS) })],
      "open",
    ],
    [
      "with work in it, beside an idle one",
      member("a", { busy: true }),
      [member("b")],
      "canary for 2 s: in use; waiting for idle b to take",
    ],
    ["with work in it, as all the others", member("a", { busy: true }), [member("b", { busy: true })], "open"],
    ["with work in it, just after the change", member("a", { busy: true, since: NOW }), [member("b", { parts: [] })], "canary for 2 s"],
  ] as const)("%s", (_, own, others, expected) => {
    const answer = ask(own, ...others);
    if (expected === "open") expect(answer).toBe("open");
    else expect(answer).toContain(expected);
  });

  it("waits until every sandbox was looked at after a start", () => {
    expect(gateOf({ ...rolloutOf(member("b")), complete: false }, member("a"), NOW)).toMatchObject({ kind: "closed", reason: "turn" });
  });
});

describe("who waits", () => {
  const waits = (name: string, edit: Partial<RolloutMember> = {}): RolloutMember =>
    member(name, { gate: { kind: "closed", reason: "canary", until: null, message: "waits" }, ...edit });

  it("is told in as large a number as can go", () => {
    const settings = limits({ maxParallel: 2 });
    const rollout = rolloutOf(serving("a"), replacing("b"), ...["c", "d", "e"].map((name) => waits(name, { settings })));
    const turn = waits("f", { settings, gate: { kind: "closed", reason: "turn", until: null, message: "" } });
    rollout.board.put(turn.name, turn);
    expect(awakened(rollout, NOW).names).toEqual(["c", "d", "e"]);
    const all = ["c", "d", "e"].map((name) => ({ ...waits(name, { settings }), gate: turn.gate }));
    expect(awakened(rolloutOf(serving("a"), replacing("b"), ...all), NOW).names).toEqual(["c"]);
  });

  it("is told once that the change is halted", () => {
    const halted = gateOf(rolloutOf(failed("a")), member("b"), NOW);
    expect(awakened(rolloutOf(failed("a"), waits("b")), NOW).names).toEqual(["b"]);
    expect(awakened(rolloutOf(failed("a"), waits("b", { gate: halted })), NOW).names).toEqual([]);
  });

  it("is looked at when the canary will have proved the change", () => {
    expect(awakened(rolloutOf(serving("a", { at: NOW }), waits("b")), NOW).nextAt).toBe(NOW + 2_000);
  });
});

describe("a replacement", () => {
  const old = desiredOf({ docker: { env: { ROUND: "1" } } });
  const desired = desiredOf({ docker: { env: { ROUND: "2", SECRET: "hunter2" } } });

  it("is claimed at once, and names its change without values that may be secrets", () => {
    const { plan, member: claimed } = judge(rolloutOf(), inputOf(desired, [containerOf(old)]));
    expect(plan.actions.map(({ kind }) => kind)).toEqual(["create", "start"]);
    expect(claimed).toMatchObject({ state: "replacing", at: NOW });
    expect(claimed?.parts.map(({ field, to }) => `${field} ${to}`)).toEqual(["docker.env.ROUND (hidden)", "docker.env.SECRET (hidden)"]);
    expect(JSON.stringify(claimed)).not.toContain("hunter2");
  });

  it("that was begun goes on although another is under way meanwhile", () => {
    const input = inputOf(desired, [containerOf(old)]);
    const rollout = rolloutOf();
    rollout.board.put(input.name, judge(rollout, input).member);
    rollout.board.put(toSandboxName("b"), replacing("b", { parts: judge(rollout, input).member?.parts ?? [] }));
    expect(judge(rollout, input).plan.actions.map(({ kind }) => kind)).toEqual(["create", "start"]);
  });

  it("that was begun keeps the moment at which it began, so that it can take too long", () => {
    const input = inputOf(desired, [containerOf(old)]);
    const rollout = rolloutOf();
    rollout.board.put(input.name, judge(rollout, input).member);
    expect(judge(rollout, { ...input, now: ago(-MINUTE_MS) }).member).toMatchObject({ state: "replacing", at: NOW });
  });

  it("that an earlier process began goes on, from the moment at which its container was made", () => {
    const half = containerOf(desired, { stage: "pending", state: "created", startedAt: null });
    const { handle, identity } = half.observation;
    const observation = {
      ...half.observation,
      handle: { ...handle, id: "c2" as typeof handle.id },
      identity: { ...identity, createdAt: ago(1_000) },
    };
    const input = inputOf(desired, [containerOf(old), { ...half, observation }]);
    const parts = judge(rolloutOf(), input).member?.parts ?? [];
    const rollout = { ...rolloutOf(replacing("b", { parts })), complete: false };
    const { plan, member: begun } = judge(rollout, input);
    expect(plan.actions.map(({ kind }) => kind)).toEqual(["start"]);
    expect(begun).toMatchObject({ state: "replacing", at: ago(1_000) });
  });

  it("is held up by failures of its own generation alone", () => {
    const failure = { code: "SetupFailed" as const, message: "exit code 1", generation: 0, count: 1, lastAt: NOW, retryAt: NOW };
    const failureOf = (generation: number) =>
      judge(rolloutOf(), inputOf(desired, [containerOf(old)], { failure: { ...failure, generation } })).member?.failure;
    expect([failureOf(0), failureOf(1)]).toEqual([null, "SetupFailed: exit code 1"]);
  });

  it("leaves the board with all that it counted for", () => {
    const board = new RolloutBoard([replacing("a"), failed("b"), serving("c")]);
    board.put(toSandboxName("a"), serving("a"));
    board.put(toSandboxName("b"), null);
    board.put(toSandboxName("c"), null);
    expect([board.active.size, board.tally(IMAGE).active.size, board.tally(IMAGE).failed.size]).toEqual([0, 0, 0]);
    expect([...board.tally(IMAGE).serving.keys()]).toEqual(["a"]);
  });

  it("is not made while a person pauses, and what was prepared for it goes", () => {
    const rollout = { ...rolloutOf(), paused: true };
    const half = containerOf(desired, { stage: "pending" });
    const prepared = {
      ...half,
      observation: { ...half.observation, handle: { ...half.observation.handle, id: "c2" as typeof half.observation.handle.id } },
    };
    const { plan } = judge(rollout, inputOf(desired, [containerOf(old), prepared]));
    expect(plan.actions).toMatchObject([{ kind: "retire", handle: { id: "c2" } }]);
    expect(plan.verdict).toMatchObject({ kind: "deferred", reason: "paused" });
  });

  it("that was withdrawn before it was made proves nothing to others", () => {
    const change = { parts: [IMAGE], since: NOW, pending: true };
    expect(judge(rolloutOf(), inputOf(old, [containerOf(old)], { change })).member).toBeNull();
    expect(judge(rolloutOf(), inputOf(old, [containerOf(old)], { change: { ...change, pending: false } })).member).toMatchObject({
      state: "serving",
      parts: [IMAGE],
    });
  });

  it("of a container that can't serve asks nobody", () => {
    const rollout = { ...rolloutOf(replacing("b")), paused: true };
    const { plan } = judge(rollout, inputOf(old, [containerOf(old, { state: "dead" })]));
    expect(plan.actions.map(({ kind }) => kind)).toEqual(["create", "start"]);
  });
});

describe("a forecast", () => {
  it("of a change of three says that an idle one begins, and that the others wait for it", () => {
    const desired = desiredOf({ docker: { env: { ROUND: "2" } } });
    const old = desiredOf({ docker: { env: { ROUND: "1" } } });
    const inputs = ["a", "b", "c"].map((name) => ({
      ...inputOf(desired, [containerOf(old, {}, { inUse: name === "a" ? "yes" : "no" })]),
      name: toSandboxName(name),
    }));
    const forecasts = forecastAll(inputs, rolloutOf());
    const told = inputs.map(({ name }) => {
      const { actions, rest } = forecasts.get(name) ?? { actions: [], rest: null };
      return `${actions.map(({ kind }) => kind).join(" ")}: ${rest?.verdict.kind === "deferred" ? rest.verdict.reason : rest?.verdict.kind}`;
    });
    expect(told).toEqual([": in-use", "create start retire promote: converged", ": canary"]);
  });
});
