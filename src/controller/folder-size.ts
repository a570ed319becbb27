// Measures how much a folder of strangers takes on disk, as `du` does, within a limit of entries and time. It changes nothing and follows
// no symlink.
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectSize } from "../api/wire.ts";
import { openFolder } from "./open-folder.ts";

/** Shared by all folders of one answer. */
export interface MeasureLimits {
  /** Left to look at; one costs some 20 µs. */
  entries: number;
  signal: AbortSignal;
}

/** As `lstat` counts blocks. */
const BLOCK_BYTES = 512;

/** What can't be read counts as nothing, and makes the answer incomplete. Never rejects for what it finds. */
export async function measureFolder(path: string, limits: MeasureLimits): Promise<ObjectSize> {
  const size: ObjectSize = { bytes: 0, complete: true };
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      await measureLevel(folder, size, { limits, found: (inside) => folders.push(inside) });
    } catch {
      size.complete = false;
    }
    if (limits.entries <= 0 || limits.signal.aborted) return { ...size, complete: false };
  }
  return size;
}

async function measureLevel(
  path: string,
  size: ObjectSize,
  { limits, found }: { limits: MeasureLimits; found(inside: string): void },
): Promise<void> {
  await using folder = await openFolder(path);
  if (folder === null) return;
  for await (const entry of await opendir(folder.at)) {
    if (limits.entries <= 0 || limits.signal.aborted) return;
    limits.entries -= 1;
    size.bytes += (await lstat(join(folder.at, entry.name))).blocks * BLOCK_BYTES;
    if (entry.isDirectory()) found(join(path, entry.name));
  }
}
