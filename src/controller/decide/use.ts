// Decides whether a container may be stopped now: the one place that knows about the hot window and running work.
import { type DurationMs, type EpochMs, later, renderTime } from "../../api/brands.ts";
import { keepsEnding } from "./backoff.ts";
import type { OwnedContainer, PlanInput } from "./types.ts";

export interface StopRules {
  /** Milliseconds after the last use in which it is not stopped. */
  hotWindowMs: number;
  /** A person, or `rollout.policy: now`, ends the hot window. */
  forced: boolean;
  /** Live work is ended too. */
  kill: boolean;
}

export type Permission = { kind: "yes" } | { kind: "no"; until: EpochMs | null; because: string };

/**
 * Live work first, since nothing tells when it ends; then the hot window, which ends at a known moment. What can't serve has none: nobody's
 * work goes on in it.
 */
export function mayStop(
  input: Pick<PlanInput, "now" | "lastUsedAt" | "servingFailure">,
  container: OwnedContainer,
  rules: StopRules,
): Permission {
  if (rules.kill) return { kind: "yes" };
  const alive = container.observation.state === "running" || container.observation.state === "paused";
  if (alive && container.inUse !== "no") {
    const because = container.inUse === "yes" ? "in use; waiting for running work to end" : "it may be in use: the engine did not say";
    return { kind: "no", until: null, because };
  }
  if (rules.forced || input.lastUsedAt === null || !alive || keepsEnding(input.servingFailure)) return { kind: "yes" };
  const coldAt = later(input.lastUsedAt, rules.hotWindowMs as DurationMs);
  if (input.now >= coldAt) return { kind: "yes" };
  return { kind: "no", until: coldAt, because: `last used at ${renderTime(input.lastUsedAt)}; waiting until ${renderTime(coldAt)}` };
}
