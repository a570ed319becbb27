// Numbers of one benchmark and how they are printed. Ratios and differences are against the raw engine in the same run, measured in turns.
// It measures nothing.

export interface Row {
  what: string;
  /** What the product took, and what the raw engine took for the same engine work. */
  ours: string;
  raw: string;
  /** The figure that the budget is about. */
  figure: string;
  budget: string;
  ok: boolean;
}

/** Nearest-rank percentile of at least one value. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

/** One round: milliseconds of the product, and of the raw engine right before or after. */
export interface Round {
  ours: number;
  raw: number;
}

const both = (values: readonly number[]): string => `${median(values).toFixed(0)} / ${percentile(values, 99).toFixed(0)} ms`;
const signed = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(0)}`;

/** The product's time against the raw engine's, round by round: load that drifts hits both. */
export function compare(what: string, rounds: readonly Round[], budgetMs: number): Row {
  const over = rounds.map(({ ours, raw }) => ours - raw);
  const ratios = rounds.map(({ ours, raw }) => ours / raw);
  const [half, most] = [median, (values: readonly number[]) => percentile(values, 99)];
  return {
    what,
    ours: both(rounds.map(({ ours }) => ours)),
    raw: both(rounds.map(({ raw }) => raw)),
    figure: `x${half(ratios).toFixed(2)} / x${most(ratios).toFixed(2)}, ${signed(half(over))} / ${signed(most(over))} ms`,
    budget: `p50 +${budgetMs} ms`,
    ok: half(over) <= budgetMs,
  };
}

export function renderTable(rows: readonly Row[]): string {
  const head = ["what", "ours, p50 / p99", "raw engine, p50 / p99", "against it, p50 / p99", "budget", ""];
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
