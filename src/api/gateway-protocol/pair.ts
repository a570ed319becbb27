// Pairing by a one-time link: what a browser that opened one sends to `POST /pair`, and what it gets; what it signs is device-proof.ts's.
// Links are made by an operation of the table; how they are kept is gateway/devices/pairing-links.ts's.
import { z } from "zod";
import { DeviceIdText, PublicKeyText } from "./devices.ts";
import { SCOPES } from "./scopes.ts";

export const PAIR_PATH = "/pair";
/** In the fragment of the link's address, which no server is sent: `#pair=CODE`. */
export const PAIR_FRAGMENT = "pair";

/** 128 bits as base64url. */
export const LinkCode = z.string().regex(/^[A-Za-z0-9_-]{22}$/, "expected 22 characters of base64url");

const Word = z.string().min(1).max(64);

export const PairBody = z.strictObject({
  code: LinkCode,
  device: z.strictObject({
    id: DeviceIdText,
    publicKey: PublicKeyText,
    signature: z.string().max(256).meta({ description: "Over `pair-v1|ID|CODE`, Ed25519, 64 bytes as base64url" }),
  }),
  client: z.strictObject({
    id: Word,
    displayName: z.string().min(1).max(200).optional(),
    mode: Word,
    platform: Word,
    deviceFamily: Word.optional(),
  }),
});
export type PairBody = z.output<typeof PairBody>;

export const PairAnswer = z.object({
  deviceId: DeviceIdText,
  label: z.string(),
  role: z.literal("operator"),
  scopes: z.array(z.enum(SCOPES)),
  /** For HTTP; on the socket the device signs. */
  deviceToken: z.string(),
  issuedAtMs: z.int(),
});
export type PairAnswer = z.output<typeof PairAnswer>;
