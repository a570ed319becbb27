// Which sandboxes are wanted, and what permits the release of one that is not.
import { expect, test } from "vitest";
import { type EpochMs, HOUR_MS, MINUTE_MS, toAgentId, toEpochMs, toSandboxName, toScopeKey } from "../../api/brands.ts";
import { resolveAgentSandbox } from "../../api/config/effective.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { toContainerName } from "../../api/names.fixture.ts";
import { toSlug } from "../../api/names.ts";
import { Session } from "../../api/session.ts";
import { whyNoBrowser } from "./browser.ts";
import { ago, INSTANCE, NOW } from "./decide.fixture.ts";
import type { Want } from "./types.ts";
import { type AgentSessions, type DesiredIndex, indexDesired, type SlugOf, wantOf } from "./wanted.ts";

const FOLDERS = { stateDir: "/state", home: "/home/user" };

function sessionOf(key: string, edit: { usedAt?: number; endedAt?: number; createdAt?: number; kind?: string } = {}): Session {
  const time = (at: number): string => new Date(at).toISOString();
  return Session.parse({
    apiVersion: "openclaw.ai/v1",
    kind: "Session",
    metadata: {
      name: key.replaceAll(":", "-"),
      uid: "00000000-0000-4000-8000-000000000000",
      createdAt: time(edit.createdAt ?? ago(HOUR_MS)),
    },
    spec: {
      key,
      agentId: key.split(":")[1],
      kind: edit.kind ?? "direct",
      ...(edit.usedAt === undefined ? {} : { lastActivityAt: time(edit.usedAt) }),
      ...(edit.endedAt === undefined ? {} : { endedAt: time(edit.endedAt) }),
    },
  });
}

const newSlug: SlugOf = (scopeKey) => toSlug(INSTANCE, scopeKey);

function indexOf(
  agents: object,
  sessions: Record<string, Partial<AgentSessions>> = {},
  maxSandboxes = 100,
  slugOf = newSlug,
): DesiredIndex {
  const parsed = parseConfig(toSources(JSON.stringify({ agents })), { ...FOLDERS, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return indexDesired({
    slugOf,
    agents: parsed.value.agents.flatMap(({ id }) => {
      const sandbox = resolveAgentSandbox(parsed.value, id, FOLDERS);
      return sandbox === undefined ? [] : [{ id, sandbox, noBrowser: whyNoBrowser(parsed.value, sandbox) }];
    }),
    sessions: new Map(Object.entries(sessions).map(([id, one]) => [toAgentId(id), { folder: "read", sessions: [], unread: 0, ...one }])),
    maxSandboxes,
    spawning: { depthMax: 1, childrenMax: 5 },
    hotWindowMs: 5 * MINUTE_MS,
  });
}

const nameOf = (key: string) => toContainerName("openclaw-sbx-", INSTANCE, toScopeKey(key));
const want = (index: DesiredIndex, key: string, created = ago(HOUR_MS)): Want =>
  wantOf(index, nameOf(key), { name: nameOf(key), kind: "tools", scopeKey: toScopeKey(key), createdAt: created, lastUsedAt: null }, NOW);
const all = (sandbox: object = {}) => ({ defaults: { sandbox: { mode: "all", ...sandbox } } });

test("an eager agent's sandbox is wanted because the config lists it", () => {
  const index = indexOf(all({ start: "eager" }));
  expect([...index.byName.keys()]).toEqual([nameOf("agent:main")]);
  expect(want(index, "agent:main")).toMatchObject({ kind: "wanted", idleAt: null });
});

test("an on-demand sandbox is wanted while a live session was used within idleHours", () => {
  const index = indexOf(all({ prune: { idleHours: 2 } }), { main: { sessions: [sessionOf("agent:main:main", { usedAt: ago(HOUR_MS) })] } });
  expect(want(index, "agent:main")).toMatchObject({ kind: "wanted", idleAt: NOW + HOUR_MS });
});

test("a session that was never used counts from its creation", () => {
  const index = indexOf(all({ prune: { idleHours: 2 } }), {
    main: { sessions: [sessionOf("agent:main:main", { createdAt: ago(3 * HOUR_MS) })] },
  });
  expect(want(index, "agent:main")).toMatchObject({ kind: "unwanted", evidence: { kind: "idle" } });
});

test("a use of the sandbox itself keeps it as a message of its session does", () => {
  const index = indexOf(all({ prune: { idleHours: 2 } }), {
    main: { sessions: [sessionOf("agent:main:main", { usedAt: ago(9 * HOUR_MS) })] },
  });
  const known = {
    name: nameOf("agent:main"),
    kind: "tools" as const,
    scopeKey: toScopeKey("agent:main"),
    createdAt: ago(9 * HOUR_MS),
    lastUsedAt: ago(HOUR_MS),
  };
  expect(wantOf(index, known.name, known, NOW)).toMatchObject({ kind: "wanted" });
});

test("idleHours 0 never prunes", () => {
  const index = indexOf(all({ prune: { idleHours: 0 } }), { main: { sessions: [sessionOf("agent:main:main", { usedAt: toEpochMs(0) })] } });
  expect(want(index, "agent:main")).toMatchObject({ kind: "wanted", idleAt: null });
});

test("mode non-main leaves the main session out, mode off leaves all out", () => {
  const sessions = { main: { sessions: [sessionOf("agent:main:main"), sessionOf("agent:main:chat:group:1")] } };
  expect(indexOf({ defaults: { sandbox: { mode: "non-main", scope: "session" } } }, sessions).byName.has(nameOf("agent:main:main"))).toBe(
    false,
  );
  expect(
    indexOf({ defaults: { sandbox: { mode: "non-main", scope: "session" } } }, sessions).byName.has(nameOf("agent:main:chat:group:1")),
  ).toBe(true);
  expect(indexOf({ defaults: { sandbox: { mode: "off" } } }, sessions).byName.size).toBe(0);
});

test("an MCP session has a sandbox of its own whatever the config says", () => {
  const index = indexOf(
    { defaults: { sandbox: { mode: "off" } } },
    { main: { sessions: [sessionOf("agent:main:mcp:1", { kind: "mcp" })] } },
  );
  expect([...index.byName.keys()]).toEqual([nameOf("agent:main:mcp:1")]);
});

test("an ended session releases its sandbox, with the end as evidence", () => {
  const index = indexOf(all({ scope: "session" }), { main: { sessions: [sessionOf("agent:main:x", { endedAt: NOW })] } });
  expect(want(index, "agent:main:x")).toMatchObject({ kind: "unwanted", evidence: { kind: "session-ended" } });
});

test("a deleted session file releases its sandbox only if its folder was read completely", () => {
  expect(want(indexOf(all({ scope: "session" }), { main: {} }), "agent:main:x")).toMatchObject({
    kind: "unwanted",
    evidence: { kind: "session-gone" },
  });
  expect(want(indexOf(all({ scope: "session" }), { main: { unread: 1 } }), "agent:main:x").kind).toBe("unknown");
  expect(want(indexOf(all({ scope: "session" }), { main: { folder: "missing" } }), "agent:main:x").kind).toBe("unknown");
  expect(want(indexOf(all({ scope: "session" }), { main: { folder: "unreadable" } }), "agent:main:x").kind).toBe("unknown");
  expect(want(indexOf(all({ scope: "session" })), "agent:main:x").kind).toBe("unknown");
});

test("what can't be told goes when it is idle: time is evidence", () => {
  const index = indexOf(all({ scope: "session", prune: { idleHours: 1 } }));
  expect(want(index, "agent:main:x", ago(2 * HOUR_MS))).toMatchObject({ kind: "unwanted", evidence: { kind: "idle" } });
});

test("a parsed config releases what it does not want: agent gone, mode off, other scope, other prefix", () => {
  expect(want(indexOf({ list: [{ id: "work" }], ...all() }), "agent:main")).toMatchObject({
    evidence: { says: "the config has no agent main" },
  });
  expect(want(indexOf({}), "agent:main")).toMatchObject({ evidence: { says: "sandbox.mode of agent main is off" } });
  expect(want(indexOf(all({ scope: "session" })), "agent:main")).toMatchObject({
    evidence: { says: "sandbox.scope of agent main is session" },
  });
  expect(want(indexOf(all()), "shared")).toMatchObject({ evidence: { says: "no agent has sandbox.scope shared" } });
  const moved = wantOf(
    indexOf(all({ start: "eager", docker: { containerPrefix: "new-" } })),
    toSandboxName("old"),
    { name: toSandboxName("old"), kind: "tools", scopeKey: toScopeKey("agent:main"), createdAt: NOW, lastUsedAt: null },
    NOW,
  );
  expect(moved).toMatchObject({ kind: "unwanted", evidence: { kind: "config" } });
});

test("two agents of scope shared want one sandbox from the defaults alone", () => {
  const list = [{ id: "a", sandbox: { docker: { memory: "1g" } } }, { id: "b" }];
  const index = indexOf({ list, ...all({ scope: "shared", start: "eager" }) });
  expect([...index.byName.values()].map(({ desired }) => desired.settings.docker.memory)).toEqual([null]);
  expect([...index.byName.values()][0]?.desired.workspace.dir).toBe("/state/sandboxes/shared");
});

test("a flood of new sessions takes no sandbox from older ones", () => {
  const sessions = [1, 2, 3].map((number) => sessionOf(`agent:main:s${number}`, { createdAt: ago(number * HOUR_MS) }));
  const index = indexOf(all({ scope: "session" }), { main: { sessions } }, 2);
  expect([...index.limited.keys()]).toEqual([nameOf("agent:main:s1")]);
});

test("workspaceAccess decides which folders are mounted", () => {
  const [ro] = indexOf(all({ start: "eager", workspaceAccess: "ro" })).byName.values();
  expect(ro?.desired).toMatchObject({ workspace: { purpose: "scope" }, agentDir: "/state/workspace" });
  const [rw] = indexOf(all({ start: "eager", workspaceAccess: "rw" })).byName.values();
  expect(rw?.desired).toMatchObject({ workspace: { dir: "/state/workspace", purpose: "agent" }, agentDir: null });
});

test("two scope keys of one name are not merged: the second session has no sandbox, and knows whose name it is", () => {
  const [first, second] = [sessionOf("agent:main:one"), sessionOf("agent:main:two")];
  const index = indexOf(all({ scope: "session" }), { main: { sessions: [first, second] } }, 100, () => "the-same");
  expect([...index.byName.values()].map(({ desired, sessions }) => [desired.scopeKey, sessions.length])).toEqual([["agent:main:one", 1]]);
  expect([...index.bySession.tools.keys()]).toEqual(["agent:main:one"]);
  expect([...index.refused]).toEqual([["agent:main:two", "agent:main:one"]]);
});

/** What is known of the sandbox `agent:main`, whose container is nine hours old. */
function releaseOf(
  sessions: Session[],
  known: { lastUsedAt?: EpochMs | null; createdAt?: EpochMs | null } = {},
  sandbox: object = {},
): Want {
  const index = indexOf(all({ prune: { idleHours: 0 }, ...sandbox }), { main: { sessions } });
  const name = nameOf("agent:main");
  return wantOf(
    index,
    name,
    { name, kind: "tools", scopeKey: toScopeKey("agent:main"), createdAt: ago(9 * HOUR_MS), lastUsedAt: null, ...known },
    NOW,
  );
}

test("every one of the sessions that share a sandbox keeps it, not only the first", () => {
  const sessions = [sessionOf("agent:main:a", { usedAt: ago(9 * HOUR_MS) }), sessionOf("agent:main:b", { usedAt: ago(HOUR_MS) })];
  for (const order of [sessions, sessions.toReversed()])
    expect(releaseOf(order, {}, { prune: { idleHours: 2 } })).toMatchObject({ kind: "wanted", idleAt: NOW + HOUR_MS });
});

test("the newest end of the sessions that shared a sandbox is the evidence for its release", () => {
  const sessions = [1, 3, 2].map((hours) => sessionOf(`agent:main:s${hours}`, { endedAt: ago(hours * HOUR_MS) }));
  expect(releaseOf(sessions)).toMatchObject({ evidence: { kind: "session-ended", sessionKey: "agent:main:s1", endedAt: ago(HOUR_MS) } });
});

test("a sandbox that was used, or made, later than its last session ended has another one, whose file is gone", () => {
  const ended = [sessionOf("agent:main:a", { endedAt: ago(3 * HOUR_MS) })];
  const soonAfter = ago(3 * HOUR_MS - 5 * MINUTE_MS);
  expect(releaseOf(ended, { lastUsedAt: soonAfter })).toMatchObject({ evidence: { kind: "session-ended" } });
  expect(releaseOf(ended, { lastUsedAt: ago(2 * HOUR_MS) })).toMatchObject({ evidence: { kind: "session-gone" } });
  expect(releaseOf(ended, { createdAt: ago(2 * HOUR_MS) })).toMatchObject({ evidence: { kind: "session-gone" } });
});

test("the end of a session that had no sandbox says nothing about one", () => {
  const main = sessionOf("agent:main:main", { endedAt: ago(HOUR_MS), kind: "main" });
  expect(releaseOf([main], {}, { mode: "non-main" })).toMatchObject({ evidence: { kind: "session-gone" } });
});

test("a sandbox that several agents share goes only when the folders of all of them were read completely", () => {
  const list = [{ id: "a" }, { id: "b" }];
  const shared = (b: Partial<AgentSessions>): Want => want(indexOf({ list, ...all({ scope: "shared" }) }, { a: {}, b }), "shared");
  expect(shared({})).toMatchObject({ kind: "unwanted", evidence: { kind: "session-gone" } });
  for (const b of [{ unread: 1 }, { folder: "missing" }, { folder: "unreadable" }] as const) expect(shared(b).kind).toBe("unknown");
});

test("an agent's own hot window holds for the release of its sandbox too", () => {
  expect(releaseOf([], {}, { rollout: { hotWindow: "42m" } })).toMatchObject({ kind: "unwanted", hotWindowMs: 42 * MINUTE_MS });
});

test("what was never seen is not idle", () => {
  const index = indexOf(all({ scope: "session", prune: { idleHours: 1 } }));
  const known = {
    name: nameOf("agent:main:x"),
    kind: "tools" as const,
    scopeKey: toScopeKey("agent:main:x"),
    createdAt: null,
    lastUsedAt: null,
  };
  expect(wantOf(index, known.name, known, NOW).kind).toBe("unknown");
});
