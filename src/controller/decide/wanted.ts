// Decides which sandboxes are desired, by what, and what permits the release of one that is not. Pure: config and sessions in, answers out.
// Whether and when a container is then stopped is plan.ts's and use.ts's.
import {
  type AgentId,
  type DurationMs,
  type EpochMs,
  HOUR_MS,
  later,
  renderTime,
  type SandboxName,
  type ScopeKey,
  type SessionKey,
  toSandboxName,
  toScopeKey,
  toSessionKey,
} from "../../api/brands.ts";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { isSandboxed, toSessionScope } from "../../api/config/sandboxed.ts";
import { toAgentOfKey } from "../../api/names.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { lastActivityOf, type Session } from "../../api/session.ts";
import type { SpawnLimits } from "../../api/spawning.ts";
import { toBrowserSettings } from "./browser.ts";
import { type SandboxLimit, toLimits } from "./sandbox-limits.ts";
import type { DesiredSandbox, Evidence, Want } from "./types.ts";

/** One configured agent, defaults and overrides merged. */
export interface Agent {
  id: AgentId;
  sandbox: EffectiveSandbox;
  /** Why its sessions have no browser. null: they have one when they use it. */
  noBrowser: string | null;
}

/** All of one agent's session files, as last listed. `unread` counts the files that could not be understood. */
export interface AgentSessions {
  folder: "read" | "missing" | "unreadable";
  sessions: readonly Session[];
  unread: number;
}

/**
 * What a scope key's container and workspace folder are named after: the slug that it has already, whatever its form, else a new one. May look
 * at the file system, so it is asked when a sandbox is wanted for the first time and when its folder moves; another answer is another sandbox.
 */
export type SlugOf = (scopeKey: ScopeKey, workspaceRoot: string) => string;

export interface DesiredInputs {
  slugOf: SlugOf;
  agents: readonly Agent[];
  /** Absent agents have a missing folder. */
  sessions: ReadonlyMap<AgentId, AgentSessions>;
  /** How many sandboxes sessions may cause at the same time. */
  maxSandboxes: number;
  /** What sessions may begin, by whoever says that they did. */
  spawning: SpawnLimits;
  /** Milliseconds; for sandboxes whose agent is not configured any more. */
  hotWindowMs: number;
}

/** A sandbox that the config or a live session asks for. */
export interface WantedSandbox {
  desired: DesiredSandbox;
  slug: string;
  /** The agent's block that it was made from. */
  source: EffectiveSandbox;
  eager: boolean;
  /** Live sandboxed sessions that need it. */
  sessions: Session[];
}

/** Answers "is this sandbox wanted" for every name, from one config and one listing of the sessions. */
export interface DesiredIndex {
  inputs: DesiredInputs;
  byName: ReadonlyMap<SandboxName, WantedSandbox>;
  byScope: Readonly<Record<SandboxKind, ReadonlyMap<ScopeKey, SandboxName>>>;
  /** The sandbox of each live sandboxed session of a configured agent, and its browser if it wants one. */
  bySession: Readonly<Record<SandboxKind, ReadonlyMap<SessionKey, SandboxName>>>;
  /** Live sandboxed sessions whose sandbox would have the name of another scope key's, which this is: it is not shared with them. */
  refused: ReadonlyMap<SessionKey, ScopeKey>;
  /** On-demand sandboxes that sessions may not cause now, and why. */
  limited: ReadonlyMap<SandboxName, SandboxLimit>;
}

export function toScopeKeyOf(scope: EffectiveSandbox["scope"], agentId: AgentId, sessionKey: SessionKey): ScopeKey {
  switch (scope) {
    case "shared":
      return toScopeKey("shared");
    case "agent":
      return toScopeKey(`agent:${agentId}`);
    case "session":
      return toScopeKey(sessionKey);
  }
}

/** @param before what it was: desired sandboxes whose agent has the same settings object, and slugs, are reused: an edit costs what it changed */
export function indexDesired(inputs: DesiredInputs, before: DesiredIndex | null = null): DesiredIndex {
  const byName = new Map<SandboxName, WantedSandbox>();
  const bySession = { tools: new Map<SessionKey, SandboxName>(), browser: new Map<SessionKey, SandboxName>() };
  const refused = new Map<SessionKey, ScopeKey>();
  const add = (made: Pick<WantedSandbox, "desired" | "slug">, source: EffectiveSandbox): WantedSandbox => {
    const { desired, slug } = made;
    const known = byName.get(desired.name) ?? { desired, slug, source, eager: false, sessions: [] };
    byName.set(desired.name, known);
    return known;
  };
  const candidate = (agent: Agent, scope: EffectiveSandbox["scope"], scopeKey: ScopeKey): WantedSandbox =>
    add(toNamed(inputs.slugOf, { agent, scope, scopeKey, before: wantedBefore(before, "tools", scopeKey) }), agent.sandbox);
  const browserOf = (tools: WantedSandbox): WantedSandbox =>
    add(toNamedBrowser(tools, wantedBefore(before, "browser", tools.desired.scopeKey)), tools.source);
  for (const agent of inputs.agents) {
    const { mode, scope, start } = agent.sandbox;
    if (start === "eager" && mode !== "off" && scope !== "session") {
      candidate(agent, scope, scope === "shared" ? toScopeKey("shared") : toScopeKey(`agent:${agent.id}`)).eager = true;
    }
    for (const session of inputs.sessions.get(agent.id)?.sessions ?? []) {
      if (session.spec.endedAt !== undefined || !isSandboxed(mode, session.spec)) continue;
      const sessionScope = toSessionScope(scope, session.spec);
      const scopeKey = toScopeKeyOf(sessionScope, agent.id, session.spec.key);
      const wanted = candidate(agent, sessionScope, scopeKey);
      if (wanted.desired.scopeKey !== scopeKey) {
        refused.set(session.spec.key, wanted.desired.scopeKey);
        continue;
      }
      wanted.sessions.push(session);
      bySession.tools.set(session.spec.key, wanted.desired.name);
      if (session.spec.browserUsedAt === undefined || agent.noBrowser !== null) continue;
      const browser = browserOf(wanted);
      if (browser.desired.scopeKey !== scopeKey || browser.desired.kind !== "browser") continue;
      browser.sessions.push(session);
      bySession.browser.set(session.spec.key, browser.desired.name);
    }
  }
  const byScope = { tools: namesByScope(byName, "tools"), browser: namesByScope(byName, "browser") };
  return { inputs, byName, byScope, bySession, refused, limited: toLimits(byName, inputs) };
}

const wantedBefore = (before: DesiredIndex | null, kind: SandboxKind, scopeKey: ScopeKey): WantedSandbox | null =>
  before?.byName.get(before.byScope[kind].get(scopeKey) ?? ("" as SandboxName)) ?? null;

interface Naming {
  agent: Agent;
  scope: EffectiveSandbox["scope"];
  scopeKey: ScopeKey;
  /** The same sandbox, as it was wanted. null: it was not. */
  before: WantedSandbox | null;
}

function toNamed(slugOf: SlugOf, { agent, scope, scopeKey, before }: Naming): Pick<WantedSandbox, "desired" | "slug"> {
  const settings = agent.sandbox;
  if (before?.desired.settings === settings && before.desired.scope === scope) return before;
  const isThere = before?.desired.settings.workspaceRoot === settings.workspaceRoot;
  const slug = isThere ? before.slug : slugOf(scopeKey, settings.workspaceRoot);
  return { desired: toDesired(() => slug, agent, scope, scopeKey), slug };
}

/** Named as the sandbox beside it. @param before the same browser, as it was wanted. null: it was not */
function toNamedBrowser(
  { desired: tools, slug, source }: WantedSandbox,
  before: WantedSandbox | null,
): Pick<WantedSandbox, "desired" | "slug"> {
  if (before?.source === source && before.slug === slug && before.desired.scope === tools.scope) return before;
  return { desired: toDesiredBrowser(slug, tools), slug };
}

function namesByScope(byName: ReadonlyMap<SandboxName, WantedSandbox>, kind: SandboxKind): ReadonlyMap<ScopeKey, SandboxName> {
  const own = [...byName.values()].filter(({ desired }) => desired.kind === kind);
  return new Map(own.map(({ desired }) => [desired.scopeKey, desired.name]));
}

export function toDesired(
  slugOf: SlugOf,
  agent: Pick<Agent, "id" | "sandbox">,
  scope: EffectiveSandbox["scope"],
  scopeKey: ScopeKey,
): DesiredSandbox {
  const settings = agent.sandbox;
  const slug = slugOf(scopeKey, settings.workspaceRoot);
  const folder = scope === "shared" ? "shared" : slug;
  const rw = settings.workspaceAccess === "rw";
  const name = toSandboxName(`${settings.docker.containerPrefix}${slug}`);
  return {
    name,
    kind: "tools",
    scope,
    scopeKey,
    agentId: scope === "shared" ? null : agent.id,
    settings,
    workspace: rw ? { dir: settings.agentWorkspace, purpose: "agent" } : { dir: `${settings.workspaceRoot}/${folder}`, purpose: "scope" },
    workspaceOwner: name,
    agentDir: settings.workspaceAccess === "ro" ? settings.agentWorkspace : null,
  };
}

/** The browser beside a sandbox: of the same scope, and with the same workspace. */
export function toDesiredBrowser(slug: string, tools: DesiredSandbox): DesiredSandbox {
  const settings = toBrowserSettings(tools.settings);
  return { ...tools, kind: "browser", name: toSandboxName(`${settings.docker.containerPrefix}${slug}`), settings, agentDir: null };
}

/** The sandbox of the agent's main session; sessions of their own run like it. */
export function toMainSandbox(slugOf: SlugOf, sandbox: EffectiveSandbox): DesiredSandbox {
  const { agentId, scope } = sandbox;
  const key = toSessionKey(`agent:${agentId}:main`);
  return toDesired(slugOf, { id: agentId, sandbox }, scope, toScopeKeyOf(scope, agentId, key));
}

/** What is known of a sandbox apart from desired state: its name and its container's labels. */
export interface KnownSandbox {
  name: SandboxName;
  kind: SandboxKind;
  scopeKey: ScopeKey;
  /** Creation of its container. null: it has none. */
  createdAt: EpochMs | null;
  lastUsedAt: EpochMs | null;
}

export function wantOf(index: DesiredIndex, name: SandboxName, known: KnownSandbox | null, now: EpochMs): Want {
  const found = index.byName.get(name);
  if (found === undefined) return known === null ? unwantedUnknown(index) : releaseOf(index, known, now);
  const { desired, eager, sessions } = found;
  if (eager) return { kind: "wanted", desired, because: `the config starts it eagerly (scope ${desired.scope})`, idleAt: null };
  const lastUsedAt = Math.max(known?.lastUsedAt ?? 0, ...sessions.map((session) => lastUseOf(desired.kind, session))) as EpochMs;
  const because = sessions.length === 1 ? `session ${sessions[0]?.spec.key ?? ""} needs it` : `${sessions.length} live sessions need it`;
  const { idleHours } = desired.settings.prune;
  if (idleHours === 0) return { kind: "wanted", desired, because, idleAt: null };
  const idleAt = later(lastUsedAt, (idleHours * HOUR_MS) as DurationMs);
  if (now < idleAt) return { kind: "wanted", desired, because, idleAt };
  return {
    kind: "unwanted",
    evidence: { kind: "idle", since: lastUsedAt, idleHours },
    because: `unused since ${renderTime(lastUsedAt)}, longer than prune.idleHours (${idleHours})`,
    hotWindowMs: desired.settings.rollout.hotWindow,
  };
}

/** What a session does in its sandbox is no use of its browser. */
export const lastUseOf = (kind: SandboxKind, session: Session): EpochMs =>
  kind === "browser" ? (session.spec.browserUsedAt ?? session.metadata.createdAt) : lastActivityOf(session);

function unwantedUnknown(index: DesiredIndex): Want {
  const evidence: Evidence = { kind: "config", says: "no agent and no session needs it" };
  return { kind: "unwanted", evidence, because: evidence.says, hotWindowMs: index.inputs.hotWindowMs };
}

/** Why a sandbox that exists is not in desired state: with positive evidence it may go, without it stays as it is. */
function releaseOf(index: DesiredIndex, known: KnownSandbox, now: EpochMs): Want {
  const evidence = evidenceOf(index, known) ?? idleEvidence(index, known, now);
  if (evidence === null)
    return { kind: "unknown", because: "unknown whether a session needs it: its session folder could not be read completely" };
  return { kind: "unwanted", evidence, because: renderEvidence(evidence), hotWindowMs: hotWindowOf(index, known) };
}

function hotWindowOf(index: DesiredIndex, known: KnownSandbox): number {
  const agentId = toAgentOfKey(known.scopeKey);
  return index.inputs.agents.find((agent) => agent.id === agentId)?.sandbox.rollout.hotWindow ?? index.inputs.hotWindowMs;
}

function evidenceOf(index: DesiredIndex, known: KnownSandbox): Evidence | null {
  const { agents, sessions } = index.inputs;
  const says = (text: string): Evidence => ({ kind: "config", says: text });
  const movedTo = index.byScope[known.kind].get(known.scopeKey);
  if (movedTo !== undefined) return says(`the config now names it ${movedTo}`);
  const noBrowser = known.kind === "browser" ? noBrowserOf(agents, known.scopeKey) : null;
  if (noBrowser !== null) return says(noBrowser);
  if (known.scopeKey === "shared") {
    const sharing = agents.filter(({ sandbox }) => sandbox.scope === "shared" && sandbox.mode !== "off");
    if (sharing.length === 0) return says("no agent has sandbox.scope shared");
    return releaseOfMany(index, known, sharing);
  }
  const agentId = toAgentOfKey(known.scopeKey);
  const agent = agents.find(({ id }) => id === agentId);
  if (agentId === null || agent === undefined) return says(`the config has no agent ${agentId ?? known.scopeKey}`);
  if (agent.sandbox.mode === "off") return says(`sandbox.mode of agent ${agentId} is off`);
  const listed = sessions.get(agentId);
  if (known.scopeKey === `agent:${agentId}`) {
    if (agent.sandbox.scope !== "agent") return says(`sandbox.scope of agent ${agentId} is ${agent.sandbox.scope}`);
    return releaseOfMany(index, known, [agent]);
  }
  return sessionEvidence(agent, known, listed, says);
}

/** Why no agent that shares this scope has a browser. null: one may. */
function noBrowserOf(agents: readonly Agent[], scopeKey: ScopeKey): string | null {
  const agentId = toAgentOfKey(scopeKey);
  const sharing = agents.filter(({ id, sandbox }) => (agentId === null ? sandbox.scope === "shared" : id === agentId));
  const reasons = sharing.map(({ noBrowser }) => noBrowser);
  return reasons.includes(null) ? null : (reasons[0] ?? null);
}

function sessionEvidence(
  agent: Agent,
  { kind, scopeKey }: KnownSandbox,
  listed: AgentSessions | undefined,
  says: (text: string) => Evidence,
): Evidence | null {
  const session = listed?.sessions.find(({ spec }) => (spec.key as string) === scopeKey);
  if (session?.spec.endedAt !== undefined) return { kind: "session-ended", sessionKey: session.spec.key, endedAt: session.spec.endedAt };
  if (session !== undefined) {
    if (!isSandboxed(agent.sandbox.mode, session.spec)) return says(`sandbox.mode of agent ${agent.id} is ${agent.sandbox.mode}`);
    if (kind === "browser" && session.spec.browserUsedAt === undefined) return stoppedBy(session);
    return says(`sandbox.scope of agent ${agent.id} is ${agent.sandbox.scope}`);
  }
  return isCompletelyRead(listed) ? { kind: "session-gone", folderOf: agent.id } : null;
}

/** The session would be one that the browser is for if it wanted it. */
const stoppedBy = ({ spec }: Session): Evidence => ({ kind: "browser-stopped", says: `session ${spec.key} wants no browser any more` });

/** A live session that has its sandbox together with others. undefined: there is none. */
const findSharing = (sharing: readonly Agent[], sessions: DesiredInputs["sessions"]): Session | undefined =>
  sharing
    .flatMap(({ id, sandbox: { mode, scope } }) =>
      (sessions.get(id)?.sessions ?? []).filter(
        ({ spec }) => spec.endedAt === undefined && isSandboxed(mode, spec) && toSessionScope(scope, spec) === scope,
      ),
    )
    .at(0);

/**
 * None of the sessions that might share the sandbox needs it: the last one ended, or files of live ones are not there any more; those that are live need
 * no browser.
 */
function releaseOfMany(index: DesiredIndex, known: KnownSandbox, sharing: readonly Agent[]): Evidence | null {
  const { sessions } = index.inputs;
  if (!sharing.every(({ id }) => isCompletelyRead(sessions.get(id)))) return null;
  const ended = sharing.flatMap(({ id, sandbox }) =>
    (sessions.get(id)?.sessions ?? []).flatMap(({ spec }) =>
      spec.endedAt !== undefined && isSandboxed(sandbox.mode, spec) ? [{ sessionKey: spec.key, endedAt: spec.endedAt }] : [],
    ),
  );
  const live = known.kind === "browser" ? findSharing(sharing, sessions) : undefined;
  if (live !== undefined) return stoppedBy(live);
  const last = ended.toSorted((left, right) => right.endedAt - left.endedAt)[0];
  const usedAt = known.lastUsedAt ?? known.createdAt ?? (0 as EpochMs);
  // Who used it later than the last end can have been is a session that left no trace.
  if (last !== undefined && usedAt <= last.endedAt + hotWindowOf(index, known)) return { kind: "session-ended", ...last };
  return { kind: "session-gone", folderOf: sharing[0]?.id ?? ("" as AgentId) };
}

const isCompletelyRead = (listed: AgentSessions | undefined): boolean => listed?.folder === "read" && listed.unread === 0;

/** Time is evidence too: what nobody used for that long is idle, whoever wanted it. */
function idleEvidence(index: DesiredIndex, known: KnownSandbox, now: EpochMs): Evidence | null {
  const agentId = toAgentOfKey(known.scopeKey);
  const idleHours = index.inputs.agents.find((agent) => agent.id === agentId)?.sandbox.prune.idleHours ?? 0;
  const since = known.lastUsedAt ?? known.createdAt;
  if (idleHours === 0 || since === null || now < later(since, (idleHours * HOUR_MS) as DurationMs)) return null;
  return { kind: "idle", since, idleHours };
}

/** One sentence without a period: what permits a removal. */
export function renderEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case "session-ended":
      return `session ${evidence.sessionKey} ended at ${renderTime(evidence.endedAt)}`;
    case "session-gone":
      return `agent ${evidence.folderOf} has no live session that needs it`;
    case "config":
    case "browser-stopped":
      return evidence.says;
    case "idle":
      return `unused since ${renderTime(evidence.since)}, longer than prune.idleHours (${evidence.idleHours})`;
    case "replaced":
      return "a container that matches the newest spec takes its place";
    case "mounts":
      return "its mounts are not what was checked, or can't be verified";
    case "half-made":
      return "its creation was interrupted or failed";
  }
}
