// Makes sure that only one controller, and one gateway, uses a state folder. The lock is a file lock of the kernel (through SQLite), which ends with the
// process however it dies; the file beside it only says who holds it, and proves nothing.
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { type EpochMs, renderTime, toEpochMs } from "../brands.ts";
import { OperationError } from "../errors.ts";
import { readBounded, replaceFile, toFileError } from "./atomic-file.ts";

/** Who holds the lock, for people. */
export interface LockHolder {
  pid: number;
  host: string;
  startedAt: EpochMs;
}

const HolderFile = z.object({ pid: z.int(), host: z.string(), startedAt: z.iso.datetime() });
const HOLDER_BYTES_MAX = 4_096;
/** SQLite's result codes for "somebody else has it"; the lowest byte is the primary code. */
const BUSY = [5, 6];
/** Its codes for what is no database, or a broken one. Nobody can hold a lock on that. */
const JUNK = [11, 26];

export class StateLock {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #inode: number;

  private constructor(database: DatabaseSync, path: string, inode: number) {
    this.#database = database;
    this.#path = path;
    this.#inode = inode;
  }

  /**
   * Takes the lock of `folder` (`<state>/controller`, `<state>/gateway`), made when it is not there. Does not wait.
   * @throws OperationError `HostRejected`: another one has it (named by pid, host and start), or the folder can't be written
   */
  static async acquire(folder: string, holder: LockHolder): Promise<StateLock> {
    const path = join(folder, "lock.db");
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw toFileError("write", folder, error);
    }
    const database = await lockDatabase(path, folder);
    try {
      const { pid, host, startedAt } = holder;
      const content = JSON.stringify({ pid, host, startedAt: renderTime(startedAt) });
      await replaceFile(join(folder, "lock.json"), `${content}\n`, { durable: false });
      return new StateLock(database, path, (await stat(path)).ino);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Whether `acquire` was refused because another one has the lock. */
  static isHeld(error: unknown): boolean {
    return error instanceof OperationError && BUSY.includes(primaryCode(error.cause));
  }

  /** Who took the lock of `folder` last, as it said itself; whether it still has it only `acquire` tells. null: nobody did. */
  static async readHolder(folder: string): Promise<LockHolder | null> {
    const holder = await readHolder(folder);
    return holder === null ? null : { ...holder, startedAt: toEpochMs(Date.parse(holder.startedAt)) };
  }

  /** Where the process that took the lock of `folder` last runs or ran, as it said itself. null: nobody did. */
  static async readHost(folder: string): Promise<string | null> {
    return (await readHolder(folder))?.host ?? null;
  }

  /** Whether the file that was locked is still the one that the next one would lock: not deleted, not replaced. */
  async isIntact(): Promise<boolean> {
    const facts = await stat(this.#path).catch(() => null);
    return facts?.ino === this.#inode;
  }

  /** Another one may start. Repeatable. */
  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

async function lockDatabase(path: string, folder: string): Promise<DatabaseSync> {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    if (BUSY.includes(primaryCode(error))) throw await toHeldError(folder, error);
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperationError("HostRejected", `cannot lock ${path}: ${reason}`, { cause: error, fix: await lockFix(error, path, folder) });
  }
}

async function lockFix(error: unknown, path: string, folder: string): Promise<string> {
  if (JUNK.includes(primaryCode(error))) return `the file is only the lock, and will be recreated: rm '${path}'`;
  const isThere = await stat(path).catch(() => null);
  return isThere === null || isThere.isFile()
    ? `check the permissions of ${folder}`
    : `it is not a file; move it away: mv '${path}' '${path}.old'`;
}

/** -1 when it is not SQLite that speaks. */
function primaryCode(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : -1;
}

async function toHeldError(folder: string, cause: unknown): Promise<OperationError> {
  const holder = await readHolder(folder);
  const who = holder === null ? "" : ` (pid ${holder.pid} on ${holder.host}, since ${holder.startedAt})`;
  return new OperationError("HostRejected", `another ${basename(folder)}${who} is using this state folder`, {
    cause,
    fix: "stop it, or give this one another --state-dir",
  });
}

async function readHolder(folder: string): Promise<z.output<typeof HolderFile> | null> {
  const read = await readBounded(join(folder, "lock.json"), HOLDER_BYTES_MAX);
  return read.kind === "read" ? parseHolder(read.text) : null;
}

function parseHolder(text: string): z.output<typeof HolderFile> | null {
  try {
    return HolderFile.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
