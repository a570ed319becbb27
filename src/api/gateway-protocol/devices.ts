// Devices and requests to pair, as the gateway shows them over HTTP and the socket; names of fields are upstream's where it has the same thing.
// How they are kept is gateway/devices/'s; who may decide about them, pairing.ts's there.
import { z } from "zod";
import { SCOPES } from "./scopes.ts";

const Time = z.int().meta({ description: "Milliseconds since 1970" });
const ScopeWord = z.enum(SCOPES);

/** SHA-256 of the raw public key, hexadecimal. */
export const DeviceIdText = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits");
/** Of Ed25519: 32 bytes, base64url without padding. */
export const PublicKeyText = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "expected 32 bytes as base64url");
export const RequestIdText = z.string().regex(/^[0-9a-f]{16}$/, "expected 16 hexadecimal digits");
/** What people call a device. */
export const DeviceLabel = z.string().min(1).max(64);

/** The program that uses the device's key, as it says of itself. */
export const DeviceClient = z.object({
  id: z.string(),
  mode: z.string(),
  platform: z.string(),
  deviceFamily: z.string().optional(),
});
export type DeviceClient = z.output<typeof DeviceClient>;

/** A device that asked and is awaiting a decision. Never another device, label or list of scopes under the same `requestId`. */
export const PairingRequestView = z.object({
  requestId: RequestIdText,
  /** The device shows it too: who compares them approves the right one. */
  code: z.string(),
  deviceId: DeviceIdText,
  publicKey: PublicKeyText,
  displayName: z.string(),
  clientId: z.string(),
  clientMode: z.string(),
  platform: z.string(),
  deviceFamily: z.string().optional(),
  role: z.literal("operator"),
  scopes: z.array(ScopeWord),
  /** `scope-upgrade`: the device is paired, and asks for more. */
  reason: z.enum(["not-paired", "scope-upgrade"]),
  remoteIp: z.string(),
  ts: Time,
});
export type PairingRequestView = z.output<typeof PairingRequestView>;

export const DeviceView = z.object({
  deviceId: DeviceIdText,
  publicKey: PublicKeyText,
  label: z.string(),
  client: DeviceClient,
  role: z.literal("operator"),
  scopes: z.array(ScopeWord),
  pairedAt: Time,
  /** `owner`, `link`, or the id of a device. */
  approvedBy: z.string(),
  /** null: it may connect. */
  revokedAt: Time.nullable(),
  /** Open sockets. */
  connections: z.int(),
  /** null: not since the gateway started. */
  lastSeenAt: Time.nullable(),
});
export type DeviceView = z.output<typeof DeviceView>;

export const DeviceList = z.object({ pending: z.array(PairingRequestView), paired: z.array(DeviceView) });
export type DeviceList = z.output<typeof DeviceList>;

export const RotationAnswer = z.object({
  deviceId: DeviceIdText,
  role: z.literal("operator"),
  scopes: z.array(ScopeWord),
  rotatedAtMs: Time,
  /** Only for the device itself; any other one gets its new token when it connects. */
  token: z.string().optional(),
  tokenDelivery: z.enum(["in-band", "withheld-cross-device"]),
});
export type RotationAnswer = z.output<typeof RotationAnswer>;
