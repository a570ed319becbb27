// What the metrics of a process say of its event loop. Those of the product are controller/metrics and gateway/metrics.
import { expect, test } from "vitest";
import { MetricRegistry } from "./metrics-registry.ts";

test("the lag of an event loop that is on time is not the interval at which it is sampled", async () => {
  const registry = new MetricRegistry({ processMetrics: true });
  const least = async (): Promise<number> => Number(/^nodejs_eventloop_lag_min_seconds (\S+)$/m.exec(await registry.renderText())?.[1]);
  // Sampled every 250 ms, from the second one after a scrape on: with the interval in it, no sample is ever below that.
  await expect.poll(least, { interval: 1_000 }).toBeLessThan(0.25);
});

test("every figure of the lag is of the same samples, the deviation too", async () => {
  const registry = new MetricRegistry({ processMetrics: true });
  const read = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      [...(await registry.renderText()).matchAll(/^nodejs_eventloop_lag_(\w+)_seconds (\S+)$/gm)].map(([, word = "", value]) => [
        word,
        Number(value),
      ]),
    );
  await expect
    .poll(
      async () => {
        const until = performance.now() + 100;
        while (performance.now() < until);
        return await read();
      },
      { interval: 1_500 },
    )
    .toMatchObject({ stddev: expect.toSatisfy((value: number) => value > 0 && value < 60) });
  expect(Object.keys(await read()).toSorted()).toEqual(["max", "mean", "min", "p50", "p90", "p99", "stddev"]);
});
