// One pass for one name: look, decide, do the next safe steps, write down what was seen. What to do is decide/'s; when, the queue's.
// A pass never waits for work: a setup is started here and looked at in a later pass.
import { type EpochMs, elapsed, later, type SandboxName, SECOND_MS } from "../api/brands.ts";
import { findCondition } from "../api/condition.ts";
import { isErrorCode, OperationError, renderError } from "../api/errors.ts";
import type { Failure, Sandbox } from "../api/sandbox.ts";
import { CRASH_FORGIVEN_AFTER_MS, failureSeen, nextCrash, nextFailure } from "./decide/backoff.ts";
import type { Handle } from "./decide/observation.ts";
import { type Hindrance, summarize, summarizeUnseen } from "./decide/status.ts";
import { type Action, NEW_HANDLE, type Plan, type PlanInput } from "./decide/types.ts";
import type { Observer } from "./observe.ts";
import { type Performer, StillInUse } from "./perform.ts";
import type { Report } from "./report.ts";
import type { StatusStore } from "./status-store.ts";

/** What the queue does with the name next. */
export type Outcome =
  | { kind: "settled"; requeueAt: EpochMs | null }
  /** Steps were made: look again at once. */
  | { kind: "again" }
  | { kind: "failed"; error: OperationError };

export interface ReconcilerParts {
  now(): EpochMs;
  /** Why the engine can't be asked now; every name is heard anew when it can. null: nothing is known against it. */
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
  error: OperationError | null;
  hindrance: Hindrance | null;
}

/** After a stop that a use prevented: the use is seen then, or over. */
const LOOK_AGAIN_MS = SECOND_MS;

export class Reconciler {
  readonly #parts: ReconcilerParts;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Operating errors are outcomes; whatever is thrown is a bug. */
  async reconcile(name: SandboxName): Promise<Outcome> {
    const { observer, statuses, report } = this.#parts;
    const previous = statuses.get(name) ?? null;
    const trouble = this.#parts.trouble();
    if (trouble !== null) {
      // Each pass would wait for a deadline of its own: with many sandboxes the loop would stand.
      this.#unseen(previous, trouble);
      return { kind: "settled", requeueAt: null };
    }
    try {
      const seen = await observer.observe(name, previous);
      const failure = failureSeen(seen.input, previous?.status.failure ?? null);
      const input: PlanInput = { ...seen.input, failure };
      const made = this.#parts.judge(input);
      this.#parts.judged(input, made);
      const done = await this.#perform(input, made);
      const kept = done.failure ?? (made.verdict.kind === "converged" ? settledFailure(failure, made, input.now) : failure);
      const { error, hindrance } = done;
      this.#write(summarize(input, made, { previous, spec: seen.described, failure: kept, hindrance }), previous, made);
      if (error instanceof StillInUse) return { kind: "settled", requeueAt: later(this.#parts.now(), LOOK_AGAIN_MS) };
      if (error !== null) return { kind: "failed", error };
      if (made.actions.length > 0) return { kind: "again" };
      return { kind: "settled", requeueAt: made.requeueAt };
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#unseen(previous, error);
      report.passFailed(name, error);
      return { kind: "failed", error };
    } finally {
      this.#parts.looked(name);
    }
  }

  /** The engine did not show the sandbox: what was seen before is kept, and said to be old. */
  #unseen(previous: Sandbox | null, error: OperationError): void {
    if (previous === null || !isUnseen(error)) return;
    this.#write(summarizeUnseen(previous, { code: error.code, message: renderError(error) }, this.#parts.now()), previous, null);
  }

  /** In order, until the first that fails. */
  async #perform(input: PlanInput, made: Plan): Promise<Performed> {
    const { performer, report } = this.#parts;
    let failure: Failure | null = null;
    let created: Handle | null = null;
    for (const planned of made.actions) {
      const generation = input.spec?.generation ?? 0;
      const action = toExact(planned, created);
      try {
        created = (await performer.perform(action, input)) ?? created;
        report.performed(input.name, action, "success");
        if (isRestart(action, made)) {
          const startedAt = made.serving?.observation.startedAt ?? null;
          failure = nextCrash(input.failure, { message: action.because, generation, startedAt }, input.now);
        }
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        if (error instanceof StillInUse) {
          report.stopGivenUp(input.name, action);
          return { failure, error, hindrance: null };
        }
        report.performed(input.name, action, "error", error);
        const hindrance = { code: error.code, message: `${action.kind} failed: ${renderError(error)}` };
        if (isAttempt(error)) {
          const attempt = { ...hindrance, code: error.code, generation, ...unstartableOf(action, made, error) };
          failure = nextFailure(input.failure, attempt, input.now);
        }
        return { failure, error, hindrance };
      }
    }
    return { failure, error: null, hindrance: null };
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

/** Steps on the new container name it once it is made. */
function toExact(action: Action, created: Handle | null): Action {
  return "handle" in action && action.handle.id === NEW_HANDLE.id && created !== null ? { ...action, handle: created } : action;
}

/** Its session lives on, so the sandbox is still spoken of: the next use wakes it. */
const isPruned = ({ status }: Sandbox): boolean => findCondition(status.conditions, "Ready")?.reason === "Pruned";

const isUnreachable = (error: OperationError): boolean => isErrorCode(error, "EngineUnreachable") || isErrorCode(error, "EngineTimeout");

/** Rather than that somebody else is at the container just now, or that the host refuses something. */
const isUnseen = (error: OperationError): boolean => isUnreachable(error) || isErrorCode(error, "EngineFailed");

/** Whether an error says that this attempt failed, rather than that the engine or somebody else is busy. */
function isAttempt(error: OperationError): boolean {
  return !isUnreachable(error) && error.remedy !== "wait";
}

/** What it was made with is not there any more (a network of that name is another one, a mount's source is gone): no later attempt helps. */
function unstartableOf(action: Action, made: Plan, error: OperationError): Pick<Failure, "unstartable"> {
  const id = made.serving?.observation.handle.id;
  return action.kind === "start" && action.handle.id === id && isErrorCode(error, "SpecRejected") ? { unstartable: id } : {};
}

/** Starting what ended, or making anew what a restart undid. */
const isRestart = (action: Action, made: Plan): boolean =>
  action.cause === "crash" && made.serving !== null && (action.kind === "start" || action.kind === "create");

/** Convergence forgives every failure but a crash loop, which only a long run does. */
function settledFailure(failure: Failure | null, made: Plan, now: EpochMs): Failure | null {
  if (failure?.code !== "CrashLoop") return null;
  const { unstartable: _, ...crashes } = failure;
  const startedAt = made.serving?.observation.startedAt ?? null;
  return startedAt !== null && elapsed(startedAt, now) > CRASH_FORGIVEN_AFTER_MS ? null : crashes;
}
