// This browser's device key: made once, kept by the browser in a form that no script can read out, and used to sign the gateway's challenges.
// What is signed is api/gateway-protocol/device-proof.ts's.
import { toBase64Url, toHex } from "../text/bytes.ts";

export interface DeviceIdentity {
  /** SHA-256 of the public key, hexadecimal. */
  id: string;
  /** base64url */
  publicKey: string;
  /** @returns base64url */
  sign(text: string): Promise<string>;
}

const DATABASE = "openclaw";
const STORE = "device";
const KEY = "key";
const ALGORITHM = "Ed25519";

/** Rejects where the browser has no Ed25519 (before 2025) or keeps no database (private windows of some). */
export async function openIdentity(): Promise<DeviceIdentity> {
  const { publicKey, privateKey } = await findKeys();
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
  return {
    id: toHex(digest),
    publicKey: toBase64Url(raw),
    sign: async (text) => toBase64Url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, new TextEncoder().encode(text)))),
  };
}

/** The gateway forgets nothing by that: it is another device from now on. */
export async function forgetIdentity(): Promise<void> {
  await inStore("readwrite", (store) => store.delete(KEY));
}

async function findKeys(): Promise<CryptoKeyPair> {
  const kept: CryptoKeyPair | undefined = await inStore("readonly", (store) => store.get(KEY));
  if (kept !== undefined) return kept;
  const made = (await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"])) as CryptoKeyPair;
  // Two tabs that open at once keep one key: the first that is there.
  await inStore("readwrite", (store) => store.add(made, KEY)).catch(() => undefined);
  return (await inStore("readonly", (store) => store.get(KEY))) ?? made;
}

async function inStore<Value>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<Value>): Promise<Value> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    return await settled(act(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's database does not answer"));
  });
}
