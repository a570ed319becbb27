// Measures how much a folder of strangers takes on disk, as `du` does, within a limit of entries and time. It changes nothing and follows
// no symlink.
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectSize } from "../api/wire.ts";
import { type OpenFolder, openFolder, openInside } from "./open-folder.ts";

/** Shared by all folders of one answer. */
export interface MeasureLimits {
  /** Left to look at; one costs some 20 µs. */
  entries: number;
  signal: AbortSignal;
}

/** As `lstat` counts blocks. */
const BLOCK_BYTES = 512;
/** Each level keeps one folder open: far below what a process may have, far above what people nest. */
const DEPTH_MAX = 128;

/** What can't be read counts as nothing, and makes the answer incomplete. Never rejects for what it finds. */
export async function measureFolder(path: string, limits: MeasureLimits): Promise<ObjectSize> {
  const size: ObjectSize = { bytes: 0, complete: true };
  try {
    await using folder = await openFolder(path);
    if (folder !== null) await measureLevel(folder, DEPTH_MAX, { size, limits });
  } catch {
    size.complete = false;
  }
  return size;
}

/** Each folder is opened in the one that was read: a name that leads elsewhere by now is not gone to. */
async function measureLevel(folder: OpenFolder, depthLeft: number, walk: { size: ObjectSize; limits: MeasureLimits }): Promise<void> {
  const { size, limits } = walk;
  for await (const entry of await opendir(folder.at)) {
    if (limits.entries <= 0 || limits.signal.aborted || depthLeft === 0) {
      size.complete = false;
      return;
    }
    limits.entries -= 1;
    try {
      size.bytes += (await lstat(join(folder.at, entry.name))).blocks * BLOCK_BYTES;
      if (!entry.isDirectory()) continue;
      await using inner = await openInside(folder, entry.name);
      if (inner !== null) await measureLevel(inner, depthLeft - 1, walk);
    } catch {
      size.complete = false;
    }
  }
}
