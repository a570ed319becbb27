// The controller over a model of an engine and a clock of its own: engine errors at every single call, silence, lost events, exact moments.
// What a real engine does is in the *.engine.test.ts files beside this one.
import { describe, expect, it } from "vitest";
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { eager } from "../fixtures/site.fixture.ts";

const base = { rollout: { hotWindow: "0s" }, docker: { setupCommand: "echo done", env: { ROUND: "1" } } };
const withDocker = (docker: object): object => eager({ ...base, docker: { ...base.docker, ...docker } });

interface Watch {
  /** What was ever seen and must never be. */
  faults: string[];
  /** From now on one container must run all the time. */
  mustRun: boolean;
}

/** Looks at the engine's containers after every single change of them. */
function watchOver(model: Model): Watch {
  const watch: Watch = { faults: [], mustRun: false };
  const look = (): void => {
    const all = model.containers();
    const serving = all.filter(({ name, state }) => name === model.name && state === "running");
    if (serving.length > 1) watch.faults.push("two containers serve");
    if (all.length > 2) watch.faults.push(`${all.length} containers at the same time`);
    if (watch.mustRun && !all.some(({ state }) => state === "running" || state === "paused")) watch.faults.push("nothing runs");
  };
  model.world.watchers.add({ instance: model.site.instance, hint: look, connected: () => undefined });
  return watch;
}

/** Creation, replacement, a live change, two repairs, release: every kind of action at least once. */
async function live(model: Model, watch: Watch): Promise<void> {
  await model.site.writeConfig(withDocker({}));
  await model.start();
  await model.converge();
  watch.mustRun = true;
  await model.edit(withDocker({ env: { ROUND: "2" } }));
  await model.converge();
  expect(model.mustServe().created.env).toMatchObject({ ROUND: "2" });
  await model.edit(withDocker({ env: { ROUND: "2" }, memory: "128m" }));
  await model.converge();
  expect(model.mustServe().live.memory).toBe(128 * 1024 * 1024);
  model.world.pause(model.mustServe().id);
  await model.until("it goes on", () => model.serving() !== null);
  await model.converge();
  model.world.rename(model.mustServe().id, "elsewhere");
  await model.until("it has its name again", () => model.serving() !== null);
  await model.converge();
  watch.mustRun = false;
  await model.edit(eager({ ...base, mode: "off" }));
  await model.until("it is gone", () => model.containers().length === 0);
}

const FAULTS: readonly { what: string; code: ErrorCode; when: "before" | "after" }[] = [
  { what: "fails", code: "EngineFailed", when: "before" },
  { what: "has its effect and fails", code: "EngineFailed", when: "after" },
  { what: "has its effect and breaks off", code: "EngineUnreachable", when: "after" },
  { what: "says that somebody else is at it", code: "EngineConflict", when: "before" },
  { what: "says that the container is another one", code: "StaleHandle", when: "before" },
];

/** More calls than a life has. */
const CALLS_MAX = 200;
/** A silence costs ten times what an error does: every call in the long run, every third otherwise. */
const SILENCE_STEP = process.env.OPENCLAW_TEST_LONG === "1" ? 1 : 3;

describe("a controller whose engine", () => {
  it.each(FAULTS)(
    "$what at the first call, the second, the third ... always converges, without a leak and without two that serve",
    async ({ code, when }) => {
      for (let nth = 1; nth <= CALLS_MAX; nth += 1) {
        const model = await createModel();
        const watch = watchOver(model);
        model.world.failCall("any", nth, new OperationError(code, `call ${nth} fails`), when);
        try {
          await live(model, watch);
          const isThrough = model.world.calls.length < nth;
          model.world.clearFaults();
          await model.until("the ledger is empty", async () => (await model.ledger()).length === 0);
          expect(watch.faults).toEqual([]);
          await model.site.cleanUp();
          if (isThrough) return;
        } catch (error) {
          throw new Error(`at call ${nth}, ${model.world.calls[nth - 1]}`, { cause: error });
        }
      }
      throw new Error(`a life has more than ${CALLS_MAX} calls`);
    },
    120_000,
  );

  it.each(["before", "after"] as const)(
    "is silent at one call after the other always converges (silence %s the effect)",
    async (when) => {
      for (let nth = when === "before" ? 1 : 2; nth <= CALLS_MAX; nth += SILENCE_STEP) {
        const model = await createModel();
        model.pace = { lookEachMs: 5_000, passMsMax: 4 };
        const watch = watchOver(model);
        model.world.hangCall("any", nth, when);
        try {
          await live(model, watch);
          const isThrough = model.world.calls.length < nth;
          model.world.clearFaults();
          await model.until("the ledger is empty", async () => (await model.ledger()).length === 0);
          expect(watch.faults).toEqual([]);
          await model.site.cleanUp();
          if (isThrough) return;
        } catch (error) {
          throw new Error(`at call ${nth}, ${model.world.calls[nth - 1]}`, { cause: error });
        }
      }
      throw new Error(`a life has more than ${CALLS_MAX} calls`);
    },
    120_000,
  );
});
