// Devices that sign, for tests: an Ed25519 key of its own each. It asserts nothing.
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface SigningDevice {
  id: string;
  /** base64url of 32 bytes. */
  publicKey: string;
  privateKey: KeyObject;
}

export function makeSigner(): SigningDevice {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return { id: createHash("sha256").update(raw).digest("hex"), publicKey: raw.toString("base64url"), privateKey };
}

/** @returns base64url */
export const signText = ({ privateKey }: SigningDevice, text: string): string =>
  sign(null, Buffer.from(text), privateKey).toString("base64url");
