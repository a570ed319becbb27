// Where HOME is, by what the agents may do that write to the same folder.
import { describe, expect, test } from "vitest";
import { mustParse, mustResolve } from "./config.fixture.ts";
import { PRIVATE_HOME } from "./private-home.ts";

const homeOf = (config: string, agent: string): string | undefined => mustResolve(mustParse(config), agent).docker.env.HOME;
const agents = (own: string, other = "", defaults = ""): string =>
  `{ agents: { defaults: { sandbox: { mode: 'all', ${defaults} } }, list: [{ id: 'own', ${own} }, { id: 'other', ${other} }] } }`;

describe("HOME", () => {
  test.each([
    ["every tool", "", "/workspace"],
    ["no exec", "tools: { deny: ['exec'] }", PRIVATE_HOME],
    ["no runtime", "tools: { deny: ['group:runtime'] }", PRIVATE_HOME],
    ["edit alone", "tools: { allow: ['read', 'edit'] }", PRIVATE_HOME],
    ["write among the sandbox's tools", "tools: { sandbox: { tools: { allow: ['write'] } } }", PRIVATE_HOME],
    ["read alone", "tools: { allow: ['read'] }", "/workspace"],
    ["no exec and no writing", "tools: { deny: ['exec', 'write', 'edit', 'apply_patch'] }", "/workspace"],
    ["no exec, and a workspace to be read alone", "tools: { deny: ['exec'] }, sandbox: { workspaceAccess: 'ro' }", "/workspace"],
    ["no exec, and a HOME in the config", "tools: { deny: ['exec'] }, sandbox: { docker: { env: { HOME: '/h' } } }", "/h"],
    ["no exec, and another workdir", "tools: { deny: ['exec'] }, sandbox: { docker: { workdir: '/w' } }", PRIVATE_HOME],
  ])("of an agent with %s is %s -> %s", (_what, own, home) => {
    expect(homeOf(agents(own), "own")).toBe(home);
    expect(homeOf(agents(own), "other")).toBe("/workspace");
  });

  test("of all that share a sandbox is apart as soon as one of them may write and not exec", () => {
    const config = agents("", "tools: { deny: ['exec'] }", "scope: 'shared'");
    expect([homeOf(config, "own"), homeOf(config, "other")]).toEqual([PRIVATE_HOME, PRIVATE_HOME]);
    const apart = agents("sandbox: { scope: 'agent' }", "tools: { deny: ['exec'] }", "scope: 'shared'");
    expect([homeOf(apart, "own"), homeOf(apart, "other")]).toEqual(["/workspace", PRIVATE_HOME]);
  });

  test("of agents with one workspace is apart as soon as one of them may write and not exec", () => {
    const other = "workspace: '~/work', tools: { deny: ['exec'] }";
    const rw = "workspaceAccess: 'rw'";
    expect(homeOf(agents("workspace: '/home/claw/work'", other, rw), "own")).toBe(PRIVATE_HOME);
    expect(homeOf(agents("workspace: '/home/claw/mine'", other, rw), "own")).toBe("/workspace");
    expect(homeOf(agents("workspace: '/home/claw/work'", other), "own")).toBe("/workspace");
  });

  test("of a thousand agents of one shared sandbox is decided in a moment", () => {
    const list = Array.from({ length: 1_000 }, (_, at) => `{ id: 'a${at}', tools: { deny: ['exec'] } }`).join();
    const config = mustParse(`{ agents: { defaults: { sandbox: { mode: 'all', scope: 'shared' } }, list: [${list}] } }`);
    const homes = config.agents.map(({ id }) => mustResolve(config, id).docker.env.HOME);
    expect(new Set(homes)).toEqual(new Set([PRIVATE_HOME]));
  });
});
