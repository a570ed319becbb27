// Observes this machine for the doctor: who can write to the state folder, free space, file watches, AppArmor. What it means is host-checks.ts.
// Nothing is changed, and a file that is not there is a fact, not an error.
import { readFile, stat, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isPrivateGroup } from "../../api/store/private-group.ts";
import { StateLock } from "../../api/store/state-lock.ts";

export interface FolderFact {
  path: string;
  /** Permission bits. */
  mode: number;
  uid: number;
  /** Its group is its owner's alone. */
  isGroupPrivate?: boolean;
}

export interface HostFacts {
  /** Who this process runs as. */
  uid: number;
  /** The state folder and what lies in it, as far as it is there. */
  folders: readonly FolderFact[];
  /** Of the file system that holds the state folder. null: it can't be asked. */
  space: { freeBytes: number; totalBytes: number; freeFiles: number; totalFiles: number } | null;
  /** The kernel's limits on file watches per user. null: it has none, or does not tell. */
  watches: { instances: number; watches: number } | null;
  kernelAppArmor: boolean;
  /** Owner of the folder that only the gateway writes. null: no gateway has used this state folder. */
  gatewayUid: number | null;
  /** Whether the gateway that used this state folder last did so on this host: a container is a host of its own. */
  gatewayIsHere: boolean;
}

/** Whoever writes here decides what the controller does. */
const FOLDERS = ["", "agents", "requests", "controller", "run", "gateway", "sandboxes"];

export async function observeHost(stateDir: string): Promise<HostFacts> {
  const [folders, space, instances, watches, appArmor, gatewayHost] = await Promise.all([
    Promise.all(FOLDERS.map((name) => observeFolder(join(stateDir, name)))),
    observeSpace(stateDir),
    readNumber("/proc/sys/fs/inotify/max_user_instances"),
    readNumber("/proc/sys/fs/inotify/max_user_watches"),
    readText("/sys/module/apparmor/parameters/enabled"),
    StateLock.readHost(join(stateDir, "gateway")),
  ]);
  const found = folders.filter((folder) => folder !== null);
  return {
    uid: process.getuid?.() ?? 0,
    folders: found,
    space,
    watches: instances === null || watches === null ? null : { instances, watches },
    kernelAppArmor: appArmor?.trim() === "Y",
    gatewayUid: found.find(({ path }) => path === join(stateDir, "gateway"))?.uid ?? null,
    gatewayIsHere: gatewayHost === null || gatewayHost === hostname(),
  };
}

async function observeFolder(path: string): Promise<FolderFact | null> {
  const facts = await stat(path).catch(() => null);
  if (facts === null) return null;
  const isGroupPrivate = (facts.mode & 0o020) !== 0 && (await isPrivateGroup(facts));
  return { path, mode: facts.mode & 0o7777, uid: facts.uid, ...(isGroupPrivate && { isGroupPrivate }) };
}

async function observeSpace(path: string): Promise<HostFacts["space"]> {
  const facts = await statfs(path).catch(() => null);
  if (facts === null || facts.blocks === 0) return null;
  const { bsize, bavail, blocks, ffree, files } = facts;
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles: ffree, totalFiles: files };
}

const readText = (path: string): Promise<string | null> => readFile(path, "utf8").catch(() => null);

async function readNumber(path: string): Promise<number | null> {
  const number = Number(await readText(path));
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}
