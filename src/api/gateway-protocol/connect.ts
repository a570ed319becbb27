// The handshake of the gateway's WebSocket: the server's challenge, the client's `connect`, and hello-ok.
// Who is let in is gateway/ws/handshake.ts's.
import { z } from "zod";

/** The first frame, the server's: event `connect.challenge`. Good for this connection, once, for 10 s. */
export const Challenge = z.object({ nonce: z.string(), ts: z.int() });
export type Challenge = z.output<typeof Challenge>;

const Word = z.string().min(1).max(64);
const Secret = z.string().max(4_096);

/** `params` of the client's first request, whose method is `connect`. Fields that are not here are not looked at. */
export const ConnectParams = z.object({
  minProtocol: z.int(),
  maxProtocol: z.int(),
  client: z.object({
    id: Word,
    displayName: z.string().min(1).max(200).optional(),
    version: Word,
    platform: Word,
    deviceFamily: z.string().min(1).max(64).optional(),
    mode: Word,
  }),
  role: z.string().max(64).optional().meta({ description: "`operator`, the only one that there is. Absent: that" }),
  scopes: z
    .array(z.string().max(64))
    .max(32)
    .optional()
    .meta({ description: "Absent: `operator.read`. Words that nobody knows are no scopes" }),
  auth: z.object({ token: Secret.optional(), deviceToken: Secret.optional(), password: Secret.optional() }).optional().meta({
    description:
      "The first of `token`, `deviceToken` and `password` that is there counts: the gateway's token or password, with which a device may ask to be paired; the device's token; or the owner's key, `<state>/gateway/owner-key`, which opens everything by itself. A paired device needs none of them",
  }),
  device: z
    .object({
      id: z.string().max(128).meta({ description: "SHA-256 of the public key's 32 bytes, hexadecimal" }),
      publicKey: z.string().max(256).meta({ description: "Ed25519, 32 bytes as base64url" }),
      signature: z.string().max(256).meta({ description: "64 bytes as base64url" }),
      signedAt: z.int().meta({ description: "The challenge's `ts`" }),
      nonce: z.string().max(256).meta({ description: "The challenge's" }),
    })
    .optional()
    .meta({ description: "Absent: only the owner's key opens the socket" }),
  resume: z.string().max(64).optional().meta({
    description: "`cursor` of the last event that the client has: those after it come right after hello-ok. Absent: it begins anew",
  }),
});
export type ConnectParams = z.output<typeof ConnectParams>;

/**
 * Why a handshake is refused: `details.code` of its error. With PAIRING_REQUIRED come `reason` (`not-paired`, `scope-upgrade`, `rejected`,
 * `revoked`, `limited`) and, while a person can decide, `requestId` and `pairingCode`, which the device shows.
 */
export const CONNECT_REFUSALS = [
  "PROTOCOL_MISMATCH",
  "AUTH_TOKEN_MISSING",
  "AUTH_TOKEN_MISMATCH",
  "AUTH_RATE_LIMITED",
  "AUTH_SCOPE_MISMATCH",
  "AUTH_DEVICE_TOKEN_MISMATCH",
  "DEVICE_IDENTITY_REQUIRED",
  "DEVICE_AUTH_DEVICE_ID_MISMATCH",
  "DEVICE_AUTH_NONCE_MISMATCH",
  "DEVICE_AUTH_SIGNATURE_EXPIRED",
  "DEVICE_AUTH_SIGNATURE_INVALID",
  "PAIRING_REQUIRED",
] as const;
export type ConnectRefusal = (typeof CONNECT_REFUSALS)[number];

export const HelloOk = z.object({
  type: z.literal("hello-ok"),
  protocol: z.int(),
  server: z.object({ version: z.string(), connId: z.string() }),
  features: z.object({
    /** Those that the connection's scopes allow. */
    methods: z.array(z.string()),
    events: z.array(z.string()),
  }),
  snapshot: z.object({
    presence: z.array(z.unknown()),
    health: z.object({ ok: z.literal(true).optional(), ts: z.int() }),
    stateVersion: z.object({ presence: z.int(), health: z.int() }),
    uptimeMs: z.int(),
  }),
  auth: z.object({
    role: z.string(),
    scopes: z.array(z.string()),
    deviceToken: z.string().optional().meta({ description: "For HTTP: `Authorization: Bearer`, 30 days. Another one each time" }),
    issuedAtMs: z.int().optional(),
  }),
  events: z.object({
    cursor: z.string().meta({ description: "Of the newest event" }),
    resumed: z
      .boolean()
      .optional()
      .meta({ description: "Of a client that asked to go on: whether all that it missed follows. false: it asks for everything anew" }),
  }),
  policy: z.object({
    maxPayload: z.int(),
    maxBufferedBytes: z.int(),
    tickIntervalMs: z.int(),
  }),
});
export type HelloOk = z.output<typeof HelloOk>;
