// What will happen to sandboxes and when, from what each says of itself, soonest first. Pure.
import type { Sandbox } from "../../api/sandbox.ts";

export interface Upcoming {
  at: number;
  sandbox: Sandbox;
  /** What happens then, as the end of a sentence that begins with the sandbox. */
  what: string;
}

/** `removed at 2026-01-31T12:00:00.000Z if it stays unused (prune.idleHours)` */
const MOMENT = /\s?\bat (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/;

/** Whether the line is one of those that say when. */
export const hasMoment = (line: string): boolean => MOMENT.test(line);

/** What is over by now is among it. */
export const toUpcoming = (sandboxes: readonly Sandbox[]): Upcoming[] =>
  sandboxes.flatMap((sandbox) => upcomingOf(sandbox).map((found) => ({ ...found, sandbox }))).toSorted((one, other) => one.at - other.at);

function upcomingOf({ status }: Sandbox): Omit<Upcoming, "sandbox">[] {
  const { deferredUntil, failure, servingFailure, next } = status;
  const found: Omit<Upcoming, "sandbox">[] = [];
  if (deferredUntil !== null) found.push({ at: deferredUntil, what: "is updated if it stays unused" });
  for (const retry of [failure, servingFailure])
    if (retry !== null) found.push({ at: retry.retryAt, what: `is tried again after ${retry.code}` });
  for (const line of next) {
    const moment = MOMENT.exec(line);
    if (moment === null) continue;
    const at = Date.parse(moment[1] ?? "");
    // What is known to the millisecond already is not said twice.
    if (Number.isNaN(at) || found.some((known) => Math.abs(known.at - at) < 1)) continue;
    const [before, after] = [line.slice(0, moment.index), line.slice(moment.index + moment[0].length)];
    found.push({ at, what: `is ${before === "retrying" ? "tried again" : before}${after}` });
  }
  return found;
}
