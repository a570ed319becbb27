// What a device signs to show that it has its key: the text over which both ends compute the signature, in upstream's third form. Pure, and
// free of Node, so that a page can use it.

/** A device's part of `connect`, before it is signed. */
export interface ConnectProof {
  deviceId: string;
  clientId: string;
  clientMode: string;
  role: string;
  /** As they are sent, in that order. */
  scopes: readonly string[];
  /** The challenge's `ts`. */
  signedAt: number;
  /** `auth.token`, else `auth.deviceToken`; empty: neither is sent. */
  token: string;
  /** The challenge's. */
  nonce: string;
  platform: string;
  /** Empty: not sent. */
  deviceFamily: string;
}

/** Signed with Ed25519 as UTF-8; the signature is sent as base64url. */
export function renderConnectProof(proof: ConnectProof): string {
  const { deviceId, clientId, clientMode, role, scopes, signedAt, token, nonce, platform, deviceFamily } = proof;
  const fields = [deviceId, clientId, clientMode, role, scopes.join(","), String(signedAt), token, nonce];
  return ["v3", ...fields, toPlain(platform), toPlain(deviceFamily)].join("|");
}

/** White space at the ends and the case of ASCII letters do not count. */
const toPlain = (text: string): string => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Signed for `POST /pair`: shows that the browser has the key that it wants paired. */
export const renderPairProof = (deviceId: string, code: string): string => `pair-v1|${deviceId}|${code}`;
