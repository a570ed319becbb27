// Moments and waits of the controller, on a clock that moves when it is told to: deferrals, idleness, back-off, lost events, an engine that
// is gone for a while. Errors at single calls are controller.test.ts.
import { describe, expect, it } from "vitest";
import { OperationError } from "../../api/errors.ts";
import type { ExecRequest, ExecStream, Handle } from "../engine/engine.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { createModel, type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, eventsOf, onDemand } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const withRound = (round: string): object => eager({ docker: { env: { ROUND: round } } });
const roundOf = (model: Model): string | undefined => model.mustServe().created.env.ROUND;

async function startConverged(config: object): Promise<Model> {
  const model = await startModel(config);
  await model.converge();
  return model;
}

async function use(model: Model): Promise<void> {
  (await model.controller.access.lease(model.name))[Symbol.dispose]();
}

describe("a deferred change", () => {
  it("is made by itself at the very moment at which the hot window ends, and its wait is not counted as slowness", async () => {
    const model = await startConverged(withRound("1"));
    await use(model);
    const usedAt = model.clock.now();
    await model.advance(10 * SECOND_MS, SECOND_MS);
    await model.edit(withRound("2"));
    expect(model.condition("UpToDate")).toMatchObject({ status: "False", reason: "DeferredInUse" });
    await model.advance(usedAt + 5 * MINUTE_MS - 1 - model.clock.now(), SECOND_MS);
    expect(roundOf(model)).toBe("1");
    await model.advance(1, 1);
    await model.until("it is replaced", () => roundOf(model) === "2", SECOND_MS);
    expect(model.mustServe().createdAt).toBe(usedAt + 5 * MINUTE_MS);
    await model.converge();
    const sum = 'openclaw_sandbox_convergence_seconds_sum{trigger="resync"}';
    expect(await model.metric(sum)).toBeLessThan(2);
    expect(await model.metric('openclaw_sandbox_recreates_total{reason="drift"}')).toBe(1);
  });

  it("that a new use keeps away is made one hot window after the last use", async () => {
    const model = await startConverged(withRound("1"));
    await use(model);
    await model.edit(withRound("2"));
    await model.advance(4 * MINUTE_MS, SECOND_MS);
    await use(model);
    const usedAt = model.clock.now();
    await model.advance(5 * MINUTE_MS - SECOND_MS, SECOND_MS);
    expect(roundOf(model)).toBe("1");
    await model.advance(2 * SECOND_MS, SECOND_MS);
    await model.until("it is replaced", () => roundOf(model) === "2", SECOND_MS);
    expect(model.mustServe().createdAt - usedAt).toBeLessThanOrEqual(5 * MINUTE_MS + SECOND_MS);
    expect(eventsOf(model.controller, "DeferredInUse").map(({ count }) => count)).toEqual([1]);
  });

  it("is given up when a use is seen right before the stop, and made when the use is over", async () => {
    const model = await createModel();
    let asked = 0;
    class UsedOnce extends FakeEngine {
      override async inUse(handle: Handle): Promise<"yes" | "no" | "unknown"> {
        const answer = await super.inUse(handle);
        asked += 1;
        return asked === 1 ? "yes" : answer;
      }
    }
    model.engine = new UsedOnce(model.world, model.site.instance);
    await model.site.writeConfig(eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "1" } } }));
    await model.start();
    await model.converge();
    await model.edit(eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "2" } } }));
    await model.until("its use is asked for", () => asked === 1, SECOND_MS);
    expect(roundOf(model)).toBe("1");
    await model.converge();
    expect(roundOf(model)).toBe("2");
  });
});

describe("an edit", () => {
  it("counts as one convergence of its trigger", async () => {
    const model = await startConverged(withRound("1"));
    const all = 'openclaw_sandbox_convergence_seconds_count{trigger="config"}';
    const quick = 'openclaw_sandbox_convergence_seconds_bucket{le="1",trigger="config"}';
    const before = [await model.metric(all), await model.metric(quick)] as const;
    await model.edit(withRound("2"));
    await model.converge();
    expect([(await model.metric(all)) - before[0], (await model.metric(quick)) - before[1]]).toEqual([1, 1]);
  });

  it("that is not valid is refused although the wall clock is set back meanwhile", async () => {
    const model = await startConverged(withRound("1"));
    await model.edit("{ agents: ");
    model.clock.jump(-HOUR_MS);
    await model.advance(2 * SECOND_MS);
    const isRefused = async (): Promise<boolean> => {
      await model.controller.config.reload();
      return !model.controller.config.view.ok;
    };
    await model.until("it is refused", isRefused, MINUTE_MS);
    expect(eventsOf(model.controller, "ConfigInvalid")).toHaveLength(1);
    expect(roundOf(model)).toBe("1");
  });
});

describe("an idle sandbox", () => {
  it("is removed at the very moment at which prune.idleHours end, and age replaces at the very moment too", async () => {
    const model = await createModel();
    await model.site.writeConfig(onDemand({ scope: "session", prune: { idleHours: 2, maxAgeDays: 1 / 24 } }));
    const createdAt = model.clock.now();
    await model.site.putSession("main", "chat", { createdAt });
    await model.start();
    const name = model.site.nameOf("agent:main:chat");
    await model.converge();
    const [first] = model.containers();
    await model.advance(createdAt + HOUR_MS - SECOND_MS - model.clock.now(), MINUTE_MS);
    expect(model.mustServe(name).id).toBe(first?.id);
    await model.advance(2 * SECOND_MS, SECOND_MS);
    await model.until("age replaced it", () => model.serving(name) !== null && model.serving(name)?.id !== first?.id, SECOND_MS);
    await model.advance(createdAt + 2 * HOUR_MS - SECOND_MS - model.clock.now(), MINUTE_MS);
    expect(model.serving(name)).not.toBeNull();
    await model.advance(2 * SECOND_MS, SECOND_MS);
    expect(model.containers()).toEqual([]);
  });
});

describe("a sandbox that somebody looks at", () => {
  it("is removed as if nobody did, also while a look runs in it, which ends with it", async () => {
    const model = await createModel();
    await model.site.writeConfig(onDemand({ scope: "session", prune: { idleHours: 1 } }));
    const createdAt = model.clock.now();
    await model.site.putSession("main", "chat", { createdAt });
    await model.start();
    const name = model.site.nameOf("agent:main:chat");
    await model.converge();
    const { access, statuses } = model.controller;
    const look = async (): Promise<ExecStream> => {
      using lease = await access.look(name);
      return await access.commands.exec(lease.handle, { argv: ["sleep", "90"], stdin: false, isLook: true });
    };
    for (let at = model.clock.now(); at < createdAt + HOUR_MS - 2 * MINUTE_MS; at = model.clock.now()) {
      await look();
      await model.advance(MINUTE_MS, MINUTE_MS);
    }
    expect(model.serving(name)).not.toBeNull();
    expect(statuses.get(name)?.status.lastUsedAt).toBeNull();
    await model.advance(createdAt + HOUR_MS - 10 * SECOND_MS - model.clock.now(), SECOND_MS);
    const last = (await look()).exit.catch((error: OperationError) => error.code);
    await model.advance(11 * SECOND_MS, SECOND_MS);
    expect(model.containers()).toEqual([]);
    expect(await last).toBe("StaleHandle");
    await expect(access.look(name)).rejects.toMatchObject({ code: "NotReady" });
  });
});

describe("back-off", () => {
  it("tries a failing setup again after 10 s, 20 s, 40 s ... at most 5 min, and never more than one container is there", async () => {
    const model = await createModel();
    model.world.onExec(
      (argv) => argv.includes("false"),
      async () => 1,
    );
    await model.site.writeConfig(eager({ docker: { setupCommand: "false" } }));
    const madeAt: number[] = [];
    const known = new Set<string>();
    model.world.watchers.add({
      instance: model.site.instance,
      connected: () => undefined,
      hint: () => {
        for (const { id } of model.containers()) if (!known.has(id) && known.add(id)) madeAt.push(model.clock.now());
      },
    });
    await model.start();
    await model.until("eight attempts were made", () => madeAt.length >= 8, HOUR_MS);
    const waits = madeAt.slice(1).map((at, index) => Math.round((at - (madeAt[index] ?? 0)) / SECOND_MS));
    for (const [index, expected] of [10, 20, 40, 80, 160, 300, 300].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(expected);
      expect(waits[index]).toBeLessThanOrEqual(expected + 3);
    }
    expect(model.containers().length).toBeLessThanOrEqual(1);
  });

  it("of a container that can't be started again ends with another one, also when the first of those fails", async () => {
    const model = await startConverged(eager());
    const { id } = model.mustServe();
    const refusal = new OperationError("SpecRejected", "network n not found");
    const refused = new Set([id]);
    model.world.refuse((operation, container) => {
      // The first of the others too.
      if (operation !== "start" || container === null || refused.size > 2) return null;
      refused.add(container.id);
      return refused.size > 2 ? null : refusal;
    });
    const diedAt = model.clock.now();
    model.world.die(id);
    await model.until("another one serves", () => model.serving() !== null, 2 * MINUTE_MS);
    expect(model.mustServe().id).not.toBe(id);
    // 10 s, then as long again for the first of the others.
    expect(model.clock.now() - diedAt).toBeGreaterThanOrEqual(20 * SECOND_MS);
    expect(model.clock.now() - diedAt).toBeLessThan(25 * SECOND_MS);
    await model.converge();
    expect(model.containers()).toHaveLength(1);
    expect(model.controller.statuses.get(model.name)?.status.servingFailure).toBeNull();
  });

  it("goes on where it was when the controller is started again, for a setup that fails and for what keeps ending", async () => {
    const model = await createModel();
    model.world.onExec(
      (argv) => argv.includes("false"),
      async () => 1,
    );
    await model.site.writeConfig(eager({ docker: { setupCommand: "false" } }));
    const failure = () => model.controller.statuses.get(model.name)?.status.failure ?? null;
    const crashes = () => model.controller.statuses.get(model.name)?.status.servingFailure ?? null;
    await model.start();
    // The next one is five minutes away: more than a restart takes on this clock.
    await model.until("a sixth attempt failed", () => failure()?.count === 6, HOUR_MS);
    const before = failure();
    await model.stop();
    await model.start();
    expect(failure()).toEqual(before);
    const made = 'openclaw_sandbox_actions_total{action="create",cause="wanted",result="success"}';
    await model.advance((before?.retryAt ?? 0) - model.clock.now() - SECOND_MS, SECOND_MS);
    expect(await model.metric(made)).toBe(0);
    await model.until("a seventh attempt failed", () => failure()?.count === 7, 10 * SECOND_MS);

    await model.edit(eager());
    await model.until("it serves", () => model.serving() !== null);
    const { id } = model.mustServe();
    for (let round = 0; round < 4; round += 1) {
      model.world.die(id);
      await model.until("it runs again", () => model.serving() !== null, MINUTE_MS);
    }
    await model.until("the fourth end is counted", () => crashes()?.code === "CrashLoop" && crashes()?.count === 4);
    await model.converge();
    await model.stop();
    model.world.die(id);
    await model.start();
    await model.until("it runs again, and its end is the fifth", () => model.serving() !== null && crashes()?.count === 5, MINUTE_MS);
  });

  it("restarts what ends at once, then after 1 s, 2 s, 4 s; ten minutes of running forgive", async () => {
    const model = await startConverged(eager());
    const { id } = model.mustServe();
    const downFor = async (): Promise<number> => {
      const diedAt = model.clock.now();
      model.world.die(id);
      await model.until("it runs again", () => model.serving() !== null, 10 * MINUTE_MS);
      return (model.mustServe().startedAt ?? 0) - diedAt;
    };
    model.pace = { ...model.pace, lookEachMs: 100 };
    const waits = [await downFor(), await downFor(), await downFor(), await downFor()];
    for (const [index, expected] of [0, 0, SECOND_MS, 2 * SECOND_MS].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(expected);
      expect(waits[index]).toBeLessThanOrEqual(expected + 1_500);
    }
    await model.advance(11 * MINUTE_MS, 5 * SECOND_MS);
    expect(await downFor()).toBeLessThan(SECOND_MS);
  });
});

describe("a setup", () => {
  it("that runs over its time is reported and tried again, although the engine can't end it", async () => {
    const model = await createModel();
    class Unkillable extends FakeEngine {
      override async exec(handle: Handle, request: ExecRequest): Promise<ExecStream> {
        const stream = await super.exec(handle, request);
        const unreachable = new OperationError("EngineTimeout", "no answer within 10 s");
        return Object.assign(stream, { exit: new Promise<number>(() => undefined), signal: () => Promise.reject(unreachable) });
      }
    }
    model.engine = new Unkillable(model.world, model.site.instance);
    await model.site.writeConfig(eager({ docker: { setupCommand: "sleep infinity" } }));
    await model.start();
    await model.until("it is set up", () => model.containers().some(({ state }) => state === "running"), SECOND_MS);
    const [first] = model.containers();
    await model.advance(15 * MINUTE_MS + SECOND_MS, 10 * SECOND_MS);
    await model.until("it is told", () => model.condition("Ready")?.reason === "SetupFailed", MINUTE_MS);
    expect(model.condition("Ready")?.message).toContain("longer than 15 minutes and could not be stopped");
    await model.until("it is tried again", () => model.containers().some(({ id }) => id !== first?.id), MINUTE_MS);
    await model.until("one is left", () => model.containers().length === 1, MINUTE_MS);
  });

  it.each([
    ["EngineUnreachable", "before"],
    ["EngineUnreachable", "after"],
    ["EngineTimeout", "after"],
    ["EngineFailed", "after"],
  ] as const)("of which it is not certain that it began (%s, %s its effect) never runs again in the same container", async (code, when) => {
    const model = await createModel();
    model.world.failCall("exec", 1, new OperationError(code, "no answer"), when);
    const setups = new Map<string, Set<object>>();
    model.world.watchers.add({
      instance: model.site.instance,
      connected: () => undefined,
      hint: () => {
        for (const { id, execs } of model.containers()) for (const exec of execs) setups.set(id, (setups.get(id) ?? new Set()).add(exec));
      },
    });
    await model.site.writeConfig(eager({ docker: { setupCommand: "sleep 5" } }));
    await model.start();
    await model.until("it is told", () => /^(SetupFailed|EngineFailed)$/.test(model.condition("Ready")?.reason ?? ""), 5 * SECOND_MS);
    expect(model.condition("Ready")?.message).toContain("no answer");
    await model.converge();
    expect([...setups.values()].map(({ size }) => size)).toEqual(when === "after" ? [1, 1] : [1]);
    expect(setups.has(model.mustServe().id)).toBe(true);
    expect(model.containers()).toHaveLength(1);
  });
});

describe("a controller whose engine", () => {
  it("loses an event finds the change at the next listing, within ten seconds, and counts it", async () => {
    const model = await startConverged(eager());
    const found = "openclaw_engine_relist_drift_found_total";
    await model.advance(11 * SECOND_MS, SECOND_MS);
    const before = await model.metric(found);
    model.world.dropHints(1);
    model.world.die(model.mustServe().id);
    expect(model.serving()).toBeNull();
    await model.until("it runs again", () => model.serving() !== null, 10 * SECOND_MS);
    expect((await model.metric(found)) - before).toBe(1);
  });

  it("tells of ten images a second looks at everything at the first, and then once a second", async () => {
    const model = await startConverged(eager());
    await model.advance(2 * SECOND_MS);
    const looks = () => model.world.calls.filter((call) => call.startsWith("observe ")).length;
    const before = looks();
    model.world.tag("other:0", `sha256:${"b".repeat(64)}`);
    await model.settle();
    expect(looks() - before).toBeGreaterThan(0);
    for (let image = 1; image < 50; image += 1) {
      await model.advance(100);
      model.world.tag(`other:${image}`, `sha256:${"b".repeat(64)}`);
    }
    const atLast = looks();
    await model.advance(2 * SECOND_MS);
    expect(looks()).toBeGreaterThan(atLast);
    // Five seconds of images; a listing and a sweep may be among the looks.
    expect(looks() - before).toBeLessThanOrEqual(12);
  });

  it("breaks off its event stream looks at everything at once when it is back", async () => {
    const model = await startConverged(eager());
    model.world.dropHints(1);
    model.world.die(model.mustServe().id);
    model.world.reconnect();
    await model.settle();
    expect(model.serving()).not.toBeNull();
    expect(await model.metric("openclaw_engine_event_gaps_total")).toBeGreaterThan(0);
  });

  it("is gone says so, changes nothing, and heals what happened meanwhile as soon as it is back", async () => {
    const model = await startConverged(eager());
    for (let call = 0; call < 5_000; call += 1)
      model.world.failCall("any", 1, new OperationError("EngineUnreachable", "connection refused"));
    await model.until("it is told", () => model.condition("EngineReachable")?.status === "False", MINUTE_MS);
    expect(model.condition("Ready")).toMatchObject({ status: "Unknown", reason: "EngineUnreachable" });
    expect(model.condition("UpToDate")).toMatchObject({ status: "Unknown" });
    model.world.dropHints(1);
    model.world.die(model.mustServe().id);
    await model.edit(withRound("2"));
    await model.advance(2 * MINUTE_MS, SECOND_MS);
    expect(model.controller.engineSource.trouble?.code).toBe("EngineUnreachable");
    model.world.clearFaults();
    await model.until("it is as the file says", () => model.serving()?.created.env.ROUND === "2", 15 * SECOND_MS);
    await model.converge();
    expect(model.condition("EngineReachable")).toMatchObject({ status: "True" });
    expect(model.containers()).toHaveLength(1);
  });

  it("forgets to answer when a container was made has one that stays ours under every name", async () => {
    const model = await createModel();
    model.world.failCall("create", 1, new OperationError("EngineUnreachable", "connection reset"), "after");
    await model.site.writeConfig(eager());
    await model.start();
    await model.converge();
    const { id } = model.mustServe();
    model.world.rename(id, "elsewhere");
    await model.until("it has its name again", () => model.serving()?.id === id);
    expect(eventsOf(model.controller, "ForeignContainer")).toEqual([]);
    expect(model.containers()).toHaveLength(1);
  });
});

describe("gateway.maxSandboxes", () => {
  it("keeps those that were there and says why a newer session has none; a place that gets free is taken", async () => {
    const model = await createModel();
    const config = { ...onDemand({ scope: "session", rollout: { hotWindow: "0s" } }), gateway: { maxSandboxes: 2 } };
    await model.site.writeConfig(config);
    const now = model.clock.now();
    for (const [index, name] of ["one", "two", "three"].entries()) {
      await model.site.putSession("main", name, { createdAt: now - 10_000 + index });
    }
    await model.start();
    const nameOf = (name: string) => model.site.nameOf(`agent:main:${name}`);
    await model.until("two serve", () => model.serving(nameOf("one")) !== null && model.serving(nameOf("two")) !== null);
    expect(model.serving(nameOf("three"))).toBeNull();
    const left = model.controller.unconverged();
    expect(left).toEqual([{ name: nameOf("three"), because: expect.stringContaining("gateway.maxSandboxes") }]);
    await model.site.removeSession("main", "one");
    await model.until("the place is taken", () => model.serving(nameOf("three")) !== null);
    await model.until("two are left", () => model.containers().length === 2);
  });
});
