// Decides which of the sandboxes that sessions ask for are too many: of one session's children, of all children, of all sessions. Pure.
// Which sessions ask is wanted.ts's; how fast they may is creation-rate.ts beside this folder.
import type { SandboxName, ScopeKey, SessionKey } from "../../api/brands.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import type { Session } from "../../api/session.ts";
import { isChild, type SpawnLimits, toChildSandboxesMax, toSpawnDepth } from "../../api/spawning.ts";

export type SandboxLimit = "depth" | "children" | "all-children" | "all";

/** A sandbox that the config or live sessions ask for. */
interface Asked {
  desired: { name: SandboxName; kind: SandboxKind; scopeKey: ScopeKey };
  eager: boolean;
  sessions: readonly Session[];
}

/** Why a sandbox is not made, and what to do about it. */
export const SANDBOX_LIMIT_WORDS: Readonly<Record<SandboxLimit, string>> = {
  depth: "its session was spawned by one that may not spawn any: agents.defaults.subagents.maxSpawnDepth",
  children: "its session's parent already has agents.defaults.subagents.maxChildrenPerAgent children: end some, or raise the limit",
  "all-children": "spawned sessions already use nine tenths of gateway.maxSandboxes; the rest is reserved for other sessions",
  all: "gateway.maxSandboxes is reached: end sessions you don't need, or raise the limit",
};

/** Oldest sessions first: a flood of new ones never takes a sandbox from those that were there. */
export function toLimits(
  byName: ReadonlyMap<SandboxName, Asked>,
  { maxSandboxes, spawning }: { maxSandboxes: number; spawning: SpawnLimits },
): ReadonlyMap<SandboxName, SandboxLimit> {
  const ordered = [...byName.values()]
    .filter(({ eager }) => !eager)
    .map(toCandidate)
    .sort(compare);
  const limits = new Map<SandboxName, SandboxLimit>();
  // Most sites have no children at all, and ten thousand sessions.
  if (!ordered.some(({ isOfChildren }) => isOfChildren) && ordered.length <= maxSandboxes) return limits;
  const sessions = new Map(ordered.flatMap(({ wanted }) => wanted.sessions.map((session) => [session.spec.key, session] as const)));
  const find = (key: SessionKey): Session | undefined => sessions.get(key);
  const perParent = new Map<SessionKey, number>();
  const [childrenMax, left] = [toChildSandboxesMax(maxSandboxes), { children: 0, all: 0 }];
  const tools = new Map(ordered.flatMap(({ name, wanted: { desired } }) => (desired.kind === "tools" ? [[desired.scopeKey, name]] : [])));
  for (const { name, wanted, isOfChildren } of ordered) {
    // A browser is no further child: it goes with the sandbox beside it, which comes before it.
    const limit =
      (wanted.desired.kind === "browser" ? limits.get(tools.get(wanted.desired.scopeKey) ?? name) : undefined) ??
      (wanted.desired.kind === "tools" && isOfChildren ? limitOfChildren(wanted.sessions, { find, perParent, spawning }) : null) ??
      (isOfChildren && left.children >= childrenMax ? "all-children" : left.all >= maxSandboxes ? "all" : null);
    if (limit !== null) limits.set(name, limit);
    else {
      left.all += 1;
      if (isOfChildren) left.children += 1;
    }
  }
  return limits;
}

interface Candidate {
  name: SandboxName;
  wanted: Asked;
  /** Of its oldest session. */
  at: number;
  /** Whether sessions that others began are all that need it. */
  isOfChildren: boolean;
}

const toCandidate = (wanted: Asked): Candidate => ({
  name: wanted.desired.name,
  wanted,
  at: Math.min(...wanted.sessions.map(({ metadata }) => metadata.createdAt)),
  isOfChildren: wanted.sessions.every(({ spec }) => isChild(spec)),
});

const rankOf = ({ wanted }: Candidate): number => (wanted.desired.kind === "tools" ? 0 : 1);
const compare = (left: Candidate, right: Candidate): number =>
  left.at - right.at || rankOf(left) - rankOf(right) || (left.name < right.name ? -1 : 1);

/** Why none of these sessions may have a sandbox; null when one may. Counts those that may. */
function limitOfChildren(
  children: readonly Session[],
  parts: { find(key: SessionKey): Session | undefined; perParent: Map<SessionKey, number>; spawning: SpawnLimits },
): SandboxLimit | null {
  const { find, perParent, spawning } = parts;
  let limit: SandboxLimit | null = "depth";
  for (const { spec } of children) {
    if (toSpawnDepth(spec, find) > spawning.depthMax) continue;
    // Those whose parent is not written down are one family for each agent.
    const parent = spec.parentKey ?? (`agent:${spec.agentId}:` as SessionKey);
    const count = perParent.get(parent) ?? 0;
    if (count >= spawning.childrenMax) limit = limit === null ? null : "children";
    else {
      perParent.set(parent, count + 1);
      limit = null;
    }
  }
  return limit;
}
