// Folders that are shared with a group, so that the controller and the gateway can be two users: the group can read what is created in one, never
// write it. The setgid bit, which only a person sets, marks such a folder; without it everything created is private to its owner.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "../errno.ts";
import { OperationError } from "../errors.ts";
import { explainErrno } from "./atomic-file.ts";

/** Setgid, and the group may list and enter. The kernel hands the bit, and the group, down to folders that are made in it. */
const GIVEN_TO_GROUP = 0o2050;

/** Makes a folder, and those above it, where they are missing. @throws OperationError `HostRejected` */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw new OperationError("HostRejected", `cannot create ${path}: ${explainErrno(error)}`, { cause: error });
  }
}

async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: (await isGivenToGroup(dirname(path))) ? 0o750 : 0o700 });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return;
    if (errnoOf(error) !== "ENOENT") throw error;
    await makeFolders(dirname(path));
    await makeFolders(path);
  }
}

/** Permission bits for a file in this folder, which must be there. */
export const fileModeIn = async (folder: string): Promise<number> => ((await isGivenToGroup(folder)) ? 0o640 : 0o600);

async function isGivenToGroup(folder: string): Promise<boolean> {
  return ((await stat(folder)).mode & GIVEN_TO_GROUP) === GIVEN_TO_GROUP;
}
