// Whether a container of the egress is ours, as with sandboxes: labels alone prove nothing. What is ours is written into the ledger where that lost it.
import { toScopeKey } from "../../api/brands.ts";
import { EGRESS_UID_LENGTH, type EgressContainer } from "../decide/egress-facts.ts";
import type { Ledger } from "../records/ledger.ts";

/**
 * By the ledger; one that it does not know, or that somebody made anew in the place of the one that it knows, by a name that says the same as its
 * labels: the engine gives a name to one container.
 */
export function isOurEgress({ handle, actualName, name, role }: EgressContainer, ledger: Pick<Ledger, "containerOf">): boolean {
  if (ledger.containerOf(handle.uid) === handle.id) return true;
  return actualName === (role === "proxy" ? name : `${name}-egress-${handle.uid.slice(0, EGRESS_UID_LENGTH)}`);
}

export async function adoptEgress({ handle, role, name, createdAt }: EgressContainer, ledger: Ledger): Promise<void> {
  if (ledger.containerOf(handle.uid) === handle.id) return;
  await ledger.adopt({ uid: handle.uid, name, kind: role, scopeKey: toScopeKey(""), containerId: handle.id, createdAt, workspace: null });
}
