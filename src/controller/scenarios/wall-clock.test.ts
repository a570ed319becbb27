// A wall clock that is set back, or a person's that is ahead: what was written down under it neither lasts for ever nor ends too soon.
// Moments on a clock that only moves on are timing.test.ts's.
import { expect, test } from "vitest";
import { type EpochMs, renderTime } from "../../api/brands.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel, type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, eventsOf } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const withRound = (round: string): object => eager({ docker: { env: { ROUND: round } } });

async function startConverged(config: object): Promise<Model> {
  const model = await startModel(config);
  await model.converge();
  return model;
}

test("a person's request from a clock that is ahead is told, and fulfilled once, when its moment has come", async () => {
  const model = await startConverged(eager());
  const { id } = model.mustServe();
  const recreateAfter = (model.clock.now() + 10 * MINUTE_MS) as EpochMs;
  await model.request(model.name, { recreateAfter: renderTime(recreateAfter) });
  await until("it is reported", () => eventsOf(model.controller, "RequestInvalid").length > 0);
  expect(eventsOf(model.controller, "RequestInvalid").map(({ message }) => message)).toEqual([
    expect.stringMatching(/spec\.recreateAfter: .* is in the future/),
  ]);
  await model.advance(9 * MINUTE_MS, 10 * SECOND_MS);
  expect(model.mustServe().id).toBe(id);
  await model.advance(MINUTE_MS, SECOND_MS);
  // A pass is real work: on a busy machine the clock moves on meanwhile, but never as far as the next look at everything.
  await model.until("it is made anew", () => model.serving() !== null && model.serving()?.id !== id, 30 * SECOND_MS);
  await model.advance(MINUTE_MS, SECOND_MS);
  expect(await model.metric('openclaw_sandbox_recreates_total{reason="forced"}')).toBe(1);
});

test("a setup that keeps failing is tried again as seldom as before, and no more seldom, after the clock was set back", async () => {
  const model = await createModel();
  model.world.onExec(
    (argv) => argv.includes("false"),
    async () => 1,
  );
  await model.site.writeConfig(eager({ docker: { setupCommand: "false" } }));
  const failure = () => model.controller.statuses.get(model.name)?.status.failure ?? null;
  await model.start();
  await model.until("a fourth attempt failed", () => failure()?.count === 4, 10 * MINUTE_MS);
  model.clock.jump(-DAY_MS);
  const setAt = model.clock.now();
  await model.until("a sixth attempt failed", () => failure()?.count === 6, 10 * MINUTE_MS);
  const waited = model.clock.now() - setAt;
  // 80 s and 160 s, and 80 s once more at most: how much of them was over is not known any more.
  expect(waited).toBeGreaterThan(160 * SECOND_MS);
  expect(waited).toBeLessThan(330 * SECOND_MS);
  const setups = 'openclaw_sandbox_setup_seconds_count{kind="tools",result="failure"}';
  expect(await model.metric(setups)).toBe(6);
});

test("a change waits for one hot window at most, although the last use was under a clock that was set back since", async () => {
  const model = await startConverged(withRound("1"));
  (await model.controller.access.lease(model.name))[Symbol.dispose]();
  model.clock.jump(-DAY_MS);
  await model.edit(withRound("2"));
  await model.advance(4 * MINUTE_MS, 10 * SECOND_MS);
  expect(model.mustServe().created.env.ROUND).toBe("1");
  await model.until("it is replaced", () => model.serving()?.created.env.ROUND === "2", 10 * MINUTE_MS);
});

test("no duration is counted as negative, so that no sum ever goes back", async () => {
  const model = await createModel();
  let end = (): void => undefined;
  model.world.onExec(
    (argv) => argv.includes("slow"),
    async () =>
      await new Promise<number>((resolve) => {
        end = () => resolve(0);
      }),
  );
  await model.site.writeConfig(eager({ docker: { setupCommand: "slow" } }));
  await model.start();
  await model.until("its setup runs", () => model.condition("Ready")?.message.includes("running") === true);
  model.clock.jump(-DAY_MS);
  end();
  await model.converge();
  const text = await model.running.metrics.registry.renderText();
  const sums = text.split("\n").filter((line) => /_sum[{ ]/.test(line) && !line.startsWith("#"));
  expect(sums.filter((line) => Number(line.split(" ").at(-1)) < 0)).toEqual([]);
  expect(await model.metric('openclaw_sandbox_convergence_seconds_sum{trigger="resync"}')).toBeLessThan(MINUTE_MS / SECOND_MS);
});
