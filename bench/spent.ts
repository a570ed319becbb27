// Which engine calls the product made, beside what it was asked for: says where a difference to the raw engine comes from.
// Told on standard error; it judges nothing.
import { renderCells } from "./figures.ts";
import type { EngineCalls } from "./site.ts";

/** @param times rounds, or sandboxes: what the calls are divided by */
export function printCalls(what: string, calls: EngineCalls, times: number): void {
  const rows = [...calls]
    .sort(([, left], [, right]) => right.ms - left.ms)
    .map(([operation, { count, ms }]) => [operation, (count / times).toFixed(1), (ms / count).toFixed(1)]);
  console.error(`${what}: engine calls\n${renderCells([["operation", "times each", "ms, mean"], ...rows])}`);
}
