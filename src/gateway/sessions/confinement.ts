// Decides whether what one session starts is at least as confined as itself: a prisoner must not open a door that is shut to him. Pure.
// What a session's sandbox is, the config says.
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { decideTool, KNOWN_TOOLS, type ToolPolicy } from "../../api/tool-policy.ts";

export interface Confinement {
  sandboxed: boolean;
  sandbox: EffectiveSandbox;
  policy: ToolPolicy;
}

const ACCESS_RANK = { none: 0, ro: 1, rw: 2 } as const;

/** Why the child would be less confined, as a clause; null when it is not. */
export function findLoosening(parent: Confinement, child: Confinement): string | null {
  if (parent.sandboxed && !child.sandboxed) return "it is not sandboxed";
  const tool = KNOWN_TOOLS.find((name) => decideTool(child.policy, name).allowed && !decideTool(parent.policy, name).allowed);
  if (tool !== undefined) return `it may use the tool "${tool}"`;
  return parent.sandboxed ? findLooserSandbox(parent.sandbox, child.sandbox) : null;
}

function findLooserSandbox(parent: EffectiveSandbox, child: EffectiveSandbox): string | null {
  const mine = parent.docker;
  const its = child.docker;
  if (ACCESS_RANK[child.workspaceAccess] > ACCESS_RANK[parent.workspaceAccess])
    return `its workspaceAccess is "${child.workspaceAccess}", not "${parent.workspaceAccess}"`;
  if (its.network !== mine.network && its.network !== "none") return `its network is "${its.network}"`;
  if (mine.readOnlyRoot && !its.readOnlyRoot) return "its root file system is writable";
  const capability = mine.capDrop.includes("ALL")
    ? its.capDrop.includes("ALL")
      ? undefined
      : "ALL"
    : mine.capDrop.find((name) => !its.capDrop.includes(name) && !its.capDrop.includes("ALL"));
  if (capability !== undefined) return `it does not drop the capability ${capability}`;
  const bind = its.binds.find((one) => !mine.binds.some(({ source, readOnly }) => source === one.source && (!readOnly || one.readOnly)));
  return bind === undefined ? null : `it sees the folder ${bind.source}`;
}
