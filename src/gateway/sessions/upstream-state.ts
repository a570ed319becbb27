// Guards a state folder in which another OpenClaw gateway keeps its database: two programs must not both use its sessions.
// With `--adopt` the database is copied first; it is never written or removed.
import { type EpochMs, renderTime } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { replaceFile } from "../../api/store/atomic-file.ts";
import { isAdopted, toAdoptionMark } from "../../api/store/upstream-state.ts";

export interface StateGuardOptions {
  /** Absolute. */
  stateDir: string;
  /** The other gateway's database. null: there is none. */
  database: string | null;
  /** A person said that this gateway may use the folder. */
  adopt: boolean;
  now: EpochMs;
  /** Copies the database, by whoever can read it. @returns the copy's path */
  copy(database: string): Promise<string>;
}

/** @returns the copy, when one was made now. @throws OperationError `HostRejected` */
export async function guardUpstreamState({ stateDir, database, adopt, now, copy }: StateGuardOptions): Promise<string | null> {
  if (database === null || (await isAdopted(stateDir))) return null;
  if (!adopt) {
    throw new OperationError("HostRejected", `another OpenClaw gateway keeps its state here (${database})`, {
      fix: "give this one a folder of its own (--state-dir), or stop the other one and start this one with --adopt, which makes a copy first",
    });
  }
  const copied = await copy(database);
  await replaceFile(toAdoptionMark(stateDir), `${JSON.stringify({ adoptedAt: renderTime(now), copy: copied })}\n`, { durable: true });
  return copied;
}
