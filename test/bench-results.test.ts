// What the benchmarks make of their rounds: percentiles, comparisons of two checkouts, files, plots, and arrivals that wait for nobody.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { changesOf, renderChanges } from "../bench/change.ts";
import { compare, type Row, renderSpread, toValueRow } from "../bench/figures.ts";
import type { Machine } from "../bench/machine.ts";
import { play, scheduleOf } from "../bench/open-loop.ts";
import { drawAll } from "../bench/plots.ts";
import { merge, NO_RESULTS, type Results, readResults, writeResults } from "../bench/results.ts";

const machineOf = (commit: string): Machine => ({
  ...{ at: "2026-01-31T12:00:00.000Z", commit, processor: "a processor", cores: 2, memoryMb: 4_096, kernel: "6.1.0" },
  ...{ engine: "Docker 20.10.24", runtime: "runc", storage: "overlay2", node: "v24.0.0", loadBefore: 0.1, pressurePercent: null },
});

/** Rounds about `oursMs` and `rawMs` whose spread is the same each time. */
const rowOf = (what: string, oursMs: number, rawMs: number, rounds = 100): Row =>
  compare(
    what,
    Array.from({ length: rounds }, (_, round) => ({ ours: oursMs * (1 + (round % 10) / 50), raw: rawMs * (1 + (round % 7) / 50) })),
    { budgetMs: 15 },
  );

const resultsOf = (...rows: Row[]): Results => merge(NO_RESULTS, machineOf("abc"), new Map([["one", rows]]));

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-bench-test-"));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  return folder;
}

test.each([
  [30, "15 / 27 ms, max 30"],
  [5, "3 ms, max 5"],
  [100, "50 / 90 / 99 ms, max 100"],
  [1_000, "500 / 900 / 990 / 999 ms, max 1000"],
])("of %i rounds those percentiles are told that differ from the largest: %s", (count, told) => {
  expect(renderSpread(Array.from({ length: count }, (_, index) => index + 1))).toBe(told);
});

test("a run in a busier hour, in which the engine takes twice as long too, is no change", () => {
  const [change] = changesOf(resultsOf(rowOf("exec", 20, 50)), resultsOf(rowOf("exec", 40, 100)));
  expect(change).toMatchObject({ verdict: "same", factor: 1 });
});

test("a run that takes a fifth longer beside the same engine is slower, one that takes a fifth less is faster, beyond chance", () => {
  const before = resultsOf(rowOf("exec", 20, 50));
  const [slower] = changesOf(before, resultsOf(rowOf("exec", 24, 50)));
  const [faster] = changesOf(before, resultsOf(rowOf("exec", 16, 50)));
  expect([slower?.verdict, faster?.verdict]).toEqual(["slower", "faster"]);
  expect(slower?.interval?.[0]).toBeGreaterThan(1.1);
  expect(renderChanges(slower === undefined ? [] : [slower])).toMatch(/x1\.20 .* x1\.\d\d to x1\.\d\d .*slower/);
});

test("of a figure that has one value a tenth is no change, and what better means is its own", () => {
  const singleOf = (value: number, better: "less" | "more"): Results =>
    resultsOf(toValueRow("figure", { ours: `${value}`, budget: "-", ok: true }, { value, unit: "MB", better }));
  const verdictOf = (before: number, after: number, better: "less" | "more") =>
    changesOf(singleOf(before, better), singleOf(after, better))[0]?.verdict;
  expect([verdictOf(100, 95, "less"), verdictOf(100, 80, "less"), verdictOf(100, 80, "more")]).toEqual(["same", "better", "worse"]);
  expect(verdictOf(0, 0, "less")).toBe("same");
});

test("a run of one benchmark takes the place of its rows alone, and its machine stands beside them", async () => {
  const first = merge(
    NO_RESULTS,
    machineOf("old"),
    new Map([
      ["one", [rowOf("a", 1, 1), rowOf("b", 1, 1)]],
      ["two", [rowOf("c", 1, 1)]],
    ]),
  );
  const second = merge(
    first,
    machineOf("new"),
    new Map([
      ["one", [rowOf("a", 2, 1)]],
      ["three", [rowOf("d", 1, 1)]],
    ]),
  );
  const told = second.rows.map(({ what, machine }) => `${what} ${second.machines[machine]?.commit}`);
  expect(told).toEqual(["a new", "c old", "d new"]);
  const last = merge(second, machineOf("last"), new Map([["two", [rowOf("c", 1, 1)]]]));
  expect(last.machines.map(({ commit }) => commit)).toEqual(["new", "last"]);
  const path = join(await makeFolder(), "results.json");
  await writeResults(path, last);
  expect(await readResults(path)).toEqual(last);
});

test("what stands in the docs is such a file", async () => {
  const { rows } = await readResults(join(import.meta.dirname, "..", "docs", "benchmarks.json"));
  const page = await readFile(join(import.meta.dirname, "..", "docs", "benchmarks.md"), "utf8");
  expect(rows.filter(({ what }) => !page.includes(`| ${what} `))).toEqual([]);
});

test("each row with rounds is drawn, and the same figures give the same picture", async () => {
  const folder = await makeFolder();
  const results = resultsOf(
    rowOf("exec `true` & more", 20, 50),
    toValueRow("a value", { ours: "1", budget: "-", ok: true }, { value: 1, unit: "MB", better: "less" }),
  );
  const read = async (): Promise<string> => await readFile(join(folder, "exec-true-more.svg"), "utf8");
  expect(await drawAll(folder, results.rows)).toEqual([{ file: "exec-true-more.svg", what: "exec `true` & more" }]);
  const svg = await read();
  expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  for (const text of ["exec `true` &amp; more", "this product, p50 ", "raw engine, p50 "]) expect(svg).toContain(text);
  await drawAll(folder, results.rows);
  expect(await read()).toBe(svg);
});

test("arrivals wait for no answer, and each is counted from when it was due", async () => {
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const asked: number[] = [];
  const schedule = [0, 1, 2].map((sandbox) => ({ dueMs: 10 * sandbox, sandbox }));
  const answers = await play(schedule, async (sandbox) => {
    asked.push(sandbox);
    if (sandbox === 2) resolve();
    await first;
  });
  expect(asked).toEqual([0, 1, 2]);
  // The first two were answered once the third was asked.
  expect(answers[0]).toBeGreaterThanOrEqual(20);
  expect(answers[0]).toBeGreaterThan(answers[1] ?? Number.NaN);
});

test("a schedule is the same for the same seed, and comes as often as it says", () => {
  const schedule = scheduleOf(7);
  expect(scheduleOf(7)).toEqual(schedule);
  expect(scheduleOf(8)).not.toEqual(schedule);
  const gaps = schedule.map(({ dueMs }, index) => dueMs - (schedule[index - 1]?.dueMs ?? 0));
  expect(gaps.every((gap) => gap >= 0)).toBe(true);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(mean).toBeGreaterThan(180);
  expect(mean).toBeLessThan(330);
});
