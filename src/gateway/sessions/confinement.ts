// Decides whether a session that another one spawns is at least as confined as its parent, so that spawning never escapes confinement. Pure.
// What a session's sandbox is, and which tools it has where it runs, the config says.

import type { EffectiveDocker, EffectiveSandbox } from "../../api/config/effective.ts";
import { decideTool, KNOWN_TOOLS, type ToolDecision, type ToolPolicy } from "../../api/tool-policy.ts";

export interface Confinement {
  sandboxed: boolean;
  sandbox: EffectiveSandbox;
  policy: ToolPolicy;
  /** By the policy, and by what the config lets run on this host when it is not sandboxed. */
  decide(tool: string): ToolDecision;
}

const ACCESS_RANK = { none: 0, ro: 1, rw: 2 } as const;

/** Why the child would be less confined, as a clause; null when it is not. */
export function findLoosening(parent: Confinement, child: Confinement): string | null {
  if (parent.sandboxed && !child.sandboxed) return "it is not sandboxed";
  // What the parent may not run on this host its child may run in a sandbox: that is what sandboxes are for.
  const mayParent = (tool: string): boolean => (child.sandboxed ? decideTool(parent.policy, tool) : parent.decide(tool)).allowed;
  const tool = KNOWN_TOOLS.find((name) => child.decide(name).allowed && !mayParent(name));
  if (tool !== undefined) return `it may use the tool "${tool}"`;
  if (!parent.sandboxed) return null;
  return findWiderAccess(parent.sandbox, child.sandbox) ?? findWeakerWalls(parent.sandbox.docker, child.sandbox.docker);
}

/** To folders, networks and devices. */
function findWiderAccess(parent: EffectiveSandbox, child: EffectiveSandbox): string | null {
  const mine = parent.docker;
  const its = child.docker;
  if (ACCESS_RANK[child.workspaceAccess] > ACCESS_RANK[parent.workspaceAccess])
    return `its workspaceAccess is "${child.workspaceAccess}", not "${parent.workspaceAccess}"`;
  if (its.network !== mine.network && its.network !== "none") return `its network is "${its.network}"`;
  const reach = mine.network === "none" ? findWiderEgress(parent.egress, child.egress) : null;
  if (reach !== null) return reach;
  const browser = findWiderBrowser(parent, child);
  if (browser !== null) return browser;
  if (its.gpus !== mine.gpus && its.gpus !== null) return `it has the GPUs "${its.gpus}"`;
  const bind = its.binds.find((one) => !mine.binds.some(({ source, readOnly }) => source === one.source && (!readOnly || one.readOnly)));
  return bind === undefined ? null : `it sees the folder ${bind.source}`;
}

/** Without a network of its own a browser has what the list of its agent allows. */
function findWiderBrowser({ browser: mine, docker }: EffectiveSandbox, { browser: its }: EffectiveSandbox): string | null {
  if (!its.enabled) return null;
  if (![null, "none", mine.network, docker.network].includes(its.network)) return `its browser's network is "${its.network}"`;
  return its.noSandbox && !mine.noSandbox ? "its browser runs without Chromium's own sandbox" : null;
}

/** By the rules as they are written: whether one of them is within another one is nobody's to guess. */
function findWiderEgress(mine: EffectiveSandbox["egress"], its: EffectiveSandbox["egress"]): string | null {
  const allowed = its?.allow.find((rule) => mine?.allow.includes(rule) !== true);
  if (allowed !== undefined) return `its egress.allow has ${JSON.stringify(allowed)}`;
  const denied = its === null || its.allow.length === 0 ? undefined : mine?.deny.find((rule) => !its.deny.includes(rule));
  return denied === undefined ? null : `its egress.deny does not have ${JSON.stringify(denied)}`;
}

/** Around what runs inside. Of two profiles, or of a runtime and the engine's own, nobody can tell which holds more. */
function findWeakerWalls(mine: EffectiveDocker, its: EffectiveDocker): string | null {
  if (mine.readOnlyRoot && !its.readOnlyRoot) return "its root file system is writable";
  if (isRoot(its.user) && !isRoot(mine.user)) return "its user is root";
  if (its.runtime !== mine.runtime && mine.runtime !== null) return `its runtime is ${show(its.runtime)}`;
  if (its.seccompProfile !== mine.seccompProfile) return `its seccomp profile is ${show(its.seccompProfile)}`;
  if (its.apparmorProfile !== mine.apparmorProfile) return `its AppArmor profile is ${show(its.apparmorProfile)}`;
  const capability = mine.capDrop.includes("ALL")
    ? its.capDrop.includes("ALL")
      ? undefined
      : "ALL"
    : mine.capDrop.find((name) => !its.capDrop.includes(name) && !its.capDrop.includes("ALL"));
  return capability === undefined ? null : `it does not drop the capability ${capability}`;
}

const isRoot = (user: string | null): boolean => /^(?:0+|root)(?::|$)/.test(user ?? "");
const show = (name: string | null): string => (name === null ? "the engine's own" : JSON.stringify(name));
