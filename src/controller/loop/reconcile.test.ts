// What a pass remembers of what failed, and what it does after a step that failed or was given up, over the model of an engine.
import { expect, it } from "vitest";
import { OperationError } from "../../api/errors.ts";
import type { Failure } from "../../api/sandbox.ts";
import type { Handle } from "../engine/engine.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { createModel, type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, onDemand } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const withRound = (round: string): object => eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: round } } });
const failureOf = (model: Model): Failure | null => model.controller.statuses.get(model.name)?.status.failure ?? null;
const servingFailureOf = (model: Model): Failure | null => model.controller.statuses.get(model.name)?.status.servingFailure ?? null;

it("a failure is remembered, and counted, until what failed is made; then it is forgotten", async () => {
  const model = await createModel();
  let exitCode = 1;
  model.world.onExec(
    (argv) => argv.includes("setup"),
    async () => exitCode,
  );
  await model.site.writeConfig(eager({ docker: { setupCommand: "setup" } }));
  await model.start();
  await model.until("it failed twice", () => failureOf(model)?.count === 2, 13 * SECOND_MS);
  const remembered = failureOf(model);
  await model.advance(5 * SECOND_MS, SECOND_MS);
  expect(failureOf(model)).toEqual(remembered);
  exitCode = 0;
  await model.converge();
  expect(failureOf(model)).toBeNull();
});

it("what keeps ending is not forgiven as soon as it runs again", async () => {
  const model = await startModel(withRound("1"));
  await model.converge();
  for (let end = 0; end < 3; end += 1) {
    model.world.die(model.mustServe().id);
    await model.until("it runs again", () => model.serving() !== null, MINUTE_MS);
  }
  await model.advance(5 * MINUTE_MS, 5 * SECOND_MS);
  expect(servingFailureOf(model)).toMatchObject({ code: "CrashLoop", count: 3 });
  await model.advance(6 * MINUTE_MS, 5 * SECOND_MS);
  model.world.die(model.mustServe().id);
  await model.until("its end counts as the first", () => model.serving() !== null && servingFailureOf(model)?.count === 1, SECOND_MS);
});

it("a swap that a use prevents ends there: the new container gets no name, and a second later it is tried again", async () => {
  const model = await createModel();
  let asked = 0;
  class UsedOnce extends FakeEngine {
    override async inUse(handle: Handle): Promise<"yes" | "no" | "unknown"> {
      asked += 1;
      return asked === 1 ? "yes" : await super.inUse(handle);
    }
  }
  model.engine = new UsedOnce(model.world, model.site.instance);
  await model.site.writeConfig(withRound("1"));
  await model.start();
  await model.converge();
  const { id } = model.mustServe();
  await model.edit(withRound("2"));
  model.pace = { ...model.pace, lookEachMs: 100 };
  await model.until("its use is asked for", () => asked === 1, 2 * SECOND_MS);
  const at = model.clock.now();
  expect(model.mustServe().id).toBe(id);
  expect(model.world.calls.filter((call) => call.startsWith("promote "))).toHaveLength(1);
  await model.until("it is replaced", () => model.serving()?.created.env.ROUND === "2", 5 * SECOND_MS);
  expect(model.clock.now() - at).toBeLessThan(4 * SECOND_MS);
});

it("an engine that does not answer speaks against no spec", async () => {
  const model = await createModel();
  model.world.failCall("create", 1, new OperationError("EngineUnreachable", "connection refused"));
  await model.site.writeConfig(withRound("1"));
  await model.start();
  await model.until("it is tried", () => model.world.calls.some((call) => call.startsWith("create ")));
  expect(failureOf(model)).toBeNull();
  await model.converge();
});

it("what the engine refuses is not tried again before its time", async () => {
  const model = await createModel();
  for (let call = 0; call < 3; call += 1) model.world.failCall("create", 1, new OperationError("SpecRejected", "no"));
  await model.site.writeConfig(withRound("1"));
  await model.start();
  const creations = () => model.world.calls.filter((call) => call.startsWith("create ")).length;
  await model.until("it is refused", () => failureOf(model)?.count === 1, SECOND_MS);
  await model.advance(9 * SECOND_MS, SECOND_MS);
  expect(creations()).toBe(1);
  await model.until("it is refused again", () => failureOf(model)?.count === 2, 3 * SECOND_MS);
  await model.advance(19 * SECOND_MS, SECOND_MS);
  expect(creations()).toBe(2);
});

it("a sandbox that went for being idle is still known while its session lives, and one whose session ended is not", async () => {
  const model = await createModel();
  await model.site.writeConfig(onDemand({ scope: "session", rollout: { hotWindow: "0s" }, prune: { idleHours: 0.1 } }));
  const createdAt = model.clock.now();
  for (const name of ["idle", "over"]) await model.site.putSession("main", name, { createdAt });
  await model.start();
  await model.converge(2);
  await model.site.putSession("main", "over", { createdAt, endedAt: createdAt });
  await model.until("both are gone", () => model.containers().length === 0, 20 * MINUTE_MS);
  await model.advance(10 * SECOND_MS, SECOND_MS);
  const known = model.controller.statuses.list().map(({ metadata }) => metadata.name);
  expect(known).toEqual([model.site.nameOf("agent:main:idle")]);
});

it("between the look that finds no container and the making of the first one, its folder included, the engine is asked nothing twice", async () => {
  const model = await createModel();
  await model.site.writeConfig(withRound("1"));
  await model.start();
  await model.converge();
  const { calls } = model.world;
  const before = calls.slice(0, calls.indexOf(`create ${model.name}`));
  expect(before.filter((call) => call === `observe ${model.name}`)).toHaveLength(1);
  expect(model.controller.events.list().map(({ reason }) => reason)).toContain("WorkspacePrepared");
});
