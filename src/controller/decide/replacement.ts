// Decides whether a container that works may be replaced now, and if not, why and until when: pin, rollout, use, and how long it has waited already.
// How the successor is created is decided in plan.ts; whose turn it is among many sandboxes, in rollout.ts.
import { type DurationMs, type EpochMs, later, renderTime, SECOND_MS } from "../../api/brands.ts";
import type { SandboxChange } from "../../api/sandbox.ts";
import type { ReplaceReason } from "./roles.ts";
import type { DeferralReason, OwnedContainer, PlanInput, Verdict, Want } from "./types.ts";
import { mayStop } from "./use.ts";

/** Live work ends with an event; should that be lost, it is looked for again after this. */
export const LIVE_WORK_RECHECK_MS = (30 * SECOND_MS) as DurationMs;

type Wanted = PlanInput & { want: Extract<Want, { kind: "wanted" }> };

export type ReplacementPermit =
  /** `kill`: live work is ended too. */
  { kind: "yes"; kill: boolean } | { kind: "no"; verdict: Extract<Verdict, { kind: "deferred" }>; requeueAt: EpochMs | null };

interface Wait {
  reason: DeferralReason;
  until: EpochMs | null;
  /** When to look again. null: somebody else wakes it. */
  wakeAt: EpochMs | null;
  message: string;
}

export function mayReplace(input: Wanted, serving: OwnedContainer, reason: ReplaceReason): ReplacementPermit {
  const { rollout } = input.want.desired.settings;
  const since = waitsSince(input.change, input.now);
  const dueAt = rollout.maxDriftAge === 0 ? null : later(since, rollout.maxDriftAge as DurationMs);
  const overdue = dueAt !== null && input.now >= dueAt;
  const kill = rollout.policy === "now" || (reason.cause === "forced" && input.request?.kill === true);
  const rules = {
    hotWindowMs: rollout.hotWindow,
    forced: rollout.policy === "now" || reason.cause === "forced" || reason.broken || (overdue && rollout.afterMaxDriftAge !== "report"),
    kill: kill || (overdue && rollout.afterMaxDriftAge === "kill" && !reason.broken),
  };
  const wait = (reason.broken ? null : (pinOf(input, reason) ?? closedGate(input))) ?? useOf(input, serving, rules);
  if (wait === null) return { kind: "yes", kill: rules.kill };
  // Who pins a sandbox means it.
  const isLate = overdue && wait.reason !== "pinned";
  const late = isLate ? `deferred since ${renderTime(since)}, longer than rollout.maxDriftAge; ` : "";
  const wakes = [wait.wakeAt, overdue || wait.reason === "pinned" ? null : dueAt].filter((at) => at !== null);
  return {
    kind: "no",
    verdict: {
      kind: "deferred",
      reason: wait.reason,
      until: wait.until,
      overdue: isLate,
      message: `${late}${reason.because}; ${wait.message}`,
    },
    requeueAt: wakes.length === 0 ? null : (Math.min(...wakes) as EpochMs),
  };
}

export const waitsSince = (change: SandboxChange | null, now: EpochMs): EpochMs => (change?.pending === true ? change.since : now);

/** What the container that serves was made for, once nothing has to be replaced. null: it was there before, and the change was withdrawn. */
export function changeMade(change: SandboxChange | null, serving: OwnedContainer | null): SandboxChange | null {
  if (change === null || !change.pending) return change;
  return serving !== null && serving.observation.identity.createdAt >= change.since ? { ...change, pending: false } : null;
}

function pinOf({ want, pinned, name }: Wanted, { cause }: ReplaceReason): Wait | null {
  if (cause === "forced") return null;
  const never: Wait = { reason: "pinned", until: null, wakeAt: null, message: 'rollout.policy is "never"' };
  if (want.desired.settings.rollout.policy === "never") return never;
  return pinned ? { ...never, message: `pinned; to let it change: openclaw sandbox unpin ${name}` } : null;
}

function closedGate({ gate }: Wanted): Wait | null {
  return gate.kind === "open" ? null : { reason: gate.reason, until: gate.until, wakeAt: gate.until, message: gate.message };
}

function useOf(input: Wanted, serving: OwnedContainer, rules: Parameters<typeof mayStop>[2]): Wait | null {
  const permission = mayStop(input, serving, rules);
  if (permission.kind === "yes") return null;
  const { until, because } = permission;
  return { reason: "in-use", until, wakeAt: until ?? later(input.now, LIVE_WORK_RECHECK_MS), message: because };
}
