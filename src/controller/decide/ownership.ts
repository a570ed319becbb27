// Decides whether a container that carries our labels is really ours. Labels alone prove nothing: committing a container to an image
// copies them into every container made from it.
import type { ContainerId, InstanceId, SandboxUid } from "../../api/brands.ts";
import type { Observation } from "./observation.ts";

/** What the ledger knows: written before each creation, completed after it. */
export interface LedgerView {
  /** The container made for this uid. null: it was about to be made. undefined: the ledger does not know the uid. */
  containerOf(uid: SandboxUid): ContainerId | null | undefined;
}

/**
 * Ours is a container whose id is in the ledger, or one the ledger has lost (or never got the id of) whose labels name this instance and
 * whose name label equals its actual or pending name.
 */
export function isOurs(observation: Observation, instance: InstanceId, ledger: LedgerView): boolean {
  const { identity, handle, stage } = observation;
  if (identity.instance !== instance) return false;
  const recorded = ledger.containerOf(identity.uid);
  if (recorded === handle.id) return true;
  // Another container was made for this uid: this one is a copy.
  if (recorded !== undefined && recorded !== null) return false;
  return stage !== "renamed";
}
