// Creates folders for others through handles of the folders above them, so that nobody who can write there can have anything else created, or given
// away, in their place. What a new folder is for, and who should own it, is up to the caller.
import type { Stats } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import type { Owner } from "../decide/spec.ts";
import { isPrivate, type JudgePlace, type OpenFolder, openAncestor, openFolder, openInside } from "./open-folder.ts";

/** Only its owner enters a workspace. */
const WORKSPACE_MODE = 0o700;
/** Until it is its owner's, a folder that root makes is closed to everybody. */
const UNFINISHED_MODE = 0o000;

const refusal = (path: string, why: string): OperationError => new OperationError("HostRejected", `${path} ${why}`);

/** What a crash left before a new folder was its owner's; nobody can have used it. */
export const isUnfinished = ({ mode }: Pick<Stats, "mode">): boolean => (mode & 0o777) === UNFINISHED_MODE;

/**
 * Opens the folder `path`; it, and those above it, are made where they are missing, as this process's own.
 * @throws OperationError `HostRejected`; what the system says
 */
export async function openOrMakeFolder(path: string, mode: number, judge: JudgePlace): Promise<OpenFolder> {
  const { missing, ...ancestor } = await openAncestor(path, judge);
  let { folder } = ancestor;
  try {
    for (const name of missing) {
      const inner = await openOrMakeInside(folder, name, mode);
      await folder.handle.close();
      folder = inner;
    }
    return folder;
  } catch (error) {
    await folder.handle.close();
    throw error;
  }
}

/** @throws OperationError `HostRejected` when what is there is no folder, or one that others may write in; what the system says */
export async function openOrMakeInside(folder: OpenFolder, name: string, mode: number): Promise<OpenFolder> {
  await makeUnlessThere(join(folder.at, name), mode);
  const made = await openInside(folder, name);
  if (made === null) throw refusal(name, "is not a folder; move it away");
  if (isPrivate(await made.handle.stat())) return made;
  await made.handle.close();
  throw refusal(name, "belongs to another user, or others can write in it; move it away");
}

/**
 * Makes the folder `name`, empty and its owner's. Something else of that name stays as it is. As root it is nobody's to use until it has
 * been given away; one that a crash left like that is finished.
 * @throws OperationError `HostRejected`; what the system says
 */
export async function makeFolderFor(folder: OpenFolder, name: string, owner: Owner): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const isMade = await makeUnlessThere(join(folder.at, name), isRoot ? UNFINISHED_MODE : WORKSPACE_MODE);
  if (!isRoot) return;
  await using made = await openInside(folder, name);
  // What is judged is what was opened: between the making and the opening another folder may have got the name.
  const facts = await made?.handle.stat();
  if (made === null || facts === undefined || !isUnfinished(facts)) {
    if (isMade) throw refusal(name, "was replaced by something else while it was being created");
    return;
  }
  if (facts.uid !== owner.uid) {
    if (facts.uid !== 0 || (await readdir(made.at)).length > 0) throw refusal(name, "is closed to everyone; open it with chmod 700");
    await made.handle.chown(owner.uid, owner.gid);
  }
  await made.handle.chmod(WORKSPACE_MODE);
}

/** @returns whether it was made */
async function makeUnlessThere(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

const BY_OTHERS = 0o077;

/**
 * Closes a folder of this process's own to everybody else, as far as it is one. What lies in a workspace may be a program with the setuid
 * bit, which runs as the sandboxes' user for whoever starts it. @returns whether it was open. @throws what the system says
 */
export async function closeFolder(path: string): Promise<boolean> {
  await using folder = await openFolder(path);
  if (folder === null) return false;
  const { uid, mode } = await folder.handle.stat();
  if (uid !== process.getuid?.() || (mode & BY_OTHERS) === 0) return false;
  await folder.handle.chmod(mode & 0o7700);
  return true;
}
