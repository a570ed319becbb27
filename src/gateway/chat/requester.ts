// Who says something to an agent, for whoever decides which tools that opens: rights follow who asks, never the session.
// Who a caller is, is devices/identity.ts's.
import { allows } from "../../api/gateway-protocol/scopes.ts";
import type { Requester } from "../agent/agent-port.ts";
import { type Identity, renderActor } from "../devices/identity.ts";

/** Whoever may do everything here is the owner to an agent too: the owner of the state folder, and a device that has every scope. */
export function toRequester(identity: Identity): Requester {
  const isOwner = identity.kind === "owner" || (identity.kind === "device" && allows(identity.scopes, "operator.admin"));
  return { kind: identity.kind === "secret" ? "token" : identity.kind, id: renderActor(identity), isOwner };
}
