// Results in a file: every row with what it was made from and the machine that it was measured on. A later run of some benchmarks takes the place of
// their rows alone. What is measured, and how two files are compared, is in the other files.
import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { Row } from "./figures.ts";
import { Machine } from "./machine.ts";

const Milliseconds = z.array(z.number());
const Measured = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("rounds"), oursMs: Milliseconds, rawMs: Milliseconds }),
  z.strictObject({ kind: z.literal("value"), value: z.number(), unit: z.string(), better: z.enum(["less", "more"]) }),
]);

const Result = z.strictObject({
  benchmark: z.string(),
  what: z.string(),
  ours: z.string(),
  raw: z.string(),
  figure: z.string(),
  budget: z.string(),
  ok: z.boolean(),
  /** null: the table's words are all that was kept. */
  measured: Measured.nullable(),
  /** Index into `machines`. */
  machine: z.int(),
});

export const Results = z.strictObject({ machines: z.array(Machine), rows: z.array(Result) });
export type Results = z.output<typeof Results>;
export type Result = z.output<typeof Result>;

export const NO_RESULTS: Results = { machines: [], rows: [] };

/** @throws Error: it is not such a file */
export const readResults = async (path: string): Promise<Results> => Results.parse(JSON.parse(await readFile(path, "utf8")));

/** Hundredths of a millisecond are below what a clock call costs. */
const rounded = (values: readonly number[]): number[] => values.map((value) => Math.round(value * 100) / 100);

export function toResult(benchmark: string, { measured, ...row }: Row, machine: number): Result {
  const kept =
    measured.kind === "rounds" ? { ...measured, oursMs: rounded(measured.oursMs), rawMs: rounded(measured.rawMs) } : { ...measured };
  return { benchmark, ...row, measured: kept, machine };
}

/** Rows of the benchmarks that were run now take the place of those that they had, or come last. */
export function merge(before: Results, machine: Machine, ran: ReadonlyMap<string, readonly Row[]>): Results {
  const machines = [...before.machines, machine];
  const fresh = [...ran].map(([name, rows]) => [name, rows.map((row) => toResult(name, row, machines.length - 1))] as const);
  const known = new Set(before.rows.map(({ benchmark }) => benchmark));
  const seen = new Set<string>();
  const rows = before.rows.flatMap((row) => {
    const now = fresh.find(([name]) => name === row.benchmark)?.[1];
    if (now === undefined) return [row];
    if (seen.has(row.benchmark)) return [];
    seen.add(row.benchmark);
    return now;
  });
  return withoutUnused({ machines, rows: [...rows, ...fresh.flatMap(([name, now]) => (known.has(name) ? [] : now))] });
}

function withoutUnused({ machines, rows }: Results): Results {
  const used = [...new Set(rows.map(({ machine }) => machine))].toSorted((left, right) => left - right);
  return {
    machines: used.flatMap((index) => machines[index] ?? []),
    rows: rows.map((row) => ({ ...row, machine: used.indexOf(row.machine) })),
  };
}

/** A line for each row, so that a change of one benchmark is a change of its lines. */
export async function writeResults(path: string, { machines, rows }: Results): Promise<void> {
  const lines = (items: readonly object[]): string => items.map((item) => `    ${JSON.stringify(item)}`).join(",\n");
  await writeFile(path, `{\n  "machines": [\n${lines(machines)}\n  ],\n  "rows": [\n${lines(rows)}\n  ]\n}\n`);
}
