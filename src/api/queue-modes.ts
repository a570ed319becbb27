// What a message does that comes while the agent still answers an earlier one, and how many may wait: the words for it, in the config, in requests and in
// commands. Pure. What follows from each is decided in gateway/agent/decide/.
import { type DurationMs, toDurationMs } from "./brands.ts";

/**
 * `steer`: the run takes it in before its next tool call or model call. `followup`: a run of its own afterwards. `collect`: one run afterwards for all that
 * came meanwhile. `interrupt`: the run ends, and one for this message begins.
 */
export const QUEUE_MODES = ["steer", "followup", "collect", "interrupt"] as const;
export type QueueMode = (typeof QUEUE_MODES)[number];

/** Upstream's earlier words. */
const ALIASES: ReadonlyMap<string, QueueMode> = new Map([
  ["steer-backlog", "steer"],
  ["queue", "followup"],
]);

/** @returns `alias`: the word that was written for it, where it is an earlier one; null: it means none */
export function toQueueMode(text: string): { mode: QueueMode; alias: string | null } | null {
  const word = text.trim().toLowerCase();
  const mode = QUEUE_MODES.find((known) => known === word);
  if (mode !== undefined) return { mode, alias: null };
  const aliased = ALIASES.get(word);
  return aliased === undefined ? null : { mode: aliased, alias: word };
}

/** What becomes of one too many. `new`: it is refused. `old`: the oldest that waits is dropped. `summarize`: the beginning of the oldest is all that is kept of it. */
export const QUEUE_DROPS = ["new", "old", "summarize"] as const;
export type QueueDrop = (typeof QUEUE_DROPS)[number];

export interface QueueLimits {
  /** For so long nothing must have come before those that wait are taken. 0: at once. */
  readonly debounceMs: DurationMs;
  /** Messages that may wait; at least 1. */
  readonly cap: number;
  readonly drop: QueueDrop;
}

export const QUEUE_LIMITS: QueueLimits = { debounceMs: toDurationMs(500), cap: 20, drop: "new" };
/** A message may be 1 MiB. */
export const QUEUE_CAP_MAX = 100;
export const QUEUE_DEBOUNCE_MS_MAX = 600_000;

/** null: it does not say. */
export interface QueueWish {
  /** `default`: all of it as the config says. */
  readonly mode: QueueMode | "default" | null;
  readonly alias: string | null;
  readonly debounceMs: DurationMs | null;
  readonly cap: number | null;
  readonly drop: QueueDrop | null;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000 };

/** `collect debounce:2s cap:10 drop:old`, any of them left out. null: it is none, or says nothing */
export function toQueueWish(text: string): QueueWish | null {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let wish: QueueWish = { mode: null, alias: null, debounceMs: null, cap: null, drop: null };
  for (const [at, word] of words.entries()) {
    const part = at === 0 && !word.includes(":") ? toModePart(word) : toLimitPart(word);
    if (part === null) return null;
    wish = { ...wish, ...part };
  }
  return words.length === 0 ? null : wish;
}

const toModePart = (word: string): Pick<QueueWish, "mode" | "alias"> | null =>
  word === "default" ? { mode: "default", alias: null } : toQueueMode(word);

function toLimitPart(word: string): Partial<QueueWish> | null {
  const [, name, value = ""] = /^(debounce|cap|drop):(.+)$/.exec(word) ?? [];
  if (name === "drop") {
    const drop = QUEUE_DROPS.find((known) => known === value);
    return drop === undefined ? null : { drop };
  }
  if (name === "cap") {
    const cap = /^\d{1,4}$/.test(value) ? Number(value) : 0;
    return cap >= 1 && cap <= QUEUE_CAP_MAX ? { cap } : null;
  }
  const [, digits, unit = ""] = name === "debounce" ? (/^(\d{1,6})(ms|s|m)?$/.exec(value) ?? []) : [];
  if (digits === undefined) return null;
  const debounceMs = Number(digits) * (UNITS[unit] ?? 1);
  return debounceMs <= QUEUE_DEBOUNCE_MS_MAX ? { debounceMs: toDurationMs(debounceMs) } : null;
}
