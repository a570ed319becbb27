// Decides when a failed attempt may be made again. Pure: chance is an argument.
import { type DurationMs, type EpochMs, elapsed, later, MINUTE_MS, SECOND_MS } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import type { PlanInput } from "./types.ts";

/** 10 s, 20 s, 40 s, 80 s, 160 s, then 5 min: five doublings reach the limit, as kubelet's does. */
const RETRY_MS_MIN = (10 * SECOND_MS) as DurationMs;
const RETRY_MS_MAX = (5 * MINUTE_MS) as DurationMs;

/** A container that ended: the first restart is at once, then 1 s, 2 s, 4 s ... 5 min. */
const CRASH_MS_MIN = SECOND_MS;
/** What has run this long is not in a loop: its next end counts as the first. */
export const CRASH_FORGIVEN_AFTER_MS = (10 * MINUTE_MS) as DurationMs;

/** `count` is 1 for the first failure. */
export function backOffMs(count: number, minimum: DurationMs, maximum: DurationMs): DurationMs {
  return Math.min(maximum, minimum * 2 ** Math.min(count - 1, 30)) as DurationMs;
}

type Attempt = Pick<Failure, "code" | "message" | "generation" | "unstartable">;

/** The failure to remember after one more failed attempt at the same generation; another generation starts from 1. */
export function nextFailure(previous: Failure | null, attempt: Attempt, now: EpochMs): Failure {
  const { unstartable } = { ...previous, ...attempt };
  const count = previous !== null && previous.generation === attempt.generation && previous.code === attempt.code ? previous.count + 1 : 1;
  const retryAt = later(now, backOffMs(count, RETRY_MS_MIN, RETRY_MS_MAX));
  return { ...attempt, ...(unstartable !== undefined && { unstartable }), count, lastAt: now, retryAt };
}

/** What is to be remembered after this look. @param before what was remembered */
export function failureSeen(input: Omit<PlanInput, "failure">, before: Failure | null): Failure | null {
  const { now } = input;
  const seen = newestFailure(input, before);
  if (seen === null || seen.lastAt <= now) return seen;
  // The clock was set back since: it waits as long as it would have, not until the clock has come round.
  return { ...seen, lastAt: now, retryAt: later(now, elapsed(seen.lastAt, seen.retryAt)) };
}

/** A new container that failed since the last look counts as one more attempt. */
function newestFailure({ containers, spec, now }: Omit<PlanInput, "failure">, before: Failure | null): Failure | null {
  const generation = spec?.generation ?? 0;
  for (const { setup, observation } of containers) {
    if (setup.kind === "failed" && (before === null || before.lastAt < setup.at)) {
      return nextFailure(before, { code: "SetupFailed", message: setup.message, generation }, setup.at);
    }
    const { stage, state, identity, exitCode } = observation;
    const isNewest = spec?.kind === "ready" && stage === "pending" && identity.hash === spec.hash;
    if (isNewest && state === "exited" && (before === null || before.lastAt < identity.createdAt)) {
      const message = `the new container ended as soon as it was started (exit code ${exitCode ?? "unknown"}); can its image run a shell?`;
      return nextFailure(before, { code: "SpecRejected", message, generation }, now);
    }
  }
  return before;
}

/** A main process that ended is started again at once, then ever later; `ranMs` is how long it ran before. */
export function nextCrash(
  previous: Failure | null,
  attempt: Pick<Failure, "message" | "generation"> & { startedAt: EpochMs | null },
  now: EpochMs,
): Failure {
  const ranMs = attempt.startedAt === null ? 0 : elapsed(attempt.startedAt, now);
  const inLoop = previous?.code === "CrashLoop" && previous.generation === attempt.generation && ranMs < CRASH_FORGIVEN_AFTER_MS;
  const count = inLoop ? previous.count + 1 : 1;
  const wait = count === 1 ? 0 : backOffMs(count - 1, CRASH_MS_MIN, RETRY_MS_MAX);
  return {
    ...(previous?.unstartable !== undefined && { unstartable: previous.unstartable }),
    code: "CrashLoop",
    message: attempt.message,
    generation: attempt.generation,
    count,
    lastAt: now,
    retryAt: later(now, wait as DurationMs),
  };
}
