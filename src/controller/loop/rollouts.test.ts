// A change that concerns many sandboxes, over the model of an engine: canary, turns, halt, pause, pins, and what a restart finds again.
// The permissions themselves, in every situation, are decide/rollout.test.ts.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderTime, type SandboxName } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import type { RolloutRequestFile, SandboxRequestFile } from "../../api/request.ts";
import { API_VERSION } from "../../api/session.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { eventsOf } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const AGENTS = ["ada", "ben", "cem", "dot", "eva", "fay"];

/** Six agents, each with a variable of its own. */
const fleet = (docker: object, rollout: object = {}): object => ({
  agents: {
    defaults: { sandbox: { mode: "all", start: "eager", rollout: { hotWindow: "0s", ...rollout }, docker } },
    list: AGENTS.map((id) => ({ id, sandbox: { docker: { env: { TOKEN: `token of ${id}` } } } })),
  },
});

async function startFleet(docker: object = {}, rollout: object = {}): Promise<{ model: Model; names: SandboxName[] }> {
  const model = await createModel();
  await model.site.writeConfig(fleet(docker, rollout));
  await model.start();
  await model.converge(AGENTS.length);
  return { model, names: AGENTS.map((id) => model.site.nameOf(`agent:${id}`)) };
}

const reasonOf = (model: Model, name: SandboxName): string =>
  findCondition(model.controller.statuses.get(name)?.status.conditions ?? [], "UpToDate")?.reason ?? "";
const messageOf = (model: Model, name: SandboxName): string =>
  findCondition(model.controller.statuses.get(name)?.status.conditions ?? [], "UpToDate")?.message ?? "";
const roundOf = (model: Model, name: SandboxName): string | undefined => model.serving(name)?.created.env.ROUND;
const inRound = (model: Model, names: readonly SandboxName[], round: string): SandboxName[] =>
  names.filter((name) => roundOf(model, name) === round);
const idsOf = (model: Model, names: readonly SandboxName[]): string[] => names.map((name) => model.mustServe(name).id);
const round = (value: string, docker: object = {}): object => ({ env: { ROUND: value }, ...docker });

async function use(model: Model, name: SandboxName): Promise<void> {
  (await model.controller.access.lease(name))[Symbol.dispose]();
}

/** As the command line writes them. */
async function writeRequest(model: Model, file: string, request: RolloutRequestFile | SandboxRequestFile): Promise<void> {
  const folder = join(model.site.stateDir, "requests");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), JSON.stringify(request));
}

async function pause(model: Model, paused: boolean): Promise<void> {
  const spec = paused ? { pausedSince: renderTime(model.clock.now()) } : {};
  await writeRequest(model, "all.rollout.json", { apiVersion: API_VERSION, kind: "RolloutRequest", metadata: { name: "all" }, spec });
  await until("it is heard", () => (model.controller.rollouts.pausedSince !== null) === paused);
}

/** The most sandboxes that had a successor beside them, or none at all, at the same moment. */
async function mostAtOnce(model: Model, names: readonly SandboxName[], value: string): Promise<number> {
  let most = 0;
  model.pace.lookEachMs = 10;
  await model.until(
    "all have the change",
    () => {
      const count = model.containers().length - names.length;
      const missing = names.filter((name) => model.serving(name) === null).length;
      most = Math.max(most, count + missing, missing);
      return inRound(model, names, value).length === names.length;
    },
    MINUTE_MS,
  );
  return most;
}

describe("a change of the defaults", () => {
  it("is made in one sandbox first, and in the others once that one has proved it", async () => {
    const { model, names } = await startFleet(round("1"));
    await model.edit(fleet(round("2")));
    await model.until("the first has it", () => inRound(model, names, "2").length === 1, SECOND_MS);
    const [canary = model.name] = inRound(model, names, "2");
    const others = names.filter((name) => name !== canary);
    expect(others.map((name) => reasonOf(model, name))).toEqual(others.map(() => "WaitsForCanary"));
    expect(messageOf(model, others[0] ?? canary)).toContain(`waiting for the canary ${canary} of the same change (docker.env.ROUND)`);
    await model.advance(SECOND_MS);
    expect(inRound(model, names, "2")).toEqual([canary]);
    await model.until("all have it", () => inRound(model, names, "2").length === names.length, 10 * SECOND_MS);
    await model.converge(AGENTS.length);
    await model.until("it is over", async () => (await model.metric("openclaw_rollout_in_progress")) === 0, SECOND_MS);
    expect(eventsOf(model.controller, "RolloutCompleted")).toHaveLength(1);
    expect(await model.metric('openclaw_rollouts_total{result="completed"}')).toBe(1);
  });

  it("passes over the one that is in use", async () => {
    const { model, names } = await startFleet(round("1"), { hotWindow: "5m" });
    const [first = model.name] = names;
    await use(model, first);
    await model.edit(fleet(round("2"), { hotWindow: "5m" }));
    await model.until("the others have it", () => inRound(model, names, "2").length === names.length - 1, 10 * SECOND_MS);
    expect(reasonOf(model, first)).toBe("DeferredInUse");
    await model.until("the last has it", () => roundOf(model, first) === "2", 6 * MINUTE_MS);
  });

  it("replaces no more at once than rollout.maxParallel, and everybody has a turn", async () => {
    const { model, names } = await startFleet(round("1"), { maxParallel: 2, canary: 0 });
    await model.edit(fleet(round("2"), { maxParallel: 2, canary: 0 }));
    expect(await mostAtOnce(model, names, "2")).toBeLessThanOrEqual(2);
  });

  it("whose sandboxes can't be made stops at the first, and a mended one goes on by itself", async () => {
    const { model, names } = await startFleet(round("1"));
    const before = idsOf(model, names);
    await model.edit(fleet(round("2", { setupCommand: "false" })));
    await model.until("it is halted", () => names.filter((name) => reasonOf(model, name) === "RolloutHalted").length === 5, MINUTE_MS);
    await model.advance(HOUR_MS, 10 * SECOND_MS);
    const failed = names.filter((name) => reasonOf(model, name) !== "RolloutHalted");
    expect(failed).toHaveLength(1);
    expect(new Set(eventsOf(model.controller, "SetupStarted").map(({ object }) => object.name))).toEqual(new Set(failed));
    expect(idsOf(model, names)).toEqual(before);
    const waiting = names.find((name) => !failed.includes(name)) ?? model.name;
    expect(messageOf(model, waiting)).toContain(`failed in ${failed[0]} (SetupFailed`);
    expect(eventsOf(model.controller, "RolloutHalted").filter(({ object }) => object.kind === "Controller")).toHaveLength(1);
    await model.edit(fleet(round("3", { setupCommand: "true" })));
    await model.until("all have it", () => inRound(model, names, "3").length === names.length, MINUTE_MS);
    await model.converge(AGENTS.length);
  });

  it("that is withdrawn while others wait for it begins with a canary when it comes again", async () => {
    const { model, names } = await startFleet(round("1"));
    await pause(model, true);
    await model.edit(fleet(round("2")));
    await model.until("all wait", () => names.every((name) => reasonOf(model, name) === "RolloutPaused"), MINUTE_MS);
    await model.edit(fleet(round("1")));
    await model.converge(AGENTS.length);
    await pause(model, false);
    await model.edit(fleet(round("2")));
    await model.until("the first has it", () => inRound(model, names, "2").length > 0, 5 * SECOND_MS);
    expect(inRound(model, names, "2")).toHaveLength(1);
    expect(names.filter((name) => reasonOf(model, name) === "WaitsForCanary")).toHaveLength(names.length - 1);
  });

  it("whose containers end by themselves costs the first one only", async () => {
    const { model, names } = await startFleet(round("1"));
    const tag = model.world.tag("broken:1", `sha256:${"c".repeat(64)}`, { user: "1000:1000" });
    const crash = async (): Promise<void> => {
      for (const one of model.containers())
        if (one.imageId === tag && one.state === "running" && names.includes(one.name as SandboxName)) model.world.die(one.id, 1);
    };
    await model.edit(fleet(round("2", { image: "broken:1" })));
    await model.until(
      "it is halted",
      async () => {
        await crash();
        return names.filter((name) => reasonOf(model, name) === "RolloutHalted").length === 5;
      },
      MINUTE_MS,
    );
    expect(names.filter((name) => model.serving(name) !== null && roundOf(model, name) === "1")).toHaveLength(5);
    await model.edit(fleet(round("3")));
    await model.until("all have it", () => inRound(model, names, "3").length === names.length, MINUTE_MS);
  });

  it("that takes too long in the first counts as failed, and goes on when that one succeeds after all", async () => {
    const { model, names } = await startFleet(round("1"));
    await model.edit(fleet(round("2", { setupCommand: "sleep 300" }), { progressDeadline: "1m" }));
    await model.until("it is halted", () => names.filter((name) => reasonOf(model, name) === "RolloutHalted").length === 5, 2 * MINUTE_MS);
    const waiting = names.find((name) => reasonOf(model, name) === "RolloutHalted") ?? model.name;
    expect(messageOf(model, waiting)).toContain("not ready within rollout.progressDeadline");
    expect(inRound(model, names, "1")).toHaveLength(names.length);
    model.pace.lookEachMs = 5 * SECOND_MS;
    await model.until("all have it", () => inRound(model, names, "2").length === names.length, 30 * MINUTE_MS);
  });

  it("stays halted over a restart of the controller, and a new sandbox is made nevertheless", async () => {
    const { model, names } = await startFleet(round("1"));
    const before = idsOf(model, names);
    await model.edit(fleet(round("2", { setupCommand: "false" })));
    await model.until("it is halted", () => names.filter((name) => reasonOf(model, name) === "RolloutHalted").length === 5, MINUTE_MS);
    const failed = names.find((name) => reasonOf(model, name) !== "RolloutHalted");
    await model.stop();
    await model.start();
    await model.until("it is halted", () => names.filter((name) => reasonOf(model, name) === "RolloutHalted").length === 5, MINUTE_MS);
    expect(names.find((name) => reasonOf(model, name) !== "RolloutHalted")).toBe(failed);
    expect(idsOf(model, names)).toEqual(before);
    await model.site.putSession("ada", "chat", { kind: "mcp", createdAt: model.clock.now() });
    await until("it is heard", () => model.controller.desired.has(model.site.nameOf("agent:ada:chat")));
    await model.until(
      "the new one is begun",
      () => eventsOf(model.controller, "SetupStarted").some(({ object }) => object.name === model.site.nameOf("agent:ada:chat")),
      MINUTE_MS,
    );
  });
});

describe("a pause", () => {
  it("holds every replacement of a working sandbox back, also over a restart, and nothing else", async () => {
    const { model, names } = await startFleet(round("1"));
    const before = idsOf(model, names);
    await pause(model, true);
    expect(await model.metric("openclaw_rollout_paused")).toBe(1);
    await model.edit(fleet(round("2")));
    await model.advance(MINUTE_MS, SECOND_MS);
    expect(names.map((name) => reasonOf(model, name))).toEqual(names.map(() => "RolloutPaused"));
    await model.stop();
    await model.start();
    await model.advance(MINUTE_MS, SECOND_MS);
    expect(idsOf(model, names)).toEqual(before);
    const [first = model.name] = names;
    model.world.remove(model.mustServe(first).id);
    await model.until("what is gone is made anew", () => roundOf(model, first) === "2", MINUTE_MS);
    await pause(model, false);
    await model.until("all have it", () => inRound(model, names, "2").length === names.length, MINUTE_MS);
    expect(eventsOf(model.controller, "RolloutsResumed")).toHaveLength(1);
  });
});

describe("a pinned sandbox", () => {
  it("stays as it is while the others change, until it is unpinned", async () => {
    const { model, names } = await startFleet(round("1"));
    const [first = model.name] = names;
    const pin = (pinned: boolean): Promise<void> =>
      writeRequest(model, `${first}.request.json`, {
        apiVersion: API_VERSION,
        kind: "SandboxRequest",
        metadata: { name: first },
        spec: { pin: pinned },
      });
    await pin(true);
    await until("it is heard", () => model.controller.desired.isPinned(first));
    await model.edit(fleet(round("2")));
    await model.until("the others have it", () => inRound(model, names, "2").length === names.length - 1, MINUTE_MS);
    expect(roundOf(model, first)).toBe("1");
    expect(messageOf(model, first)).toContain(`openclaw sandbox unpin ${first}`);
    await pin(false);
    await until("it is heard", () => !model.controller.desired.isPinned(first));
    await model.until("it has it", () => roundOf(model, first) === "2", MINUTE_MS);
  });
});

describe("a change that waits longer than rollout.maxDriftAge", () => {
  const keepBusy = async (model: Model, name: SandboxName, durationMs: number): Promise<void> => {
    for (let left = durationMs; left > 0; left -= 4 * MINUTE_MS) {
      await use(model, name);
      await model.advance(4 * MINUTE_MS, MINUTE_MS);
    }
  };
  const always = { hotWindow: "5m", maxDriftAge: "30m" };

  it("is reported once, in the status and in the metrics, counted over a restart, and the sandbox goes on", async () => {
    const { model, names } = await startFleet(round("1"), always);
    const [first = model.name] = names;
    await use(model, first);
    await model.edit(fleet(round("2"), always));
    await keepBusy(model, first, 16 * MINUTE_MS);
    expect(reasonOf(model, first)).toBe("DeferredInUse");
    await model.stop();
    await model.start();
    await keepBusy(model, first, 16 * MINUTE_MS);
    expect(reasonOf(model, first)).toBe("DriftOverdue");
    expect(await model.metric("openclaw_sandbox_drift_overdue")).toBe(1);
    expect(await model.metric("openclaw_sandbox_drift_deferred_age_seconds")).toBeGreaterThan(30 * 60);
    await keepBusy(model, first, 8 * MINUTE_MS);
    expect(eventsOf(model.controller, "DriftOverdue").map(({ count }) => count)).toEqual([1]);
    expect(roundOf(model, first)).toBe("1");
  });

  it("is made in a sandbox that is always warm when the config says so", async () => {
    const settings = { ...always, afterMaxDriftAge: "recreate" };
    const { model, names } = await startFleet(round("1"), settings);
    const [first = model.name] = names;
    await use(model, first);
    await model.edit(fleet(round("2"), settings));
    await keepBusy(model, first, 24 * MINUTE_MS);
    expect(roundOf(model, first)).toBe("1");
    await keepBusy(model, first, 12 * MINUTE_MS);
    expect(roundOf(model, first)).toBe("2");
  });
});
