// What a running gateway leaves in the state folder for the command line: where it listens, and the token that it made for itself.
// Only the gateway writes them, and only its own user can read them.
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../errors.ts";
import { readBounded, replaceFile } from "./atomic-file.ts";

const FILE_BYTES_MAX = 4_096;
const Address = z.object({ url: z.url({ protocol: /^http$/ }) });

export const toGatewayTokenPath = (stateDir: string): string => join(stateDir, "gateway", "token");
const toAddressPath = (stateDir: string): string => join(stateDir, "gateway", "address.json");

/** null: there is none. @throws OperationError `HostRejected` */
export async function findGatewayToken(stateDir: string): Promise<string | null> {
  const path = toGatewayTokenPath(stateDir);
  const text = await readOwn(path);
  if (text === null) return null;
  const token = text.trim();
  if (token !== "") return token;
  throw new OperationError("HostRejected", `${path} holds no token`, { fix: "remove the file: the gateway makes a new one" });
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

/** null: there is no such file. */
async function readOwn(path: string): Promise<string | null> {
  const read = await readBounded(path, FILE_BYTES_MAX);
  if (read.kind === "missing") return null;
  if (read.kind === "read") return read.text;
  throw new OperationError("HostRejected", `${path} can't be read: ${read.message}`, {
    fix: "run the command as the user that runs the gateway, or as root",
  });
}
