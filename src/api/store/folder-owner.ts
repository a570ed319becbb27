// Works in a folder as the user whose it is, where root does so for another user: what is made there is that user's, and no link of that user leads root
// anywhere. Whose a folder is that is not there yet, the folder above it says.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "../errno.ts";

interface Owner {
  uid: number;
  gid: number;
}

/** Of the folder, or of the nearest one above it that is there. null: nobody can tell. */
async function findOwner(folder: string): Promise<Owner | null> {
  try {
    const { uid, gid } = await stat(folder);
    return { uid, gid };
  } catch (error) {
    return errnoOf(error) === "ENOENT" && dirname(folder) !== folder ? await findOwner(dirname(folder)) : null;
  }
}

/** The whole process is that user meanwhile: only for a command that does nothing else. Anybody but root stays who he is. */
export async function asOwnerOf<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const { geteuid, getegid, seteuid, setegid, getgroups, setgroups } = process;
  if (geteuid?.() !== 0 || seteuid === undefined || setegid === undefined) return await work();
  const owner = await findOwner(folder);
  if (owner === null || owner.uid === 0) return await work();
  const [group, groups] = [getegid?.() ?? 0, getgroups?.() ?? []];
  // Groups first: only root may change them.
  setgroups?.([owner.gid]);
  setegid(owner.gid);
  seteuid(owner.uid);
  try {
    return await work();
  } finally {
    seteuid(0);
    setegid(group);
    setgroups?.(groups);
  }
}
