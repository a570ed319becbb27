// Numbers of one benchmark and how they are printed. Ratios and differences are against the raw engine in the same run, measured in turns.

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

const both = (values: readonly number[]): string => `${median(values).toFixed(0)} / ${percentile(values, 99).toFixed(0)} ms`;

/** The product's time against the raw engine's, round by round: load that drifts hits both. */
export function compare(what: string, ours: readonly number[], raw: readonly number[], budgetMs: number): Row {
  const over = ours.map((value, index) => value - (raw[index] ?? Number.NaN));
  const figure = `+${median(over).toFixed(0)} ms (x${(median(ours) / median(raw)).toFixed(2)})`;
  return { what, ours: both(ours), raw: both(raw), figure, budget: `+${budgetMs} ms`, ok: median(over) <= budgetMs };
}

export function renderTable(rows: readonly Row[]): string {
  const head = ["what", "ours, p50 / p99", "raw engine, p50 / p99", "against it", "budget", ""];
  const cells = rows.map((row) => [row.what, row.ours, row.raw, row.figure, row.budget, row.ok ? "met" : "missed"]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}
