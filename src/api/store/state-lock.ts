// Makes sure that only one controller, and one gateway, uses a state folder. The lock is the kernel's (kernel-lock.ts), and ends with the process however it
// dies; the file beside it only says who holds it, and proves nothing.
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { type EpochMs, renderTime, toEpochMs } from "../brands.ts";
import { OperationError } from "../errors.ts";
import { readBounded, replaceFile, toFileError } from "./atomic-file.ts";
import { isHeld, KernelLock, toLockError } from "./kernel-lock.ts";

/** Who holds the lock, for people. */
export interface LockHolder {
  pid: number;
  host: string;
  startedAt: EpochMs;
}

const HolderFile = z.object({ pid: z.int(), host: z.string(), startedAt: z.iso.datetime() });
const HOLDER_BYTES_MAX = 4_096;

export class StateLock {
  readonly #lock: KernelLock;
  readonly #path: string;
  readonly #inode: number;

  private constructor(lock: KernelLock, path: string, inode: number) {
    this.#lock = lock;
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
    const lock = await lockFile(path, folder);
    try {
      const { pid, host, startedAt } = holder;
      const content = JSON.stringify({ pid, host, startedAt: renderTime(startedAt) });
      await replaceFile(join(folder, "lock.json"), `${content}\n`, { durable: false });
      return new StateLock(lock, path, (await stat(path)).ino);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Whether `acquire` was refused because another one has the lock. */
  static isHeld(error: unknown): boolean {
    return error instanceof OperationError && isHeld(error.cause);
  }

  /** Whether a process has the lock of `folder` now. For the moment of the look nobody else can take it. Where it can't be told: no. */
  static async isTaken(folder: string): Promise<boolean> {
    const path = join(folder, "lock.db");
    // Looking makes no file.
    if ((await stat(path).catch(() => null)) === null) return false;
    try {
      const taken = KernelLock.take(path);
      if ("lock" in taken) taken.lock.release();
      return !("lock" in taken);
    } catch {
      // Whoever starts is told what is wrong with it.
      return false;
    }
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
    this.#lock.release();
  }
}

async function lockFile(path: string, folder: string): Promise<KernelLock> {
  try {
    const taken = KernelLock.take(path);
    if ("lock" in taken) return taken.lock;
    throw await toHeldError(folder, taken.heldBecause);
  } catch (error) {
    throw error instanceof OperationError ? error : await toLockError(path, error);
  }
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
