// Rules about where workspaces lie: none in another one, and nothing that decides over the machine where a sandbox may write. Pure, over
// the text; where symlinks lead to is asked when a folder is made. Which folders of the host may be workspaces at all is bind-source.ts's.
import { fold, isWithin } from "./bind-source.ts";
import type { Agent, Config, HostFolders } from "./config.ts";
import { type EffectiveSandbox, resolveWorkspace, toConfigKey, toWorkspaceKey } from "./effective.ts";
import type { Reporter } from "./reporter.ts";
import type { NamedFolder, SandboxFolders } from "./sandbox-folders.ts";
import type { ConfigSources } from "./sources.ts";

/** A folder that is an agent's workspace, or holds those of sandboxes. */
interface Place {
  readonly kind: "agent" | "root";
  readonly path: string;
  readonly what: string;
  /** Key path that says so. null: it is the default. */
  readonly key: string | null;
}

export function checkWorkspaces(config: Config, sandboxes: readonly EffectiveSandbox[], folders: HostFolders, reporter: Reporter): void {
  // What can be no workspace at all need not be told where it would have to lie.
  const places = findPlaces(config, sandboxes, folders).filter(({ key }) => key === null || !reporter.isRefused(key));
  checkNesting(places, reporter);
}

function findPlaces(config: Config, sandboxes: readonly EffectiveSandbox[], folders: HostFolders): Place[] {
  const places = config.agents.map((agent): Place => toPlace(config, agent, folders));
  const roots = new Map<string, Place>();
  const what = "where sandbox workspaces are kept";
  for (const sandbox of sandboxes) {
    const isWritten = sandbox.provenance.get("workspaceRoot")?.kind === "config";
    const key = isWritten ? toConfigKey(sandbox, "workspaceRoot") : null;
    if (!roots.has(sandbox.workspaceRoot)) roots.set(sandbox.workspaceRoot, { kind: "root", path: sandbox.workspaceRoot, what, key });
  }
  // Also where no agent has it any more: folders from before an edit are still there.
  const first = `${folders.stateDir}/sandboxes`;
  if (!roots.has(first)) roots.set(first, { kind: "root", path: first, what, key: null });
  return [...places, ...roots.values()];
}

const toPlace = (config: Config, agent: Agent, folders: HostFolders): Place => ({
  kind: "agent",
  path: resolveWorkspace(config, agent, folders),
  what: `the workspace of agent ${agent.id}`,
  key: toWorkspaceKey(config, agent),
});

/** Outer folders come right before what lies in them. */
const byPath = (left: Place, right: Place): number => (sortKey(left) < sortKey(right) ? -1 : sortKey(left) > sortKey(right) ? 1 : 0);
const sortKey = ({ path }: Place): string => `${fold(path)}/`;

function checkNesting(places: readonly Place[], reporter: Reporter): void {
  const outer: Place[] = [];
  for (const place of places.toSorted(byPath)) {
    for (let top = outer.at(-1); top !== undefined && !liesIn(place.path, top.path); top = outer.at(-1)) outer.pop();
    const holder = outer.at(-1);
    if (holder !== undefined) judgePair(place, holder, reporter);
    outer.push(place);
  }
}

function judgePair(inner: Place, outer: Place, reporter: Reporter): void {
  const isSame = fold(inner.path) === fold(outer.path);
  const key = inner.key ?? outer.key;
  // Two defaults are beside each other; two names of one root are one root.
  if (key === null || (isSame && inner.kind === "root" && outer.kind === "root")) return;
  const [own, other] = inner.key === null ? [outer, inner] : [inner, outer];
  if (isSame && inner.kind === outer.kind) {
    const message = `this is also ${other.what}: each agent can see, and with access "rw" change, the other's files`;
    reporter.add(key, { severity: "warning", message, fix: "give each agent a folder of its own, unless this is intended" });
    return;
  }
  const where = isSame ? "is" : own === inner ? "lies in" : "contains";
  const message = `${own.path} ${where} ${other.path}, ${other.what}: whoever can write to the outer one can replace the inner one`;
  reporter.add(key, { severity: "error", message, fix: "choose a folder outside" });
}

/** Everything in which a sandbox may write; of what lies where the workspaces are made, each is some sandbox's. */
const writableIn = ({ roots, writable }: SandboxFolders): readonly NamedFolder[] => [...writable, ...roots];

/** A profile that a sandbox may write confines nothing. */
export function checkProfiles(sandboxes: readonly EffectiveSandbox[], mounted: SandboxFolders, reporter: Reporter): void {
  const writable = writableIn(mounted);
  // Agents by the hundred share a few profiles.
  const holders = new Map<string, NamedFolder | undefined>();
  for (const sandbox of sandboxes) {
    const { seccompProfile } = sandbox.docker;
    if (seccompProfile === null) continue;
    if (!holders.has(seccompProfile))
      holders.set(
        seccompProfile,
        writable.find(({ path }) => liesIn(seccompProfile, path)),
      );
    const holder = holders.get(seccompProfile);
    if (holder === undefined) continue;
    const message = `${seccompProfile} lies in ${holder.path}, ${holder.name}: a sandbox could write it and so weaken its own confinement`;
    reporter.addFor(sandbox, "docker.seccompProfile", { severity: "error", message, fix: "move it beside the config" });
  }
}

/** Whoever writes the config owns the machine: neither it, nor what it includes, nor a symlink to them, may lie where a sandbox writes. */
export function checkConfigPlace(sources: ConfigSources, mounted: SandboxFolders, reporter: Reporter): void {
  const writable = writableIn(mounted);
  for (const [path, file] of sources.files) {
    const names = file.kind === "text" ? [path, file.realPath] : [path];
    const holder = writable.find((folder) => names.some((name) => liesIn(name, folder.path)));
    if (holder === undefined) continue;
    const message = `the config's file ${path} lies in ${holder.path}, ${holder.name}, and whoever can write the config controls this machine`;
    reporter.add("", { severity: "error", message, fix: "move the config elsewhere" });
  }
}

/** On some host: there case and Unicode form are ignored. */
const liesIn = (path: string, folder: string): boolean => isWithin(fold(path), fold(folder));
