// Every metric that the two processes have, asked of the code that makes them. Tests hold rules and dashboards against it.
import { toDurationMs } from "../src/api/brands.ts";
import { ControllerMetrics } from "../src/controller/metrics/metrics.ts";
import { GatewayMetrics } from "../src/gateway/metrics.ts";

/** All different matches of the pattern's first group, sorted. */
export const namesIn = (pattern: RegExp, text: string): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ""))].sort();

/** As a scrape names them: histograms by their `_bucket`, `_sum` and `_count`. */
export async function existingMetrics(): Promise<ReadonlySet<string>> {
  const build = { version: "1", revision: "1", processMetrics: true };
  const controller = new ControllerMetrics(build);
  const none = toDurationMs(0);
  const idle = {
    depth: { live: 0, change: 0, resync: 0 },
    active: 0,
    delayed: 0,
    unfinishedMs: none,
    longestRunningMs: none,
    oldestWaitMs: none,
  };
  controller.loop.watch({ stats: () => idle }, 1);
  const gateway = new GatewayMetrics(build);
  const scrape = (await Promise.all([controller.registry.renderText(), gateway.registry.renderText()])).join("");
  return new Set(namesIn(/^(\w+)[{ ]/gm, scrape));
}
