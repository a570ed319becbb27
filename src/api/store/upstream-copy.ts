// Copies the database of another OpenClaw gateway, which is never written or removed, before its folder is used. Whichever process can read it makes the copy.
// Whether to copy it is up to the caller.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { type EpochMs, renderTime } from "../brands.ts";
import { OperationError } from "../errors.ts";
import { explainErrno } from "./atomic-file.ts";

/** @param folder where the copy goes, made when it is not there. @returns the copy. @throws OperationError `HostRejected` */
export async function copyUpstreamDatabase(database: string, folder: string, now: EpochMs): Promise<string> {
  const copy = join(folder, `openclaw-${renderTime(now).replaceAll(/[:.]/g, "-")}.sqlite`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const source = new DatabaseSync(database, { readOnly: true });
    try {
      await backup(source, copy);
    } finally {
      source.close();
    }
    return copy;
  } catch (error) {
    const reason = error instanceof Error ? error.message : explainErrno(error);
    throw new OperationError("HostRejected", `${database} can't be copied: ${reason}`, {
      cause: error,
      fix: "stop the gateway that uses it, and start again with --adopt",
    });
  }
}
