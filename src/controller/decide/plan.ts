// Decides the next safe steps for one sandbox: desired state and observations go in, actions and a verdict come out. Pure.
// Performing the steps, and observing again in between, is the loop's job (reconcile.ts).
import { type EpochMs, later, SECOND_MS } from "../../api/brands.ts";
import { backOffOf } from "./backoff.ts";
import { blockerOf, hostRetryMs } from "./blocker.ts";
import { SETUP_WORDS } from "./browser.ts";
import { compareMounts, mayUseMounts, withoutRefused } from "./mounts.ts";
import type { Handle } from "./observation.ts";
import { type EgressJudgement, judgeEgress, planRelays } from "./relay.ts";
import { compare, repair } from "./repair.ts";
import { LIVE_WORK_RECHECK_MS, mayReplace } from "./replacement.ts";
import { compareId, isAskedFor, partsOf, type Roles, rolesOf } from "./roles.ts";
import { nextLookAtRest } from "./staying.ts";
import type { Action, OwnedContainer, Plan, PlanInput, Replacement, ResolvedSpec, Verdict, Want } from "./types.ts";
import { NEW_HANDLE } from "./types.ts";
import { mayStop } from "./use.ts";

type Wanted = PlanInput & { want: Extract<Want, { kind: "wanted" }> };
type Ready = Extract<ResolvedSpec, { kind: "ready" }>;

/** Somebody wants it and its spec is known. */
interface Situation {
  input: Wanted;
  spec: Ready;
  roles: Roles;
  /** Removal of leftovers: comes first whatever else is done. */
  tidy: readonly Action[];
}

export function plan(input: PlanInput): Plan {
  const { rest, retire } = withoutRefused(input);
  const steps = planSteps(rest);
  const actions = [...retire, ...steps.actions];
  const relays = planRelays(input, new Set(actions.flatMap((action) => (action.kind === "retire" ? [action.handle.id] : []))));
  const requeueAt = earlier(steps.requeueAt, relays.requeueAt);
  return { ...steps, actions: [...actions, ...relays.actions], requeueAt, replacement: steps.replacement ?? null };
}

const earlier = (left: EpochMs | null, right: EpochMs | null): EpochMs | null =>
  left === null || right === null ? (left ?? right) : (Math.min(left, right) as EpochMs);

/** What a plan is without a word on what it replaces. */
type Steps = Omit<Plan, "replacement"> & { replacement?: Replacement };

function planSteps(input: PlanInput): Steps {
  switch (input.want.kind) {
    case "unknown":
      return { actions: [], requeueAt: null, verdict: { kind: "unknown", message: input.want.because }, serving: null, drift: [] };
    case "held":
      return planHeld(input, input.want.message);
    case "unwanted":
      return planRelease(input, input.want);
    case "wanted":
      return planWanted(input as Wanted);
  }
}

/** It stays as it is, which takes a repair now and then. */
function planHeld(input: PlanInput, message: string): Steps {
  const serving = madeOf(input);
  const actions = serving === null ? [] : repair(input, serving);
  const requeueAt = backOffOf(input.servingFailure, input)?.retryAt ?? null;
  return { actions, requeueAt, verdict: { kind: "held", message }, serving, drift: [] };
}

/** Unwanted: everything of ours is removed, the used container last; at once if a request to recreate it says so. */
function planRelease(input: PlanInput, want: Extract<Want, { kind: "unwanted" }>): Steps {
  const present = input.containers.filter(({ observation }) => observation.state !== "removing").toSorted(compareId);
  const removing = input.containers.length - present.length;
  const actions: Action[] = [];
  let wait: Wait | null = null;
  for (const container of present) {
    const forced = isAskedFor(input, container.observation);
    const kill = forced && input.request?.kill === true;
    const permission =
      container.observation.stage === "pending"
        ? { kind: "yes" as const }
        : mayStop(input, container, { hotWindowMs: want.hotWindowMs, forced, kill });
    if (permission.kind === "no") {
      wait = { until: permission.until, message: permission.because };
      actions.push(...compare(input, container));
    } else {
      const cause = want.evidence.kind === "idle" ? "idle" : "released";
      const guard = kill || container.observation.stage === "pending" ? "always" : "unless-used";
      actions.push({ kind: "retire", handle: container.observation.handle, evidence: want.evidence, guard, cause, because: want.because });
    }
  }
  const verdict: Verdict =
    wait !== null
      ? { kind: "deferred", reason: "in-use", until: wait.until, overdue: false, message: `${want.because}; ${wait.message}` }
      : present.length > 0 || removing > 0
        ? { kind: "progressing", message: `being removed: ${want.because}` }
        : { kind: "gone", message: want.because };
  const requeueAt = wait !== null ? wakeAt(input, wait) : removing > 0 ? later(input.now, SECOND_MS) : null;
  return { actions, requeueAt, verdict, serving: madeOf(input), drift: [] };
}

/** The container that has or had its name, while no spec says which is the right one. */
function madeOf({ containers }: PlanInput): OwnedContainer | null {
  const made = ({ observation }: OwnedContainer): boolean => observation.stage !== "pending" && observation.state !== "removing";
  return containers.filter(made).toSorted(compareId)[0] ?? null;
}

interface Wait {
  /** null: until live work ends, which an event tells. */
  until: EpochMs | null;
  message: string;
}

const wakeAt = (input: PlanInput, wait: Wait): EpochMs => wait.until ?? later(input.now, LIVE_WORK_RECHECK_MS);

function planWanted(input: Wanted): Steps {
  const roles = rolesOf(input);
  const { spec } = input;
  const made = spec?.kind === "ready" ? planReady({ input, spec, roles, tidy: retireLeftovers(roles) }) : planBlocked(input, roles);
  return withDeadlines(input, roles, withLookAtRest(input, made));
}

/** What serves was started a moment ago: whether it stays up is seen soon. */
function withLookAtRest({ now }: Wanted, made: Steps): Steps {
  const lookAt = made.serving?.observation.state === "running" ? nextLookAtRest(made.serving.observation, now) : null;
  return lookAt === null ? made : { ...made, requeueAt: Math.min(made.requeueAt ?? lookAt, lookAt) as EpochMs };
}

function planReady(situation: Situation): Steps {
  const { serving, replace } = situation.roles;
  if (serving === null) return planSuccessor(situation);
  return replace.length === 0 ? planInPlace(situation, serving) : planReplacement(situation, serving);
}

/** The container is the right one: repair it where it is. */
function planInPlace({ input, roles, tidy }: Situation, serving: OwnedContainer): Steps {
  const actions = [...repair(input, serving), ...tidy];
  const broken = serving.observation.state !== "running" || roles.drift.length > 0 || !mayUseMounts(serving);
  const verdict: Verdict =
    actions.length > 0
      ? { kind: "progressing", message: actions.map((action) => action.because).join("; ") }
      : (broken && backOffOf(input.servingFailure, input)) || { kind: "converged" };
  return { actions, requeueAt: null, verdict, serving, drift: roles.drift };
}

/** The spec can't be made now: what serves goes on serving, and is repaired. */
function planBlocked(input: Wanted, { serving }: Roles): Steps {
  const { code, message } =
    input.spec?.kind === "blocked" ? input.spec : ({ code: "NotReady", message: "the spec is not known yet" } as const);
  const verdict: Verdict = { kind: "blocked", code, message, retryAt: later(input.now, hostRetryMs) };
  return { actions: serving === null ? [] : repair(input, serving), requeueAt: verdict.retryAt, verdict, serving, drift: [] };
}

/** A container serves but is not the right one: make the right one beside it, then swap, if nothing stands against stopping it. */
function planReplacement(situation: Situation, serving: OwnedContainer): Steps {
  const { input, spec, roles, tidy } = situation;
  const [reason] = roles.replace;
  if (reason === undefined) throw new Error("a replacement needs a reason");
  const busy = serving.inUse !== "no";
  const seen = {
    serving,
    drift: roles.drift,
    ...(!reason.broken && { replacement: { cause: reason.cause, parts: partsOf(input, spec, serving), busy } }),
  };
  const repairs = repair(input, serving);
  const keep = (verdict: Verdict, requeueAt: EpochMs | null): Steps => ({ ...seen, actions: [...repairs, ...tidy], requeueAt, verdict });
  const permit = mayReplace(input, serving, reason);
  if (permit.kind === "no") {
    const kept = keep(permit.verdict, permit.requeueAt);
    return permit.verdict.reason === "in-use" ? kept : { ...kept, actions: [...kept.actions, ...retireSuccessor(roles)] };
  }
  const made = planSuccessor(situation);
  if (made.verdict.kind === "blocked") return keep(made.verdict, made.requeueAt);
  if (made.verdict.kind !== "converged") return { ...made, ...seen, actions: [...repairs, ...made.actions] };
  const retire: Action = {
    kind: "retire",
    handle: serving.observation.handle,
    evidence: { kind: "replaced", by: roles.successor?.observation.handle.uid ?? "" },
    guard: permit.kill ? "always" : "unless-used",
    cause: reason.cause,
    because: reason.because,
  };
  const verdict: Verdict = { kind: "progressing", message: `swapping containers: ${reason.because}` };
  return { ...seen, actions: [...tidy, retire, ...made.actions], requeueAt: null, verdict };
}

/**
 * Brings the successor as far as is safe without another look. The verdict is `converged` when all that is left is to give it the name of
 * a container that serves: the promote action is then the only one.
 */
function planSuccessor(situation: Situation): Steps {
  const { input, spec, roles, tidy } = situation;
  const { successor, replace } = roles;
  // What can't run again is made anew as seldom as it would be started again; a second failure at the same container settles that it can't.
  const settles = (input.servingFailure?.at?.times ?? 1) > 1;
  const ended = replace[0]?.broken === true && !settles ? backOffOf(input.servingFailure, input) : null;
  const blocker = backOffOf(input.failure, input) ?? (successor === null ? (ended ?? blockerOf(input, spec)) : null);
  if (blocker !== null) return { actions: tidy, requeueAt: blocker.retryAt, verdict: blocker, serving: null, drift: [] };
  return successor === null ? planNew(situation) : planPending(situation, successor);
}

function reasonOf({ input, roles }: Situation): Pick<Action, "cause" | "because"> {
  const first = input.vanished ? VANISHED : { cause: "wanted" as const, because: input.want.because };
  const { cause, because } = roles.replace[0] ?? first;
  return { cause, because };
}

function progress({ tidy }: Situation, actions: readonly Action[], message: string): Steps {
  return { actions: [...tidy, ...actions], requeueAt: null, verdict: { kind: "progressing", message }, serving: null, drift: [] };
}

/**
 * Beside a container that serves, before a setup, and where its mounts are compared, a new one is looked at once it runs; otherwise the name
 * is all that it lacks then.
 */
function startAndName(situation: Situation, handle: Handle): Action[] {
  const { input, spec, roles } = situation;
  const reason = reasonOf(situation);
  const start: Action = { kind: "start", handle, ...reason };
  const isLast = roles.serving === null && spec.container.setupCommand === null && !input.comparesMounts;
  return isLast ? [start, { kind: "promote", handle, ...reason }] : [start];
}

function planNew(situation: Situation): Steps {
  const { input, spec } = situation;
  const reason = reasonOf(situation);
  if (input.workspace?.kind === "missing") {
    const { dir } = input.want.desired.workspace;
    const because = "its workspace folder does not exist yet";
    return progress(situation, [{ kind: "prepare-workspace", dir, cause: reason.cause, because }], "creating the workspace folder");
  }
  const create: Action = { kind: "create", hash: spec.hash, ...reason };
  return progress(situation, [create, ...startAndName(situation, NEW_HANDLE)], "creating the container");
}

function planPending(situation: Situation, pending: OwnedContainer): Steps {
  const { input, spec, roles } = situation;
  const { observation, setup } = pending;
  const { handle } = observation;
  if (observation.state === "created") return progress(situation, startAndName(situation, handle), "starting the container");
  if (!mayUseMounts(pending)) return progress(situation, [compareMounts(pending)], "verifying the container's mounts");
  if (spec.container.setupCommand !== null && setup.kind === "fresh") {
    const egress = judgeEgress(input, pending);
    if (egress.kind === "progressing" || egress.kind === "unavailable") return waitForEgress(situation, egress);
    const because = SETUP_WORDS[input.want.desired.kind].once;
    return progress(situation, [{ kind: "setup", handle, cause: "setup", because }], "starting setup");
  }
  if (spec.container.setupCommand !== null && setup.kind === "running") {
    return { ...progress(situation, [], SETUP_WORDS[input.want.desired.kind].running), requeueAt: setup.deadline };
  }
  const lookAt = roles.serving !== null && spec.container.setupCommand === null ? nextLookAtRest(observation, input.now) : null;
  if (lookAt !== null) return { ...progress(situation, [], "waiting to see whether the new container stays up"), requeueAt: lookAt };
  const promote: Action = { kind: "promote", handle, ...reasonOf(situation) };
  if (roles.serving === null) return progress(situation, [promote], "naming the container");
  return { actions: [promote], requeueAt: null, verdict: { kind: "converged" }, serving: null, drift: [] };
}

/** A setup that fetches packages would fail, and leave what it fetched half done. */
function waitForEgress({ input, tidy }: Situation, egress: Extract<EgressJudgement, { message: string }>): Steps {
  const message = `${SETUP_WORDS[input.want.desired.kind].waits}: ${egress.message}`;
  const retryAt = later(input.now, LIVE_WORK_RECHECK_MS);
  if (egress.kind === "progressing")
    return { actions: tidy, requeueAt: retryAt, verdict: { kind: "progressing", message }, serving: null, drift: [] };
  return {
    actions: tidy,
    requeueAt: retryAt,
    verdict: { kind: "blocked", code: "EgressUnavailable", message, retryAt },
    serving: null,
    drift: [],
  };
}

const VANISHED = { cause: "external", because: "its container was removed by something else" } as const;

function retireLeftovers(roles: Roles): Action[] {
  return roles.leftovers.map(({ container, evidence, because }) => ({
    kind: "retire",
    handle: container.observation.handle,
    evidence,
    // A pending container serves nobody: what runs in it is its own setup.
    guard: container.observation.stage === "pending" ? "always" : "unless-used",
    cause: "orphan",
    because,
  }));
}

/** A successor that will not be needed: it serves nobody. */
function retireSuccessor({ successor }: Roles): Action[] {
  if (successor === null) return [];
  const { handle } = successor.observation;
  const evidence = { kind: "half-made", uid: handle.uid } as const;
  return [{ kind: "retire", handle, evidence, guard: "always", cause: "orphan", because: "the serving container is kept for now" }];
}

/** A quiet system must still converge: idle, age, back-off and a request from a clock that is ahead wake the sandbox by themselves. */
function withDeadlines(input: Wanted, roles: Roles, made: Steps): Steps {
  const { idleAt } = input.want;
  const retries = [input.failure, input.servingFailure].map((failure) => backOffOf(failure, input)?.retryAt ?? null);
  const candidates = [made.requeueAt, idleAt, roles.agesAt, ...retries, input.request?.recreateAfter ?? null];
  const future = candidates.filter((at) => at !== null).filter((at) => at > input.now);
  const requeueAt = future.length === 0 ? made.requeueAt : (Math.min(...future) as EpochMs);
  return { ...made, requeueAt };
}
