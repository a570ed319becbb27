// Numbers of one benchmark and how they are printed. Ratios and differences are against the raw engine in the same run, measured in turns.
// It measures nothing.

/** What a row is made from, for programs: two runs are compared by it. */
export type Measured =
  /** Milliseconds of each round, of the product and of the raw engine beside it. */
  | { kind: "rounds"; oursMs: readonly number[]; rawMs: readonly number[] }
  | { kind: "value"; value: number; unit: string; better: "less" | "more" };

export interface Row {
  what: string;
  /** What the product took, and what the raw engine took for the same engine work. */
  ours: string;
  raw: string;
  /** The figure that the budget is about. */
  figure: string;
  budget: string;
  ok: boolean;
  measured: Measured;
}

/** Nearest-rank percentile of at least one value. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  // In thousandths: 99.9 % of a thousand is 999, whatever a floating point number makes of it.
  const rank = Math.ceil((Math.round(10 * percent) * sorted.length) / 1_000);
  return sorted[Math.min(sorted.length, rank) - 1] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

/** One round: milliseconds of the product, and of the raw engine right before or after. */
export interface Round {
  ours: number;
  raw: number;
}

export const PERCENTILES = [50, 90, 99, 99.9] as const;

/** Those with at least one value above them: the 99th percentile of thirty is their maximum. */
export const percentilesOf = (count: number): readonly number[] =>
  PERCENTILES.filter((percent) => percent === 50 || count * Math.round(10 * (100 - percent)) >= 1_000);

/** `p50 / p90 / p99 / p99.9` as far as there are rounds enough, then the largest. @param digits after the point */
export function renderSpread(values: readonly number[], digits = 0): string {
  const each = percentilesOf(values.length).map((percent) => percentile(values, percent).toFixed(digits));
  return `${each.join(" / ")} ms, max ${percentile(values, 100).toFixed(digits)}`;
}

const signed = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(0)}`;
const over = (rounds: readonly Round[], percent: number): number =>
  percentile(
    rounds.map(({ ours, raw }) => ours - raw),
    percent,
  );

/** The product's time against the raw engine's, round by round: load that drifts hits both. Ratios are medians of paired ones. */
export function compare(what: string, rounds: readonly Round[], { budgetMs, digits = 0 }: { budgetMs: number; digits?: number }): Row {
  const ratios = rounds.map(({ ours, raw }) => ours / raw);
  const [half, most] = [median(ratios), percentile(ratios, 99)];
  const [oursMs, rawMs] = [rounds.map(({ ours }) => ours), rounds.map(({ raw }) => raw)];
  return {
    what,
    ours: renderSpread(oursMs, digits),
    raw: renderSpread(rawMs, digits),
    figure: `x${half.toFixed(2)} / x${most.toFixed(2)}, ${signed(over(rounds, 50))} / ${signed(over(rounds, 99))} ms`,
    budget: `p50 +${budgetMs} ms`,
    ok: over(rounds, 50) <= budgetMs,
    measured: { kind: "rounds", oursMs, rawMs },
  };
}

/** A figure that has no counterpart of the raw engine's. */
export function toValueRow(
  what: string,
  given: Pick<Row, "ours" | "budget" | "ok"> & Partial<Pick<Row, "raw" | "figure">>,
  measured: Omit<Extract<Measured, { kind: "value" }>, "kind">,
): Row {
  return { what, raw: "-", figure: "-", ...given, measured: { kind: "value", ...measured } };
}

export function renderTable(rows: readonly Omit<Row, "measured">[]): string {
  const head = ["what", "ours, p50 / p90 / p99 / p99.9", "raw engine", "against it, p50 / p99", "budget", ""];
  const cells = rows.map((row) => [row.what, row.ours, row.raw, row.figure, row.budget, row.ok ? "met" : "missed"]);
  return renderCells([head, ...cells]);
}

/** A Markdown table; the first row is its head. */
export function renderCells(rows: readonly (readonly string[])[]): string {
  const [head = [], ...cells] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}
