// Many sandboxes that fail at the same moment, over a model of the engine: when each is tried again. How long a wait is at most is
// decide/backoff.test.ts's.
import { expect, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { createModel } from "../fixtures/model.fixture.ts";

const SANDBOXES = 100;
const STEP_MS = 100;

/** The same chances in every run, 0 inclusive to 1 exclusive. */
function createDice(): () => number {
  let seed = 1;
  return () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
}

test("a hundred sandboxes that fail together are not tried again together", async () => {
  const model = await createModel();
  model.random = createDice();
  const attempts: number[] = [];
  model.world.refuse((operation) => {
    if (operation !== "create") return null;
    attempts.push(model.clock.now());
    return new OperationError("SpecRejected", "no space left for another one");
  });
  const list = Array.from({ length: SANDBOXES }, (_, index) => ({ id: `agent-${index}` }));
  await model.site.writeConfig({ agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list } });
  await model.start();
  await model.until("each was tried once", () => attempts.length >= SANDBOXES);
  const first = attempts.splice(0);
  expect(first).toHaveLength(SANDBOXES);
  const startedAt = first[0] ?? 0;
  await model.advance(11_000, STEP_MS);
  expect(attempts).toHaveLength(SANDBOXES);
  const waits = attempts.map((at) => at - startedAt);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(5_000);
  const atOnce = Map.groupBy(waits, (wait) => Math.floor(wait / STEP_MS));
  expect(Math.max(...[...atOnce.values()].map(({ length }) => length))).toBeLessThanOrEqual(SANDBOXES / 10);
});
