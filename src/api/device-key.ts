// A device's Ed25519 key: its id, and whether it signed a text. Pure.
// What is signed is gateway-protocol/device-proof.ts's.
import { createHash, createPublicKey, verify } from "node:crypto";
import { type DeviceId, toDeviceId } from "./brands.ts";
import { PublicKeyText } from "./gateway-protocol/devices.ts";

/** null: it is no key. */
export function deviceIdOf(publicKey: string): DeviceId | null {
  if (!PublicKeyText.safeParse(publicKey).success) return null;
  return toDeviceId(createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest("hex"));
}

/** @param publicKey 32 bytes as base64url @param signature 64 bytes as base64url */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
    return verify(null, Buffer.from(text, "utf8"), key, Buffer.from(signature, "base64url"));
  } catch {
    // The bytes are no point of the curve.
    return false;
  }
}
