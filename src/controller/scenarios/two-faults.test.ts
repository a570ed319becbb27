// Two things go wrong at once: what serves is harmed while its successor has trouble of its own. Every pair, over the model of an engine.
// The same as decisions alone is decide/dispositions.property.test.ts; what a real engine does is chaos.engine.test.ts.
import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import type { FakeContainer, FakeOperation } from "../engine/fake-world.fixture.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { eager, onDemand } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** 10 s after a first failure everything was tried again, and has had a moment to become so. */
const REPAIRED_MS_MAX = 15 * SECOND_MS;

const base = { rollout: { hotWindow: "0s", canary: 0 } };
const FIRST = eager({ ...base, docker: { env: { ROUND: "1" } } });
const toSecond = (docker: object = {}, sandbox: object = {}): object =>
  eager({ ...base, ...sandbox, docker: { env: { ROUND: "2" }, ...docker } });

/** Lasting: each such act on a container for which `holds` ends with this error. */
function refuse(model: Model, operation: FakeOperation, code: ErrorCode, holds: (container: FakeContainer | null) => boolean): void {
  const error = new OperationError(code, `${operation} fails for ever`);
  model.world.refuse((each, container) => (each === operation && holds(container) ? error : null));
}

const isNew = (container: FakeContainer | null): boolean => container === null || container.created.env.ROUND === "2";

interface Trouble {
  what: string;
  config: object;
  befall?: (model: Model, serving: FakeContainer) => void;
}

/** What becomes of the new container; of none of these one ever serves. */
const TROUBLES: readonly Trouble[] = [
  { what: "has an image that is not there", config: toSecond({ image: "nowhere:1" }) },
  { what: "has a profile that is not there", config: toSecond({ seccompProfile: "/nowhere.json" }) },
  {
    what: "has a setup that fails",
    config: toSecond({ setupCommand: "false" }),
    befall: (model) =>
      model.world.onExec(
        (argv) => argv.includes("false"),
        async () => 1,
      ),
  },
  {
    what: "has a setup that never ends",
    config: toSecond({ setupCommand: "wait" }),
    befall: (model) =>
      model.world.onExec(
        (argv) => argv.includes("wait"),
        () => new Promise<number>(() => undefined),
      ),
  },
  { what: "can't be made", config: toSecond(), befall: (model) => refuse(model, "create", "SpecRejected", isNew) },
  { what: "can't be made for now", config: toSecond(), befall: (model) => refuse(model, "create", "EngineFailed", isNew) },
  ...(["EngineFailed", "SpecRejected", "EngineTimeout", "EngineConflict", "NotReady"] as const).map((code) => ({
    what: `can't be started (${code})`,
    config: toSecond(),
    befall: (model: Model) => refuse(model, "start", code, isNew),
  })),
  {
    what: "can't be started, and can't be removed",
    config: toSecond(),
    befall: (model) => {
      refuse(model, "start", "EngineFailed", isNew);
      refuse(model, "retire", "EngineFailed", isNew);
    },
  },
  {
    what: "can't take the place of the one that can't be removed",
    config: toSecond(),
    befall: (model, { id }) => {
      refuse(model, "retire", "EngineFailed", (container) => container?.id === id);
    },
  },
  { what: "waits for a person", config: toSecond({}, { rollout: { policy: "never" } }) },
];

/** What happens to the one that serves, once; what is done about it fails once where `step` says so. */
const HARMS: readonly { what: string; harm: (model: Model, serving: FakeContainer) => void; step?: FakeOperation }[] = [
  { what: "is killed", harm: ({ world }, { id }) => world.die(id) },
  { what: "is killed, and once can't be started", harm: ({ world }, { id }) => world.die(id), step: "start" },
  { what: "is paused", harm: ({ world }, { id }) => world.pause(id) },
  { what: "is paused, and once can't be made to go on", harm: ({ world }, { id }) => world.pause(id), step: "unpause" },
  { what: "is renamed", harm: ({ world }, { id }) => world.rename(id, "elsewhere") },
];

async function startAndSpoil({ config, befall }: Trouble): Promise<{ model: Model; serving: FakeContainer }> {
  const model = await createModel();
  await model.site.writeConfig(FIRST);
  await model.start();
  await model.converge();
  const serving = model.mustServe();
  befall?.(model, serving);
  await model.edit(config);
  await model.advance(3 * SECOND_MS, SECOND_MS);
  expect(model.mustServe().id).toBe(serving.id);
  return { model, serving };
}

describe("a sandbox whose new container", () => {
  it.each(TROUBLES)("$what has the one that serves again soon, whatever happens to it", async (trouble) => {
    const { model, serving } = await startAndSpoil(trouble);
    for (const { what, harm, step } of HARMS) {
      if (step !== undefined) model.world.failCall(step, 1, new OperationError("EngineFailed", "task already exists"));
      harm(model, serving);
      await model.until(`the same container serves after it ${what}`, () => model.serving()?.id === serving.id, REPAIRED_MS_MAX);
      // Ten minutes of running forgive an end.
      await model.advance(11 * MINUTE_MS, 10 * SECOND_MS);
      expect(model.mustServe().id).toBe(serving.id);
    }
    expect(model.containers().length).toBeLessThanOrEqual(2);
  });

  it.each(["EngineFailed", "SpecRejected", "EngineTimeout", "EngineConflict", "NotReady"] as const)(
    "can never be started (%s) has another one made in its place, and is never without the one that serves",
    async (code) => {
      const model = await createModel();
      await model.site.writeConfig(FIRST);
      await model.start();
      await model.converge();
      const old = model.mustServe();
      const stuck = new Set<string>();
      model.world.refuse((operation, container) => {
        if (operation !== "start" || !isNew(container) || container === null) return null;
        if (stuck.size === 0) stuck.add(container.id);
        return stuck.has(container.id) ? new OperationError(code, `task ${container.id}: already exists`) : null;
      });
      await model.edit(toSecond());
      let down = false;
      model.world.watchers.add({
        instance: model.site.instance,
        connected: () => undefined,
        hint: () => {
          down ||= !model.containers().some(({ state }) => state === "running");
        },
      });
      await model.until("a new one serves", () => model.serving()?.created.env.ROUND === "2", REPAIRED_MS_MAX);
      await model.converge();
      expect(model.containers()).toEqual([model.mustServe()]);
      expect({ isOld: model.mustServe().id === old.id, isStuck: stuck.has(model.mustServe().id), down }).toEqual({
        isOld: false,
        isStuck: false,
        down: false,
      });
      await model.until("the ledger has the one that serves alone", async () => (await model.ledger()).length === 1, 5 * MINUTE_MS);
    },
  );

  it("can never be started is the first one, and another one is made", async () => {
    const model = await createModel();
    let stuck: string | null = null;
    model.world.refuse((operation, container) => {
      if (operation !== "start" || container === null) return null;
      stuck ??= container.id;
      return container.id === stuck ? new OperationError("EngineFailed", "task already exists") : null;
    });
    await model.site.writeConfig(FIRST);
    await model.start();
    await model.until("one serves", () => model.serving() !== null, REPAIRED_MS_MAX);
    expect(model.containers()).toHaveLength(1);
  });

  it("never gets the name is discarded, and another one is made", async () => {
    const model = await createModel();
    let stuck: string | null = null;
    model.world.refuse((operation, container) => {
      if (operation !== "promote" || container === null) return null;
      stuck ??= container.id;
      return container.id === stuck ? new OperationError("EngineFailed", "rename: input/output error") : null;
    });
    await model.site.writeConfig(FIRST);
    await model.start();
    await model.until("one serves", () => model.serving() !== null, MINUTE_MS);
    expect(model.mustServe().id).not.toBe(stuck);
    await model.converge();
    expect(model.containers()).toHaveLength(1);
  });

  it("is made although the engine says each time that it failed does not fill the machine", async () => {
    const model = await createModel();
    let most = 0;
    model.world.watchers.add({
      instance: model.site.instance,
      connected: () => undefined,
      hint: () => {
        most = Math.max(most, model.containers().length);
      },
    });
    for (let nth = 1; nth <= 50; nth += 1) model.world.failCall("create", nth, new OperationError("EngineFailed", "it broke off"), "after");
    await model.site.writeConfig(FIRST);
    await model.start();
    await model.until("one serves", () => model.serving() !== null, MINUTE_MS);
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe("a sandbox that can't serve", () => {
  const CHAT = "agent:main:chat";
  const chatting = (round: string): object => onDemand({ scope: "session", docker: { env: { ROUND: round } } });

  /** The agent tries every two seconds, as its session's file says. */
  async function tryInVain(model: Model, durationMs: number): Promise<void> {
    for (let left = durationMs; left > 0; left -= 2 * SECOND_MS) {
      await model.site.putSession("main", "chat", { createdAt: model.clock.now(), lastActivityAt: model.clock.now() });
      await model.advance(2 * SECOND_MS, SECOND_MS);
    }
  }

  it("has a mended config at once, however often somebody tried to use it", async () => {
    const model = await createModel();
    const name = model.site.nameOf(CHAT);
    await model.site.writeConfig(chatting("1"));
    // An image without a shell: each start succeeds, and each run ends at once.
    model.world.watchers.add({
      instance: model.site.instance,
      connected: () => undefined,
      hint: () => {
        for (const { id, state, created } of model.containers())
          if (state === "running" && created.env.ROUND === "1") model.world.die(id, 127);
      },
    });
    await model.site.putSession("main", "chat", { createdAt: model.clock.now() });
    await model.start();
    await tryInVain(model, MINUTE_MS);
    expect(model.controller.statuses.get(name)?.status).toMatchObject({ lastUsedAt: null, servingFailure: { code: "CrashLoop" } });
    await model.edit(chatting("2"));
    await model.until("the mended one serves", () => model.serving(name)?.created.env.ROUND === "2", 5 * SECOND_MS);
    expect(model.containers()).toHaveLength(1);
  });
});

describe("a container that served, and", () => {
  it.each([
    { what: "never starts again", harm: "die", step: "start" },
    { what: "never goes on again", harm: "pause", step: "unpause" },
  ] as const)("$what is replaced within ten seconds, whatever the engine's words are", async ({ harm, step }) => {
    for (const code of ["EngineFailed", "SpecRejected", "EngineConflict", "NotReady"] as const) {
      const model = await createModel();
      await model.site.writeConfig(FIRST);
      await model.start();
      await model.converge();
      const { id } = model.mustServe();
      refuse(model, step, code, (container) => container?.id === id);
      model.world[harm](id);
      await model.until(`another one serves (${code})`, () => model.serving() !== null, REPAIRED_MS_MAX);
      await model.converge();
      expect(model.containers()).toEqual([model.mustServe()]);
      expect(model.mustServe().id).not.toBe(id);
      await model.site.cleanUp();
    }
  });

  it("never starts again has another one within ten seconds also where its folder has to be made first", async () => {
    const model = await createModel();
    await model.site.writeConfig(FIRST);
    await model.start();
    await model.converge();
    const { id, created } = model.mustServe();
    refuse(model, "start", "SpecRejected", (container) => container?.id === id);
    await rm(created.mounts[0]?.source ?? "", { recursive: true });
    model.world.die(id);
    await model.until("another one serves", () => model.serving() !== null, REPAIRED_MS_MAX);
    expect(model.mustServe().id).not.toBe(id);
  });

  it("answers no start in time is replaced after a second one", async () => {
    const model = await createModel();
    model.pace = { lookEachMs: 5_000, passMsMax: 4 };
    await model.site.writeConfig(FIRST);
    await model.start();
    await model.converge();
    const { id } = model.mustServe();
    refuse(model, "start", "EngineTimeout", (container) => container?.id === id);
    model.world.die(id);
    await model.until("another one serves", () => model.serving() !== null, MINUTE_MS);
    expect(model.mustServe().id).not.toBe(id);
  });

  it("keeps ending waits as long as before while a new spec fails, and holds up no other one", async () => {
    const model = await createModel();
    await model.site.writeConfig(FIRST);
    await model.start();
    await model.converge();
    const { id } = model.mustServe();
    refuse(model, "create", "SpecRejected", isNew);
    await model.edit(toSecond());
    const startedAt: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      model.world.die(id);
      const diedAt = model.clock.now();
      await model.until("it runs again", () => model.serving()?.id === id, MINUTE_MS);
      startedAt.push(model.clock.now() - diedAt);
    }
    expect(startedAt.at(-1)).toBeGreaterThanOrEqual(3 * SECOND_MS);
    model.world.die(id);
    model.world.clearFaults();
    await model.until("the new one serves", () => model.serving()?.created.env.ROUND === "2", 6 * MINUTE_MS);
  });
});
