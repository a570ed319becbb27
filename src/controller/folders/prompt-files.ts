// Reads the few files of a workspace that say how its agent works, for the gateway, which sees no workspace. Whoever can write there decides what is in them,
// and nothing more: names are fixed, each is opened by its handle and must be a regular file without other names that belongs to whom the workspace does.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { HostFolders } from "../../api/config/config.ts";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { PROMPT_FILES, type PromptFile } from "../../api/prompt-files.ts";
import { toSafeEnd } from "../../api/text/cuts.ts";
import { refuseWorkspaceDir } from "./host-folders.ts";
import { type OpenFolder, openFolder } from "./open-folder.ts";

/** Of all together: a quarter of a small model's window. */
export const PROMPT_BYTES_MAX = 65_536;

/**
 * Those that are there, in the order of the list, each from the first of the folders that has it; the last one is cut where they are too long. What is not as
 * it must be counts as not there.
 * @param paths of workspaces, absolute
 * @throws OperationError `HostRejected`
 */
export async function readPromptFiles(paths: readonly string[], host: HostFolders): Promise<PromptFile[]> {
  await using opened = new AsyncDisposableStack();
  const places: OpenFolder[] = [];
  for (const path of new Set(paths)) {
    const folder = (await refuseWorkspaceDir(path, host)) === null ? await openPlace(path) : null;
    if (folder !== null) places.push(opened.use(folder));
  }
  const files: PromptFile[] = [];
  let left = PROMPT_BYTES_MAX;
  for (const name of PROMPT_FILES) {
    const found = await readFirst(places, name, left);
    if (found === null) continue;
    left = found.isCut ? 0 : left - found.bytes;
    files.push({ name, text: found.text, isCut: found.isCut });
  }
  return files;
}

async function openPlace(path: string): Promise<OpenFolder | null> {
  try {
    return await openFolder(path);
  } catch (error) {
    throw new OperationError("HostRejected", `${path} can't be read: ${errnoOf(error)}`, { cause: error });
  }
}

interface Found {
  text: string;
  bytes: number;
  isCut: boolean;
}

async function readFirst(places: readonly OpenFolder[], name: string, bytesMax: number): Promise<Found | null> {
  if (bytesMax <= 0) return null;
  for (const folder of places) {
    const found = await readIn(folder, name, bytesMax);
    if (found !== null) return found;
  }
  return null;
}

async function readIn(folder: OpenFolder, name: string, bytesMax: number): Promise<Found | null> {
  try {
    await using file = await open(`${folder.at}/${name}`, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await isOurs(folder, file))) return null;
    const buffer = Buffer.allocUnsafe(bytesMax + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < buffer.length; length += read)
      read = (await file.read(buffer, length, buffer.length - length, length)).bytesRead;
    const isCut = length > bytesMax;
    const end = isCut ? toSafeEnd(buffer.subarray(0, length), bytesMax) : length;
    return { text: buffer.subarray(0, end).toString("utf8"), bytes: end, isCut };
  } catch (error) {
    // It is a link, a socket, or not there, or the controller may not read it: all the same to a model.
    if (errnoOf(error) !== "") return null;
    throw error;
  }
}

/** A second name of a file, or another one's file, may be what the workspace's user must not read. */
async function isOurs(folder: OpenFolder, file: FileHandle): Promise<boolean> {
  const [around, facts] = [await folder.handle.stat(), await file.stat()];
  return facts.isFile() && facts.nlink === 1 && [around.uid, process.getuid?.() ?? 0, 0].includes(facts.uid);
}
