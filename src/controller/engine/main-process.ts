// Reads in this host's own table of processes what a container's main process is, where the engine and its containers are on this host: any user may, and
// no process has to be started for it. What it means is rest-looks.ts's.
import { closeSync, openSync, readSync } from "node:fs";
import type { ContainerId } from "../../api/brands.ts";

/** The main process is the first child of an init; what is there beside it was left behind by commands, and may be without number. */
const CHILDREN_MAX = 8;
/** A dozen control groups with a container's id, or some hundred numbers. */
const FILE_BYTES_MAX = 4_096;
/** Longer than a main process's own. What a command calls itself may have megabytes. */
const LINE_BYTES_MAX = 256;

/** How it begins. null: a table that is not there, another host's process of that number, one that has gone, what this user may not see. */
function read(path: string, bytesMax: number): string | null {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(bytesMax);
      return bytes.toString("latin1", 0, readSync(file, bytes, 0, bytesMax, null));
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

/**
 * The command lines of the container's first process and of its oldest children, as `ps` prints them, each to 256 characters. The kernel answers from
 * memory, in some 0.05 ms.
 *
 * @param pid of its first process, as the engine says
 * @param table where processes are shown; only tests have another one
 * @returns null: it can't be told here. That process is in no control group of the container: the engine, or this process, is somewhere else
 */
export function readMainCommandLines(id: ContainerId, pid: number, table = "/proc"): string[] | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  if (read(`${table}/${pid}/cgroup`, FILE_BYTES_MAX)?.includes(id) !== true) return null;
  const children = read(`${table}/${pid}/task/${pid}/children`, FILE_BYTES_MAX);
  if (children === null) return null;
  const pids = [String(pid), ...children.split(" ").slice(0, CHILDREN_MAX)].filter((each) => each !== "");
  return pids.map((each) => toLine(read(`${table}/${each}/cmdline`, LINE_BYTES_MAX) ?? ""));
}

const toLine = (words: string): string =>
  words
    .split("\0")
    .filter((word) => word !== "")
    .join(" ");
