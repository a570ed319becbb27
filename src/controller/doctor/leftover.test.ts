// What a doctor that was killed leaves behind, over a model of an engine: the sweep takes it away, and the loop never takes it for a sandbox.
import { expect, test } from "vitest";
import { specOf } from "../engine/contract.fixture.ts";
import { createModel, IMAGE } from "../fixtures/model.fixture.ts";
import { onDemand } from "../fixtures/site.fixture.ts";

test("a probe that a killed doctor left is seen as unowned, spared while it is young, and then swept", async () => {
  const model = await createModel();
  await model.site.writeConfig(onDemand());
  await model.start();
  void model.engine.probe({ spec: specOf(IMAGE), script: "true" }, () => new Promise<never>(() => undefined));
  await model.settle();
  expect(model.containers()).toHaveLength(1);
  expect(model.controller.statuses.list()).toEqual([]);
  expect(await model.controller.sweep.observe()).toEqual([expect.objectContaining({ kind: "probe", fate: "waits" })]);
  await model.advance(50_000, 5_000);
  expect(model.containers()).toHaveLength(1);
  await model.until("it is swept", () => model.containers().length === 0, 300_000);
});
