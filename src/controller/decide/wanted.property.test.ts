// What must hold of everything that is wanted together, whatever sessions and agents there are: sandboxes, and the browsers beside them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type EpochMs, HOUR_MS, MINUTE_MS, type SandboxName, toAgentId } from "../../api/brands.ts";
import { type EffectiveSandbox, resolveAgentSandbox } from "../../api/config/effective.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { toSlug } from "../../api/names.ts";
import { Session } from "../../api/session.ts";
import { whyNoBrowser } from "./browser.ts";
import { ago, INSTANCE, NOW } from "./decide.fixture.ts";
import { type DesiredIndex, type DesiredInputs, indexDesired, type KnownSandbox, wantOf } from "./wanted.ts";

const FOLDERS = { stateDir: "/state", home: "/home/user" };
const SCOPES = ["session", "agent", "shared"] as const;
const IDS = ["main", "work", "pair"];
const IDLE_HOURS = 2;

interface AgentFacts {
  scope: (typeof SCOPES)[number];
  enabled: boolean;
  allowed: boolean;
  start: "eager" | "on-demand";
}

/** Hours ago. null: never. */
interface SessionFacts {
  agent: string;
  usedAt: number | null;
  browserUsedAt: number | null;
  hasEnded: boolean;
  isChild: boolean;
}

interface World {
  agents: AgentFacts[];
  sessions: SessionFacts[];
  maxSandboxes: number;
}

const hours = fc.option(fc.integer({ min: 0, max: 4 }), { nil: null });
const world: fc.Arbitrary<World> = fc.record({
  agents: fc.tuple(
    ...IDS.map(() =>
      fc.record({
        scope: fc.constantFrom(...SCOPES),
        enabled: fc.boolean(),
        allowed: fc.boolean(),
        start: fc.constantFrom("eager" as const, "on-demand" as const),
      }),
    ),
  ),
  sessions: fc.array(
    fc.record({
      agent: fc.constantFrom(...IDS),
      usedAt: hours,
      browserUsedAt: hours,
      hasEnded: fc.boolean(),
      isChild: fc.boolean(),
    }),
    { maxLength: 8 },
  ),
  maxSandboxes: fc.integer({ min: 1, max: 12 }),
});

/** Parsed once each: there are few. */
const known = new Map<string, { sandbox: EffectiveSandbox; noBrowser: string | null }>();

function agentOf(id: string, { scope, enabled, allowed, start }: AgentFacts) {
  const key = JSON.stringify([id, scope, enabled, allowed, start]);
  const found = known.get(key);
  if (found !== undefined) return { id: toAgentId(id), ...found };
  const sandbox = { mode: "all", scope, start, prune: { idleHours: IDLE_HOURS }, browser: { enabled } };
  const tools = { sandbox: { tools: allowed ? { allow: ["exec", "browser"], deny: [] } : {} } };
  // Shared settings are the defaults' alone.
  const parsed = parseConfig(toSources(JSON.stringify({ agents: { defaults: { sandbox }, list: [{ id, default: true }] }, tools })), {
    ...{ ...FOLDERS, variables: {}, trustedOwners: null },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const settings = resolveAgentSandbox(parsed.value, toAgentId(id), FOLDERS);
  if (settings === undefined) throw new Error(`no agent ${id}`);
  const made = { sandbox: settings, noBrowser: whyNoBrowser(parsed.value, settings) };
  known.set(key, made);
  return { id: toAgentId(id), ...made };
}

function sessionOf({ agent, usedAt, browserUsedAt, hasEnded, isChild }: SessionFacts, index: number): Session {
  const time = (at: EpochMs): string => new Date(at).toISOString();
  return Session.parse({
    apiVersion: "openclaw.ai/v1",
    kind: "Session",
    metadata: {
      name: `s${index}`,
      uid: `00000000-0000-4000-8000-00000000000${index}`,
      createdAt: time(ago(9 * HOUR_MS + index * MINUTE_MS)),
    },
    spec: {
      key: `agent:${agent}:s${index}`,
      agentId: agent,
      kind: isChild ? "subagent" : "direct",
      ...(isChild && { parentKey: `agent:${agent}:s0` }),
      ...(usedAt !== null && { lastActivityAt: time(ago(usedAt * HOUR_MS)) }),
      ...(browserUsedAt !== null && { browserUsedAt: time(ago(browserUsedAt * HOUR_MS)) }),
      ...(hasEnded && { endedAt: time(ago(HOUR_MS)) }),
    },
  });
}

function inputsOf({ agents, sessions, maxSandboxes }: World): DesiredInputs {
  const all = sessions.map(sessionOf);
  return {
    slugOf: (scopeKey) => toSlug(INSTANCE, scopeKey),
    agents: IDS.map((id, at) => agentOf(id, agents[at] ?? { scope: "agent", enabled: false, allowed: false, start: "eager" })),
    sessions: new Map(
      IDS.map((id) => [toAgentId(id), { folder: "read" as const, sessions: all.filter(({ spec }) => spec.agentId === id), unread: 0 }]),
    ),
    maxSandboxes,
    spawning: { depthMax: 1, childrenMax: 2 },
    hotWindowMs: 5 * MINUTE_MS,
  };
}

const always = (property: (index: DesiredIndex, facts: World) => void): void =>
  fc.assert(
    fc.property(world, (facts) => property(indexDesired(inputsOf(facts)), facts)),
    { numRuns: 1_000 },
  );

const all = (index: DesiredIndex) => [...index.byName.values()];
const browsers = (index: DesiredIndex) => all(index).filter(({ desired }) => desired.kind === "browser");
const knownAs = ({ byName }: DesiredIndex, name: SandboxName): KnownSandbox => {
  const desired = byName.get(name)?.desired;
  if (desired === undefined) throw new Error(`${name} is not wanted`);
  return { name, kind: desired.kind, scopeKey: desired.scopeKey, createdAt: ago(9 * HOUR_MS), lastUsedAt: null };
};

test("a browser is beside a sandbox of the same scope, serves no session that this one does not, and has its workspace", () => {
  always((index) => {
    for (const { desired, sessions } of browsers(index)) {
      const beside = index.byName.get(index.byScope.tools.get(desired.scopeKey) ?? ("" as SandboxName));
      expect(beside?.desired).toMatchObject({ kind: "tools", scope: desired.scope, agentId: desired.agentId });
      expect(desired).toMatchObject({ workspace: beside?.desired.workspace, workspaceOwner: beside?.desired.name, agentDir: null });
      for (const session of sessions) expect(beside?.sessions).toContain(session);
      expect(desired.name).not.toBe(beside?.desired.name);
    }
  });
});

test("a browser is wanted by exactly the live sessions that asked for one and whose agent may have one", () => {
  always((index, { agents, sessions }) => {
    const mayHave = (id: string): boolean => {
      const { enabled = false, allowed = false } = agents[IDS.indexOf(id)] ?? {};
      return enabled && allowed;
    };
    const asked = sessions.flatMap(({ agent, browserUsedAt, hasEnded }, at) =>
      browserUsedAt !== null && !hasEnded && mayHave(agent) ? [`agent:${agent}:s${at}`] : [],
    );
    expect([...index.bySession.browser.keys()].sort()).toEqual(asked.sort());
    expect(
      browsers(index)
        .flatMap((browser) => browser.sessions.map(({ spec }) => spec.key))
        .sort(),
    ).toEqual(asked);
  });
});

test("no more is admitted than may be, a browser never without the sandbox beside it, and what is eager always is", () => {
  always((index, { maxSandboxes }) => {
    const admitted = all(index).filter(({ desired, eager }) => !eager && !index.limited.has(desired.name));
    expect(admitted.length).toBeLessThanOrEqual(maxSandboxes);
    for (const { desired } of admitted.filter((one) => one.desired.kind === "browser"))
      expect(index.limited.has(index.byScope.tools.get(desired.scopeKey) ?? desired.name)).toBe(false);
    for (const { desired, eager } of all(index)) if (eager) expect(index.limited.has(desired.name)).toBe(false);
  });
});

test("a browser is idle by its own use alone, whatever its sessions do besides", () => {
  always((index) => {
    for (const { desired, sessions } of browsers(index)) {
      const last = Math.max(...sessions.map(({ spec }) => spec.browserUsedAt ?? 0));
      const want = wantOf(index, desired.name, knownAs(index, desired.name), NOW);
      expect({ name: desired.name, kind: want.kind }).toEqual({
        name: desired.name,
        kind: NOW - last < IDLE_HOURS * HOUR_MS ? "wanted" : "unwanted",
      });
    }
  });
});

test("when every session has ended, each browser and each sandbox that is not eager goes, and each says for what reason", () => {
  always((index, facts) => {
    const ended = indexDesired(inputsOf({ ...facts, sessions: facts.sessions.map((session) => ({ ...session, hasEnded: true })) }));
    expect(browsers(ended)).toEqual([]);
    for (const { desired, eager } of all(index)) {
      if (eager) continue;
      const want = wantOf(ended, desired.name, knownAs(index, desired.name), NOW);
      expect({ name: desired.name, kind: want.kind }).toEqual({ name: desired.name, kind: "unwanted" });
      expect(want.because).not.toBe("");
    }
  });
});

test("the order in which sessions are listed never matters", () => {
  always((index, facts) => {
    const inputs = inputsOf(facts);
    const reversed = new Map([...inputs.sessions].map(([id, listed]) => [id, { ...listed, sessions: listed.sessions.toReversed() }]));
    const other = indexDesired({ ...inputs, sessions: reversed });
    expect([...other.byName.keys()].sort()).toEqual([...index.byName.keys()].sort());
    expect([...other.limited].sort()).toEqual([...index.limited].sort());
  });
});
