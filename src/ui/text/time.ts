// How spans and moments are written on the page: short, in the unit that matters. Pure; what time it is, is an argument.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `0s`, `42s`, `5m 20s`, `3h 5m`, `2d 4h`: two units at most, and the second only where it says something. */
export function renderSpan(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)}s`;
  if (ms < 10 * MINUTE_MS) return join([Math.floor(ms / MINUTE_MS), "m"], [Math.floor((ms % MINUTE_MS) / SECOND_MS), "s"]);
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms < DAY_MS) return join([Math.floor(ms / HOUR_MS), "h"], [Math.floor((ms % HOUR_MS) / MINUTE_MS), "m"]);
  return join([Math.floor(ms / DAY_MS), "d"], [Math.floor((ms % DAY_MS) / HOUR_MS), "h"]);
}

const join = ([large, largeUnit]: [number, string], [small, smallUnit]: [number, string]): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;

/** `5m ago`, `just now`, or `in 5m`. */
export function renderAgo(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < SECOND_MS) return "just now";
  return ms > 0 ? `${renderSpan(ms)} ago` : `in ${renderSpan(-ms)}`;
}

/** `14:03:21` today, else with its date; in the reader's own zone. */
export function renderMoment(at: number, now: number): string {
  const date = new Date(at);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  if (new Date(now).toDateString() === date.toDateString()) return time;
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  return `${day} ${time}`;
}

/** A sentence of the controller's, with its moments (RFC 3339) as the reader's own time. */
export function withLocalTimes(text: string, now: number): string {
  return text.replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, (moment) => renderMoment(Date.parse(moment), now));
}
