// Which browsers are wanted, and what permits the release of one that is not.
import { describe, expect, test } from "vitest";
import { type EpochMs, HOUR_MS, MINUTE_MS, type SandboxName, toAgentId, toScopeKey } from "../../api/brands.ts";
import { resolveAgentSandbox } from "../../api/config/effective.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { toContainerName } from "../../api/names.fixture.ts";
import { toSlug } from "../../api/names.ts";
import { Session } from "../../api/session.ts";
import { whyNoBrowser } from "./browser.ts";
import { ago, INSTANCE, NOW } from "./decide.fixture.ts";
import type { Want } from "./types.ts";
import { type DesiredIndex, indexDesired, type KnownSandbox, wantOf } from "./wanted.ts";

const FOLDERS = { stateDir: "/state", home: "/home/user" };
const MAIN = toAgentId("main");
const ALLOWED = { sandbox: { tools: { allow: ["exec", "browser"], deny: [] } } };

interface Edit {
  browserUsedAt?: EpochMs;
  usedAt?: EpochMs;
  endedAt?: EpochMs;
  parent?: string;
}

function sessionOf(name: string, { browserUsedAt, usedAt, endedAt, parent }: Edit = {}): Session {
  const time = (at: EpochMs): string => new Date(at).toISOString();
  return Session.parse({
    apiVersion: "openclaw.ai/v1",
    kind: "Session",
    metadata: { name, uid: "00000000-0000-4000-8000-000000000000", createdAt: time(ago(9 * HOUR_MS)) },
    spec: {
      key: `agent:main:${name}`,
      agentId: MAIN,
      kind: parent === undefined ? "direct" : "subagent",
      ...(parent !== undefined && { parentKey: `agent:main:${parent}` }),
      ...(usedAt !== undefined && { lastActivityAt: time(usedAt) }),
      ...(browserUsedAt !== undefined && { browserUsedAt: time(browserUsedAt) }),
      ...(endedAt !== undefined && { endedAt: time(endedAt) }),
    },
  });
}

interface World {
  browser?: object;
  sandbox?: object;
  tools?: object;
  unread?: number;
  before?: DesiredIndex;
}

function indexOf(
  sessions: readonly Session[],
  { browser = {}, sandbox = {}, tools = ALLOWED, unread = 0, before }: World = {},
): DesiredIndex {
  const block = { mode: "all", scope: "session", ...sandbox, browser: { enabled: true, ...browser } };
  const text = JSON.stringify({ agents: { defaults: { sandbox: block } }, tools });
  const parsed = parseConfig(toSources(text), { ...FOLDERS, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const settings = before?.inputs.agents[0]?.sandbox ?? resolveAgentSandbox(parsed.value, MAIN, FOLDERS);
  if (settings === undefined) throw new Error("no agent main");
  const inputs = {
    slugOf: (scopeKey: Parameters<typeof toSlug>[1]) => toSlug(INSTANCE, scopeKey),
    agents: [{ id: MAIN, sandbox: settings, noBrowser: whyNoBrowser(parsed.value, settings) }],
    sessions: new Map([[MAIN, { folder: "read" as const, sessions, unread }]]),
    maxSandboxes: 100,
    spawning: { depthMax: 1, childrenMax: 1 },
    hotWindowMs: 5 * MINUTE_MS,
  };
  return indexDesired(inputs, before ?? null);
}

const nameOf = (scopeKey: string): SandboxName => toContainerName("openclaw-sbx-browser-", INSTANCE, toScopeKey(scopeKey));
const browsersIn = (index: DesiredIndex): string[] =>
  [...index.byName.values()].filter(({ desired }) => desired.kind === "browser").map(({ desired }) => desired.name);

/** Of a browser whose container is nine hours old. */
function want(index: DesiredIndex, scopeKey = "agent:main:web", lastUsedAt: EpochMs | null = null): Want {
  const known: KnownSandbox = {
    name: nameOf(scopeKey),
    kind: "browser",
    scopeKey: toScopeKey(scopeKey),
    createdAt: ago(9 * HOUR_MS),
    lastUsedAt,
  };
  return wantOf(index, known.name, known, NOW);
}

describe("a browser is wanted", () => {
  test("beside the sandbox of a session that uses one, and of no other session", () => {
    const index = indexOf([sessionOf("web", { browserUsedAt: NOW }), sessionOf("chat", { usedAt: NOW })]);
    expect(index.byName.size).toBe(3);
    expect(browsersIn(index)).toEqual([nameOf("agent:main:web")]);
    expect(want(index)).toMatchObject({ kind: "wanted", because: "session agent:main:web needs it", idleAt: NOW + 24 * HOUR_MS });
  });

  test("by all sessions that share a sandbox together", () => {
    const sessions = [sessionOf("a", { browserUsedAt: ago(HOUR_MS) }), sessionOf("b", { browserUsedAt: NOW }), sessionOf("c")];
    const index = indexOf(sessions, { sandbox: { scope: "agent" } });
    expect(browsersIn(index)).toEqual([nameOf("agent:main")]);
    expect(want(index, "agent:main")).toMatchObject({ because: "2 live sessions need it", idleAt: NOW + 24 * HOUR_MS });
  });

  test("as the same object while its agent's settings are the same, so that nothing about it is made anew", () => {
    const before = indexOf([sessionOf("web", { browserUsedAt: ago(HOUR_MS) })]);
    const after = indexOf([sessionOf("web", { browserUsedAt: NOW })], { before });
    const name = nameOf("agent:main:web");
    expect(after.byName.get(name)?.desired).toBe(before.byName.get(name)?.desired);
  });

  test("until nobody has used it for prune.idleHours; what its session does otherwise is no use of it", () => {
    const sandbox = { prune: { idleHours: 2 } };
    const idle = indexOf([sessionOf("web", { browserUsedAt: ago(3 * HOUR_MS), usedAt: NOW })], { sandbox });
    expect(want(idle)).toMatchObject({ kind: "unwanted", evidence: { kind: "idle", since: ago(3 * HOUR_MS) } });
    expect(want(idle, "agent:main:web", ago(HOUR_MS))).toMatchObject({ kind: "wanted", idleAt: NOW + HOUR_MS });
  });
});

describe("a browser is let go", () => {
  const used = { browserUsedAt: ago(HOUR_MS) };

  test("when its session wants none any more, which is no slip", () => {
    expect(want(indexOf([sessionOf("web")]))).toMatchObject({ kind: "unwanted", evidence: { kind: "browser-stopped" } });
    const shared = indexOf([sessionOf("a"), sessionOf("b")], { sandbox: { scope: "agent" } });
    expect(want(shared, "agent:main")).toMatchObject({ kind: "unwanted", evidence: { kind: "browser-stopped" } });
  });

  test("with its session", () => {
    const ended = indexOf([sessionOf("web", { ...used, endedAt: ago(HOUR_MS) })]);
    expect(want(ended)).toMatchObject({ evidence: { kind: "session-ended" } });
    expect(want(indexOf([]))).toMatchObject({ evidence: { kind: "session-gone" } });
  });

  test("when the config or the policy takes browsers away, with the sentence that says which", () => {
    expect(want(indexOf([sessionOf("web", used)], { browser: { enabled: false } }))).toMatchObject({
      evidence: { kind: "config", says: "browser.enabled of agent main is false" },
    });
    const denied = indexOf([sessionOf("web", used)], { tools: {} });
    expect(browsersIn(denied)).toEqual([]);
    expect(want(denied)).toMatchObject({ evidence: { kind: "config", says: expect.stringContaining('the tool "browser" is off') } });
  });

  test("when the config names it otherwise", () => {
    const moved = indexOf([sessionOf("web", used)], { browser: { containerPrefix: "other-" } });
    expect(want(moved)).toMatchObject({ evidence: { kind: "config", says: expect.stringContaining("the config now names it other-") } });
  });

  test("but not while a session's file can't be read: it may be the one that wants it", () => {
    expect(want(indexOf([], { unread: 1 })).kind).toBe("unknown");
  });
});

test("a spawned session's browser is no further child, and there is none where its sandbox may not be", () => {
  const children = ["one", "two"].map((name) => sessionOf(name, { browserUsedAt: NOW, parent: "main" }));
  const { limited } = indexOf([sessionOf("main"), ...children]);
  const tools = toContainerName("openclaw-sbx-", INSTANCE, toScopeKey("agent:main:two"));
  expect([...limited]).toEqual([
    [tools, "children"],
    [nameOf("agent:main:two"), "children"],
  ]);
});
