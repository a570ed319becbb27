// Decides when to retry a failed attempt. Pure: randomness is an argument.
import { type DurationMs, type EpochMs, elapsed, later, MINUTE_MS, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import type { FailedAt, Failure, Sandbox } from "../../api/sandbox.ts";
import { renderEnding } from "./ending.ts";
import type { PlanInput, Verdict } from "./types.ts";

/** 10 s, 20 s, 40 s, 80 s, 160 s, then 5 min: five doublings reach the limit, as kubelet's does. Each is spread, see `spread`. */
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

/** The whole wait: what who only looks is told, and may turn out to be shorter. */
const WHOLE = 1;

/**
 * The same failure with a wait between half of and the whole of what it was, so that many that failed together are not all tried again at
 * the same moment. Once for each failure, before it is remembered.
 * @param chance 0 to 1
 */
export function spread(failure: Failure, chance: number): Failure {
  const wait = elapsed(failure.lastAt, failure.retryAt) * (0.5 + chance / 2);
  return { ...failure, retryAt: later(failure.lastAt, toDurationMs(Math.ceil(wait))) };
}

/** Cheap, and done with another container or once more. A setup is neither. */
const AT_ONCE: ReadonlySet<string> = new Set(["start", "promote"]);
/** What an engine answers in a moment of trouble. */
const TRANSIENT: ReadonlySet<Failure["code"]> = new Set(["EngineFailed", "EngineTimeout", "EngineConflict"]);

type Blocked = Extract<Verdict, { kind: "blocked" }>;

/** The same spec failed before and is not tried again yet. */
export function backOffOf(failure: Failure | null, { spec, now }: Pick<PlanInput, "spec" | "now">): Blocked | null {
  if (failure === null || failure.retryAt <= now || failure.generation !== (spec?.generation ?? 0)) return null;
  return { kind: "blocked", code: failure.code, message: failure.message, retryAt: failure.retryAt };
}

type Attempt = Pick<Failure, "code" | "message" | "generation"> & { at?: Omit<FailedAt, "times"> };

/** The failure to remember after one more failed attempt at the same generation; another generation starts from 1. */
export function nextFailure(previous: Failure | null, { at, ...attempt }: Attempt, now: EpochMs): Failure {
  const before = previous?.generation === attempt.generation && previous.code === attempt.code ? previous.count : 0;
  const retryAt = later(now, backOffMs(before + 1, RETRY_MS_MIN, RETRY_MS_MAX));
  const next = { ...attempt, count: before + 1, lastAt: now, retryAt };
  return at === undefined ? next : { ...next, at: { ...at, times: timesInRow(previous, at) } };
}

/**
 * The same for a container that serves nobody. What the engine answers in a moment of trouble has the first attempt made again at once: with
 * another container, where this one could not be started.
 */
export function nextFailureOfNew(previous: Failure | null, attempt: Attempt, now: EpochMs): Failure {
  const next = nextFailure(previous, attempt, now);
  if (!AT_ONCE.has(attempt.at?.step ?? "") || !TRANSIENT.has(attempt.code)) return next;
  const isFirst = previous === null || previous.generation !== attempt.generation;
  const wait = isFirst ? 0 : backOffMs(Math.max(1, next.count - 1), RETRY_MS_MIN, RETRY_MS_MAX);
  return { ...next, retryAt: later(now, wait as DurationMs) };
}

function timesInRow(previous: Failure | null, { container, step }: Omit<FailedAt, "times">): number {
  const before = previous?.at;
  return before?.container === container && before.step === step ? before.times + 1 : 1;
}

/** What is to be remembered after this look. @param previous what was remembered. @param chance of a new one, see `spread` */
export function failuresSeen(
  input: Omit<PlanInput, "failure" | "servingFailure">,
  previous: Sandbox | null,
  chance: number = WHOLE,
): Pick<PlanInput, "failure" | "servingFailure"> {
  return {
    failure: failureSeen(input, previous?.status.failure ?? null, chance),
    servingFailure: notAhead(previous?.status.servingFailure ?? null, input.now),
  };
}

/** Of the new container. @param before what was remembered. @param chance of a new one, see `spread` */
export function failureSeen(
  input: Omit<PlanInput, "failure" | "servingFailure">,
  before: Failure | null,
  chance: number = WHOLE,
): Failure | null {
  const newest = newestFailure(input, before);
  return notAhead(newest === null || newest === before ? newest : spread(newest, chance), input.now);
}

/** After the clock was set back it waits as long as it would have, not until the clock has come round. */
function notAhead(failure: Failure | null, now: EpochMs): Failure | null {
  if (failure === null || failure.lastAt <= now) return failure;
  return { ...failure, lastAt: now, retryAt: later(now, elapsed(failure.lastAt, failure.retryAt)) };
}

/** A new container that failed since the last look counts as one more attempt. */
function newestFailure({ containers, spec, now }: Omit<PlanInput, "failure" | "servingFailure">, before: Failure | null): Failure | null {
  const generation = spec?.generation ?? 0;
  for (const { setup, mounts, observation } of containers) {
    if (mounts.kind === "refused" && (before === null || before.lastAt < mounts.at)) {
      return nextFailure(before, { code: "HostRejected", message: mounts.message, generation }, mounts.at);
    }
    if (setup.kind === "failed" && (before === null || before.lastAt < setup.at)) {
      // Its main process says why, where that is what ended.
      const message = observation.state === "exited" ? `${setup.message}; the container exited${renderEnding(observation)}` : setup.message;
      return nextFailure(before, { code: "SetupFailed", message, generation }, setup.at);
    }
    const { stage, state, identity } = observation;
    const isNewest = spec?.kind === "ready" && stage === "pending" && identity.hash === spec.hash;
    if (isNewest && state === "exited" && (before === null || before.lastAt < identity.createdAt)) {
      const message = `the new container exited as soon as it started${renderEnding(observation)}`;
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
    code: "CrashLoop",
    message: attempt.message,
    generation: attempt.generation,
    count,
    lastAt: now,
    retryAt: later(now, wait as DurationMs),
  };
}

/** One end is no loop. */
const CRASHES_MIN = 2;

/** It ended again within ten minutes of its start. */
export const keepsEnding = (failure: Failure | null): boolean => failure?.code === "CrashLoop" && failure.count >= CRASHES_MIN;
