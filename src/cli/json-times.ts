// Times in JSON for people and for programs that know no epoch: beside each `startedAt` in milliseconds a `startedAtRfc3339`. Which fields are times their
// names say; what is there stays as it is. Pure.
import { renderTime, toEpochMs } from "../api/brands.ts";

const NAME = /^(?:at|ts|since|until)$|(?:At|Since|Until|Time|Seen)$/;
/** 2001: what is less is a duration or a count. */
const EPOCH_MS_MIN = 1_000_000_000_000;
/** The last moment of a year with four digits. */
const EPOCH_MS_MAX = 253_402_300_799_999;

export function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).flatMap(([name, inner]): [string, unknown][] =>
    isTime(name, inner)
      ? [
          [name, inner],
          [`${name}Rfc3339`, renderTime(toEpochMs(inner))],
        ]
      : [[name, withTimes(inner)]],
  );
  return Object.fromEntries(fields);
}

const isTime = (name: string, value: unknown): value is number =>
  NAME.test(name) && typeof value === "number" && value >= EPOCH_MS_MIN && value <= EPOCH_MS_MAX;
