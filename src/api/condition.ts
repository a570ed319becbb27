// Conditions, as Kubernetes has them: the last observed state of one aspect of an object, with its reason and time.
import type { EpochMs } from "./brands.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

/**
 * - `Ready`: the right container runs and its setup is complete; a tool can run now.
 * - `UpToDate`: the container matches the newest spec; `False reason=DeferredInUse` while drift waits for the hot window.
 * - `EngineReachable`: the last look at the engine for this sandbox succeeded.
 * - `Egress`: its list of destinations is in force; while it is not, its network is closed. Absent where it has no list.
 */
export const CONDITION_TYPES = ["Ready", "UpToDate", "EngineReachable", "Egress"] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export interface Condition {
  type: ConditionType;
  status: ConditionStatus;
  /** One CamelCase word for programs. */
  reason: string;
  /** One sentence for people. */
  message: string;
  /** The generation of the spec that this condition speaks about. */
  observedGeneration: number;
  /** When `status` last changed. */
  lastTransitionTime: EpochMs;
}

/** Keeps `lastTransitionTime` where the status did not change. */
export function mergeCondition(previous: readonly Condition[], next: Omit<Condition, "lastTransitionTime">, now: EpochMs): Condition {
  const before = previous.find((condition) => condition.type === next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : now;
  return { ...next, lastTransitionTime };
}

export function findCondition(conditions: readonly Condition[], type: ConditionType): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}
