// What is explained of a session's browser: why there is one or none, the lines of the config that act on it, its mounts and what starts it.
// Of the sandbox beside it: explain.test.ts.
import { describe, expect, test } from "vitest";
import { toAgentId, toSandboxName, toScopeKey, toSessionKey } from "../../api/brands.ts";
import { HOST, mustParse } from "../../api/config/config.fixture.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import { toSlug } from "../../api/names.ts";
import { containerOf, desiredOf, INSTANCE, inputOf, NOW } from "../decide/decide.fixture.ts";
import type { PlanInput, Want } from "../decide/types.ts";
import { toDesiredBrowser } from "../decide/wanted.ts";
import { sandboxOf } from "../servers/server.fixture.ts";
import { explain, findSubject } from "./explain.ts";
import { type Asked, parseExplainQuery, toExplained } from "./explain-query.ts";

const KEY = toSessionKey("agent:main:web");
const TOOLS = { sandbox: { tools: { allow: ["exec", "browser"], deny: [] } } };
const DOCKER = {
  memory: "512m",
  image: "tools:1",
  env: { TOKEN: "hunter2", TZ: "UTC" },
  setupCommand: "true",
  binds: ["/home/claw/.openclaw/workspace/data:/data:ro"],
};

interface World {
  browser?: object;
  sandbox?: object;
  tools?: object;
}

function configOf({ browser = {}, sandbox = {}, tools = TOOLS }: World = {}) {
  const block = { mode: "all", scope: "session", docker: DOCKER, browser: { enabled: true, ...browser }, ...sandbox };
  return mustParse(JSON.stringify({ agents: { defaults: { sandbox: block } }, tools }));
}

function explained(world: World = {}, look: Partial<PlanInput> | null = null): ExplainView {
  const { missing: _, ...asked } = toExplained({ agentId: toAgentId("main"), key: KEY, kind: "browser" }, []);
  const slugOf = (scopeKey: Parameters<typeof toSlug>[1]): string => toSlug(INSTANCE, scopeKey);
  const subject = findSubject({ slugOf, config: configOf(world), folders: HOST, held: null, ...asked });
  const desired = toDesiredBrowser("agent-main-web-1", desiredOf());
  const input = look === null ? null : { ...inputOf(desired, []), ...look };
  return explain(subject, { status: null, missing: [], issues: [], look: input === null ? null : { input, uses: 0 } });
}

const keysOf = (view: ExplainView): string[] => view.values.map(({ key }) => key);
const UNASKED: Want = {
  kind: "unwanted",
  evidence: { kind: "config", says: "no agent and no session needs it" },
  because: "no agent and no session needs it",
  hotWindowMs: 0,
};

test("a browser's own name asks for it, and every other name where a browser is asked for", () => {
  const tools = sandboxOf({ name: toSandboxName("openclaw-sbx-agent-main-1") });
  const browser = sandboxOf({ name: toSandboxName("openclaw-sbx-browser-agent-main-1"), spec: { kind: "browser" } });
  const own = sandboxOf({
    name: toSandboxName("openclaw-sbx-browser-agent-main-web-1"),
    spec: { kind: "browser", scope: "session", scopeKey: toScopeKey(KEY) },
  });
  const inputs = {
    agents: [{ id: "main", isDefault: true }],
    sandboxes: [own, browser, tools],
    hasSession: () => false,
  };
  const asked = (name: string, kind: Asked["kind"] = "tools"): Asked =>
    parseExplainQuery({ name, sessionKey: null, agentId: null, kind }, inputs);
  expect(asked(browser.metadata.name)).toEqual({ agentId: "main", key: null, kind: "browser" });
  expect(asked(own.metadata.name)).toEqual({ agentId: "main", key: KEY, kind: "browser" });
  expect(asked("openclaw-sbx-browser-agent-main-w")).toMatchObject({ key: KEY, kind: "browser" });
  expect(asked("openclaw-sbx-")).toMatchObject({ key: null, kind: "tools" });
  expect(asked("main", "browser")).toEqual({ agentId: "main", key: null, kind: "browser" });
  expect(asked("agent:main:main", "browser")).toMatchObject({ key: "agent:main:main", kind: "browser" });
  expect(asked(tools.metadata.name, "browser")).toMatchObject({ kind: "tools" });
  expect(parseExplainQuery({ name: null, sessionKey: "main", agentId: null, kind: "browser" }, inputs)).toMatchObject({ kind: "browser" });
});

describe("the values of a browser", () => {
  test("are those that its container takes, and say which line sets each", () => {
    const view = explained({ sandbox: { egress: { allow: ["example.com"] } } });
    expect(view).toMatchObject({ kind: "browser", sandbox: { name: `openclaw-sbx-browser-${toSlug(INSTANCE, toScopeKey(KEY))}` } });
    const keys = keysOf(view);
    for (const key of ["browser.image", "browser.headless", "docker.memory", "docker.env.TZ", "docker.binds[0]", "egress.allow[0]"])
      expect(keys).toContain(key);
    for (const key of ["start", "docker.image", "docker.network", "docker.setupCommand", "docker.env.TOKEN", "docker.seccompProfile"])
      expect(keys).not.toContain(key);
    expect(view.values.find(({ key }) => key === "browser.enabled")).toMatchObject({
      value: "true",
      source: "agents.defaults.sandbox.browser.enabled",
      at: expect.stringMatching(/^openclaw\.json:1:\d+$/),
    });
    expect(JSON.stringify(view)).not.toContain("hunter2");
  });

  test("name no list that does not count for it, and the profile that counts without Chromium's own sandbox", () => {
    const keys = keysOf(
      explained({ sandbox: { egress: { allow: ["example.com"] } }, browser: { network: "bridge", noSandbox: true, binds: [] } }),
    );
    expect(keys.filter((key) => key.startsWith("egress.") || key.startsWith("docker.binds"))).toEqual([]);
    expect(keys).toContain("docker.seccompProfile");
  });
});

test("the mounts of a browser are the workspace and its binds, never the agent's folder; and the one tool is the one that drives it", () => {
  const view = explained({ sandbox: { workspaceAccess: "ro" } });
  expect(view.mounts.map(({ target, because }) => [target, because])).toEqual([
    ["/workspace", expect.stringContaining("the workspace of scope session")],
    ["/data", "agents.defaults.sandbox.docker.binds[0]"],
  ]);
  const own = explained({ browser: { binds: ["/home/claw/.openclaw/workspace/web:/web:ro"] } });
  expect(own.mounts.map(({ target, because }) => [target, because]).at(-1)).toEqual(["/web", "agents.defaults.sandbox.browser.binds"]);
  expect(view.tools).toMatchObject([{ tool: "browser", allowed: true, source: "tools.sandbox.tools.allow" }]);
});

describe("why there is a browser or none", () => {
  test("is the config or the policy where it takes browsers away, whether anybody looked or not", () => {
    const off = explained({ browser: { enabled: false } });
    expect(off.wanted).toEqual({ yes: false, because: "browser.enabled of agent main is false" });
    expect(off.next).toEqual(["to have one, set agents.defaults.sandbox.browser.enabled to true"]);
    const denied = explained({ tools: {} }, { want: UNASKED });
    expect(denied.wanted).toEqual({
      yes: false,
      because: expect.stringMatching(/^the tool "browser" is off: deny "browser" .*tools\.sandbox\.tools\.deny/),
    });
    expect(denied.next).toEqual([]);
  });

  test("is that nobody has asked for it, with what starts it", () => {
    const unused = explained({}, { want: UNASKED });
    expect(unused.wanted).toEqual({ yes: false, because: "no session has asked for it by the tool browser" });
    expect(unused.next).toEqual(["the browser starts with the first use of the tool browser"]);
    expect(explained({ browser: { autoStart: false } }, { want: UNASKED }).next).toEqual([
      "the browser starts when the tool browser is asked to (action start): agents.defaults.sandbox.browser.autoStart is false",
    ]);
    expect(explained().wanted).toBeNull();
  });

  test("is the session that needs it, or the end of what needed it while it is still there", () => {
    const desired = toDesiredBrowser("agent-main-web-1", desiredOf());
    const want: Want = { kind: "wanted", desired, because: `session ${KEY} needs it`, idleAt: null };
    expect(explained({}, { want }).wanted).toEqual({ yes: true, because: `session ${KEY} needs it` });
    const stopped: Want = { ...UNASKED, evidence: { kind: "browser-stopped", says: "it was stopped" }, because: "it was stopped" };
    const going = explained({}, { want: stopped, containers: [containerOf(desired)], lastUsedAt: NOW });
    expect(going.wanted).toEqual({ yes: false, because: "it was stopped" });
  });
});

test("outside of a sandbox there is no browser either, and what is said is how to have both", () => {
  const view = explained({ sandbox: { mode: "off" } });
  expect(view).toMatchObject({ sandboxed: false, sandbox: null, mounts: [], wanted: null });
  expect(view.next).toEqual(['to sandbox it, set agents.defaults.sandbox.mode to "all"']);
});
