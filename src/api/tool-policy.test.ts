import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toAgentId } from "./brands.ts";
import { mustParse, mustResolve } from "./config/config.fixture.ts";
import { decideOnHost, decideTool, decideTools, KNOWN_TOOLS, matchesTool, renderRefusal, toToolName, toToolPolicy } from "./tool-policy.ts";

/** What the agent `main` of this config may do with a tool. */
function decide(text: string, tool: string, where: "sandbox" | "host" = "sandbox") {
  const config = mustParse(text);
  return decideTool(toToolPolicy(config, { agentId: toAgentId("main"), sandbox: where === "host" ? null : mustResolve(config) }), tool);
}
const sandboxTools = (lists: string): string => `{ tools: { sandbox: { tools: ${lists} } } }`;

describe("a sandboxed session without any list", () => {
  test.each([
    "exec",
    "process",
    "read",
    "write",
    "edit",
    "apply_patch",
    "sessions_list",
    "sessions_history",
    "sessions_send",
    "sessions_spawn",
    "session_status",
  ])("may use %s", (tool) => expect(decide("{}", tool)).toMatchObject({ allowed: true, source: "default", fix: null }));
  const hostOnly = ["browser", "canvas", "nodes", "cron", "discord", "gateway", "message", "slack", "telegram", "whatsapp"];
  test.each(hostOnly)("may not use %s, which the default denies", (tool) =>
    expect(decide("{}", tool)).toEqual({
      tool,
      allowed: false,
      rule: `deny "${tool}" of the sandbox's tools`,
      source: "default",
      fix: `set tools.sandbox.tools.deny to a list without "${tool}"`,
    }),
  );
  test.each(hostOnly)("may not use %s either where allow lets everything through", (tool) =>
    expect(decide("{ tools: { sandbox: { tools: { allow: [] } } } }", tool).allowed).toBe(false),
  );
  test("may not use a tool that the default does not name", () =>
    expect(decide("{}", "web_search")).toMatchObject({
      allowed: false,
      source: "default",
      fix: 'add "web_search" to tools.sandbox.tools.alsoAllow',
    }));
});

describe("a session without a sandbox", () => {
  const onHost = (text: string, tool: string) => decideOnHost(mustParse(text), toAgentId("main"), decide(text, tool, "host"));

  test.each(["exec", "process", "read", "write", "edit", "apply_patch"])("has no %s unless tools.exec.host permits it", (tool) => {
    expect(onHost("{}", tool)).toMatchObject({
      allowed: false,
      source: "default",
      fix: expect.stringContaining('tools.exec.host to "gateway"'),
    });
    expect(onHost('{ tools: { exec: { host: "gateway" } } }', tool).allowed).toBe(true);
  });

  test("is refused by the agent's own key over the global one, and keeps tools that touch no host", () => {
    const text = '{ tools: { exec: { host: "gateway" } }, agents: { list: [{ id: "main", tools: { exec: { host: "sandbox" } } }] } }';
    expect(onHost(text, "exec")).toMatchObject({ allowed: false, source: "agents.list[0].tools.exec.host" });
    expect(onHost(text, "sessions_list").allowed).toBe(true);
  });
});

test("an unsandboxed session may use everything that no list refuses", () => {
  expect(decide("{}", "browser", "host")).toEqual({
    tool: "browser",
    allowed: true,
    rule: "no list refuses it",
    source: "default",
    fix: null,
  });
  expect(decide("{ tools: { allow: ['read'] } }", "exec", "host")).toMatchObject({
    allowed: false,
    rule: "not in allow of tools",
    source: "tools.allow",
    fix: 'add "exec" to tools.allow',
  });
});

describe("lists", () => {
  test.each([
    ["deny wins over allow", "{ tools: { allow: ['exec'], deny: ['exec'] } }", "exec", false, "tools.deny"],
    ["an empty allow means everything", "{ tools: { allow: [] } }", "exec", true, "default"],
    ["an empty allow of the sandbox means everything but deny", sandboxTools("{ allow: [] }"), "web_search", true, "default"],
    ["an empty allow of the sandbox leaves deny", sandboxTools("{ allow: [] }"), "browser", false, "default"],
    ["an allow of the sandbox replaces the default", sandboxTools("{ allow: ['read'] }"), "exec", false, "tools.sandbox.tools.allow"],
    ["allow alone does not lift the default deny", sandboxTools("{ allow: ['browser'] }"), "browser", false, "default"],
    ["allow and an own deny do", sandboxTools("{ allow: ['browser'], deny: [] }"), "browser", true, "tools.sandbox.tools.allow"],
    ["alsoAllow adds to the default", sandboxTools("{ alsoAllow: ['web_fetch'] }"), "web_fetch", true, "tools.sandbox.tools.alsoAllow"],
    ["alsoAllow keeps the default", sandboxTools("{ alsoAllow: ['web_fetch'] }"), "exec", true, "default"],
    ["alsoAllow does not lift a deny", sandboxTools("{ alsoAllow: ['exec'], deny: ['exec'] }"), "exec", false, "tools.sandbox.tools.deny"],
    ["alsoAllow does not turn an empty allow into a list", sandboxTools("{ allow: [], alsoAllow: ['web_fetch'] }"), "tts", true, "default"],
    ["groups", "{ tools: { deny: ['group:fs'] } }", "edit", false, "tools.deny"],
    ["groups of the runtime", "{ tools: { deny: ['group:runtime'] } }", "process", false, "tools.deny"],
    ["groups in any case", "{ tools: { deny: ['Group:FS'] } }", "apply_patch", false, "tools.deny"],
    ["wildcards", "{ tools: { deny: ['sessions_*'] } }", "sessions_send", false, "tools.deny"],
    ["wildcards match the whole name", "{ tools: { deny: ['sessions_*'] } }", "session_status", true, "default"],
    ["a star matches everything", "{ tools: { deny: ['*'] } }", "anything", false, "tools.deny"],
    ["aliases in lists", "{ tools: { deny: ['bash'] } }", "exec", false, "tools.deny"],
    ["aliases of the asked tool", "{ tools: { deny: ['exec'] } }", "Bash", false, "tools.deny"],
    ["aliases of apply_patch", "{ tools: { deny: ['apply-patch'] } }", "apply_patch", false, "tools.deny"],
    ["case and space around", "{ tools: { deny: [' EXEC '] } }", "exec", false, "tools.deny"],
  ])("%s", (...[, text, tool, allowed, source]) => expect(decide(text, tool)).toMatchObject({ allowed, source }));
});

describe("an agent's own lists", () => {
  const agent = (tools: string, shared = "{}"): string => `{ tools: ${shared}, agents: { list: [{ id: 'main', tools: ${tools} }] } }`;
  test.each([
    ["restrict further", agent("{ deny: ['exec'] }"), "exec", false, "agents.list[0].tools.deny"],
    ["do not grant back what tools.deny refuses", agent("{ allow: ['exec'] }", "{ deny: ['exec'] }"), "exec", false, "tools.deny"],
    [
      "replace the sandbox's lists one by one",
      agent("{ sandbox: { tools: { allow: ['browser', 'exec'] } } }", "{ sandbox: { tools: { deny: [], allow: ['read'] } } }"),
      "browser",
      true,
      "agents.list[0].tools.sandbox.tools.allow",
    ],
    [
      "leave the other sandbox lists",
      agent("{ sandbox: { tools: { allow: ['browser'] } } }", "{ sandbox: { tools: { deny: ['browser'] } } }"),
      "browser",
      false,
      "tools.sandbox.tools.deny",
    ],
    [
      "may clear the sandbox's deny",
      agent("{ sandbox: { tools: { deny: [], alsoAllow: ['cron'] } } }"),
      "cron",
      true,
      "agents.list[0].tools.sandbox.tools.alsoAllow",
    ],
  ])("%s", (...[, text, tool, allowed, source]) => expect(decide(text, tool)).toMatchObject({ allowed, source }));

  test("do not reach another agent", () => {
    const config = mustParse("{ agents: { list: [{ id: 'main' }, { id: 'a', tools: { deny: ['*'] } }] } }");
    expect(decideTool(toToolPolicy(config, { agentId: toAgentId("main"), sandbox: null }), "exec").allowed).toBe(true);
    expect(decideTool(toToolPolicy(config, { agentId: toAgentId("a"), sandbox: null }), "exec").allowed).toBe(false);
  });
});

test("an agent that the config does not have may use nothing", () => {
  const policy = toToolPolicy(mustParse("{}"), { agentId: toAgentId("nobody"), sandbox: null });
  expect(decideTools(policy).every((decision) => !decision.allowed)).toBe(true);
});

test.each(["write", "edit", "apply_patch", "Apply-Patch"])("workspaceAccess ro turns %s off and names its key", (tool) => {
  expect(decide("{ agents: { defaults: { sandbox: { workspaceAccess: 'ro' } } } }", tool)).toMatchObject({
    allowed: false,
    source: "agents.defaults.sandbox.workspaceAccess",
    fix: 'set agents.defaults.sandbox.workspaceAccess to "rw" or "none"',
  });
  expect(decide("{ agents: { defaults: { sandbox: { workspaceAccess: 'ro' } } } }", "exec").allowed).toBe(true);
  expect(decide("{ agents: { defaults: { sandbox: { workspaceAccess: 'rw' } } } }", tool).allowed).toBe(true);
});

test("a listing has every known tool and every one that a list names, once", () => {
  const config = mustParse("{ tools: { deny: ['my_plugin', 'bash', 'group:fs', 'x*'] } }");
  const names = decideTools(toToolPolicy(config, { agentId: toAgentId("main"), sandbox: null })).map((decision) => decision.tool);
  expect(names).toEqual([...new Set([...KNOWN_TOOLS, "my_plugin"])].toSorted());
});

test("a refusal is one sentence with rule, key and fix", () => {
  expect(renderRefusal(decide("{ tools: { deny: ['group:runtime'] } }", "bash"))).toBe(
    'the tool "exec" is off: deny "group:runtime" of tools (tools.deny); remove "group:runtime" from tools.deny',
  );
});

describe("patterns", () => {
  test.each([
    ["*", "", true],
    ["a*", "abc", true],
    ["*c", "abc", true],
    ["a*c", "abc", true],
    ["a*b*c", "aXbYc", true],
    ["a*a", "a", false],
    ["ab*bc", "abc", false],
    ["*b*", "abc", true],
    ["a**c", "abc", true],
    ["a*", "ba", false],
    ["a.c", "abc", false],
    ["(a+)+$*", "aaaa", false],
  ])("%s on %s: %s", (pattern, tool, expected) => expect(matchesTool(pattern, tool)).toBe(expected));

  test("a hostile pattern ends: one that tried every split would outlive the test", () => {
    expect(matchesTool(`${"*a".repeat(60)}*b`, "a".repeat(100_000))).toBe(false);
  });
});

test("no list can make a denied tool allowed", () => {
  const list = fc.array(fc.constantFrom("exec", "*", "group:fs", "group:runtime", "read", "bash", "apply-patch", "e*"), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.record({
        allow: list,
        deny: list,
        ownAllow: list,
        alsoAllow: list,
        sandboxAllow: list,
        tool: fc.constantFrom("exec", "read", "apply_patch"),
      }),
      ({ allow, deny, ownAllow, alsoAllow, sandboxAllow, tool }) => {
        const config = mustParse(
          JSON.stringify({
            tools: { allow, deny: [...deny, tool], sandbox: { tools: { allow: sandboxAllow, alsoAllow } } },
            agents: { list: [{ id: "main", tools: { allow: ownAllow } }] },
          }),
        );
        for (const sandbox of [null, mustResolve(config)])
          expect(decideTool(toToolPolicy(config, { agentId: toAgentId("main"), sandbox }), toToolName(tool)).allowed).toBe(false);
      },
    ),
  );
});

test("what is denied stays denied, wherever else and by whatever other word it is allowed", () => {
  const denied = (lists: string, tool = "exec", where: "sandbox" | "host" = "sandbox") => decide(lists, tool, where).allowed;
  for (const word of ["exec", "EXEC", " exec ", "bash", "group:runtime", "Group:Runtime", "e*", "*xec", "*"]) {
    expect(denied(sandboxTools(`{ allow: ["exec"], alsoAllow: ["exec", "group:runtime"], deny: [${JSON.stringify(word)}] }`))).toBe(false);
    expect(denied(`{ tools: { allow: ["exec"], deny: [${JSON.stringify(word)}] } }`, "Bash", "host")).toBe(false);
  }
  // An inner list grants nothing back.
  expect(denied('{ tools: { deny: ["exec"], sandbox: { tools: { allow: ["exec"], deny: [] } } } }')).toBe(false);
  expect(denied('{ tools: { allow: ["read"], sandbox: { tools: { allow: ["exec"], deny: [] } } } }')).toBe(false);
  expect(denied('{ tools: { deny: ["exec"] }, agents: { list: [{ id: "main", tools: { allow: ["exec"], deny: [] } }] } }')).toBe(false);
  expect(denied('{ tools: { allow: ["read"] }, agents: { list: [{ id: "main", tools: { allow: ["exec"] } }] } }')).toBe(false);
});

test("the pieces of a pattern share no letters of a tool's name", () => {
  for (const pattern of ["exe*ec", "ex*ec*c", "exec*exec", "e*x*x*c", "exec*c", "*x", "e*d", "e*z*c"])
    expect([pattern, matchesTool(pattern, "exec")]).toEqual([pattern, false]);
  for (const pattern of ["exec*", "*exec", "ex*ec", "e*x*e*c", "*e*", "e**c"])
    expect([pattern, matchesTool(pattern, "exec")]).toEqual([pattern, true]);
});

test("a read-only workspace is written by no tool", () => {
  const config = mustParse('{ agents: { defaults: { sandbox: { mode: "all", workspaceAccess: "ro" } } } }');
  const policy = toToolPolicy(config, { agentId: toAgentId("main"), sandbox: mustResolve(config) });
  expect(["write", "edit", "apply_patch", "Apply-Patch"].filter((tool) => decideTool(policy, tool).allowed)).toEqual([]);
  expect(decideTool(policy, "read").allowed).toBe(true);
});
