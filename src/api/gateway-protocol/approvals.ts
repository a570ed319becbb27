// What a device signs for the controller, as it is sent, and what it needs to know before it signs. Which text is signed is device-proof.ts's;
// whether the controller does what is asked is controller/servers/approval-gate.ts's.
import { z } from "zod";
import { DeviceIdText } from "./devices.ts";

const Time = z.int().meta({ description: "Milliseconds since 1970" });

/** `browser`: it runs the gateway's page, and signs what that page asks. `native`: it shows a person what it signs. */
export const KEY_KINDS = ["browser", "native"] as const;
export const KeyKind = z.enum(KEY_KINDS);
export type KeyKind = z.output<typeof KeyKind>;

/** How far the time that was signed may lie from the controller's. */
export const SIGNATURE_LIFE_MS = 120_000;

/** In the body of what carries a device's signature. */
export const SIGNED_FIELDS = {
  signedAt: z.int().meta({ description: "Milliseconds since 1970, by the controller's clock: within two minutes" }),
  nonce: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,64}$/, "expected 16 to 64 of A-Z a-z 0-9 _ -")
    .meta({ description: "At least 96 bits of chance, base64url; used once" }),
  signature: z
    .string()
    .regex(/^[A-Za-z0-9_-]{86}$/, "expected 64 bytes as base64url")
    .meta({ description: "Ed25519 over the text that pairing.md describes" }),
};

/** Of which container: that it is another one by now makes the signature void. */
export const UidText = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, "expected a container's uid")
  .meta({ description: "`status.container.uid` of the sandbox" });
export const HeldSince = z.int().nonnegative().meta({ description: "`since` of the removal in `approvals.get`" });

/** What a device may sign, and what there is to sign. */
export const ApprovalsAnswer = z.object({
  instance: z.string(),
  now: Time,
  key: KeyKind.nullable().meta({ description: "null: the controller does not know this device's key" }),
  held: z.array(z.object({ name: z.string(), uid: UidText.nullable(), because: z.string(), since: Time })),
});
export type ApprovalsAnswer = z.output<typeof ApprovalsAnswer>;

/** Who signed, for the controller. */
export const SignedBy = z.strictObject({ deviceId: DeviceIdText, ...SIGNED_FIELDS });
export type SignedBy = z.output<typeof SignedBy>;
export const SignedRecreation = SignedBy.extend({ uid: UidText });
export type SignedRecreation = z.output<typeof SignedRecreation>;
export const SignedRemoval = SignedBy.extend({ uid: UidText, since: HeldSince });
export type SignedRemoval = z.output<typeof SignedRemoval>;
