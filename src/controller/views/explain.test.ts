// What is explained of a session or an agent: places, secrets, mounts, tools, the container as it is now and what is next.
// How it looks is test/cli.test.ts; the resolvers have tests of their own.
import { describe, expect, test } from "vitest";
import { MINUTE_MS, toAgentId, toSessionKey } from "../../api/brands.ts";
import { HOST, mustParse } from "../../api/config/config.fixture.ts";
import { toSlug } from "../../api/names.ts";
import type { SessionKind } from "../../api/session.ts";
import { ago, containerOf, desiredOf, IMAGE, INSTANCE, inputOf, NOW } from "../decide/decide.fixture.ts";
import type { SlugOf } from "../decide/wanted.ts";
import { explain, findSubject, type SubjectFacts } from "./explain.ts";
import { parseExplainQuery, toExplained } from "./explain-query.ts";

const CONFIG = `{
  agents: {
    defaults: { sandbox: { mode: "non-main", workspaceAccess: "ro", docker: { memory: "512m", cpus: 1, env: { TOKEN: "hunter2" }, setupCommand: "curl -H 'X: hunter3' x" } } },
    list: [
      { id: "main", sandbox: { docker: { cpus: 0.5, env: { TOKEN: "hunter4" }, binds: ["/home/claw/.openclaw/workspace/data:/data:ro"] } } },
      { id: "pair", sandbox: { scope: "shared", docker: { memory: "1g" } } },
    ],
  },
}`;

const slugOf: SlugOf = (scopeKey) => toSlug(INSTANCE, scopeKey);

const NOT_SEEN: SubjectFacts = { status: null, look: null, missing: [], issues: [] };

function explained(agent = "main", kind: SessionKind = "direct", seen: Partial<SubjectFacts> = {}, text = CONFIG) {
  const agentId = toAgentId(agent);
  const key = toSessionKey(`agent:${agent}:${kind}`);
  const subject = findSubject({
    slugOf,
    config: mustParse(text),
    folders: HOST,
    agentId,
    kind: "tools",
    session: { key, agentId, kind },
    held: null,
  });
  return explain(subject, { ...NOT_SEEN, ...seen });
}

const explainedValue = (view: ReturnType<typeof explained>, key: string) => view.values.find((value) => value.key === key);

test("without the instance nothing is named that is made of it, and all else is told", () => {
  const name = (key: string, kind: SessionKind, sandbox: object) => {
    const config = mustParse(JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", ...sandbox } } } }));
    const session = { key: toSessionKey(key), agentId: toAgentId("main"), kind };
    const subject = findSubject({ slugOf: null, config, folders: HOST, agentId: toAgentId("main"), session, kind: "tools", held: null });
    const view = explain(subject, NOT_SEEN);
    return { name: view.sandbox?.name, scopeKey: view.sandbox?.scopeKey, sources: view.mounts.map(({ source }) => source) };
  };
  const workspace = "/home/claw/.openclaw/workspace";
  expect(name("agent:main:main", "main", { workspaceAccess: "ro" })).toEqual({
    name: null,
    scopeKey: "agent:main",
    sources: [null, workspace],
  });
  expect(name("agent:main:main", "main", { workspaceAccess: "rw" })).toMatchObject({ sources: [workspace] });
  expect(name("agent:main:main", "main", { scope: "shared" })).toMatchObject({ sources: ["/home/claw/.openclaw/sandboxes/shared"] });
});

test("an agent that the config lost says that its removal is awaiting approval", () => {
  const lost = { slugOf, config: mustParse(CONFIG), folders: HOST, agentId: toAgentId("lost"), session: null, kind: "tools" as const };
  expect(() => findSubject({ ...lost, held: null })).toThrow('the config has no agent "lost"');
  expect(() => findSubject({ ...lost, held: "openclaw-sbx-agent-lost-1" })).toThrow("its removal is awaiting approval");
});

describe("values", () => {
  test("say which key in which place won, and over what", () => {
    const view = explained();
    expect(explainedValue(view, "docker.cpus")).toEqual({
      key: "docker.cpus",
      value: "0.5",
      source: "agents.list[0].sandbox.docker.cpus",
      at: expect.stringMatching(/^openclaw\.json:5:\d+$/),
      over: "agents.defaults.sandbox.docker.cpus",
    });
    expect(explainedValue(view, "docker.memory")).toMatchObject({
      value: "512m",
      source: "agents.defaults.sandbox.docker.memory",
      over: null,
    });
    expect(explainedValue(view, "rollout.hotWindow")).toEqual({
      key: "rollout.hotWindow",
      value: "5m",
      source: "default",
      at: null,
      over: null,
    });
    expect(explainedValue(view, "docker.binds[0]")?.value).toBe("/home/claw/.openclaw/workspace/data:/data:ro");
  });

  test("that may be secrets are never shown", () => {
    const view = explained();
    expect(JSON.stringify(view)).not.toContain("hunter");
    expect(explainedValue(view, "docker.env.TOKEN")?.value).toBe("(set)");
    expect(explainedValue(view, "docker.env.LANG")?.value).toBe("C.UTF-8");
    expect(explainedValue(view, "docker.setupCommand")?.value).toBe("(set, 22 characters)");
  });

  test("of an agent in a shared sandbox have no effect, and are said to have none", () => {
    const view = explained("pair");
    expect(explainedValue(view, "docker.memory")?.source).toBe("agents.defaults.sandbox.docker.memory");
    expect(view.ignored).toEqual([{ key: "agents.list[1].sandbox.docker", because: expect.stringContaining('"shared"') }]);
  });
});

test("volumes that the image declares are shown, with their limit or without one", () => {
  const facts = { kind: "found" as const, id: IMAGE, user: "", env: {}, volumes: ["/data", "/var/lib"] };
  const seen = { look: { input: inputOf(desiredOf(), [], { image: facts }), uses: 0 } };
  const volumes = (text: string) => explained("main", "direct", seen, text).mounts.filter(({ target }) => target === "/var/lib");
  const config = (docker: object): string => JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", docker } } } });
  expect(volumes(config({}))).toMatchObject([
    { source: "tmpfs", access: "rw", because: expect.stringMatching(/image declares.*size=256m/) },
  ]);
  expect(volumes(config({ readOnlyRoot: false }))).toMatchObject([{ because: expect.stringMatching(/without a limit/) }]);
  expect(explained("main", "direct", seen).mounts.filter(({ target }) => target === "/data")).toMatchObject([{ access: "ro" }]);
});

test("mounts say where they come from and why", () => {
  const { mounts } = explained();
  expect(mounts.map(({ target, access }) => [target, access])).toEqual([
    ["/workspace", "rw"],
    ["/agent", "ro"],
    ["/data", "ro"],
  ]);
  expect(mounts[1]?.because).toBe("the agent's workspace: workspaceAccess ro (agents.defaults.sandbox.workspaceAccess)");
  expect(mounts[2]?.because).toBe("agents.list[0].sandbox.docker.binds[0]");
});

test("tools are decided for where they would run", () => {
  const exec = (view: ReturnType<typeof explained>) => view.tools.find(({ tool }) => tool === "exec");
  expect(exec(explained())).toMatchObject({ allowed: true });
  const main = explained("main", "main");
  expect(main).toMatchObject({ sandboxed: false, sandbox: null, mounts: [], because: expect.stringContaining("main session") });
  expect(exec(main)).toMatchObject({ allowed: false, rule: expect.stringContaining("no tools on this host") });
  expect(main.next).toEqual(['to sandbox it, set agents.defaults.sandbox.mode to "all"']);
});

test("issues of other agents' blocks are left out", () => {
  const issue = (path: string) => ({ severity: "warning" as const, file: "openclaw.json", path, message: "odd" });
  const paths = ["agents.list[0].sandbox.docker", "agents.list[1].sandbox.docker", "agents.defaults.sandbox", "tools.allow", ""];
  const { warnings } = explained("main", "direct", { issues: paths.map(issue) });
  expect(warnings.map(({ path }) => path)).toEqual(paths.filter((path) => !path.startsWith("agents.list[1]")));
});

describe("the container as it is now", () => {
  const EAGER = '{ agents: { defaults: { sandbox: { mode: "all", start: "eager", docker: { memory: "1g" } } } } }';
  const desired = desiredOf({ docker: { memory: "1g" } });
  const old = desiredOf({ docker: { memory: "1g", env: { A: "b" } } });
  const look = (input: ReturnType<typeof inputOf>, uses = 0) => explained("main", "main", { look: { input, uses } }, EAGER);

  test("is not known when nobody looked, and then neither is what is next", () => {
    expect(explained("main", "main", {}, EAGER)).toMatchObject({ sandbox: { live: { kind: "unknown" } }, next: [] });
  });

  test("is being made: each step is next", () => {
    const view = look(inputOf(desired, []));
    expect(view.sandbox?.live).toEqual({ kind: "none" });
    expect(view.next.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "now: create",
      "now: start",
      "now: promote",
      "replaced at",
    ]);
  });

  test("says by what it is in use, and until when a use counts", () => {
    const lastUsedAt = ago(2 * MINUTE_MS);
    const busy = look(inputOf(desired, [containerOf(desired, {}, { inUse: "yes" })], { lastUsedAt }), 2);
    expect(busy.sandbox?.live).toMatchObject({
      kind: "container",
      state: "running",
      user: "1000:1000",
      inUse: "2 commands or streams through the controller",
    });
    const past = look(inputOf(desired, [containerOf(desired, {}, { inUse: "yes" })]));
    expect(past.sandbox?.live).toMatchObject({ inUse: "a command started outside the controller", lastUsedAt: null });
    const hot = look(inputOf(desired, [containerOf(desired)], { lastUsedAt }));
    expect(hot.sandbox?.live).toMatchObject({ inUse: null, lastUsedAt, hotUntil: NOW + 3 * MINUTE_MS });
    const cold = look(inputOf(desired, [containerOf(desired)], { lastUsedAt: ago(6 * MINUTE_MS) }));
    expect(cold.sandbox?.live).toMatchObject({ inUse: null, hotUntil: null });
  });

  test("waits for the end of the hot window, and says when that is", () => {
    const { next } = look(inputOf(desired, [containerOf(old)], { lastUsedAt: ago(2 * MINUTE_MS) }));
    expect(next[0]).toContain("docker.env.A changed");
    expect(next[0]).toContain("2026-01-31T12:03:00.000Z");
    expect(next[1]).toContain("prune.maxAgeDays");
  });
});

const NOTHING = { agents: [], sandboxes: [], hasSession: () => false };

test("a session without a file is explained as a new one, and said to be", () => {
  const asked = parseExplainQuery({ sessionKey: "agent:main:discord:1", agentId: null, name: null, kind: "tools" }, NOTHING);
  expect(toExplained(asked, [])).toMatchObject({
    agentId: "main",
    session: { kind: "direct" },
    missing: [expect.stringContaining("has no file")],
  });
  expect(toExplained({ ...asked, key: null }, [])).toMatchObject({ agentId: "main", session: null, missing: [] });
  expect(() => parseExplainQuery({ sessionKey: "agent:Non sense", agentId: null, name: null, kind: "tools" }, NOTHING)).toThrow(
    "not a session key",
  );
});
