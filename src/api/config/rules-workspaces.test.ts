import { describe, expect, test } from "vitest";
import { issuesOf, withDocker } from "./config.fixture.ts";

const STATE = "/home/claw/.openclaw";
const agents = (...list: string[]): string => `{ agents: { list: [${list.join(", ")}] } }`;
const agent = (id: string, workspace: string | null, sandbox = ""): string =>
  `{ id: '${id}'${workspace === null ? "" : `, workspace: '${workspace}'`}${sandbox === "" ? "" : `, sandbox: { ${sandbox} }`} }`;
const ROOT_AT = (path: string): string => `workspaceRoot: '${path}'`;
const BIND = "dangerouslyAllowExternalBindSources: true";

/** Severity and key path of each issue. */
const foundIn = (text: string): string[] =>
  issuesOf(text).map((line) => line.replace(/^[^ ]* /, "").replace(/^(warning: )?([^ ]*): .*$/s, "$1$2"));

describe("a workspace that lies in another one, or in which others lie, is refused at its key", () => {
  test.each([
    ["in another agent's", agents(agent("a", "/srv/w"), agent("b", "/srv/w/b")), ["agents.list[1].workspace"]],
    ["in another agent's, listed after it", agents(agent("a", "/srv/w/x/y"), agent("b", "/srv/w")), ["agents.list[0].workspace"]],
    ["in another agent's default folder", agents(agent("a", null), agent("b", `${STATE}/workspace/b`)), ["agents.list[1].workspace"]],
    ["in another agent's under another case", agents(agent("a", "/srv/W"), agent("b", "/srv/w/b")), ["agents.list[1].workspace"]],
    ["with dots on the way", agents(agent("a", "/srv/w"), agent("b", "/srv/x/../w/b")), ["agents.list[1].workspace"]],
    [
      "one in two others",
      agents(agent("a", "/srv/w"), agent("b", "/srv/w/b"), agent("c", "/srv/w/b/c")),
      ["agents.list[1].workspace", "agents.list[2].workspace"],
    ],
    ["where sandboxes' own are", agents(agent("a", `${STATE}/sandboxes`)), ["agents.list[0].workspace"]],
    ["in a sandbox's own", agents(agent("a", `${STATE}/sandboxes/agent-b-00000000/x`)), ["agents.list[0].workspace"]],
    ["in the controller's notes", agents(agent("a", `${STATE}/sandboxes/.owners`)), ["agents.list[0].workspace"]],
    [
      "with all sandboxes' own in it",
      agents(agent("a", "/srv/w"), agent("b", null, ROOT_AT("/srv/w/boxes"))),
      ["agents.list[1].sandbox.workspaceRoot"],
    ],
    [
      "that is where another agent's sandboxes have theirs",
      agents(agent("a", "/srv/w"), agent("b", null, ROOT_AT("/srv/w"))),
      ["agents.list[1].sandbox.workspaceRoot"],
    ],
    [
      "a root in a root",
      agents(agent("a", null, ROOT_AT("/srv/boxes")), agent("b", null, ROOT_AT("/srv/boxes/more"))),
      ["agents.list[1].sandbox.workspaceRoot"],
    ],
    [
      "a root in the default one's notes",
      agents(agent("a", null, ROOT_AT(`${STATE}/sandboxes/.owners`))),
      ["agents.list[0].sandbox.workspaceRoot"],
    ],
    [
      "a root in an agent's default folder",
      agents(agent("a", null, ROOT_AT(`${STATE}/workspace/boxes`))),
      ["agents.list[0].sandbox.workspaceRoot"],
    ],
  ])("%s", (_, text, expected) => {
    const found = foundIn(text);
    expect(found.toSorted()).toEqual(expected);
  });

  test("and says which folders, whose, and why", () => {
    expect(issuesOf(agents(agent("a", "/srv/w"), agent("b", "/srv/w/b")))).toEqual([
      "openclaw.json:1:76: agents.list[1].workspace: /srv/w/b lies in /srv/w, the workspace of agent a: whoever can write to the outer one can replace the inner one (choose a folder outside)",
    ]);
  });
});

test.each([
  ["beside each other, with names that begin alike", agents(agent("a", "/srv/w"), agent("b", "/srv/w-b"), agent("c", "/srv/w.c"))],
  ["the defaults", agents(agent("a", null), agent("b", null))],
  ["one root for all", agents(agent("a", null, ROOT_AT("/srv/boxes")), agent("b", null, ROOT_AT("/srv/boxes")))],
  ["the default root, written out", agents(agent("a", null, ROOT_AT("~/.openclaw/sandboxes")))],
])("workspaces %s are accepted", (_, text) => expect(issuesOf(text)).toEqual([]));

test("one workspace for two agents is accepted, with a warning that says what that means", () => {
  const text = agents(agent("a", "/srv/w"), agent("b", "/srv/w"));
  expect(foundIn(text)).toEqual(["warning: agents.list[1].workspace"]);
  expect(issuesOf(text)[0]).toContain("each agent can see");
});

describe("what decides over a sandbox or the machine is refused where a sandbox may write", () => {
  const RW = "workspaceAccess: 'rw'";
  const profile = (path: string): string => `docker: { seccompProfile: '${path}' }`;
  test.each([
    ["a seccomp profile in a workspace", agents(agent("a", "/srv/w", RW), agent("b", null, profile("/srv/w/p.json")))],
    ["a seccomp profile in a scope's workspace", withDocker(`{ seccompProfile: '${STATE}/sandboxes/agent-main-00000000/p.json' }`)],
    ["a seccomp profile in a writable bind", withDocker(`{ seccompProfile: '/srv/p/p.json', binds: ['/srv/p:/p'], ${BIND} }`)],
  ])("%s", (_, text) => expect(foundIn(text)).toEqual([expect.stringMatching(/\.docker\.seccompProfile$/)]));

  test.each([
    ["in a workspace that is only read", agents(agent("a", "/srv/w"), agent("b", null, profile("/srv/w/p.json")))],
    ["in a bind that is only read", withDocker(`{ seccompProfile: '/srv/p/p.json', binds: ['/srv/p:/p:ro'], ${BIND} }`)],
  ])("a seccomp profile %s is accepted", (_, text) => expect(issuesOf(text)).toEqual([]));

  test("the config itself, a file that it includes, and what a link to it leads to", () => {
    const writable = agents(agent("a", "/srv/w", RW));
    const refusal = /lies in \/srv\/w, the workspace of agent a, and whoever can write the config controls this machine/;
    const included = issuesOf(`{ $include: '/srv/w/more.json' }`, {}, { "/srv/w/more.json": writable });
    expect(included).toEqual([expect.stringMatching(refusal)]);
    expect(issuesOf(`{ $include: '/srv/more.json' }`, {}, { "/srv/more.json": writable })).toEqual([]);
  });
});
