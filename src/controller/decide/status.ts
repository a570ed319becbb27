// Decides what to report to people and programs about one sandbox: conditions and status from a plan and what it was made from. Pure.
// Nothing here is read back by a plan, except the failure, which is kept so that back-off outlives a restart.
import { DAY_MS, type DurationMs, type EpochMs, later, renderTime } from "../../api/brands.ts";
import { type Condition, findCondition, mergeCondition } from "../../api/condition.ts";
import type { Failure, Sandbox, SandboxChange } from "../../api/sandbox.ts";
import { API_VERSION } from "../../api/session.ts";
import { backOffOf } from "./backoff.ts";
import { isSetupUndone } from "./given-up.ts";
import { mayUseMounts } from "./mounts.ts";
import { holdsForEgress, judgeEgress } from "./relay.ts";
import { changeMade, waitsSince } from "./replacement.ts";
import { nextLookAtRest } from "./staying.ts";
import type { DeferralReason, OwnedContainer, Plan, PlanInput } from "./types.ts";

type Judgement = Pick<Condition, "status" | "reason" | "message">;

/** Runs under its own name with its setup done: a tool can be run in it now. */
function isServing(container: OwnedContainer | null): container is OwnedContainer {
  return container !== null && container.observation.state === "running" && container.observation.stage !== "pending";
}

/** Whether a tool can be run in it now. */
export function isReady(input: PlanInput, plan: Plan): boolean {
  if (!isServing(plan.serving) || !mayUseMounts(plan.serving)) return false;
  if (nextLookAtRest(plan.serving.observation, input.now) !== null) return false;
  return !isSetupUndone(input, plan.serving.observation) && !holdsForEgress(judgeEgress(input, plan.serving));
}

function judgeReady(input: PlanInput, plan: Plan, blocker: Blocker | null): Judgement {
  const { verdict } = plan;
  if (isReady(input, plan)) return { status: "True", reason: "Serving", message: "the container runs and its setup is complete" };
  const egress = judgeEgress(input, plan.serving);
  if (isServing(plan.serving) && holdsForEgress(egress) && egress.kind === "progressing")
    return { status: "False", reason: "Progressing", message: egress.message };
  if (blocker !== null) return { status: "False", reason: blocker.code, message: blocker.message };
  // Why it does not run, rather than why no other one is made.
  const down = plan.serving === null ? null : judgeDown(input, plan);
  if (down !== null) return down;
  if (isServing(plan.serving) && nextLookAtRest(plan.serving.observation, input.now) !== null)
    return { status: "False", reason: "Progressing", message: "waiting to see whether the container stays up" };
  switch (verdict.kind) {
    case "unknown":
      return { status: "Unknown", reason: "DesiredUnknown", message: verdict.message };
    case "blocked":
      return { status: "False", reason: verdict.code, message: verdict.message };
    case "gone":
      return { status: "False", reason: isPruned(input) ? "Pruned" : "Released", message: verdict.message };
    case "progressing":
      return { status: "False", reason: "Progressing", message: verdict.message };
    case "deferred":
    case "held":
    case "converged":
      if (plan.actions.length > 0)
        return { status: "False", reason: "Progressing", message: plan.actions.map(({ because }) => because).join("; ") };
      return { status: "False", reason: "NotRunning", message: "the container is not running" };
  }
}

/** Of a container that was made and does not serve: it is put right, or waits for that. null: neither. */
function judgeDown(input: PlanInput, { actions, verdict }: Plan): Judgement | null {
  if (verdict.kind !== "blocked" && verdict.kind !== "deferred" && verdict.kind !== "held") return null;
  if (actions.length > 0) return { status: "False", reason: "Progressing", message: actions.map(({ because }) => because).join("; ") };
  const waits = backOffOf(input.servingFailure, input);
  return waits === null ? null : { status: "False", reason: waits.code, message: waits.message };
}

/** Absent where it has no list. */
function judgeEgressCondition(input: PlanInput, plan: Plan): Judgement | null {
  if (plan.verdict.kind === "gone") return null;
  const judged = judgeEgress(input, plan.serving);
  switch (judged.kind) {
    case "unset":
      return null;
    case "in-force":
      return { status: "True", reason: "InForce", message: judged.message };
    case "progressing":
      return {
        status: "False",
        reason: judged.isRepair ? "EgressUnavailable" : "Progressing",
        message: `the network is closed: ${judged.message}`,
      };
    case "unavailable":
      return { status: "False", reason: "EgressUnavailable", message: `the network is closed: ${judged.message}` };
  }
}

const isPruned = ({ want }: PlanInput): boolean => want.kind === "unwanted" && want.evidence.kind === "idle";

const DEFERRALS: Readonly<Record<DeferralReason, string>> = {
  "in-use": "DeferredInUse",
  pinned: "Pinned",
  paused: "RolloutPaused",
  canary: "WaitsForCanary",
  turn: "WaitsForTurn",
  halted: "RolloutHalted",
};

function judgeUpToDate(plan: Plan, blocker: Blocker | null): Judgement {
  const { verdict } = plan;
  if (blocker !== null) return { status: "False", reason: blocker.code, message: blocker.message };
  switch (verdict.kind) {
    case "converged":
      return { status: "True", reason: "UpToDate", message: "the container matches the newest spec" };
    case "deferred":
      return { status: "False", reason: verdict.overdue ? "DriftOverdue" : DEFERRALS[verdict.reason], message: verdict.message };
    case "held":
      return { status: "False", reason: "RemovalHeld", message: verdict.message };
    case "progressing":
      return { status: "False", reason: "Converging", message: verdict.message };
    case "blocked":
      return { status: "False", reason: verdict.code, message: verdict.message };
    case "gone":
      return { status: "True", reason: "UpToDate", message: "not wanted, and no container exists" };
    case "unknown":
      return { status: "Unknown", reason: "DesiredUnknown", message: verdict.message };
  }
}

/** What the last look knew that this one keeps: the identity of a sandbox that nobody wants any more. */
export interface Described {
  previous: Sandbox | null;
  spec: Omit<Sandbox["spec"], "hash" | "live" | "wanted" | "because">;
  failure: Failure | null;
  servingFailure: Failure | null;
  egressFailure: Failure | null;
  /** What stopped this pass. null: nothing did. */
  blocker: Blocker | null;
}

/** An action that failed: its code and, in a sentence, what was tried. */
export interface Blocker {
  code: string;
  message: string;
}

export function summarize(input: PlanInput, plan: Plan, described: Described): Sandbox {
  const { now, want } = input;
  const { previous, spec, failure, servingFailure, egressFailure, blocker } = described;
  const egress = judgeEgressCondition(input, plan);
  const generation = input.spec?.generation ?? previous?.metadata.generation ?? plan.serving?.observation.identity.generation ?? 1;
  const conditions = [
    { type: "Ready" as const, ...judgeReady(input, plan, blocker) },
    { type: "UpToDate" as const, ...judgeUpToDate(plan, blocker) },
    { type: "EngineReachable" as const, status: "True" as const, reason: "Observed", message: "the engine answered" },
    ...(egress === null ? [] : [{ type: "Egress" as const, ...egress }]),
  ].map((next) => mergeCondition(previous?.status.conditions ?? [], { ...next, observedGeneration: generation }, now));
  const waits = plan.verdict.kind === "deferred";
  return {
    apiVersion: API_VERSION,
    kind: "Sandbox",
    metadata: { name: input.name, generation, createdAt: previous?.metadata.createdAt ?? now },
    spec: {
      ...spec,
      hash: input.spec?.kind === "ready" ? input.spec.hash : (previous?.spec.hash ?? null),
      live: input.spec?.kind === "ready" ? input.spec.container.live : (previous?.spec.live ?? null),
      wanted: want.kind === "wanted",
      because: want.because,
    },
    status: {
      observedGeneration: generation,
      conditions,
      container: toContainerStatus(plan.serving),
      drift: plan.drift,
      deferredUntil: plan.verdict.kind === "deferred" ? plan.verdict.until : null,
      deferredSince: waits ? (previous?.status.deferredSince ?? now) : null,
      change: toChange(input, plan),
      lastUsedAt: input.lastUsedAt,
      failure,
      servingFailure,
      ...(egressFailure !== null && { egressFailure }),
      next: renderNext(input, plan),
    },
  };
}

/** What is not known just now (no image, no folder) changes nothing that was known. */
function toChange({ change, now, want }: PlanInput, { replacement, verdict, serving }: Plan): SandboxChange | null {
  if (replacement !== null) return { parts: replacement.parts, since: waitsSince(change, now), pending: true };
  if (want.kind === "unwanted" || verdict.kind === "gone") return null;
  return verdict.kind === "converged" ? changeMade(change, serving) : change;
}

function toContainerStatus(serving: OwnedContainer | null): Sandbox["status"]["container"] {
  if (serving === null) return null;
  const { handle, identity, imageId, startedAt } = serving.observation;
  return { id: handle.id, uid: handle.uid, hash: identity.hash, imageId, createdAt: identity.createdAt, startedAt };
}

/** What the loop does next and when, in words. */
export function renderNext(input: PlanInput, plan: Plan): string[] {
  const { verdict } = plan;
  const next: string[] = [];
  if (verdict.kind === "deferred" || verdict.kind === "held") next.push(verdict.message);
  if (verdict.kind === "blocked" && verdict.retryAt !== null) next.push(`retrying at ${renderTime(verdict.retryAt)}`);
  if (input.want.kind !== "wanted") return next;
  if (input.want.idleAt !== null) next.push(`removed at ${renderTime(input.want.idleAt)} if it stays unused (prune.idleHours)`);
  const days = input.want.desired.settings.prune.maxAgeDays;
  if (plan.serving !== null && days > 0) {
    const agesAt = later(plan.serving.observation.identity.createdAt, (days * DAY_MS) as DurationMs);
    next.push(`replaced at ${renderTime(agesAt)} because of its age (prune.maxAgeDays)`);
  }
  return next;
}

/** The engine could not be asked: what was seen before is kept, and said to be old. */
export function summarizeUnseen(previous: Sandbox, { code, message }: Blocker, now: EpochMs): Sandbox {
  const { conditions } = previous.status;
  const observedGeneration = previous.status.observedGeneration;
  const unknown = { status: "Unknown" as const, reason: code, message, observedGeneration };
  return {
    ...previous,
    status: {
      ...previous.status,
      conditions: [
        mergeCondition(conditions, { type: "Ready", ...unknown }, now),
        mergeCondition(conditions, { type: "UpToDate", ...unknown }, now),
        mergeCondition(conditions, { type: "EngineReachable", ...unknown, status: "False" }, now),
        ...(findCondition(conditions, "Egress") === undefined ? [] : [mergeCondition(conditions, { type: "Egress", ...unknown }, now)]),
      ],
    },
  };
}
