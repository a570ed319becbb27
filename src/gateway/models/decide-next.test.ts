import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { decideNext, type FailedTry } from "./decide-next.ts";
import { MODEL_FAILURES, type ModelFailure } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";

const START = toEpochMs(1_000_000);

function decide(failure: ModelFailure, more: Partial<FailedTry> & { retryAfterMs?: number } = {}): string {
  const { retryAfterMs, ...facts } = more;
  const error = toModelFailure(failure, "it failed", retryAfterMs === undefined ? {} : { retryAfterMs });
  const next = decideNext({ error, tries: 1, isRenewable: false, since: START, now: START, chance: 0.5, ...facts });
  if (next.kind === "retry") return `retry in ${next.afterMs} ms`;
  return next.kind === "next-key" && next.restMs > 0 ? `next-key, rest ${next.restMs} ms` : next.kind;
}

test("each failure has its consequence", () => {
  expect(Object.fromEntries(MODEL_FAILURES.map((failure) => [failure, decide(failure)]))).toEqual({
    "rate-limited": "retry in 500 ms",
    quota: "next-key, rest 60000 ms",
    unauthenticated: "next-key",
    "no-credential": "next-key",
    transient: "retry in 500 ms",
    cut: "retry in 500 ms",
    silent: "retry in 500 ms",
    "timed-out": "next-model",
    garbage: "retry in 500 ms",
    "too-large": "next-model",
    overflow: "stop",
    rejected: "next-model",
    "over-budget": "stop",
    aborted: "stop",
  });
});

test("waits double up to half a minute, and differ by a quarter", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7].map((tries) => decide("transient", { tries }));
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000].map((ms) => `retry in ${ms} ms`));
  expect([decide("transient", { chance: 0 }), decide("transient", { chance: 1 })]).toEqual(["retry in 375 ms", "retry in 625 ms"]);
});

test("tries end after ten of a rate limit, eight of what passes, two of silence and of garbage", () => {
  expect([decide("rate-limited", { tries: 9 }), decide("rate-limited", { tries: 10 })]).toEqual([
    "retry in 30000 ms",
    "next-key, rest 60000 ms",
  ]);
  expect([decide("transient", { tries: 7 }), decide("transient", { tries: 8 })]).toEqual(["retry in 30000 ms", "next-key"]);
  expect([decide("silent", { tries: 2 }), decide("garbage", { tries: 2 })]).toEqual(["next-key", "next-key"]);
});

test("Retry-After is waited for up to a minute, and a key whose provider asks for more rests that long", () => {
  expect(decide("rate-limited", { retryAfterMs: 7_000 })).toBe("retry in 7000 ms");
  expect(decide("rate-limited", { retryAfterMs: 60_000 })).toBe("retry in 60000 ms");
  expect(decide("rate-limited", { retryAfterMs: 61_000 })).toBe("next-key, rest 61000 ms");
  expect(decide("rate-limited", { retryAfterMs: 9_000_000 })).toBe("next-key, rest 3600000 ms");
  expect(decide("transient", { retryAfterMs: 61_000 })).toBe("next-key");
});

test("no try begins later than 90 s after the first one failed", () => {
  expect(decide("transient", { tries: 3, now: toEpochMs(START + 88_000) })).toBe("retry in 2000 ms");
  expect(decide("transient", { tries: 3, now: toEpochMs(START + 88_001) })).toBe("next-key");
});

test("a refused token that can be renewed is tried once more, a key is not", () => {
  expect(decide("unauthenticated", { isRenewable: true })).toBe("retry in 0 ms");
  expect(decide("unauthenticated", { isRenewable: true, tries: 2 })).toBe("next-key");
});
