// Draws the rounds of a row as an SVG: how many of them took no longer than so long, ours beside the raw engine's. The drawing is ECharts'.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { init } from "echarts";
import { median, PERCENTILES, percentile, percentilesOf } from "./figures.ts";
import type { Result } from "./results.ts";

const SIZE = { width: 720, height: 360 };
/** Told apart by those who see no red or green, and in grey. */
const COLOURS = { ours: "#0072b2", raw: "#d55e00" };

type Drawn = Result & { measured: Extract<NonNullable<Result["measured"]>, { kind: "rounds" }> };

const isDrawn = (row: Result): row is Drawn => row.measured?.kind === "rounds";

/** `exec-true-through-gateway-and-controller` */
export const toPlotName = (what: string): string =>
  what
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** From the fastest round to the slowest: milliseconds, and the percentage of rounds that took no longer. */
const stepsOf = (values: readonly number[]): [number, number][] =>
  values.toSorted((left, right) => left - right).map((value, index) => [value, (100 * (index + 1)) / values.length]);

function toSeries(name: string, values: readonly number[], { color, type }: { color: string; type: "solid" | "dashed" }): object {
  const known = new Set(percentilesOf(values.length));
  const marks = PERCENTILES.filter((percent) => known.has(percent)).map((percent) => ({ coord: [percentile(values, percent), percent] }));
  return {
    name: `${name}, p50 ${median(values).toFixed(1)} ms`,
    type: "line",
    step: "end",
    showSymbol: false,
    data: stepsOf(values),
    lineStyle: { color, type, width: 2 },
    itemStyle: { color },
    markPoint: { symbol: "circle", symbolSize: 7, data: marks, label: { show: false }, itemStyle: { color } },
  };
}

/** SVG text. The same figures give the same text. */
export function drawRounds({ what, measured: { oursMs, rawMs } }: Drawn): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  const longestMs = Math.max(percentile(oursMs, 99), percentile(rawMs, 99));
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: what, left: "center", textStyle: { fontSize: 14 } },
    legend: { bottom: 0 },
    grid: { left: 64, right: 24, top: 40, bottom: 72 },
    xAxis: { type: "value", name: "milliseconds", nameLocation: "middle", nameGap: 26, min: 0, max: Math.ceil(longestMs * 1.2) },
    yAxis: { type: "value", name: "% of rounds", min: 0, max: 100 },
    series: [
      toSeries("this product", oursMs, { color: COLOURS.ours, type: "solid" }),
      toSeries("raw engine", rawMs, { color: COLOURS.raw, type: "dashed" }),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Without what a pointer would do, and without names that count the charts of this process: a plot changes when its figures do.
  return svg
    .replace(/<style[\s\S]*?<\/style>\n?/, "")
    .replaceAll(/ class="[^"]*"/g, "")
    .replaceAll(/\bzr\d+-/g, "plot-");
}

/** One file for each row that has rounds. @returns their names and what they show */
export async function drawAll(folder: string, rows: readonly Result[]): Promise<{ file: string; what: string }[]> {
  await mkdir(folder, { recursive: true });
  const drawn = rows.filter(isDrawn);
  for (const row of drawn) await writeFile(join(folder, `${toPlotName(row.what)}.svg`), `${drawRounds(row)}\n`);
  return drawn.map(({ what }) => ({ file: `${toPlotName(what)}.svg`, what }));
}
