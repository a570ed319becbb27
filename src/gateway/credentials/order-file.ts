// Which order a person chose for the profiles of each provider: one small file beside the secrets.
// What it means is profile-order.ts's.
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import type { ProfileId } from "../../api/models/credential.ts";
import { ProfileIdText, providerOf } from "../../api/models/stored-secret.ts";
import { API_VERSION } from "../../api/session.ts";
import { readBounded, replaceFile } from "../../api/store/atomic-file.ts";
import type { CredentialStore } from "./credential-store.ts";

export const ORDER_LENGTH_MAX = 64;
const PROVIDERS_MAX = 256;
/** So many of so many ids of 193 characters would be 3 MiB; a person has a handful. */
const FILE_BYTES_MAX = 262_144;
const LOCK_NAME = "order.lock";

const OrderFile = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("CredentialOrder"),
  spec: z
    .record(z.string().max(64), z.array(ProfileIdText).max(ORDER_LENGTH_MAX))
    .refine((orders) => Object.keys(orders).length <= PROVIDERS_MAX),
});
export type Orders = Readonly<Record<string, readonly ProfileId[]>>;

const toPath = (folder: string): string => join(folder, "order.json");

/** @throws OperationError `HostRejected`: it is damaged */
export async function readOrders(folder: string): Promise<Orders> {
  const path = toPath(folder);
  const read = await readBounded(path, FILE_BYTES_MAX);
  if (read.kind === "missing") return {};
  const message = read.kind === "read" ? "it is not as it was written" : read.message;
  try {
    if (read.kind === "read") return OrderFile.parse(JSON.parse(read.text)).spec;
  } catch {
    // As below.
  }
  throw new OperationError("HostRejected", `${path}: ${message}`, {
    fix: `rm '${path}', then choose the order again: openclaw models auth order set`,
  });
}

/** @param order empty: nothing is chosen any more. @throws OperationError `InvalidArgument`, `HostRejected` */
export async function writeOrder(store: CredentialStore, provider: string, order: readonly ProfileId[]): Promise<void> {
  const foreign = order.find((id) => providerOf(id) !== provider);
  if (foreign !== undefined) throw new OperationError("InvalidArgument", `${foreign} is no profile of ${provider}`);
  await store.holdFile(LOCK_NAME, "the order of profiles", async () => {
    const { [provider]: _, ...others } = await readOrders(store.folder);
    const spec = order.length === 0 ? others : { ...others, [provider]: [...new Set(order)] };
    const file = { apiVersion: API_VERSION, kind: "CredentialOrder", spec };
    await replaceFile(toPath(store.folder), `${JSON.stringify(file, null, 2)}\n`, { durable: true, mode: 0o600 });
  });
}
