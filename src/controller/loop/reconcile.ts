// One pass for one name: observe, decide, perform the next safe steps, record the status. What to do is decided in decide/; when, by the queue.
// A pass never waits for work: a setup is started here and checked in a later pass.
import { type EpochMs, elapsed, later, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { isErrorCode, OperationError, renderError } from "../../api/errors.ts";
import type { Failure, Sandbox } from "../../api/sandbox.ts";
import { CRASH_FORGIVEN_AFTER_MS, failuresSeen, keepsEnding, nextCrash, nextFailure, nextFailureOfNew, spread } from "../decide/backoff.ts";
import { isUnmendable } from "../decide/given-up.ts";
import type { Handle } from "../decide/observation.ts";
import { type Part, partOf } from "../decide/parts.ts";
import { judgeEgress } from "../decide/relay.ts";
import { type Blocker, summarize, summarizeUnseen } from "../decide/status.ts";
import { type Action, NEW_HANDLE, type Plan, type PlanInput } from "../decide/types.ts";
import type { StatusStore } from "../records/status-store.ts";
import type { Observer } from "./observe.ts";
import { type Performer, StillInUse } from "./perform.ts";
import type { Report } from "./report.ts";

/** What the queue does with the name next. */
export type PassOutcome =
  | { kind: "settled"; requeueAt: EpochMs | null }
  /** Steps were made: look again at once. */
  | { kind: "again" }
  /** `dueAt`: when something else is to be done, however long the back-off is. null: nothing is. */
  | { kind: "failed"; error: OperationError; dueAt: EpochMs | null };

export interface ReconcilerParts {
  now(): EpochMs;
  /** 0 inclusive to 1 exclusive: spreads what failed together. */
  random(): number;
  /** Why the engine can't be asked now; every name is enqueued again once it can. null: nothing is known against it. */
  trouble(): OperationError | null;
  observer: Observer;
  performer: Performer;
  statuses: StatusStore;
  report: Report;
  /** What to do next, as far as the rollout of the same change to others permits. */
  judge(input: PlanInput): Plan;
  /** A pass ended, whatever came of it. */
  looked(name: SandboxName): void;
  /** Told what each pass judged, before anything is done about it. */
  judged(input: PlanInput, made: Plan): void;
  /** Nobody speaks of the sandbox any more: what is remembered of it can go. */
  forgotten(name: SandboxName): void;
}

/** How far the actions of a pass came. */
interface Performed {
  /** What is remembered for back-off. null: nothing new. */
  failure: Failure | null;
  servingFailure: Failure | null;
  egressFailure: Failure | null;
  error: OperationError | null;
  blocker: Blocker | null;
}

/** After a stop that a use prevented: the use is seen then, or over. */
const LOOK_AGAIN_MS = SECOND_MS;
/** Folders are made within milliseconds; one that many wait for takes longer. */
const BARE_MS_MAX = SECOND_MS;

export class Reconciler {
  readonly #parts: ReconcilerParts;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Operating errors are outcomes; whatever is thrown is a bug. */
  async reconcile(name: SandboxName): Promise<PassOutcome> {
    const startedAt = this.#parts.now();
    const outcome = await this.#pass(name, false);
    if (outcome.kind !== "prepared") return outcome;
    // A folder of the host's is nothing to the engine: where no container was, none has to be looked for once more before the first is made. Only this
    // pass makes any, and one that somebody else makes under its name meanwhile makes the engine refuse ours.
    const isFresh = elapsed(startedAt, this.#parts.now()) < BARE_MS_MAX;
    const next = isFresh ? await this.#pass(name, true) : outcome;
    return next.kind === "prepared" ? { kind: "again" } : next;
  }

  /** @param isBare no container of it was there a moment ago */
  async #pass(name: SandboxName, isBare: boolean): Promise<PassOutcome | { kind: "prepared" }> {
    const { observer, statuses, report } = this.#parts;
    const previous = statuses.get(name) ?? null;
    const trouble = this.#parts.trouble();
    if (trouble !== null) {
      // Each pass would wait for a deadline of its own: with many sandboxes the loop would stand.
      this.#unseen(previous, trouble);
      return { kind: "settled", requeueAt: null };
    }
    try {
      const seen = await observer.observe(name, previous, isBare);
      const input: PlanInput = { ...seen.input, ...failuresSeen(seen.input, previous, this.#parts.random()) };
      const made = this.#parts.judge(input);
      this.#parts.judged(input, made);
      const done = await this.#perform(input, made);
      const kept = {
        failure: this.#spread(done.failure) ?? (made.verdict.kind === "converged" ? null : input.failure),
        servingFailure: this.#spread(done.servingFailure) ?? settledFailure(input.servingFailure, made, input.now),
        egressFailure: this.#spread(done.egressFailure) ?? settledEgressFailure(input, made),
      };
      const { error, blocker } = done;
      this.#write(summarize(input, made, { previous, spec: seen.described, ...kept, blocker }), previous, made);
      if (error instanceof StillInUse) return { kind: "settled", requeueAt: later(this.#parts.now(), LOOK_AGAIN_MS) };
      if (error !== null) return { kind: "failed", error, dueAt: made.requeueAt };
      if (made.actions.length > 0) return { kind: isOnlyPrepared(input, made) ? "prepared" : "again" };
      return { kind: "settled", requeueAt: made.requeueAt };
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#unseen(previous, error);
      report.passFailed(name, error);
      return { kind: "failed", error, dueAt: null };
    } finally {
      this.#parts.looked(name);
    }
  }

  #spread(failure: Failure | null): Failure | null {
    return failure === null ? null : spread(failure, this.#parts.random());
  }

  /** The engine did not show the sandbox: what was seen before is kept, and said to be old. */
  #unseen(previous: Sandbox | null, error: OperationError): void {
    if (previous === null || !isUnseen(error)) return;
    this.#write(summarizeUnseen(previous, { code: error.code, message: renderError(error) }, this.#parts.now()), previous, null);
  }

  /** In order. What fails ends its part of the plan; an engine that is away ends them all. */
  async #perform(input: PlanInput, made: Plan): Promise<Performed> {
    const { performer, report } = this.#parts;
    const done: Performed = { failure: null, servingFailure: null, egressFailure: null, error: null, blocker: null };
    const stopped = new Set<Part>();
    let created: Handle | null = null;
    for (const planned of made.actions) {
      const action = toExact(planned, created);
      const part = partOf(action, made);
      if (stopped.has(part)) continue;
      try {
        created = (await performer.perform(action, input)) ?? created;
        report.performed(input.name, action, "success");
        if (isRestart(action, input, made)) done.servingFailure = toCrash(action, input, made);
        if (action.kind === "remove-relay" && action.cause === "crash") done.egressFailure = toRelayCrash(action, input);
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        if (error instanceof StillInUse) report.stopGivenUp(input.name, action);
        else report.performed(input.name, action, "error", error);
        remember(done, { action, part, error }, input);
        if (isErrorCode(error, "EngineUnreachable") || this.#parts.trouble() !== null) return done;
        if (part !== "leftover") stopped.add(part);
        else if (isHalfMade(action)) stopped.add("making");
      }
    }
    return done;
  }

  #write(next: Sandbox, previous: Sandbox | null, made: Plan | null): void {
    const { statuses, report } = this.#parts;
    const gone = made?.verdict.kind === "gone";
    if (gone && previous === null) return;
    report.transitions(previous, next);
    if (!gone || isPruned(next)) {
      statuses.put(next);
      return;
    }
    statuses.remove(next.metadata.name);
    this.#parts.forgotten(next.metadata.name);
  }
}

/** Its folder was made, for its first container. */
const isOnlyPrepared = ({ containers }: PlanInput, { actions }: Plan): boolean =>
  containers.length === 0 && actions.every(({ kind }) => kind === "prepare-workspace");

/** Steps on the new container name it once it is made. */
function toExact(action: Action, created: Handle | null): Action {
  return "handle" in action && action.handle.id === NEW_HANDLE.id && created !== null ? { ...action, handle: created } : action;
}

/** Its session lives on, so the sandbox is still spoken of: the next use wakes it. */
const isPruned = ({ status }: Sandbox): boolean => findCondition(status.conditions, "Ready")?.reason === "Pruned";

const isUnreachable = (error: OperationError): boolean => isErrorCode(error, "EngineUnreachable") || isErrorCode(error, "EngineTimeout");

/** Rather than that somebody else is at the container just now, or that the host refuses something. */
const isUnseen = (error: OperationError): boolean => isUnreachable(error) || isErrorCode(error, "EngineFailed");

interface Failed {
  action: Action;
  part: Part;
  error: OperationError;
}

/** The first error is the one that is told; each part remembers its own. */
function remember(done: Performed, failed: Failed, input: PlanInput): void {
  const { action, part, error } = failed;
  // A use that prevents a stop ends by itself: whatever else went wrong is worth more words.
  if (done.error === null || done.error instanceof StillInUse) done.error = error;
  if (error instanceof StillInUse) return;
  const blocker = { code: error.code, message: `${action.kind} failed: ${renderError(error)}` };
  // Of its egress a condition of its own tells.
  if (part !== "egress") done.blocker ??= blocker;
  if (!isAttempt(failed)) return;
  const at = "handle" in action && action.handle.id !== NEW_HANDLE.id ? { container: action.handle.id, step: action.kind } : undefined;
  const attempt = { code: error.code, message: blocker.message, generation: generationOf(input), ...(at !== undefined && { at }) };
  if (part === "making") done.failure = nextFailureOfNew(input.failure, attempt, input.now);
  else if (part === "egress") done.egressFailure = nextFailure(input.egress.failure, attempt, input.now);
  // What ended again and again is not to be forgotten because a limit can't be set meanwhile.
  else if (part === "serving" && (STARTS.has(action.kind) || !keepsEnding(input.servingFailure)))
    done.servingFailure = nextFailure(input.servingFailure, attempt, input.now);
}

const generationOf = ({ spec }: PlanInput): number => spec?.generation ?? 0;

const STARTS: ReadonlySet<Action["kind"]> = new Set(["start", "unpause"]);

/**
 * Whether an error says that this attempt failed, rather than that the engine or somebody else is busy. A container that never answers to
 * being started, or is always somebody else's, would be tried for ever: there each answer counts.
 */
function isAttempt({ action, error }: Failed): boolean {
  if (STARTS.has(action.kind)) return !isErrorCode(error, "EngineUnreachable") && !isErrorCode(error, "StaleHandle");
  if (action.kind === "promote" && isErrorCode(error, "EngineTimeout")) return true;
  return !isUnreachable(error) && error.remedy !== "wait";
}

/** It holds the name under which the next one would be made. */
const isHalfMade = (action: Action): boolean =>
  action.kind === "retire" && (action.evidence.kind === "half-made" || action.evidence.kind === "mounts");

/** Starting what ended, or making anew what a restart undid. */
function isRestart(action: Action, input: PlanInput, { serving }: Plan): boolean {
  if (action.cause !== "crash" || serving === null) return false;
  if (action.kind === "create") return !isUnmendable(input, serving.observation);
  return action.kind === "start" && action.handle.id === serving.observation.handle.id;
}

function toCrash(action: Action, input: PlanInput, made: Plan): Failure {
  const startedAt = made.serving?.observation.startedAt ?? null;
  return nextCrash(input.servingFailure, { message: action.because, generation: generationOf(input), startedAt }, input.now);
}

/** As of a container that ends: the first one is at once in its place. */
function toRelayCrash({ relay, because }: Extract<Action, { kind: "remove-relay" }>, input: PlanInput): Failure {
  const startedAt = input.egress.relays.find(({ handle }) => handle.id === relay.id)?.startedAt ?? null;
  return nextCrash(input.egress.failure, { message: because, generation: generationOf(input), startedAt }, input.now);
}

/** Forgiven by a relay that has run for long, or that nobody needs; one that failed otherwise by the next that was made. */
function settledEgressFailure(input: PlanInput, made: Plan): Failure | null {
  const { failure, relays } = input.egress;
  if (failure === null || judgeEgress(input, made.serving).kind === "unset") return null;
  const running = relays.find(({ state }) => state === "running");
  if (running === undefined || made.actions.some((action) => partOf(action, made) === "egress")) return failure;
  if (failure.code !== "CrashLoop") return null;
  return running.startedAt !== null && elapsed(running.startedAt, input.now) > CRASH_FORGIVEN_AFTER_MS ? null : failure;
}

/**
 * Convergence forgives what failed, and so does a look that found nothing to put right once the time for it had come. A crash loop is
 * forgiven by a long run alone.
 */
function settledFailure(failure: Failure | null, made: Plan, now: EpochMs): Failure | null {
  if (failure === null) return null;
  const observation = made.serving?.observation ?? null;
  if (failure.code !== "CrashLoop") {
    const waits = failure.retryAt > now || made.actions.some((action) => partOf(action, made) === "serving");
    return made.verdict.kind === "converged" || (observation?.state === "running" && !waits) ? null : failure;
  }
  if (made.verdict.kind !== "converged" && observation?.state !== "running") return failure;
  const startedAt = observation?.startedAt ?? null;
  return startedAt !== null && elapsed(startedAt, now) > CRASH_FORGIVEN_AFTER_MS ? null : failure;
}
