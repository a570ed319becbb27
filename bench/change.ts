// Compares two results row by row: how a figure changed from one checkout to the other, and whether that is more than chance. It measures nothing.
import { createDice, type Dice } from "../src/controller/fixtures/dice.fixture.ts";
import { type Measured, median, renderCells } from "./figures.ts";
import type { Result, Results } from "./results.ts";

export interface Change {
  what: string;
  before: number;
  after: number;
  unit: string;
  /** After divided by before: of rounds, medians of ratios against the raw engine of their own run, so that another load is no change. */
  factor: number;
  /** In which 95 of 100 such comparisons lie. null: one value each says nothing about chance. */
  interval: readonly [low: number, high: number] | null;
  verdict: "faster" | "slower" | "better" | "worse" | "same";
}

const RESAMPLES = 2_000;
const PERCENT_LOW = 2.5;
const SEED = 1;
/** A single value that moved by less than this is as before. */
const SINGLE_MIN = 0.1;
const ONE_OF_MILLION = 1_000_000;

const ratiosOf = ({ oursMs, rawMs }: Extract<Measured, { kind: "rounds" }>): number[] =>
  oursMs.map((ours, round) => ours / (rawMs[round] ?? Number.NaN));

const resample = (values: readonly number[], dice: Dice): number[] =>
  values.map(() => values[Math.floor((dice.throw(ONE_OF_MILLION) / ONE_OF_MILLION) * values.length)] ?? Number.NaN);

/** Percentile bootstrap: the factor over and over, each time of as many rounds drawn with replacement. */
export function intervalOf(before: readonly number[], after: readonly number[]): [low: number, high: number] {
  const dice = createDice(SEED);
  const factors = Array.from({ length: RESAMPLES }, () => median(resample(after, dice)) / median(resample(before, dice)));
  const sorted = factors.toSorted((left, right) => left - right);
  const at = (percent: number): number => sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? Number.NaN;
  return [at(PERCENT_LOW), at(100 - PERCENT_LOW)];
}

function changeOf(was: Result, is: Result): Change | null {
  const [before, after] = [was.measured, is.measured];
  if (before === null || after === null) return null;
  if (before.kind === "rounds" && after.kind === "rounds") {
    const [then, now] = [ratiosOf(before), ratiosOf(after)];
    const [factor, interval] = [median(now) / median(then), intervalOf(then, now)];
    const verdict = interval[1] < 1 ? "faster" : interval[0] > 1 ? "slower" : "same";
    return { what: is.what, before: median(then), after: median(now), unit: "x the raw engine", factor, interval, verdict };
  }
  if (before.kind !== "value" || after.kind !== "value") return null;
  const factor = after.value / before.value;
  const isBetter = after.better === "less" ? factor < 1 : factor > 1;
  const verdict = before.value === after.value || Math.abs(factor - 1) < SINGLE_MIN ? "same" : isBetter ? "better" : "worse";
  return { what: is.what, before: before.value, after: after.value, unit: after.unit, factor, interval: null, verdict };
}

/** Of the rows that both have; in the order of `after`. */
export function changesOf(before: Results, after: Results): Change[] {
  return after.rows.flatMap((is) => {
    const was = before.rows.find(({ what }) => what === is.what);
    return was === undefined ? [] : (changeOf(was, is) ?? []);
  });
}

const number = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

export function renderChanges(changes: readonly Change[]): string {
  const cells = changes.map(({ what, before, after, unit, factor, interval, verdict }) => [
    what,
    `${number(before)} ${unit}`,
    `${number(after)} ${unit}`,
    `x${factor.toFixed(2)}`,
    interval === null ? "one value each" : `x${interval[0].toFixed(2)} to x${interval[1].toFixed(2)}`,
    verdict,
  ]);
  return renderCells([["what", "before", "after", "factor", "of 100 comparisons 95 lie within", ""], ...cells]);
}
