// Guards a state folder in which another OpenClaw gateway keeps its database: two programs must not both think that its sessions are theirs.
// With `--adopt` the database is copied first; it is never written or removed.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { type EpochMs, renderTime } from "../api/brands.ts";
import { OperationError } from "../api/errors.ts";
import { explainErrno, replaceFile } from "../api/store/atomic-file.ts";
import { findUpstreamState, toAdoptionMark } from "../api/store/upstream-state.ts";

export interface StateGuardOptions {
  /** Absolute. */
  stateDir: string;
  /** A person said that this gateway may use the folder. */
  adopt: boolean;
  now: EpochMs;
}

/** @returns the copy, when one was made now. @throws OperationError `HostRejected` */
export async function guardUpstreamState({ stateDir, adopt, now }: StateGuardOptions): Promise<string | null> {
  const database = await findUpstreamState(stateDir);
  if (database === null) return null;
  if (!adopt) {
    throw new OperationError("HostRejected", `another OpenClaw gateway keeps its state here (${database})`, {
      fix: "give this one a folder of its own (--state-dir), or stop the other one and start this one with --adopt, which makes a copy first",
    });
  }
  const folder = join(stateDir, "gateway", "backups");
  const copy = join(folder, `openclaw-${renderTime(now).replaceAll(/[:.]/g, "-")}.sqlite`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const source = new DatabaseSync(database, { readOnly: true });
    try {
      await backup(source, copy);
    } finally {
      source.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : explainErrno(error);
    throw new OperationError("HostRejected", `${database} can't be copied: ${reason}`, {
      cause: error,
      fix: "stop the gateway that uses it, and start again with --adopt",
    });
  }
  await replaceFile(toAdoptionMark(stateDir), `${JSON.stringify({ adoptedAt: renderTime(now), copy })}\n`, { durable: true });
  return copy;
}
