// Which folders of the host all sandboxes of a config mount, and which of them they may write. Pure; whether a bind may lie in or above one
// of them is bind-source.ts's to say.
import type { EffectiveSandbox } from "./effective.ts";

/** A folder and whose it is, as a clause for a person. */
export interface NamedFolder {
  readonly path: string;
  readonly name: string;
}

export interface SandboxFolders {
  /** Folders in which the product itself makes workspaces. */
  readonly roots: readonly NamedFolder[];
  /** Agents' workspaces that are mounted, writable or not. */
  readonly workspaces: readonly NamedFolder[];
  /** What a sandbox may write: it can rename whatever lies in there, and put a symlink in its place. */
  readonly writable: readonly NamedFolder[];
}

/** A config without agents mounts nothing. */
export const NO_SANDBOX_FOLDERS: SandboxFolders = { roots: [], workspaces: [], writable: [] };

/** Of every agent, sandboxed or not: MCP sessions always are. */
export function toSandboxFolders(sandboxes: readonly EffectiveSandbox[]): SandboxFolders {
  const workspaceOf = ({ agentId, agentWorkspace }: EffectiveSandbox): NamedFolder => ({
    path: agentWorkspace,
    name: `the workspace of agent ${agentId}`,
  });
  const bindsOf = ({ agentId, docker, browser }: EffectiveSandbox): NamedFolder[] =>
    [...docker.binds, ...browser.binds]
      .filter(({ readOnly }) => !readOnly)
      .map(({ source }) => ({ path: source, name: `a writable bind of agent ${agentId}` }));
  return {
    roots: distinct(sandboxes.map(({ workspaceRoot }) => ({ path: workspaceRoot, name: "the folder of the sandboxes' workspaces" }))),
    workspaces: distinct(sandboxes.filter(({ workspaceAccess }) => workspaceAccess !== "none").map(workspaceOf)),
    writable: distinct([
      ...sandboxes.filter(({ workspaceAccess }) => workspaceAccess === "rw").map(workspaceOf),
      ...sandboxes.flatMap(bindsOf),
    ]),
  };
}

/** The first of those with the same path: agents share defaults, and a hundred of them one bind. */
function distinct(folders: readonly NamedFolder[]): NamedFolder[] {
  const byPath = new Map<string, NamedFolder>();
  for (const folder of folders) if (!byPath.has(folder.path)) byPath.set(folder.path, folder);
  return [...byPath.values()];
}
