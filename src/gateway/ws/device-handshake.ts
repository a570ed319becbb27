// Decides whether a device is let in: by its signature over this connection's challenge, and by what a person granted to its key. One that may not
// yet do what it asks for becomes a request. No address is let in without: this host's own neither.
import { type DeviceId, type EpochMs, toDurationMs } from "../../api/brands.ts";
import { deviceIdOf, isSignedBy } from "../../api/device-key.ts";
import type { Challenge, ConnectParams } from "../../api/gateway-protocol/connect.ts";
import { renderConnectProof } from "../../api/gateway-protocol/device-proof.ts";
import { allows, type Scope, toScopes } from "../../api/gateway-protocol/scopes.ts";
import { type Device, toLabel } from "../devices/device-files.ts";
import type { DeviceTokens } from "../devices/device-tokens.ts";
import { type Devices, isActive } from "../devices/devices.ts";
import type { Identity } from "../devices/identity.ts";
import type { Pairing } from "../devices/pairing.ts";
import type { Applicant } from "../devices/pairing-requests.ts";
import type { Caller, Credentials } from "../http/auth.ts";
import type { Identities } from "../http/identities.ts";
import { type Handshake, refuse, refuseSecret } from "./refusal.ts";

export interface DeviceHandshakeParts {
  identities: Identities;
  devices: Devices;
  tokens: DeviceTokens;
  pairing: Pairing;
  now(): EpochMs;
}

export interface ConnectCall {
  params: ConnectParams;
  role: "operator";
  /** Those that are asked for; at least one. */
  asked: Scope[];
  caller: Caller;
  challenge: Challenge;
  credentials: Credentials;
}

/** The client takes the challenge's own time, so this is for those that round it. */
const SIGNED_AT_SKEW_MS_MAX = toDurationMs(60_000);

type DeviceParams = NonNullable<ConnectParams["device"]>;

/** @throws OperationError `HostRejected`: a request can't be written */
export async function judgeDevice(call: ConnectCall, device: DeviceParams, parts: DeviceHandshakeParts): Promise<Handshake> {
  const id = deviceIdOf(device.publicKey);
  if (id === null || id !== device.id)
    return refuse("DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch: the id is not the public key's SHA-256");
  const refusal = refuseProof(call, device);
  if (refusal !== null) return refusal;
  const known = parts.devices.find(id);
  if (known !== null && !isActive(known)) return refuseRevoked();
  const shown = await judgeShown(call, known, parts);
  if (shown.kind !== "passed") return shown;
  const applicant = toApplicant(call, id, device.publicKey);
  if (known === null) return await toPairingRefusal(applicant, parts);
  return await admit(call, known, { applicant, parts });
}

/** null: it signed this challenge. */
function refuseProof({ params, role, challenge }: ConnectCall, device: DeviceParams): Handshake | null {
  if (device.nonce !== challenge.nonce)
    return refuse("DEVICE_AUTH_NONCE_MISMATCH", "device nonce mismatch: sign the nonce of connect.challenge");
  if (Math.abs(device.signedAt - challenge.ts) > SIGNED_AT_SKEW_MS_MAX)
    return refuse("DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired: signedAt is the ts of connect.challenge");
  const { client, scopes, auth } = params;
  const text = renderConnectProof({
    ...{ deviceId: device.id, clientId: client.id, clientMode: client.mode, role, scopes: scopes ?? [], signedAt: device.signedAt },
    ...{ token: auth?.token ?? auth?.deviceToken ?? "", nonce: device.nonce },
    ...{ platform: client.platform, deviceFamily: client.deviceFamily ?? "" },
  });
  if (isSignedBy(device.publicKey, text, device.signature)) return null;
  return refuse("DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid: it is not this key's over what docs/websocket.md describes");
}

/** A secret beside the signature: right if it is there, and needed of a device that nobody knows. The owner's key opens by itself. */
async function judgeShown(
  { params: { auth }, asked, caller, credentials }: ConnectCall,
  known: Device | null,
  { identities, tokens }: DeviceHandshakeParts,
): Promise<Handshake | { kind: "passed" }> {
  const secret = auth?.token ?? auth?.deviceToken ?? auth?.password ?? "";
  // The key shows more than any token does: of its own ones an old one is no reason to refuse.
  const facts = tokens.read(secret);
  if (known !== null && (secret === "" || facts?.deviceId === known.metadata.name)) return { kind: "passed" };
  if (facts !== null) return refuse("AUTH_DEVICE_TOKEN_MISMATCH", "device token mismatch: it is not this device's");
  const header = secret === "" ? undefined : `Bearer ${Buffer.from(secret).toString("latin1")}`;
  const judged = await identities.judge(caller, header, credentials);
  if (typeof judged === "string") return refuseSecret(judged);
  return judged.kind === "owner" ? { kind: "granted", identity: { kind: "owner", scopes: asked } } : { kind: "passed" };
}

/** What it was granted of what it asks for. For more a person is asked, unless one said no to that already. */
async function admit(
  { asked }: ConnectCall,
  device: Device,
  { applicant, parts }: { applicant: Applicant; parts: DeviceHandshakeParts },
): Promise<Handshake> {
  const { scopes: granted, declined } = device.spec;
  const beyond = asked.filter((scope) => !allows(granted, scope));
  if (beyond.some((scope) => !declined.includes(scope))) return await toPairingRefusal(applicant, parts);
  const scopes = asked.filter((scope) => allows(granted, scope));
  if (scopes.length === 0) return refuse("AUTH_SCOPE_MISMATCH", "unauthorized: a person declined the scopes that this device asks for");
  const { devices, tokens, now } = parts;
  const id = device.metadata.name;
  const identity: Identity = { kind: "device", deviceId: id, scopes, revoked: devices.authority(id) };
  return { kind: "granted", identity, deviceToken: tokens.issue(device, now()) };
}

function toApplicant({ params: { client }, asked, caller }: ConnectCall, deviceId: DeviceId, publicKey: string): Applicant {
  const { deviceFamily, mode, platform } = client;
  return {
    deviceId,
    // The same key has several spellings in base64url.
    publicKey: Buffer.from(publicKey, "base64url").toString("base64url"),
    label: toLabel(client.displayName ?? `${client.id} on ${platform}`),
    client: { id: client.id, mode, platform, ...(deviceFamily !== undefined && { deviceFamily }) },
    scopes: toScopes(asked),
    address: caller.address,
  };
}

async function toPairingRefusal(applicant: Applicant, { pairing }: DeviceHandshakeParts): Promise<Handshake> {
  const asked = await pairing.ask(applicant);
  switch (asked.kind) {
    case "limited":
      return refuse("PAIRING_REQUIRED", "pairing required: too many new devices ask from this address; try again in a minute", {
        ...{ reason: "limited", recommendedNextStep: "wait_then_retry", retryAfterMs: asked.retryAfterMs },
      });
    case "rejected":
      return refuse("PAIRING_REQUIRED", "pairing required: a person rejected this device's request", {
        ...{ reason: "rejected", requestId: asked.requestId, deviceId: applicant.deviceId, pauseReconnect: true },
      });
    case "pending": {
      const { requestId, code, reason } = asked;
      const what = reason === "not-paired" ? "this device is not paired yet" : "this device asks for more than it was granted";
      return refuse("PAIRING_REQUIRED", `pairing required: ${what}; approve it with: openclaw devices approve ${requestId}`, {
        ...{
          reason,
          requestId,
          pairingCode: code,
          deviceId: applicant.deviceId,
          requestedRole: "operator",
          requestedScopes: applicant.scopes,
        },
        ...{ remediationHint: `openclaw devices approve ${requestId}`, recommendedNextStep: "wait_then_retry" },
      });
    }
  }
}

function refuseRevoked(): Handshake {
  return refuse("PAIRING_REQUIRED", "pairing required: this device was revoked; a person has to remove it before it can ask again", {
    ...{ reason: "revoked", pauseReconnect: true },
  });
}
