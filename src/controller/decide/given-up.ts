// Decides what a container can no longer be used for: what a failed step means for a new one and for the serving one, and what a restart
// undid. What happens instead is decided in plan.ts.
import type { Failure } from "../../api/sandbox.ts";
import type { Observation } from "./observation.ts";
import type { PlanInput } from "./types.ts";

/** What the engine answers in a moment of trouble too: once says nothing of the container. */
const OFTEN_ENOUGH = 2;

/** How often in a row this step failed at this container. */
function timesAt(failure: Failure | null, { handle }: Observation, steps: readonly string[]): number {
  return failure?.at?.container === handle.id && steps.includes(failure.at.step) ? failure.at.times : 0;
}

/** A new container that can't be brought on. It serves nobody, so another one is made in its place rather than tried with this one again. */
export function isGivenUp({ failure }: Pick<PlanInput, "failure">, observation: Observation): boolean {
  if (observation.state === "created") return timesAt(failure, observation, ["start"]) > 0;
  return timesAt(failure, observation, ["promote"]) >= OFTEN_ENOUGH;
}

/** One that serves, does not run, and can't be made to: its network or a folder of it is gone, or the engine has its own view of it. */
export function isUnmendable({ servingFailure }: Pick<PlanInput, "servingFailure">, observation: Observation): boolean {
  if (observation.state === "running") return false;
  const times = timesAt(servingFailure, observation, ["start", "unpause"]);
  return times >= (servingFailure?.code === "EngineTimeout" ? OFTEN_ENOUGH : 1);
}

/** What a setup left outside the workspace is gone once the main process has ended: it can't serve any more. */
export function isSetupUndone({ want, spec }: Pick<PlanInput, "want" | "spec">, { restarted, identity }: Observation): boolean {
  if (!restarted) return false;
  if (identity.hasSetup !== null) return identity.hasSetup;
  if (spec?.kind === "ready") return spec.container.setupCommand !== null;
  return want.kind === "wanted" && want.desired.settings.docker.setupCommand !== null;
}
