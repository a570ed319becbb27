// Tables of any content that fit the terminal: what matters least is left out, sentences are wrapped, and what fits in no way is shown row by row.
// No cell is ever cut: a name that is printed can be typed. Pure; in which columns what stands is the commands'.
import columnsOf from "fast-string-width";
import { toSafeLine } from "../api/safe-text.ts";

export interface Fit {
  /** Columns of the terminal that the table may take. */
  width: number;
  /** Heads that may be left out, the first one first. Of those that don't fit, a column without a value goes before any other. Absent: none. */
  optional?: readonly string[];
}

type Row = readonly string[];

const GAP = "  ";
/** A sentence in fewer columns than this is a tower of words: the table is shown row by row instead. */
const WRAPPED_COLUMNS_MIN = 20;
/** What stands where there is nothing. */
const EMPTY = new Set(["", "-"]);

/** Columns as wide as their widest cell, two spaces apart, nothing after the last one. @param fit absent: as wide as it gets */
export function renderTable(head: Row, rows: readonly Row[], fit?: Fit): string {
  const table = layOut(head, rows, fit);
  return table.head === "" ? table.rows.join("\n") : table.head + table.rows.join("");
}

export interface Layout {
  /** Empty where each row says what its cells are. */
  head: string;
  /** As many as there are rows, each of one line or several. */
  rows: string[];
}

/** The same in pieces, for a table that goes on. */
export function layOut(head: Row, rows: readonly Row[], fit?: Fit): Layout {
  const lines = [head, ...rows.map((row) => row.map(toSafeLine))];
  const shown = fit === undefined ? lines : leaveOut(lines, fit);
  const widths = fit === undefined ? toWidths(lines) : shrink(shown, fit.width);
  if (fit !== undefined && widths === null) return { head: "", rows: renderRecords(shown, fit.width) };
  const [first = "", ...rest] = renderLines(shown, widths ?? []);
  return { head: first, rows: rest };
}

const toWidths = (lines: readonly Row[]): number[] =>
  (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => columnsOf(line[column] ?? ""))));

const toTotal = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);

function leaveOut(lines: readonly Row[], { width, optional = [] }: Fit): readonly Row[] {
  const [head = [], ...rows] = lines;
  const isEmpty = (name: string): boolean => rows.every((row) => EMPTY.has(row[head.indexOf(name)] ?? ""));
  const order = [...optional.filter(isEmpty), ...optional.filter((name) => !isEmpty(name))];
  let shown = lines;
  for (const name of order) {
    if (toTotal(toWidths(shown)) <= width) return shown;
    const at = shown[0]?.indexOf(name) ?? -1;
    shown = shown.map((line) => line.toSpliced(at, 1));
  }
  return shown;
}

/**
 * Takes from the widest column that has words to wrap, one column of the terminal at a time. A path at the end may stick out: nothing stands behind it.
 * null: it fits in no way.
 */
function shrink(lines: readonly Row[], width: number): number[] | null {
  const widths = toWidths(lines);
  const least = widths.map((_, column) => {
    if (column === widths.length - 1) return WRAPPED_COLUMNS_MIN;
    const words = lines.flatMap((line) => (line[column] ?? "").split(" "));
    return Math.max(WRAPPED_COLUMNS_MIN, ...words.map((word) => columnsOf(word)));
  });
  for (let excess = toTotal(widths) - width; excess > 0; excess -= 1) {
    const slack = widths.map((own, column) => (own > (least[column] ?? 0) ? own : 0));
    const widest = Math.max(...slack);
    if (widest === 0) return null;
    const at = slack.indexOf(widest);
    widths[at] = widest - 1;
  }
  return widths;
}

/** The rest of a wrapped cell stands below its beginning. */
function renderLines(lines: readonly Row[], widths: readonly number[]): string[] {
  return lines.map((line) => {
    const cells = widths.map((width, column) => wrap(line[column] ?? "", width));
    const height = Math.max(1, ...cells.map((cell) => cell.length));
    return Array.from(
      { length: height },
      (_, at) =>
        `${joinCells(
          cells.map((cell) => cell[at] ?? ""),
          widths,
        )}\n`,
    ).join("");
  });
}

const joinCells = (cells: Row, widths: readonly number[]): string =>
  cells
    .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - columnsOf(cell))))
    .join(GAP)
    .trimEnd();

/** At spaces only; a longer word stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const word of text.split(" ")) {
    if (line !== null && columnsOf(line) + 1 + columnsOf(word) <= width) line += ` ${word}`;
    else {
      if (line !== null) lines.push(line);
      line = word;
    }
  }
  return line === null ? lines : [...lines, line];
}

/** `HEAD  value` lines for each row. What is empty is left out. */
function renderRecords([head = [], ...rows]: readonly Row[], width: number): string[] {
  const label = Math.max(0, ...head.map((name) => columnsOf(name)));
  const renderField = (name: string, value: string): string =>
    wrap(value, width - label - GAP.length)
      .map((line, at) => `${(at === 0 ? name : "").padEnd(label)}${GAP}${line}`.trimEnd())
      .join("\n");
  return rows.map((row) => {
    const fields = head.flatMap((name, column) => (EMPTY.has(row[column] ?? "") ? [] : [renderField(name, row[column] ?? "")]));
    return `${fields.join("\n")}\n`;
  });
}
