// Judges this machine: who else can write where the controller reads, free space, file watches, and who runs as whom. Pure.
// The config file's own modes are issues of the config (api/config/sources.ts).
import { basename } from "node:path";
import { quotePath } from "../../api/config/sources.ts";
import { type Check, type Finding, fail, ok, warn } from "../../api/finding.ts";
import type { FolderFact, HostFacts } from "./host-facts.ts";

const WRITABLE_BY_OTHERS = 0o022;
const WRITABLE_BY_ALL = 0o002;
const READABLE_BY_OTHERS = 0o005;
const BYTES_PER_GIB = 2 ** 30;
/** Logs, events and workspaces grow by megabytes; an image needs hundreds. */
const FREE_BYTES_WARN = 2 * BYTES_PER_GIB;
const FREE_BYTES_FAIL = 0.2 * BYTES_PER_GIB;
const FREE_FILES_WARN = 0.02;
/** One instance and some ten watches are ours; editors and other programs of the same user take the rest. */
const INSTANCES_MIN = 64;
const WATCHES_MIN = 4_096;

export function judgeHost(stateDir: string, facts: HostFacts): Finding[] {
  return [
    ...judgeFolders(stateDir, facts),
    ...(facts.space === null ? [] : judgeSpace("disk-space", `the state folder ${stateDir}`, facts.space)),
    ...(facts.watches === null ? [] : [judgeWatches(facts.watches)]),
    judgeSeparation(facts),
  ];
}

const renderMode = (mode: number): string => mode.toString(8).padStart(4, "0");

/** What a gateway that runs as another user writes to. */
const GATEWAY_FOLDERS = ["agents", "requests", "gateway"];

function judgeFolders(stateDir: string, facts: HostFacts): Finding[] {
  const [top] = facts.folders;
  if (top === undefined) return [ok("state-folder", `${stateDir} does not exist yet; the controller creates it, private to its user`)];
  const wrong = facts.folders.flatMap((folder) => judgeFolder(folder, facts));
  if ((top.mode & READABLE_BY_OTHERS) !== 0) {
    const message = `every user can read ${top.path} (mode ${renderMode(top.mode)}), which holds the config and the sessions`;
    wrong.push(warn("state-folder", message, `chmod o-rwx ${quotePath(top.path)}`));
  }
  return wrong.length > 0 ? wrong : [ok("state-folder", `${stateDir}: no other user can read or write there`)];
}

function judgeFolder({ path, mode, uid: owner, isGroupPrivate = false }: FolderFact, { uid, gatewayUid }: HostFacts): Finding[] {
  const why = "whoever can write there controls the controller";
  const isShared = GATEWAY_FOLDERS.includes(basename(path)) && gatewayUid !== null && gatewayUid !== uid;
  const trusted = isShared ? [uid, 0, gatewayUid] : [uid, 0];
  if ((mode & (isShared || isGroupPrivate ? WRITABLE_BY_ALL : WRITABLE_BY_OTHERS)) !== 0)
    return [
      fail("state-folder", `other users can write to ${path} (mode ${renderMode(mode)}), and ${why}`, `chmod go-w ${quotePath(path)}`),
    ];
  if (trusted.includes(owner)) return [];
  return [fail("state-folder", `${path} belongs to uid ${owner}, and ${why}`, `chown ${uid} ${quotePath(path)}`)];
}

type Space = NonNullable<HostFacts["space"]>;

export function judgeSpace(check: Check, where: string, { freeBytes, totalBytes, freeFiles, totalFiles }: Space): Finding[] {
  const message = `${where}: ${renderGib(freeBytes)} of ${renderGib(totalBytes)} free`;
  const fix = "make room: openclaw sandbox prune, docker system df, docker image prune";
  const files: Finding[] =
    totalFiles > 0 && freeFiles / totalFiles < FREE_FILES_WARN
      ? [warn(check, `${where}: ${freeFiles} of ${totalFiles} files are left`, fix)]
      : [];
  if (freeBytes < FREE_BYTES_FAIL) return [fail(check, message, fix), ...files];
  return [freeBytes < FREE_BYTES_WARN ? warn(check, message, fix) : ok(check, message), ...files];
}

const renderGib = (bytes: number): string => `${(bytes / BYTES_PER_GIB).toFixed(1)} GiB`;

function judgeWatches({ instances, watches }: NonNullable<HostFacts["watches"]>): Finding {
  const message = `file watches per user: ${watches}, in ${instances} instances`;
  if (instances >= INSTANCES_MIN && watches >= WATCHES_MIN) return ok("watches", message);
  const wanted = `fs.inotify.max_user_instances=${Math.max(instances, 512)} fs.inotify.max_user_watches=${Math.max(watches, 65_536)}`;
  return warn("watches", `${message}; without any left, an edit is noticed up to a second later`, `sysctl -w ${wanted}`);
}

function judgeSeparation({ uid, gatewayUid, gatewayIsHere }: HostFacts): Finding {
  if (gatewayUid === null) return ok("separation", "no gateway has used this state folder");
  if (gatewayUid !== uid) return ok("separation", `the gateway runs as uid ${gatewayUid}, the controller as uid ${uid}`);
  if (!gatewayIsHere) return ok("separation", "the gateway runs in a container of its own, or on another host");
  const message = `gateway and controller run as the same user (uid ${uid}): a compromised gateway could reach the engine`;
  return warn("separation", message, "run them as two users, or in two containers of which only the controller's has the engine's socket");
}
