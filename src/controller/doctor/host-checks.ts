// Judges this machine: who else can write where the controller reads its orders, free space, file watches, and who runs as whom. Pure.
// The config file's own modes are issues of the config (api/config/sources.ts).
import { type Check, type Finding, fail, ok, warn } from "../../api/finding.ts";
import type { HostFacts } from "./host-facts.ts";

const WRITABLE_BY_OTHERS = 0o022;
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

function judgeFolders(stateDir: string, { folders, uid }: HostFacts): Finding[] {
  if (folders.length === 0) return [ok("state-folder", `${stateDir} is not there yet; the controller makes it for itself alone`)];
  const wrong = folders.flatMap((folder): Finding[] => {
    const why = "whoever writes there decides what the controller does";
    if ((folder.mode & WRITABLE_BY_OTHERS) !== 0)
      return [
        fail(
          "state-folder",
          `other users can write to ${folder.path} (mode ${renderMode(folder.mode)}), and ${why}`,
          `chmod go-w ${folder.path}`,
        ),
      ];
    if (folder.uid !== uid && folder.uid !== 0 && !folder.path.endsWith("/gateway"))
      return [fail("state-folder", `${folder.path} belongs to uid ${folder.uid}, and ${why}`, `chown ${uid} ${folder.path}`)];
    return [];
  });
  return wrong.length > 0 ? wrong : [ok("state-folder", `${stateDir}: only its owner and root can write there`)];
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
  const message = `file watches of one user: ${watches}, in ${instances} instances`;
  if (instances >= INSTANCES_MIN && watches >= WATCHES_MIN) return ok("watches", message);
  const wanted = `fs.inotify.max_user_instances=${Math.max(instances, 512)} fs.inotify.max_user_watches=${Math.max(watches, 65_536)}`;
  return warn("watches", `${message}; with none left, an edit is noticed up to a second later`, `sysctl -w ${wanted}`);
}

function judgeSeparation({ uid, gatewayUid }: HostFacts): Finding {
  if (gatewayUid === null) return ok("separation", "no gateway has used this state folder");
  if (gatewayUid !== uid) return ok("separation", `the gateway runs as uid ${gatewayUid}, the controller as uid ${uid}`);
  const message = `gateway and controller run as the same user (uid ${uid}): a gateway that is taken over reaches the engine too`;
  return warn("separation", message, "run them as two users, or in two containers of which only the controller's has the engine's socket");
}
