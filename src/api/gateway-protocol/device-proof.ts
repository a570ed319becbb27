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

/** What only a person may ask of the controller. */
export type ApprovalSubject =
  /** A new container now, whatever runs in the one of that uid. */
  | { action: "recreate-kill"; name: string; uid: string }
  /** The removal that has waited for a person since that moment, by the mass-removal guard. */
  | { action: "approve-removal"; name: string; uid: string; since: number }
  /** What nothing wants any more and may go. */
  | { action: "prune" };

export interface ApprovalProof {
  deviceId: string;
  /** The controller's, so that it counts for no other one. */
  instance: string;
  subject: ApprovalSubject;
  /** Milliseconds since 1970, by the controller's clock. */
  signedAt: number;
  /** Never the same again. */
  nonce: string;
}

/** Signed for the controller, which the gateway only carries it to. Every part is there, empty where the action has none. */
export function renderApprovalProof({ deviceId, instance, subject, signedAt, nonce }: ApprovalProof): string {
  const [name, uid] = subject.action === "prune" ? ["", ""] : [subject.name, subject.uid];
  const since = subject.action === "approve-removal" ? String(subject.since) : "";
  return ["approval-v1", deviceId, instance, subject.action, name, uid, since, String(signedAt), nonce].join("|");
}
