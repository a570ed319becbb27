// Removes a folder of strangers for good: sets it aside under a name that nobody knows, then empties it level by level. A process that
// still writes there, symlinks, depth and size can't lead it out, or keep it busy for long. Which folder may go is the caller's to know.
import { randomUUID } from "node:crypto";
import { lstat, mkdir, opendir, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../api/errors.ts";
import { errnoOf, explainErrno } from "../api/store/atomic-file.ts";
import { openFolder } from "./open-folder.ts";

/** In the folder of workspaces. What lies in it under a name of ours is on its way out, also after a crash. */
export const ASIDE_FOLDER = ".openclaw-removing";
/** Whatever else somebody puts there stays. */
const ASIDE_NAME = /^openclaw-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const newAsideName = (): string => `openclaw-${randomUUID()}`;

/** How much may still be done: one entry of a folder is one unlink or one rename, some 20 µs. */
export interface RemovalBudget {
  entries: number;
}

/**
 * From now on the folder is not at `<root>/<name>` any more. A symlink, or anything else that is no folder, stays where it is.
 * @throws OperationError `HostRejected`
 */
export async function setAside(root: string, name: string): Promise<void> {
  const path = join(root, name);
  const asides = join(root, ASIDE_FOLDER);
  try {
    const before = await lstat(path);
    if (!before.isDirectory()) throw refusal(path, "is not a folder");
    await makePrivate(asides);
    const aside = join(asides, newAsideName());
    await rename(path, aside);
    const after = await lstat(aside);
    if (after.isDirectory() && after.dev === before.dev && after.ino === before.ino) return;
    // Something else was put there between the look and the move: it goes back.
    await rename(aside, path);
    throw refusal(path, "was replaced by something else");
  } catch (error) {
    if (error instanceof OperationError || errnoOf(error) === "") throw error;
    const fix = `sudo rm -r ${path}`;
    throw new OperationError("HostRejected", `${path} can't be removed: ${explainErrno(error)}`, { cause: error, fix });
  }
}

const refusal = (path: string, why: string): OperationError => new OperationError("HostRejected", `${path} ${why}; it is left alone`);

async function makePrivate(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    if (!(await lstat(folder)).isDirectory()) throw refusal(folder, "is not a folder");
  }
}

/**
 * Removes what was set aside, as far as the budget reaches; the rest is for the next call. Folders inside become asides themselves, so that
 * one list is all there is to walk, however deep they were. @returns what could not be removed, with the reason
 */
export async function removeAsides(root: string, budget: RemovalBudget): Promise<string[]> {
  const asides = join(root, ASIDE_FOLDER);
  const problems = new Map<string, string>();
  while (budget.entries > 0) {
    const listed = await listAsides(asides);
    if (typeof listed === "string") return [`what was set aside in ${asides} can't be removed: ${listed}`];
    const names = listed.filter((name) => !problems.has(name));
    if (names.length === 0) break;
    for (const name of names) {
      if (budget.entries <= 0) break;
      const problem = await removeAside(asides, name, budget);
      if (problem !== null) problems.set(name, problem);
    }
  }
  return [...problems].map(([name, problem]) => `${join(asides, name)} can't be removed: ${problem}`);
}

/** A text: why the folder can't be looked at, e.g. because it is of an earlier controller that ran as another user. */
async function listAsides(asides: string): Promise<string[] | string> {
  try {
    await using folder = await openFolder(asides);
    return folder === null ? [] : (await readdir(folder.at)).filter((name) => ASIDE_NAME.test(name));
  } catch (error) {
    if (errnoOf(error) === "") throw error;
    return explainErrno(error);
  }
}

/** null: it is gone, or the budget is, or it is to be looked at once more. */
async function removeAside(asides: string, name: string, budget: RemovalBudget): Promise<string | null> {
  const path = join(asides, name);
  budget.entries -= 1;
  try {
    if (await emptyFolder(path, asides, budget)) await rmdir(path);
    return null;
  } catch (error) {
    // Filled again while it was emptied, or gone already: the next look sees.
    if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "ENOENT") return null;
    if (errnoOf(error) === "") throw error;
    return explainErrno(error);
  }
}

/** @returns whether it is empty now. What is no folder is gone then. */
async function emptyFolder(path: string, asides: string, budget: RemovalBudget): Promise<boolean> {
  await using folder = await openFolder(path);
  if (folder === null) {
    await unlink(path);
    return false;
  }
  for await (const entry of await opendir(folder.at)) {
    if (budget.entries <= 0) return false;
    budget.entries -= 1;
    const inside = join(folder.at, entry.name);
    if (entry.isDirectory()) await rename(inside, join(asides, newAsideName()));
    else await unlink(inside);
  }
  return true;
}
