// Which sessions were spawned by others, how deep, and how many there may be: for the gateway, which spawns them, and for the controller, which
// does not trust the gateway. Pure.
import type { SessionKey } from "./brands.ts";
import type { Session } from "./session.ts";

export interface SpawnLimits {
  /** 1: what a session began begins nothing itself. */
  depthMax: number;
  /** Live ones of one session. */
  childrenMax: number;
}

export const SPAWN_DEPTH_DEFAULT = 1;
/** Each level multiplies: five children of five are thirty sandboxes of one conversation. */
export const SPAWN_DEPTH_MAX = 2;
export const SPAWN_CHILDREN_DEFAULT = 5;

type Spec = Pick<Session["spec"], "key" | "agentId" | "parentKey">;

/** Sessions of before `parentKey` say so by their keys only. */
export const isChild = ({ key, agentId, parentKey }: Spec): boolean =>
  parentKey !== undefined || key.startsWith(`agent:${agentId}:subagent:`);

/** 0: nobody began it. A parent that is gone counts by its key; more than the most that may be is never told apart. */
export function toSpawnDepth(spec: Spec, find: (key: SessionKey) => Session | undefined): number {
  let depth = 0;
  let current: Spec | undefined = spec;
  while (current !== undefined && isChild(current) && depth <= SPAWN_DEPTH_MAX) {
    depth += 1;
    const { parentKey }: Spec = current;
    current = parentKey === undefined ? undefined : find(parentKey)?.spec;
    if (current === undefined && parentKey !== undefined && /^agent:[^:]+:subagent:/.test(parentKey)) depth += 1;
  }
  return depth;
}

/** A tenth is for sessions that nobody began: an agent that spawns takes no person's place. */
export const toChildSandboxesMax = (maxSandboxes: number): number => maxSandboxes - Math.ceil(maxSandboxes / 10);
