// What the metrics of a process say of its event loop. Those of the product are controller/metrics and gateway/metrics.
import { expect, test } from "vitest";
import { MetricRegistry } from "./metrics-registry.ts";

test("the lag of an event loop that is on time is not the interval at which it is sampled", async () => {
  const registry = new MetricRegistry({ processMetrics: true });
  const least = async (): Promise<number> => Number(/^nodejs_eventloop_lag_min_seconds (\S+)$/m.exec(await registry.renderText())?.[1]);
  // Sampled every 100 ms, from the second one after a scrape on: with the interval in it, no sample is ever below that.
  await expect.poll(least, { interval: 500 }).toBeLessThan(0.1);
});
