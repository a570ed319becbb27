// Opens a folder of strangers so that what is done in it stays in it: no symlink is followed, and a rename meanwhile leads nowhere else.
// It reads and changes nothing.
import { constants, existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "../api/store/atomic-file.ts";

export interface OpenFolder extends AsyncDisposable {
  handle: FileHandle;
  /** A path that stays with the folder when it is renamed or replaced, where the system has one; elsewhere its name. */
  at: string;
}

/** Linux has each open folder here under its number; a host without it has to do with names. */
const OPEN_FILES = "/proc/self/fd";

/** null: there is no folder of that name; a symlink to one is none. @throws what the system says else */
export async function openFolder(path: string): Promise<OpenFolder | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const at = existsSync(OPEN_FILES) ? `${OPEN_FILES}/${handle.fd}` : path;
    return { handle, at, [Symbol.asyncDispose]: async () => await handle.close() };
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error))) return null;
    throw error;
  }
}
