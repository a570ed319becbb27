// Removes an untrusted folder for good: moves it aside under a secret name, then empties it level by level. A process that
// still writes there, symlinks, depth and size can't lead it out, or keep it busy for long. Which folder may be removed is up to the caller.
import { randomUUID } from "node:crypto";
import { lstat, opendir, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { explainErrno } from "../../api/store/atomic-file.ts";
import { openOrMakeInside } from "./make-folder.ts";
import { isPrivate, type OpenFolder, openFolder, openInside } from "./open-folder.ts";

/** In the folder of workspaces. What lies in it under a name of ours is on its way out, also after a crash. */
export const ASIDE_FOLDER = ".openclaw-removing";
const ASIDE_MODE = 0o700;
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
  try {
    await using top = await openFolder(root);
    if (top === null) throw refusal(root, "is not a folder");
    const before = await lstat(join(top.at, name));
    if (!before.isDirectory()) throw refusal(path, "is not a folder");
    await using asides = await openOrMakeInside(top, ASIDE_FOLDER, ASIDE_MODE);
    const aside = join(asides.at, newAsideName());
    await rename(join(top.at, name), aside);
    const after = await lstat(aside);
    if (after.isDirectory() && after.dev === before.dev && after.ino === before.ino) return;
    // Something else was put there between the look and the move: it goes back.
    await rename(aside, join(top.at, name));
    throw refusal(path, "was replaced by something else");
  } catch (error) {
    if (error instanceof OperationError || errnoOf(error) === "") throw error;
    const fix = `sudo rm -r ${path}`;
    throw new OperationError("HostRejected", `${path} can't be removed: ${explainErrno(error)}`, { cause: error, fix });
  }
}

const refusal = (path: string, why: string): OperationError => new OperationError("HostRejected", `${path} ${why}; left alone`);

/**
 * Removes what was set aside, as far as the budget reaches; the rest is for the next call. Folders inside become asides themselves, so that
 * one list is all there is to walk, however deep they were. @returns what could not be removed, with the reason
 */
export async function removeAsides(root: string, budget: RemovalBudget): Promise<string[]> {
  const problems = new Map<string, string>();
  try {
    await using top = await openFolder(root);
    await using asides = top === null ? null : await openInside(top, ASIDE_FOLDER);
    if (asides === null) return [];
    // What others can write in is not where this process put something aside: names there prove nothing.
    if (!isPrivate(await asides.handle.stat()))
      throw refusal(join(root, ASIDE_FOLDER), "belongs to another user, or others can write in it");
    while (budget.entries > 0) {
      const names = (await readdir(asides.at)).filter((name) => ASIDE_NAME.test(name) && !problems.has(name));
      if (names.length === 0) break;
      for (const name of names) {
        if (budget.entries <= 0) break;
        const problem = await removeAside(asides, name, budget);
        if (problem !== null) problems.set(name, `${join(root, ASIDE_FOLDER, name)} can't be removed: ${problem}`);
      }
    }
  } catch (error) {
    if (!(error instanceof OperationError) && errnoOf(error) === "") throw error;
    const why = error instanceof OperationError ? error.message : explainErrno(error);
    return [...problems.values(), `what was set aside in ${join(root, ASIDE_FOLDER)} can't be removed: ${why}`];
  }
  return [...problems.values()];
}

/** null: it is gone, or the budget is, or it is to be looked at once more. */
async function removeAside(asides: OpenFolder, name: string, budget: RemovalBudget): Promise<string | null> {
  budget.entries -= 1;
  try {
    if (await emptyFolder(asides, name, budget)) await rmdir(join(asides.at, name));
    return null;
  } catch (error) {
    // Filled again while it was emptied, or gone already: the next look sees.
    if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "ENOENT") return null;
    if (errnoOf(error) === "") throw error;
    return explainErrno(error);
  }
}

/** @returns whether it is empty now. What is no folder is gone then. */
async function emptyFolder(asides: OpenFolder, name: string, budget: RemovalBudget): Promise<boolean> {
  await using folder = await openInside(asides, name);
  if (folder === null) {
    await unlink(join(asides.at, name));
    return false;
  }
  for await (const entry of await opendir(folder.at)) {
    if (budget.entries <= 0) return false;
    budget.entries -= 1;
    const inside = join(folder.at, entry.name);
    if (entry.isDirectory()) await rename(inside, join(asides.at, newAsideName()));
    else await unlink(inside);
  }
  return true;
}
