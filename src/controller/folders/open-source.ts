// Opens a bind source on the host, so that it can be checked, named and written to as one and the same object, whatever happens to
// its path meanwhile. It reads nothing and decides nothing.
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { platform } from "node:process";
import { errnoOf } from "../../api/errno.ts";

/** A folder or file of the host. While it is open its number is given to nothing else. */
export interface OpenSource extends AsyncDisposable {
  /** Where it is now, without symlinks. */
  path: string;
  /** Device and inode, as `stat -c %d:%i` prints them. */
  identity: string;
  isFolder: boolean;
  /** A path that leads to it and to nothing else, where the system has one; elsewhere its name. */
  at: string;
}

/** Neither reads nor writes, needs no permission on the thing itself, and never waits for a FIFO. Linux alone has it, and Node no name for it. */
const O_PATH = 0o10_000_000;

/** null: there is nothing, or (with `noLink`) a symlink. @throws what the system says else */
export async function openSource(path: string, { noLink }: { noLink: boolean }): Promise<OpenSource | null> {
  try {
    return platform === "linux" ? await openByHandle(path, noLink) : await openByName(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error))) return null;
    throw error;
  }
}

async function openByHandle(path: string, noLink: boolean): Promise<OpenSource | null> {
  const handle = await open(path, O_PATH | (noLink ? constants.O_NOFOLLOW : 0));
  try {
    const at = `/proc/self/fd/${handle.fd}`;
    const facts = await handle.stat({ bigint: true });
    const real = await readlink(at);
    // A removed one has its old name with a word behind it, and a symlink that was not followed is none that could be mounted.
    const isThere = facts.nlink > 0n && !facts.isSymbolicLink();
    if (isThere) return toSource({ path: real, at, facts, close: async () => await handle.close() });
    await handle.close();
    return null;
  } catch (error) {
    await closeQuietly(handle);
    throw error;
  }
}

async function openByName(path: string): Promise<OpenSource> {
  const real = await realpath(path);
  return toSource({ path: real, at: real, facts: await stat(real, { bigint: true }), close: async () => undefined });
}

interface Found {
  path: string;
  at: string;
  facts: { dev: bigint; ino: bigint; isDirectory(): boolean };
  close(): Promise<void>;
}

const toSource = ({ path, at, facts, close }: Found): OpenSource => ({
  path,
  at,
  identity: `${facts.dev}:${facts.ino}`,
  isFolder: facts.isDirectory(),
  [Symbol.asyncDispose]: close,
});

/** The first error is the one to be told. */
async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => undefined);
}
