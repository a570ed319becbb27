// Opens a folder of strangers so that what is done in it stays in it: no symlink is followed, and a rename meanwhile leads nowhere else.
// It reads and changes nothing.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "../api/store/atomic-file.ts";

export interface OpenFolder extends AsyncDisposable {
  handle: FileHandle;
  /** A path that stays with the folder when it is renamed or replaced, where the system has one; elsewhere its name. */
  at: string;
}

/** null: there is no folder of that name; a symlink to one is none. @throws what the system says else */
export async function openFolder(path: string): Promise<OpenFolder | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const at = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path;
    return { handle, at, [Symbol.asyncDispose]: async () => await handle.close() };
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error))) return null;
    throw error;
  }
}
