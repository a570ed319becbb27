// Opens untrusted folders so that operations stay inside them: no symlink is followed unnoticed, and a concurrent rename leads nowhere
// else. It reads and changes nothing.
import { constants, existsSync, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";

export interface OpenFolder extends AsyncDisposable {
  handle: FileHandle;
  /** A path that stays with the folder when it is renamed or replaced, where the system has one; elsewhere its name. */
  at: string;
}

/** Linux has each open folder here under its number; a host without it has to do with names. */
const OPEN_FILES = "/proc/self/fd";
/** Linux' O_PATH: a folder that may be passed and not listed can be opened too. Node has no name for it. */
const O_PATH = 0x20_0000;
const HAS_OPEN_FILES = existsSync(OPEN_FILES);
/** For folders that are only passed on the way. */
const PASSING = HAS_OPEN_FILES ? O_PATH : constants.O_RDONLY;
/** As the kernel's own. */
const SYMLINKS_MAX = 40;

/** null: there is no folder of that name; a symlink to one is none. @throws what the system says else */
export const openFolder = (path: string): Promise<OpenFolder | null> => openAs(path, constants.O_RDONLY);

/** The folder of that name in an open one, wherever that is by now. */
export const openInside = (folder: OpenFolder, name: string): Promise<OpenFolder | null> => openFolder(inside(folder, name));

/** `..` is the kernel's to resolve: taken away with the name before it, it would be the folder of all open files. */
const inside = ({ at }: OpenFolder, name: string): string => `${at}/${name}`;

async function openAs(path: string, access: number): Promise<OpenFolder | null> {
  try {
    const handle = await open(path, access | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const at = HAS_OPEN_FILES ? `${OPEN_FILES}/${handle.fd}` : path;
    return { handle, at, [Symbol.asyncDispose]: async () => await handle.close() };
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error))) return null;
    throw error;
  }
}

/** As the kernel names it now: without symlinks, whatever it was opened by. */
const placeOf = async ({ at }: OpenFolder): Promise<string> => (at.startsWith(OPEN_FILES) ? await readlink(at) : await realpath(at));

/** Why nothing may be done in this folder, as the kernel names it. null: it may. */
export type JudgePlace = (place: string) => Promise<string | null>;

/** A folder that is there, and the names on the way from it to one that may not be. */
export interface Ancestor {
  folder: OpenFolder;
  missing: readonly string[];
}

/**
 * Opens the deepest folder on the way to `path` that is there, one name after the other. Symlinks are followed, as whoever wrote the path
 * meant them, where `judge` has nothing against the folder that they lie in: whoever may write there decides where they lead to.
 * @throws OperationError `HostRejected`; what the system says
 */
export async function openAncestor(path: string, judge: JudgePlace): Promise<Ancestor> {
  let folder = await mustOpenTop();
  let links = 0;
  const refuse = (why: string): OperationError => new OperationError("HostRejected", `${path}: ${why}`);
  const move = async (to: OpenFolder): Promise<void> => {
    await folder.handle.close();
    folder = to;
  };
  try {
    const names = namesOf(path);
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const inner = await openAs(inside(folder, name), PASSING);
      if (inner !== null) {
        await move(inner);
        continue;
      }
      const facts = await lstat(inside(folder, name)).catch(() => null);
      // Another pass made it after it was looked for: sandboxes have the folder of all workspaces in common.
      const made = facts?.isDirectory() === true ? await openAs(inside(folder, name), PASSING) : null;
      if (made !== null) {
        await move(made);
        continue;
      }
      if (facts !== null && !facts.isSymbolicLink()) throw refuse(`${name} is not a folder`);
      const place = await placeOf(folder);
      const why = await judge(facts === null ? join(place, name, ...names) : place);
      if (why !== null) throw refuse(why);
      if (facts === null) return { folder, missing: [name, ...names] };
      links += 1;
      if (links > SYMLINKS_MAX) throw refuse("its symlinks form a loop");
      const target = await readlink(inside(folder, name));
      if (isAbsolute(target)) await move(await mustOpenTop());
      names.unshift(...namesOf(target));
    }
    const why = await judge(await placeOf(folder));
    if (why !== null) throw refuse(why);
    return { folder, missing: [] };
  } catch (error) {
    await folder.handle.close();
    throw error;
  }
}

const namesOf = (path: string): string[] => path.split("/").filter((name) => name !== "" && name !== ".");

async function mustOpenTop(): Promise<OpenFolder> {
  const top = await openAs("/", PASSING);
  if (top === null) throw new Error("/ is a folder");
  return top;
}

/** Whether nobody but this process's user, and root, can put something into a folder. */
export function isPrivate({ uid, mode }: Stats): boolean {
  return (uid === process.getuid?.() || uid === 0) && (mode & 0o022) === 0;
}
