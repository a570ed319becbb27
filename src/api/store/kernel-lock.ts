// A lock on a file that the kernel keeps for one process (through SQLite): it ends with the process however that dies, and it holds between
// containers that share the folder. What a lock is for, and whether to wait for it, is up to the callers.
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { errnoOf } from "../errno.ts";
import { OperationError } from "../errors.ts";
import { toFileError } from "./atomic-file.ts";

/** SQLite's result codes for "somebody else has it"; the lowest byte is the primary code. */
const BUSY = [5, 6];
/** Its codes for what is no database, or a broken one. Nobody can hold a lock on that. */
const JUNK = [11, 26];

/** Another holder lets go within milliseconds, or seconds where it waits for a server. */
const LOOK_EACH_MS = 25;

export class KernelLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Takes the lock of the file, which is made where it is missing. Does not wait. @returns null: somebody has it, of this process or another.
   * @throws OperationError `HostRejected`
   */
  static take(path: string): { lock: KernelLock } | { heldBecause: unknown } {
    let database: DatabaseSync | null = null;
    try {
      database = new DatabaseSync(path, { timeout: 0 });
      database.exec("BEGIN EXCLUSIVE");
      return { lock: new KernelLock(database) };
    } catch (error) {
      database?.close();
      if (isHeld(error)) return { heldBecause: error };
      throw error;
    }
  }

  /** Another one may take it. Repeatable. */
  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Of what SQLite threw. */
export const isHeld = (error: unknown): boolean => BUSY.includes(primaryCode(error));

/** Says why a lock can't be taken, and what helps. */
export async function toLockError(path: string, error: unknown): Promise<OperationError> {
  const reason = error instanceof Error ? error.message : String(error);
  return new OperationError("HostRejected", `cannot lock ${path}: ${reason}`, { cause: error, fix: await lockFix(error, path) });
}

async function lockFix(error: unknown, path: string): Promise<string> {
  if (JUNK.includes(primaryCode(error))) return `the file is only the lock, and will be recreated: rm '${path}'`;
  const isThere = await stat(path).catch(() => null);
  return isThere === null || isThere.isFile()
    ? `check the permissions of ${dirname(path)}`
    : `it is not a file; move it away: mv '${path}' '${path}.old'`;
}

/** -1 when it is not SQLite that speaks. */
function primaryCode(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : -1;
}

export interface LockWait {
  /** How long others may hold it before this gives up. */
  waitMsMax: number;
  /** What is busy then, for people: `another sign-in`. */
  busy: string;
}

/**
 * Does `work` while this process has the lock of a file, readable for its owner alone. Nobody may open that file otherwise: to close it would end the lock.
 * @throws OperationError `Aborted`: others had it for too long; `HostRejected`
 */
export async function withFileLock<Result>(path: string, { waitMsMax, busy }: LockWait, work: () => Promise<Result>): Promise<Result> {
  await makeLockFile(path);
  const lock = await take(path, { waitMsMax, busy });
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function take(path: string, { waitMsMax, busy }: LockWait): Promise<KernelLock> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EACH_MS) {
    const taken = await takeOrExplain(path);
    if ("lock" in taken) return taken.lock;
    if (waitedMs >= waitMsMax) throw new OperationError("Aborted", `${busy} has been busy for ${waitMsMax / 1_000} s; try again`);
    await wait(LOOK_EACH_MS);
  }
}

async function takeOrExplain(path: string): Promise<ReturnType<typeof KernelLock.take>> {
  try {
    return KernelLock.take(path);
  } catch (error) {
    throw await toLockError(path, error);
  }
}

/** One that is there is not opened. */
async function makeLockFile(path: string): Promise<void> {
  try {
    await (await open(path, "wx", 0o600)).close();
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw toFileError("write", path, error);
  }
}
