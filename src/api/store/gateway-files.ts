// What a running gateway leaves in its folder for itself and the command line: where it listens, the token it generated, and the config that
// the controller sent last. Only the gateway writes them, and only its own user can read them.
import { join } from "node:path";
import { z } from "zod";
import { GatewayPart, toKeptPart } from "../config/gateway-part.ts";
import { OperationError } from "../errors.ts";
import { readBounded, replaceFile } from "./atomic-file.ts";

const FILE_BYTES_MAX = 4_096;
/** A part of a config, whose files together have a quarter of it. */
const KEPT_BYTES_MAX = 16 * 1_048_576;
const Address = z.object({ url: z.url({ protocol: /^http$/ }) });

export const toGatewayTokenPath = (stateDir: string): string => join(stateDir, "gateway", "token");
export const toKeptConfigPath = (stateDir: string): string => join(stateDir, "gateway", "config.json");
export const toOwnerKeyPath = (stateDir: string): string => join(stateDir, "gateway", "owner-key");
export const toDeviceSecretPath = (stateDir: string): string => join(stateDir, "gateway", "device-secret");
const toAddressPath = (stateDir: string): string => join(stateDir, "gateway", "address.json");

/** null: there is none. @throws OperationError `HostRejected` */
export const findGatewayToken = (stateDir: string): Promise<string | null> => readSecret(toGatewayTokenPath(stateDir));

/** null: no gateway has made one yet. @throws OperationError `HostRejected` */
export const findOwnerKey = (stateDir: string): Promise<string | null> => readSecret(toOwnerKeyPath(stateDir));

/** null: no gateway has made one yet. @throws OperationError `HostRejected` */
export const findDeviceSecret = (stateDir: string): Promise<string | null> => readSecret(toDeviceSecretPath(stateDir));

async function readSecret(path: string): Promise<string | null> {
  const text = await readOwn(path);
  if (text === null) return null;
  const token = text.trim();
  if (token !== "") return token;
  throw new OperationError("HostRejected", `${path} contains no secret`, { fix: "remove the file; the gateway generates a new one" });
}

export async function writeGatewayUrl(stateDir: string, url: string): Promise<void> {
  await replaceFile(toAddressPath(stateDir), `${JSON.stringify({ url })}\n`, { durable: false });
}

/** Where the newest gateway listened; it may have ended since. null: none ever did. @throws OperationError `HostRejected` */
export async function findGatewayUrl(stateDir: string): Promise<string | null> {
  const text = await readOwn(toAddressPath(stateDir));
  if (text === null) return null;
  try {
    return Address.parse(JSON.parse(text)).url;
  } catch {
    return null;
  }
}

/** Without the secrets of model providers. @throws OperationError `HostRejected` */
export async function keepConfig(stateDir: string, config: GatewayPart): Promise<void> {
  await replaceFile(toKeptConfigPath(stateDir), `${JSON.stringify(toKeptPart(config))}\n`, { durable: true, mode: 0o600 });
}

/** null: none was kept. @throws OperationError `HostRejected`: it can't be read, or is damaged */
export async function findKeptConfig(stateDir: string): Promise<GatewayPart | null> {
  const path = toKeptConfigPath(stateDir);
  const text = await readOwn(path, KEPT_BYTES_MAX);
  if (text === null) return null;
  try {
    return GatewayPart.parse(JSON.parse(text));
  } catch (error) {
    throw new OperationError("HostRejected", `${path} is damaged`, {
      cause: error,
      fix: "the gateway rewrites it once it reaches the controller",
    });
  }
}

/** null: there is no such file. */
async function readOwn(path: string, bytesMax = FILE_BYTES_MAX): Promise<string | null> {
  const read = await readBounded(path, bytesMax);
  if (read.kind === "missing") return null;
  if (read.kind === "read") return read.text;
  throw new OperationError("HostRejected", `${path} can't be read: ${read.message}`, {
    fix: "run the command as the user that runs the gateway, or as root",
  });
}
