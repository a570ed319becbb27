// Folders that were given to a group, so that the controller and the gateway can be two users: what is made in one is the group's to read, never
// to write. A folder says so by its setgid bit, which only a person sets; without it everything made is its owner's alone.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { OperationError } from "../errors.ts";
import { errnoOf, explainErrno } from "./atomic-file.ts";

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
