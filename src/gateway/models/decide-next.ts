// What comes after a failed call: the same again after a while, another key, another model, or the end. Pure; the clock and chance are arguments.
// Who makes the calls, and in which order keys and models are listed, is model-service.ts's.
import { type DurationMs, type EpochMs, elapsed, later, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import type { ModelError, ModelFailure } from "./model-call.ts";

export type Next =
  | { kind: "retry"; afterMs: DurationMs }
  /** @property restMs how long this key is left alone; 0: not at all */
  | { kind: "next-key"; restMs: DurationMs }
  | { kind: "next-model" }
  | { kind: "stop" };

export interface FailedTry {
  error: ModelError;
  /** With this key and this model, this one among them. */
  tries: number;
  /** Whether whoever gives the key makes a new one of it. */
  isRenewable: boolean;
  /** When the first of them failed: an answer may take minutes before it is cut. */
  since: EpochMs;
  now: EpochMs;
  /** 0 to 1. */
  chance: number;
}

/** Tries with one key and one model, for failures that pass by themselves. The others are not tried again. */
const TRIES_MAX: Partial<Record<ModelFailure, number>> = {
  "rate-limited": 10,
  transient: 8,
  cut: 8,
  silent: 2,
  // A proxy's page of HTML is there again in a second; a program that speaks another protocol always is.
  garbage: 2,
};
/** No try begins later than this after the first one failed: a person is waiting. */
const WINDOW_MS = toDurationMs(90 * SECOND_MS);
/** A provider that asks for more is not waited for. */
const RETRY_AFTER_MS_MAX = toDurationMs(60 * SECOND_MS);
/** 0.5, 1, 2, 4 ... s, each up to a quarter more or less, so that those who failed together do not come back together. */
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
const SPREAD = 0.25;
/** How long a key is left alone when its provider said nothing of when to come back, and the longest when it did. */
const REST_MS = toDurationMs(60 * SECOND_MS);
const REST_MS_MAX = toDurationMs(3_600 * SECOND_MS);

export function decideNext(failed: FailedTry): Next {
  const { error, tries } = failed;
  switch (error.failure) {
    case "aborted":
    // The caller compacts: another model would only be asked the same.
    case "overflow":
    case "over-budget":
      return { kind: "stop" };
    case "rejected":
    case "too-large":
    case "timed-out":
      return { kind: "next-model" };
    case "unauthenticated":
      return failed.isRenewable && tries === 1
        ? { kind: "retry", afterMs: toDurationMs(0) }
        : { kind: "next-key", restMs: toDurationMs(0) };
    case "no-credential":
      return { kind: "next-key", restMs: toDurationMs(0) };
    case "quota":
      return { kind: "next-key", restMs: restOf(error) };
    case "rate-limited":
    case "transient":
    case "cut":
    case "silent":
    case "garbage":
      return tries < (TRIES_MAX[error.failure] ?? 0) ? retryOrMoveOn(failed) : moveOn(error);
  }
}

function retryOrMoveOn({ error, tries, since, now, chance }: FailedTry): Next {
  if (error.retryAfterMs !== null && error.retryAfterMs > RETRY_AFTER_MS_MAX) return moveOn(error);
  const afterMs = toDurationMs(Math.max(error.retryAfterMs ?? 0, backoffMs(tries, chance)));
  return elapsed(since, later(now, afterMs)) > WINDOW_MS ? moveOn(error) : { kind: "retry", afterMs };
}

/** Another key may lead to another place (a ChatGPT sign-in does). Only a limit is the key's own, and lasts. */
function moveOn(error: ModelError): Next {
  return { kind: "next-key", restMs: error.failure === "rate-limited" ? restOf(error) : toDurationMs(0) };
}

const restOf = ({ retryAfterMs }: ModelError): DurationMs => toDurationMs(Math.min(retryAfterMs ?? REST_MS, REST_MS_MAX));

function backoffMs(tries: number, chance: number): number {
  const doubled = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (tries - 1));
  return Math.round(doubled * (1 - SPREAD + 2 * SPREAD * chance));
}
