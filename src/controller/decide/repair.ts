// Decides how to repair the serving container in place, whatever happens to its successor and whether or not the new spec can be built.
// Whether another container is needed is decided in roles.ts.
import { backOffOf } from "./backoff.ts";
import { renderEnding } from "./ending.ts";
import { isSetupUndone } from "./given-up.ts";
import { compareMounts, needsComparison } from "./mounts.ts";
import { canUpdate, handTuning, isCutOff, limitDrift } from "./roles.ts";
import type { Action, ActionKind, OwnedContainer, PlanInput } from "./types.ts";

/** In the order in which they are done. A step that failed waits for its back-off, and keeps no other one waiting. */
export function repair(input: PlanInput, serving: OwnedContainer): Action[] {
  const { observation } = serving;
  const { handle } = observation;
  const actions: Action[] = compare(input, serving);
  if (observation.stage === "renamed") {
    actions.push({ kind: "promote", handle, cause: "external", because: `it was renamed to ${observation.actualName}` });
  }
  if (observation.state === "paused") actions.push({ kind: "unpause", handle, cause: "external", because: "it was paused" });
  if ((observation.state === "exited" || observation.state === "created") && !isSetupUndone(input, observation)) {
    actions.push({ kind: "start", handle, cause: "crash", because: `its main process exited${renderEnding(observation)}` });
  }
  if (observation.state === "running") actions.push(...repairNetworks(serving));
  actions.push(...repairLimits(input, serving));
  return actions.filter(({ kind }) => !isWaiting(input, kind));
}

/** Before anything is done in it: each start looks its sources up anew. */
export function compare(input: PlanInput, serving: OwnedContainer): Action[] {
  const isDue = needsComparison(serving) && !isSetupUndone(input, serving.observation) && !isWaiting(input, "compare-mounts");
  return isDue ? [compareMounts(serving)] : [];
}

/** Whether this step failed at the one that serves, or it keeps ending, and is not tried again yet. */
function isWaiting(input: PlanInput, step: ActionKind): boolean {
  const { servingFailure } = input;
  if (backOffOf(servingFailure, input) === null) return false;
  return (servingFailure?.at?.step ?? "start") === step;
}

function repairNetworks({ observation }: OwnedContainer): Action[] {
  const { handle, networks, created } = observation;
  const extra = networks.filter((name) => name !== created.network);
  const detached = extra.map((network): Action => {
    return { kind: "detach", handle, network, cause: "external", because: `network ${network} was attached by hand` };
  });
  if (!isCutOff(observation)) return detached;
  const { network } = created;
  return [{ kind: "attach", handle, network, cause: "external", because: `network ${network} was detached by hand` }];
}

/** The newest spec's limits, also in a container that another one is to replace. */
function repairLimits(input: PlanInput, { observation }: OwnedContainer): Action[] {
  const { spec } = input;
  if (spec?.kind !== "ready") return [];
  const limits = limitDrift(input, spec, observation);
  const tuning = handTuning(input, observation).filter(({ remedy }) => remedy === "live");
  if (limits.length + tuning.length === 0 || !limits.every((one) => canUpdate(input, one))) return [];
  const changes = [...limits, ...tuning].map(({ field, desired, actual }) => `${field} ${actual} -> ${desired}`).join(", ");
  const { handle } = observation;
  return [{ kind: "update", handle, live: spec.container.live, changes, cause: "drift", because: changes }];
}
