// How listings look: fields, ages, sizes. Pure. Tables are table.ts, colours colours.ts.
// Where the text goes is the caller's.
import { DAY_MS, type EpochMs, elapsed, HOUR_MS, MINUTE_MS, SECOND_MS } from "../api/brands.ts";
import { toSafeLine } from "../api/safe-text.ts";

const STEPS = [
  { unit: "d", length: DAY_MS },
  { unit: "h", length: HOUR_MS },
  { unit: "m", length: MINUTE_MS },
  { unit: "s", length: SECOND_MS },
] as const;

/** `45s`, `5m12s`, `3h20m`, `2d4h`: the two largest units. */
export function renderDuration(milliseconds: number): string {
  let rest = Math.floor(milliseconds / SECOND_MS) * SECOND_MS;
  const index = STEPS.findIndex(({ length }) => rest >= length);
  if (index < 0) return "0s";
  return STEPS.slice(index, index + 2)
    .map(({ unit, length }) => {
      const count = Math.floor(rest / length);
      rest -= count * length;
      return count === 0 ? "" : `${count}${unit}`;
    })
    .join("");
}

export const renderAge = (from: EpochMs | null, now: EpochMs): string => (from === null ? "-" : renderDuration(elapsed(from, now)));

/** `key: value` lines, aligned. Empty values are left out. */
export function renderFields(fields: readonly (readonly [string, string])[]): string {
  const shown = fields.filter(([, value]) => value !== "");
  const width = Math.max(0, ...shown.map(([key]) => key.length + 1));
  return shown.map(([key, value]) => `${`${key}:`.padEnd(width + 1)} ${toSafeLine(value)}\n`).join("");
}

/** Of what stands below a title. */
export const INDENT = "  ";

export const indent = (text: string, by = INDENT): string => text.replace(/^(?=.)/gm, by);

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `512 B`, `1.5 MiB`. */
export function renderBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), BYTE_UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${BYTE_UNITS[power] ?? ""}`;
}
