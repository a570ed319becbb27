// What only a person may ask of the controller: signed by this browser's key after the person has confirmed it, and sent over the gateway's socket.
// What is signed is api/gateway-protocol/device-proof.ts's; whether it counts, the controller's.
import { type ApprovalSubject, renderApprovalProof } from "../../api/gateway-protocol/device-proof.ts";
import { toBase64Url } from "../text/bytes.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { GatewayLink } from "./link.ts";

const NONCE_BYTES = 16;

interface Signed {
  signedAt: number;
  nonce: string;
  signature: string;
}

/** @throws GatewayError */
export async function killSandbox(link: GatewayLink, identity: DeviceIdentity, sandbox: { name: string; uid: string }): Promise<void> {
  await link.call("sandbox.kill", { ...sandbox, ...(await sign(link, identity, { action: "recreate-kill", ...sandbox })) });
}

/** @returns `KIND NAME` of each that is gone. @throws GatewayError */
export async function pruneUnowned(link: GatewayLink, identity: DeviceIdentity): Promise<readonly string[]> {
  const { removed } = await link.call("sandbox.prune", await sign(link, identity, { action: "prune" }));
  return removed;
}

/** The controller's time is asked for right before: the signature is good for two minutes of that clock, not of this one. */
async function sign(link: GatewayLink, identity: DeviceIdentity, subject: ApprovalSubject): Promise<Signed> {
  const { instance, now } = await link.call("approvals.get", {});
  const nonce = toBase64Url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
  const proof = renderApprovalProof({ deviceId: identity.id, instance, subject, signedAt: now, nonce });
  return { signedAt: now, nonce, signature: await identity.sign(proof) };
}
