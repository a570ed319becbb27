// A turn of an agent, step by step: each step is one answer of a model, for which keys and models are tried in order until one answers. What answered once is
// asked first for the rest of the turn; the next turn begins with the primary model again. What follows a failure is decide-next.ts's decision.
import { type DurationMs, type EpochMs, elapsed, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { CredentialSource, ProfileId, Resolved } from "../../api/models/credential.ts";
import { renderReference } from "../../api/models/reference.ts";
import type { ModelTarget } from "../../api/models/resolve.ts";
import { decideNext, type Next } from "./decide-next.ts";
import type { KeyMemory } from "./key-memory.ts";
import type { CallEvent, ModelCall, ModelError, ModelRequest, TokenUsage } from "./model-call.ts";
import { renderModelError, toModelFailure } from "./model-error.ts";

export type StepEvent =
  | CallEvent
  /** A call begins; what earlier ones of this step said does not count. @property profile null: it is not signed */
  | { kind: "calling"; model: string; profile: ProfileId | null }
  /** It failed and something else is tried, after a while. */
  | { kind: "retrying"; error: ModelError; next: Exclude<Next["kind"], "stop">; afterMs: DurationMs };

/** What was called, and how it ended: for whoever counts. */
export interface CallOutcome {
  target: ModelTarget;
  error: ModelError | null;
  /** null: nothing was spent. */
  usage: TokenUsage | null;
  tookMs: DurationMs;
}

export interface TurnParts {
  call: ModelCall;
  credentials: CredentialSource;
  memory: KeyMemory;
  clock: Clock;
  /** 0 to 1. */
  chance(): number;
  /** Why no call may be made now. null: it may. */
  refuse(): ModelError | null;
  /** Told of each call that was made, and waited for: what it used is kept before its answer is acted upon. */
  called(outcome: CallOutcome): Promise<void>;
  movedOn(next: "next-key" | "next-model" | "stop"): void;
}

/** Of one step, over all keys and models. */
const CALLS_MAX = 60;
const FAILURES_SAID_MAX = 5;

export class ModelTurn {
  readonly #parts: TurnParts;
  readonly #targets: readonly ModelTarget[];
  /** What answered last. */
  #at: { target: ModelTarget; profile: ProfileId | null } | null = null;

  /** @param targets at least one, the primary model first */
  constructor(parts: TurnParts, targets: readonly ModelTarget[]) {
    this.#parts = parts;
    this.#targets = targets;
  }

  /**
   * Its last event is `answered` or `failed`. Throws for bugs alone. To end it before, abort the signal and read on: what was used is counted then, and not where
   * nobody reads any more.
   */
  async *step(request: ModelRequest, signal: AbortSignal): AsyncGenerator<StepEvent> {
    const step: Step = { request, signal, calls: 0, failures: [] };
    const order = this.#order();
    for (const [at, target] of order.entries()) {
      const ended = yield* this.#tryModel(target, step);
      if (ended) return;
      const isLast = at + 1 === order.length;
      this.#parts.movedOn(isLast ? "stop" : "next-model");
      const [last] = step.failures.slice(-1);
      if (last !== undefined && !isLast) yield { kind: "retrying", error: last.error, next: "next-model", afterMs: toDurationMs(0) };
    }
    yield { kind: "failed", error: summarise(step.failures), usage: null };
  }

  #order(): readonly ModelTarget[] {
    const first = this.#at?.target;
    return first === undefined ? this.#targets : [first, ...this.#targets.filter((target) => target !== first)];
  }

  /** @returns whether the step is over */
  async *#tryModel(target: ModelTarget, step: Step): AsyncGenerator<StepEvent, boolean> {
    const profiles = await this.#profilesOf(target);
    for (const [at, profile] of profiles.entries()) {
      const next = yield* this.#tryKey(target, profile, step);
      if (next === "answered") this.#at = { target, profile };
      if (next === "answered" || next === "over") return true;
      if (next.kind === "next-model") return false;
      if (next.kind === "next-key" && profile !== null) this.#parts.memory.rest(profile, next.restMs, this.#parts.clock.now());
      if (at + 1 === profiles.length) return false;
      this.#parts.movedOn("next-key");
      const [last] = step.failures.slice(-1);
      if (last !== undefined) yield { kind: "retrying", error: last.error, next: "next-key", afterMs: toDurationMs(0) };
    }
    return false;
  }

  /** Of a provider of one's own without any, one that signs nothing. */
  async #profilesOf(target: ModelTarget): Promise<(ProfileId | null)[]> {
    const { credentials, memory, clock } = this.#parts;
    const profiles = await credentials.order(target.provider);
    if (profiles.length === 0) return [null];
    const sorted = memory.sort(profiles, clock.now());
    const kept = this.#at?.profile ?? null;
    return kept !== null && sorted.includes(kept) ? [kept, ...sorted.filter((profile) => profile !== kept)] : sorted;
  }

  /** One key with one model, as often as that is sensible. */
  async *#tryKey(target: ModelTarget, profile: ProfileId | null, step: Step): AsyncGenerator<StepEvent, "answered" | "over" | Next> {
    const { clock, chance } = this.#parts;
    let since: EpochMs | null = null;
    for (let tries = 1; ; tries += 1) {
      const outcome = yield* this.#tryOnce(target, profile, step);
      if (outcome === null) return "answered";
      const { error, isRenewable } = outcome;
      step.failures.push({ target, error });
      since ??= clock.now();
      const next = step.calls >= CALLS_MAX ? STOP : decideNext({ error, tries, isRenewable, since, now: clock.now(), chance: chance() });
      if (next.kind === "stop") {
        yield { kind: "failed", error: toLast(error, step), usage: null };
        return "over";
      }
      if (next.kind !== "retry") return next;
      yield { kind: "retrying", error, next: "retry", afterMs: next.afterMs };
      if (!(await waitFor(clock, next.afterMs, step.signal))) {
        yield { kind: "failed", error: ABORTED, usage: null };
        return "over";
      }
    }
  }

  /** null: it answered. */
  async *#tryOnce(target: ModelTarget, profile: ProfileId | null, step: Step): AsyncGenerator<StepEvent, Failed | null> {
    const { credentials, refuse, call } = this.#parts;
    const refused = step.signal.aborted ? ABORTED : refuse();
    if (refused !== null) return { error: refused, isRenewable: false };
    const found = profile === null ? unsigned(target) : await resolveUnlessAborted(credentials, profile, step.signal);
    if (found === null) return { error: ABORTED, isRenewable: false };
    if (found.kind === "problem") {
      if (profile !== null) this.#parts.memory.refuse(profile);
      return { error: toCredentialError(found), isRenewable: false };
    }
    step.calls += 1;
    yield { kind: "calling", model: renderReference(target), profile };
    const begun = this.#parts.clock.now();
    for await (const event of call.stream({ ...step.request, target, secret: found.secret }, step.signal)) {
      if (event.kind !== "answered" && event.kind !== "failed") {
        yield event;
        continue;
      }
      const error = event.kind === "failed" ? event.error : null;
      await this.#parts.called({ target, error, usage: event.usage, tookMs: elapsed(begun, this.#parts.clock.now()) });
      if (profile !== null) await this.#report(profile, found, error);
      if (event.kind === "failed") return { error: event.error, isRenewable: found.secret?.kind === "oauth" };
      yield event;
      return null;
    }
    return { error: toModelFailure("garbage", "the call ended without an end"), isRenewable: false };
  }

  async #report(profile: ProfileId, { revision }: { revision: string }, error: ModelError | null): Promise<void> {
    const { credentials, memory } = this.#parts;
    if (error?.failure === "unauthenticated") {
      memory.refuse(profile);
      await credentials.report(profile, { kind: "refused", revision, because: error.message });
    } else if (error === null && memory.accept(profile)) await credentials.report(profile, { kind: "accepted" });
  }
}

interface Step {
  request: ModelRequest;
  signal: AbortSignal;
  calls: number;
  failures: { target: ModelTarget; error: ModelError }[];
}

interface Failed {
  error: ModelError;
  isRenewable: boolean;
}

const STOP: Next = { kind: "stop" };
const ABORTED = toModelFailure("aborted", "the call was aborted");

/** null: aborted. */
async function resolveUnlessAborted(credentials: CredentialSource, profile: ProfileId, signal: AbortSignal): Promise<Resolved | null> {
  try {
    return await credentials.resolve(profile, signal);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** A provider in public refuses it anyway, and says it less well. */
function unsigned({
  isSelfHosted,
  provider,
}: ModelTarget): { kind: "secret"; secret: null; revision: string } | Extract<Resolved, { kind: "problem" }> {
  if (isSelfHosted) return { kind: "secret", secret: null, revision: "" };
  const fix = `openclaw models auth ${provider === "openai" ? "login" : "paste-api-key"} --provider ${provider}`;
  return { kind: "problem", problem: "missing", message: `nobody is signed in at "${provider}"`, fix };
}

function toCredentialError({ problem, message, fix }: Extract<Resolved, { kind: "problem" }>): ModelError {
  return toModelFailure(problem === "unreachable" ? "transient" : "no-credential", message, { fix });
}

/** What ends a step at once is said as it is; where too much was tried, what that was. */
const toLast = (error: ModelError, step: Step): ModelError => (step.calls >= CALLS_MAX ? summarise(step.failures) : error);

/** One sentence for all that was tried; it counts as what the primary model said. */
function summarise(failures: Step["failures"]): ModelError {
  const said = new Map(failures.map(({ target, error }) => [`${renderReference(target)}: ${error.message}`, error]));
  const [first] = failures;
  if (first === undefined) return toModelFailure("no-credential", "no model could be asked");
  if (said.size === 1) return { ...first.error, message: `no model answered: ${[...said.keys()].join()}` };
  const shown = [...said]
    .slice(0, FAILURES_SAID_MAX)
    .map(([text, error]) => (error.fix === null ? text : renderModelError({ ...error, message: text })));
  const rest = said.size > FAILURES_SAID_MAX ? `; and ${said.size - FAILURES_SAID_MAX} more` : "";
  return { ...first.error, message: `no model answered: ${shown.join("; ")}${rest}`, fix: null };
}

/** @returns false: aborted meanwhile */
function waitFor(clock: Clock, duration: DurationMs, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isOver: boolean): void => {
      stop();
      signal.removeEventListener("abort", aborted);
      resolve(isOver);
    };
    const aborted = (): void => end(false);
    const stop = clock.setTimer(duration, () => end(true));
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
  });
}
