// Replaces files so that a reader sees the old content or the new, never a part, even after a crash; and reads untrusted files safely.
// What is in a file, and which file it should be, is the caller's.
import { constants } from "node:fs";
import { type FileHandle, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type DurationMs, type EpochMs, elapsed, toEpochMs } from "../brands.ts";
import { errnoOf } from "../errno.ts";
import { OperationError } from "../errors.ts";

export interface ReplaceOptions {
  /** true: survives a power cut, once it returned (two fsyncs, under 1 ms each on an SSD). false: survives a kill -9 of the process. */
  durable: boolean;
  /** Permission bits of the new file. Absent: 0600. */
  mode?: number;
}

/** Another writer may have taken a name in the same nanosecond; eight times in a row is no accident. */
const NAME_ATTEMPTS_MAX = 8;
const TEMPORARY = /^\..+\.\d+-\d+\.tmp$/;

/** Whether a file is the unfinished work of a writer, and so never an object. */
export const isTemporaryName = (name: string): boolean => TEMPORARY.test(name);

/**
 * Replaces `path`; a symlink there is replaced, not followed. Its folder must exist.
 * @throws OperationError `HostRejected` (read-only, full, forbidden); nothing is left behind then
 */
export async function replaceFile(path: string, content: string | Uint8Array, options: ReplaceOptions): Promise<void> {
  try {
    const temporary = await writeTemporary(path, content, options);
    try {
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary);
      throw error;
    }
    if (options.durable) await syncFolder(dirname(path));
  } catch (error) {
    throw toFileError("write", path, error);
  }
}

async function writeTemporary(path: string, content: string | Uint8Array, options: ReplaceOptions): Promise<string> {
  const { file, temporary } = await openTemporary(path, options.mode ?? 0o600);
  try {
    await file.writeFile(content);
    if (options.durable) await file.sync();
    await file.close();
    return temporary;
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary);
    throw error;
  }
}

async function openTemporary(path: string, mode: number): Promise<{ file: FileHandle; temporary: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${process.hrtime.bigint()}.tmp`);
    try {
      return { file: await open(temporary, "wx", mode), temporary };
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" || attempt === NAME_ATTEMPTS_MAX) throw error;
    }
  }
}

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes `path`. @returns false when it was not there. @throws OperationError `HostRejected` */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw toFileError("remove", path, error);
  }
}

/**
 * Removes what writers left unfinished in `folder` longer than `age` ago (a write takes milliseconds: a minute is plenty). A missing
 * folder has none. @returns how many
 */
export async function sweepTemporaries(folder: string, age: DurationMs, now: EpochMs): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isTemporaryName(name)) continue;
    const path = join(folder, name);
    const facts = await stat(path).catch(() => null);
    if (facts === null || elapsed(toEpochMs(facts.mtimeMs), now) < age) continue;
    if (await removeFile(path)) removed += 1;
  }
  return removed;
}

/** Two equal facts are the same content: a replaced file has another inode, an edited one another ctime. */
export interface FileFacts {
  inode: number;
  bytes: number;
  modifiedAt: EpochMs;
  changedAt: EpochMs;
}

export type FileRead =
  | { kind: "read"; text: string; facts: FileFacts }
  | { kind: "missing" }
  /** `message`: one sentence about the file without a period. */
  | { kind: "unreadable"; message: string; facts: FileFacts | null };

/** Reads a regular UTF-8 file of at most `bytesMax`. Follows no symlink, waits for no FIFO, checks what it opened. Never throws. */
export async function readBounded(path: string, bytesMax: number): Promise<FileRead> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return await readHandle(handle, bytesMax);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    return { kind: "unreadable", message: explainErrno(error), facts: null };
  }
}

/** The same for a file that is open. Rejects with what the system says. */
export async function readHandle(handle: FileHandle, bytesMax: number): Promise<FileRead> {
  const found = await handle.stat();
  const facts = toFileFacts(found);
  if (!found.isFile()) return { kind: "unreadable", message: "it is not a regular file", facts };
  const tooLarge: FileRead = { kind: "unreadable", message: `it is larger than ${bytesMax} bytes`, facts };
  if (found.size > bytesMax) return tooLarge;
  // One byte more than it had: a file that grows meanwhile is seen to.
  const buffer = Buffer.allocUnsafe(Math.min(found.size, bytesMax) + 1);
  let length = 0;
  for (let read = 1; read > 0 && length < buffer.length; length += read) {
    read = (await handle.read(buffer, length, buffer.length - length)).bytesRead;
  }
  if (length > bytesMax) return tooLarge;
  if (length > found.size) return { kind: "unreadable", message: "it was being written at the same time", facts };
  try {
    return { kind: "read", text: new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length)), facts };
  } catch {
    return { kind: "unreadable", message: "it is not UTF-8 text", facts };
  }
}

export function toFileFacts(found: { ino: number; size: number; mtimeMs: number; ctimeMs: number }): FileFacts {
  return { inode: found.ino, bytes: found.size, modifiedAt: toEpochMs(found.mtimeMs), changedAt: toEpochMs(found.ctimeMs) };
}

export function isSameFile(left: FileFacts, right: FileFacts): boolean {
  return (
    left.inode === right.inode && left.bytes === right.bytes && left.modifiedAt === right.modifiedAt && left.changedAt === right.changedAt
  );
}

const ERRNO_WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EMFILE: "this process has too many open files",
  ENFILE: "the host has too many open files",
  ELOOP: "it is a symbolic link",
  EISDIR: "it is a folder",
  ENOTDIR: "part of its path is not a folder",
  EEXIST: "something else is there",
  ENOENT: "its folder does not exist",
  EIO: "the disk reported an error",
  ENXIO: "it is not a regular file",
  ENAMETOOLONG: "its name is too long",
};

export function explainErrno(error: unknown): string {
  const code = errnoOf(error);
  return ERRNO_WORDS[code] ?? (code === "" ? String(error) : `system error ${code}`);
}

/** What a person can do about it. */
const ERRNO_FIXES: Readonly<Record<string, string>> = {
  EACCES: "run this as the folder's owner, or let this user write there",
  EROFS: "use a folder on a file system that can be written",
  ENOSPC: "free some space there; df -h shows how much is left",
};

/** Wraps what the file system said; bugs pass through as they are. */
export function toFileError(verb: "read" | "write" | "remove", path: string, error: unknown): unknown {
  if (errnoOf(error) === "" || error instanceof OperationError) return error;
  const fix = verb === "read" ? undefined : ERRNO_FIXES[errnoOf(error)];
  return new OperationError("HostRejected", `cannot ${verb} ${path}: ${explainErrno(error)}`, {
    cause: error,
    ...(fix !== undefined && { fix }),
  });
}
