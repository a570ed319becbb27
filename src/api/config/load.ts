// Reads a config's files and hands them to the parser. The only I/O of the config: open, stat, realpath, read. It never throws.
// What the texts mean is parse.ts; watching them is the caller's.

import { constants, type Stats } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { errnoOf } from "../errno.ts";
import type { Parsed } from "../issue.ts";
import { explainErrno } from "../store/atomic-file.ts";
import { isPrivateGroup } from "../store/private-group.ts";
import type { Config } from "./config.ts";
import { listIncludes } from "./include.ts";
import { toDotenvPath } from "./own-variables.ts";
import { type ConfigEnvironment, parseConfig } from "./parse.ts";
import type { ConfigSources, FileAccess, SourceFile } from "./sources.ts";
import { CONFIG_BYTES_MAX, parseText } from "./text.ts";

/** More than any inclusion order may use: the parser refuses at 64 inclusions, and each may be in two places. */
const FILES_MAX = 129;
/** Of all files together: four of the largest, so that a reload takes seconds at worst. */
const TOTAL_LENGTH_MAX = 4 * CONFIG_BYTES_MAX;

/** The config in force, or why there is none. A file that does not exist is an issue like any other. */
export async function loadConfig(path: string, environment: ConfigEnvironment): Promise<Parsed<Config>> {
  return parseConfig(await readConfigSources(path, environment.stateDir), environment);
}

/** The main file, everything that it includes, and the state folder's `.env` if there is one. */
export async function readConfigSources(path: string, stateDir: string | null = null): Promise<ConfigSources> {
  const files = new Map<string, SourceFile>();
  const queue = [path];
  let folders: readonly string[] | null = null;
  let totalLength = 0;
  for (let next = queue.shift(); next !== undefined && files.size < FILES_MAX; next = queue.shift()) {
    if (files.has(next)) continue;
    const file = await readSourceFile(next, folders);
    files.set(next, file);
    if (file.kind !== "text") continue;
    totalLength += file.text.length;
    if (totalLength > TOTAL_LENGTH_MAX) {
      files.set(next, { kind: "unreadable", reason: `the config's files are together larger than ${TOTAL_LENGTH_MAX} bytes` });
      break;
    }
    // A config in a folder of dotfiles is often reached by a link: what lies beside either is the config's.
    folders ??= [dirname(file.realPath), await realpath(dirname(path))];
    const parsed = parseText(next, file.text);
    if (parsed.ok) queue.push(...listIncludes({ path: next, realPath: file.realPath }, parsed.root));
  }
  await addDotenv(files, stateDir);
  return { main: path, files };
}

async function addDotenv(files: Map<string, SourceFile>, stateDir: string | null): Promise<void> {
  if (stateDir === null) return;
  const path = toDotenvPath(stateDir);
  const file = await readSourceFile(path, null);
  if (file.kind !== "missing") files.set(path, file);
}

/** `folders` are where the file must lie after resolving symlinks, in one of them; null for the main file. */
async function readSourceFile(path: string, folders: readonly string[] | null): Promise<SourceFile> {
  try {
    const realPath = await realpath(path);
    const isInside = (folder: string): boolean => realPath.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
    if (folders !== null && !folders.some(isInside)) return { kind: "outside" };
    return await readRegularFile(path, realPath);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    return { kind: "unreadable", reason: code === "ELOOP" ? "its symlinks form a loop" : explainErrno(error) };
  }
}

/** Checks what it opened, not what the name meant before; a FIFO does not block it. */
async function readRegularFile(path: string, realPath: string): Promise<SourceFile> {
  await using handle = await open(realPath, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const facts = await handle.stat();
  if (!facts.isFile()) return { kind: "unreadable", reason: "it is not a regular file" };
  const buffer = Buffer.alloc(Math.min(facts.size, CONFIG_BYTES_MAX) + 1);
  let length = 0;
  for (let read = 1; read > 0 && length < buffer.length; length += read)
    read = (await handle.read(buffer, length, buffer.length - length)).bytesRead;
  if (length > CONFIG_BYTES_MAX) return { kind: "unreadable", reason: `it is larger than ${CONFIG_BYTES_MAX} bytes` };
  const text = decode(buffer.subarray(0, length));
  if (text === null) return { kind: "unreadable", reason: "it is not UTF-8 text" };
  return { kind: "text", realPath, text, access: [await toAccess(path, facts), ...(await statFolders(path, realPath))] };
}

async function statFolders(path: string, realPath: string): Promise<FileAccess[]> {
  const folders = [...new Set([dirname(path), dirname(realPath)])];
  return Promise.all(folders.map(async (folder) => await toAccess(folder, await stat(folder))));
}

async function toAccess(path: string, { mode, uid, gid }: Pick<Stats, "mode" | "uid" | "gid">): Promise<FileAccess> {
  const isGroupPrivate = (mode & 0o020) !== 0 && (await isPrivateGroup({ uid, gid }));
  return { path, mode, uid, ...(isGroupPrivate && { isGroupPrivate }) };
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
