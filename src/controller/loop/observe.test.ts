// What a look at a sandbox takes for use, and whose containers it takes for the sandbox's own, in the running controller over a model of an engine.
import { expect, it } from "vitest";
import type { EpochMs } from "../../api/brands.ts";
import type { Handle } from "../engine/engine.ts";
import { createModel, type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, eventsOf, onDemand } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const withRound = (round: string, more: object = {}): object => eager({ docker: { env: { ROUND: round }, ...more } });
const lastUsedAt = (model: Model, name = model.name): EpochMs | null => model.controller.statuses.get(name)?.status.lastUsedAt ?? null;

async function startConverged(config: object): Promise<Model> {
  const model = await startModel(config);
  await model.converge();
  return model;
}

/** A command that ends when told to. */
function holdCommands(model: Model, word: string): () => void {
  const { promise, resolve } = Promise.withResolvers<number>();
  model.world.onExec(
    (argv) => argv.includes(word),
    () => promise,
  );
  return () => resolve(0);
}

/** As `docker exec`: the product has no part in it. */
async function execPastUs(model: Model, ...argv: string[]): Promise<void> {
  const { id, startedAt, starts } = model.mustServe();
  const [observation] = await model.engine.observe(model.name);
  const handle: Handle = observation?.handle ?? { id, uid: "" as never, incarnation: `${startedAt}.${starts}` };
  await model.engine.exec(handle, { argv, stdin: false, outlivesCaller: true });
  await model.settle();
}

it("a setup is no use: neither while it runs nor when it has ended", async () => {
  const model = await createModel();
  const end = holdCommands(model, "slow");
  await model.site.writeConfig(withRound("1", { setupCommand: "slow" }));
  await model.start();
  await model.until("its setup runs", () => model.condition("Ready")?.message.includes("running") === true);
  await model.advance(20 * SECOND_MS, SECOND_MS);
  expect(lastUsedAt(model)).toBeNull();
  end();
  await model.converge();
  expect(lastUsedAt(model)).toBeNull();
});

it("a command that somebody runs past the product is use from when it is seen to when it is seen no more", async () => {
  const model = await startConverged(withRound("1"));
  const end = holdCommands(model, "work");
  await execPastUs(model, "work");
  expect(lastUsedAt(model)).toBe(model.clock.now());
  await model.edit(withRound("2"));
  expect(model.condition("UpToDate")).toMatchObject({ reason: "DeferredInUse" });
  await model.advance(7 * MINUTE_MS + 777, SECOND_MS);
  expect(model.containers().map(({ created }) => created.env.ROUND)).toEqual(["1"]);
  end();
  await model.settle();
  const endedAt = model.clock.now();
  expect(lastUsedAt(model)).toBe(endedAt);
  await model.advance(5 * MINUTE_MS - SECOND_MS, SECOND_MS);
  expect(model.mustServe().created.env.ROUND).toBe("1");
  await model.until("it is replaced", () => model.serving()?.created.env.ROUND === "2", 3 * SECOND_MS);
});

it("a use through the product itself keeps the change waiting, and nothing is made beside it meanwhile", async () => {
  const model = await startConverged(eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "1" } } }));
  const lease = await model.controller.access.lease(model.name);
  await model.edit(eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "2" } } }));
  await model.advance(MINUTE_MS, SECOND_MS);
  expect(model.condition("UpToDate")).toMatchObject({ reason: "DeferredInUse" });
  expect(model.containers()).toHaveLength(1);
  expect(lease.revoked.aborted).toBe(false);
  lease[Symbol.dispose]();
  await model.until("it is replaced", () => model.serving()?.created.env.ROUND === "2", 5 * SECOND_MS);
});

it("a message of its session is a use of its sandbox", async () => {
  const model = await createModel();
  await model.site.writeConfig(onDemand({ scope: "session" }));
  const now = model.clock.now();
  await model.site.putSession("main", "chat", { createdAt: now - MINUTE_MS, lastActivityAt: now - 30 * SECOND_MS });
  await model.start();
  await model.converge();
  expect(lastUsedAt(model, model.site.nameOf("agent:main:chat"))).toBe(now - 30 * SECOND_MS);
});

it("a copy with the labels of ours is reported once, and neither adopted nor removed", async () => {
  const model = await startConverged(withRound("1"));
  const ours = model.mustServe();
  const copy = { ...ours, id: model.world.newId(), name: "a-copy", networks: new Set(ours.networks), execs: new Set<never>() };
  model.world.add(copy);
  await model.edit(withRound("2"));
  await model.until("ours is replaced", () => model.serving()?.created.env.ROUND === "2");
  await model.converge();
  expect(model.world.containers.get(copy.id)).toMatchObject({ name: "a-copy", state: "running" });
  expect(model.controller.ledger.byContainerId(copy.id)).toBeUndefined();
  expect(eventsOf(model.controller, "ForeignContainer")).toHaveLength(1);
});

it("a sandbox that never was is made because it is wanted; one that somebody removed because of that", async () => {
  const made = (cause: string) => `openclaw_sandbox_actions_total{action="create",cause="${cause}",result="success"}`;
  const model = await startConverged(withRound("1"));
  expect([await model.metric(made("wanted")), await model.metric(made("external"))]).toEqual([1, 0]);
  model.world.remove(model.mustServe().id);
  await model.until("it is made again", () => model.serving() !== null);
  expect([await model.metric(made("wanted")), await model.metric(made("external"))]).toEqual([1, 1]);
});
