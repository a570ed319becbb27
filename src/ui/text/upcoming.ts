// What will happen to sandboxes and when, from what each says of itself, soonest first. Pure.
import type { Sandbox } from "../../api/sandbox.ts";

export interface Upcoming {
  at: number;
  sandbox: Sandbox;
  /** What happens then, as the end of a sentence that begins with the sandbox. */
  what: string;
}

/** `removed at 2026-01-31T12:00:00.000Z if it stays unused (prune.idleHours)` */
const WITH_MOMENT = /^(.*?)\s?\bat (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)(.*)$/;

/** Whether the line is one of those that say when. */
export const hasMoment = (line: string): boolean => WITH_MOMENT.test(line);

export function toUpcoming(sandboxes: readonly Sandbox[], now: number): Upcoming[] {
  return sandboxes
    .flatMap((sandbox) => upcomingOf(sandbox).map((found) => ({ ...found, sandbox })))
    .filter(({ at }) => at > now)
    .toSorted((one, other) => one.at - other.at);
}

function upcomingOf({ status }: Sandbox): Omit<Upcoming, "sandbox">[] {
  const { deferredUntil, failure, servingFailure, next } = status;
  const found: Omit<Upcoming, "sandbox">[] = [];
  if (deferredUntil !== null) found.push({ at: deferredUntil, what: "is updated if it stays unused" });
  for (const retry of [failure, servingFailure])
    if (retry !== null) found.push({ at: retry.retryAt, what: `is tried again after ${retry.code}` });
  for (const line of next) {
    const [, before = "", moment, after = ""] = WITH_MOMENT.exec(line) ?? [];
    const at = moment === undefined ? Number.NaN : Date.parse(moment);
    // What is known to the millisecond already is not said twice.
    if (Number.isNaN(at) || found.some((known) => Math.abs(known.at - at) < 1)) continue;
    found.push({ at, what: `is ${before === "retrying" ? "tried again" : before}${after}` });
  }
  return found;
}
