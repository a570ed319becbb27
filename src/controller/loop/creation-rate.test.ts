// How many new sandboxes sessions may cause, moment by moment; the last one over the model of an engine.
import { expect, test } from "vitest";
import { toEpochMs, toSandboxName } from "../../api/brands.ts";
import { eventually } from "../../api/store/folder.fixture.ts";
import { createModel } from "../fixtures/model.fixture.ts";
import { onDemand } from "../fixtures/site.fixture.ts";
import { CreationRate } from "./creation-rate.ts";

const nameOf = (at: number) => toSandboxName(`box-${at}`);

function open() {
  const clock = { at: 1_000_000 };
  const rate = new CreationRate(() => toEpochMs(clock.at));
  /** Begun and ended at once, as somebody does who wants the engine to be busy. */
  const churn = (count: number, burst: number): number =>
    Array.from({ length: count }, (_, at) => {
      const admitted = rate.admit(nameOf(at), burst);
      rate.settled(nameOf(at));
      return admitted;
    }).filter((admitted) => admitted).length;
  return { clock, rate, churn };
}

test("as many as there may be at once, then one a second, and all of them again after a rest", () => {
  const { clock, churn } = open();
  expect(churn(500, 100)).toBe(100);
  clock.at += 5_000;
  expect(churn(500, 100)).toBe(5);
  clock.at += 3_600_000;
  expect(churn(500, 100)).toBe(100);
});

test("a sandbox that is looked at again while it is made is not another one", () => {
  const { rate } = open();
  for (let look = 0; look < 10; look += 1) expect(rate.admit(nameOf(1), 1)).toBe(true);
  expect(rate.admit(nameOf(2), 1)).toBe(false);
  rate.settled(nameOf(1));
  expect(rate.admit(nameOf(1), 1)).toBe(false);
});

test("a clock that goes back gives nothing and takes nothing", () => {
  const { clock, churn } = open();
  expect(churn(10, 10)).toBe(10);
  clock.at -= 60_000;
  expect(churn(10, 10)).toBe(0);
  clock.at += 1_000;
  expect(churn(10, 10)).toBe(1);
});

test("a session that is begun right after another one ended waits for its sandbox a moment, says why, and gets it", async () => {
  const model = await createModel();
  await model.site.writeConfig({ ...onDemand({ scope: "session", rollout: { hotWindow: "0s" } }), gateway: { maxSandboxes: 1 } });
  await model.start();
  /** No time passes on the clock while files are noticed. */
  const untilNow = (what: string, holds: () => boolean): Promise<void> =>
    eventually(what, async () => {
      await model.settle();
      return holds();
    });
  const begin = async (session: string): Promise<ReturnType<typeof model.site.nameOf>> => {
    await model.site.putSession("main", session, { createdAt: model.clock.now() });
    return model.site.nameOf(`agent:main:${session}`);
  };
  const first = await begin("first");
  await untilNow("the first has its sandbox", () => model.serving(first) !== null);
  await model.site.removeSession("main", "first");
  await untilNow("it is gone", () => model.containers().length === 0);
  const second = await begin("second");
  const reasonOf = (): string | undefined =>
    model.controller.statuses.get(second)?.status.conditions.find(({ type }) => type === "Ready")?.reason;
  await untilNow("the second is refused for now", () => reasonOf() === "LimitExceeded");
  expect(model.containers()).toEqual([]);
  await model.advance(30_000, 1_000);
  await model.until("the second has its sandbox", () => model.serving(second) !== null);
});
