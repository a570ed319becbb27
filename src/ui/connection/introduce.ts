// What the page says of itself at the handshake: its device, signed over the gateway's challenge, the rights that it asks for, and the token while it
// has one. Where the key is kept is identity.ts's.
import type { Challenge, ConnectParams } from "../../api/gateway-protocol/connect.ts";
import { renderConnectProof } from "../../api/gateway-protocol/device-proof.ts";
import type { Scope } from "../../api/gateway-protocol/scopes.ts";
import type { DeviceIdentity } from "./identity.ts";
import { PROTOCOL } from "./link.ts";

export const CLIENT_ID = "openclaw-control-ui";
export const CLIENT_MODE = "ui";
const ROLE = "operator";

export interface Introduction {
  identity: DeviceIdentity;
  scopes: readonly Scope[];
  /** null: none is kept, or the device needs none any more. */
  token: string | null;
  version: string;
  platform: string;
}

export async function introduce(
  { nonce, ts }: Challenge,
  { identity, scopes, token, version, platform }: Introduction,
): Promise<ConnectParams> {
  const proof = renderConnectProof({
    ...{ deviceId: identity.id, clientId: CLIENT_ID, clientMode: CLIENT_MODE, role: ROLE, scopes, signedAt: ts },
    ...{ token: token ?? "", nonce, platform, deviceFamily: "" },
  });
  const signature = await identity.sign(proof);
  return {
    ...{ minProtocol: PROTOCOL, maxProtocol: PROTOCOL, role: ROLE, scopes: [...scopes] },
    client: { id: CLIENT_ID, version, platform, mode: CLIENT_MODE, displayName: `Browser on ${platform}` },
    device: { id: identity.id, publicKey: identity.publicKey, signature, signedAt: ts, nonce },
    ...(token !== null && { auth: { token } }),
  };
}
