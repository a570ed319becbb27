// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are configs, in which ${NAME} is syntax
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toAgentId } from "../brands.ts";
import { HOST, issuesOf, mustParse, mustResolve, parse, withDocker, withSandbox } from "./config.fixture.ts";
import { findAgent, toEngineKind } from "./config.ts";
import { parseConfig } from "./parse.ts";

// `^` stands before the place that the issue must name.
describe("a mistake is reported at its line and column, with what was expected", () => {
  test.each([
    [
      "{\n  agents: { defaults: { sandbox: {\n    docker: {\n      ^memroy: '1g' } } } } }",
      'agents.defaults.sandbox.docker.memroy: unknown key (did you mean "memory"?)',
    ],
    [
      withSandbox("{ mode: ^'non_main' }"),
      'agents.defaults.sandbox.mode: expected "off", "non-main" or "all", got "non_main" (did you mean "non-main"?)',
    ],
    [withSandbox("{ scope: ^1 }"), 'agents.defaults.sandbox.scope: expected "session", "agent" or "shared", got 1'],
    [withSandbox("{ prune: { idleHours: ^-1 } }"), "agents.defaults.sandbox.prune.idleHours: expected at least 0, got -1"],
    [withSandbox("{ prune: { ^idleHour: 1 } }"), 'agents.defaults.sandbox.prune.idleHour: unknown key (did you mean "idleHours"?)'],
    [withSandbox("{ ^dokcer: {} }"), 'agents.defaults.sandbox.dokcer: unknown key (did you mean "docker"?)'],
    [withSandbox("^[]"), "agents.defaults.sandbox: expected an object {...}, got a list"],
    [
      withSandbox("{ ^perSession: true }"),
      'agents.defaults.sandbox.perSession: unknown key (write scope: "session" (true) or scope: "shared" (false))',
    ],
    [
      withSandbox("{ rollout: { hotWindow: ^'5 minutes' } }"),
      'agents.defaults.sandbox.rollout.hotWindow: expected a duration such as "30s", "5m" or "24h", or a number of milliseconds',
    ],
    [
      withDocker("{ ^privileged: true }"),
      "agents.defaults.sandbox.docker.privileged: unknown key (a sandbox is never privileged: remove it)",
    ],
    [withDocker("{ readOnlyRoot: ^'yes' }"), "agents.defaults.sandbox.docker.readOnlyRoot: expected true or false, got text"],
    [
      withDocker("{ env: { A: ^1 } }"),
      "agents.defaults.sandbox.docker.env.A: expected text (put numbers and true/false in quotes), or null to remove the name",
    ],
    [
      withDocker("{ env: { ^'A-B': '1' } }"),
      "agents.defaults.sandbox.docker.env.A-B: expected a portable name: letters, digits and _, not beginning with a digit",
    ],
    [withDocker("{ ulimits: { ^nofil: 1 } }"), 'agents.defaults.sandbox.docker.ulimits.nofil: unknown key (did you mean "nofile"?)'],
    [withDocker("{ tmpfs: ^'/tmp' }"), "agents.defaults.sandbox.docker.tmpfs: expected a list [...], got text"],
    [withSandbox("{ backend: ^'ssh' }"), 'agents.defaults.sandbox.backend: expected "docker" or "podman", got "ssh"'],
    ["{ gateway: { ^prot: 1 } }", 'gateway.prot: unknown key (did you mean "port"?)'],
    ["{ gateway: { port: ^'18789' } }", "gateway.port: expected a number, got text"],
    ["{ gateway: { port: ^70000 } }", "gateway.port: expected at most 65535, got 70000"],
    ["{ tools: { sandbox: { ^tool: {} } } }", 'tools.sandbox.tool: unknown key (did you mean "tools"?)'],
    ["{ tools: { sandbox: { tools: { ^allows: [] } } } }", 'tools.sandbox.tools.allows: unknown key (did you mean "allow"?)'],
    ["{ tools: { allow: [^''] } }", "tools.allow[0]: expected text that is not empty"],
    ["{ agents: { list: [{ id: ^'Work' }] } }", 'agents.list[0].id: expected an agent id: [a-z0-9][a-z0-9_-]{0,63} (write "work")'],
    ["{ agents: { list: [^{}] } }", "agents.list[0].id: id is missing"],
    ["^[]", "expected an object {...}, got a list"],
  ])("%s", (marked, expected) => {
    const before = marked.slice(0, marked.indexOf("^")).split("\n");
    expect(issuesOf(marked.replace("^", ""))).toEqual([`openclaw.json:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${expected}`]);
  });

  test("a token never appears in an issue", () => {
    expect(issuesOf("{ gateway: { auth: { mode: 'token', token: { source: 'hunter2' } } } }").join()).not.toContain("hunter2");
    expect(issuesOf(withDocker("{ env: { TOKEN: 'hunter2\\n' } }")).join()).not.toContain("hunter2");
  });
});

describe("agents", () => {
  const idsOf = (text: string) => mustParse(text).agents.map((agent) => `${agent.id}${agent.isDefault ? "*" : ""}`);

  test("without a list there is one agent, main", () => {
    expect(idsOf("{}")).toEqual(["main*"]);
    expect(idsOf("{ agents: { list: [], entries: {} } }")).toEqual(["main*"]);
  });

  test("agents.list and agents.entries are one list", () => {
    expect(idsOf("{ agents: { list: [{ id: 'a' }], entries: { b: {}, c: { id: 'c' } } } }")).toEqual(["a*", "b", "c"]);
  });

  test("the default agent is the marked one, else main, else the first", () => {
    expect(idsOf("{ agents: { list: [{ id: 'a' }, { id: 'main' }] } }")).toEqual(["a", "main*"]);
    expect(idsOf("{ agents: { list: [{ id: 'main' }, { id: 'b', default: true }] } }")).toEqual(["main", "b*"]);
    expect(issuesOf("{ agents: { list: [{ id: 'a', default: true }, { id: 'b', default: true }] } }")).toEqual([
      'openclaw.json:1:68: warning: agents.list[1].default: "a" is already the default agent, so this has no effect (mark only one agent as default)',
    ]);
  });

  test.each([
    [
      "{ agents: { list: [{ id: 'a' }, { id: 'a' }] } }",
      'openclaw.json:1:39: agents.list[1].id: the agent "a" is already at agents.list[0] (give each agent its own id)',
    ],
    [
      "{ agents: { list: [{ id: 'a' }], entries: { a: {} } } }",
      'openclaw.json:1:45: agents.entries.a: the agent "a" is already at agents.list[0] (give each agent its own id)',
    ],
    [
      "{ agents: { entries: { A: {} } } }",
      'openclaw.json:1:24: agents.entries.A: expected an agent id: [a-z0-9][a-z0-9_-]{0,63} (write "a")',
    ],
    ["{ agents: { entries: { a: { id: 'b' } } } }", 'openclaw.json:1:33: agents.entries.a.id: the key says "a", the id "b" (remove id)'],
  ])("%s", (text, expected) => expect(issuesOf(text)).toEqual([expected]));

  test.each(["-a", "_a", "a b", "a/b", "..", "a.b", "ä", "a".repeat(65), "agent:x", ""])("%j is no agent id", (id) => {
    expect(parse(`{ agents: { list: [{ id: ${JSON.stringify(id)} }] } }`).ok).toBe(false);
    expect(parse(`{ agents: { entries: { ${JSON.stringify(id)}: {} } } }`).ok).toBe(false);
  });
});

describe("a file of upstream OpenClaw works", () => {
  const UPSTREAM_FILE = `{
    $schema: "x", meta: { lastTouchedVersion: "2026.2.4" }, wizard: { lastRunMode: "local" }, env: { vars: { A: "\${NOT_SET}" } },
    auth: { profiles: {} }, models: { providers: {} }, logging: { level: "info" }, session: { mainKey: "main" }, messages: {}, commands: {},
    channels: { telegram: { botToken: "\${TELEGRAM_TOKEN}" } }, bindings: [{ agentId: "main", match: { channel: "telegram" } }],
    agents: {
      defaults: { model: { primary: "anthropic/claude" }, workspace: "~/clawd", heartbeat: { every: "30m", target: "last" }, maxConcurrent: 4, typingMode: "instant", mediaMaxMb: 5,
        sandbox: { mode: "non-main", sessionToolsVisibility: "spawned", docker: { workspaceMountPropagation: "private" } } },
      entries: { main: { model: "x", identity: { name: "Molty" } }, work: { workspace: "~/work", sandbox: { mode: "all", scope: "agent" }, tools: { deny: ["browser"], elevated: {} } } },
    },
    tools: { web: {}, exec: { ask: "off", timeoutSec: 1800 }, elevated: { enabled: false } },
    gateway: { mode: "local", port: 18789, bind: "loopback", auth: { mode: "token", token: "t", allowTailscale: true }, tailscale: { mode: "off" }, reload: {} },
    plugins: {}, skills: {}, hooks: {}, cron: {}, ui: {}, browser: {}, talk: {}, discovery: {}, canvasHost: {},
  }`;

  test("what it has and this product does not use is accepted and reported once per section", () => {
    const parsed = parse(UPSTREAM_FILE);
    expect(parsed.ok).toBe(true);
    expect(parsed.issues.every((issue) => issue.severity === "warning")).toBe(true);
    const paths = parsed.issues.map((issue) => issue.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toContain("channels");
    expect(parsed.issues.find((issue) => issue.path === "agents.defaults")?.message).toBe(
      "accepted, but this product does not use: typingMode, mediaMaxMb",
    );
    expect(paths).not.toContain("$schema");
  });

  test("its variables in sections that are not used need not be set", () =>
    expect(issuesOf(UPSTREAM_FILE).join()).not.toContain("is not set"));

  test("its agents have their sandboxes", () => {
    const config = mustParse(UPSTREAM_FILE);
    expect(mustResolve(config, "work")).toMatchObject({ mode: "all", agentWorkspace: "/home/claw/work" });
    expect(mustResolve(config, "main")).toMatchObject({ mode: "non-main", agentWorkspace: "/home/claw/clawd" });
    expect(findAgent(config, toAgentId("work"))?.tools.deny).toEqual(["browser"]);
  });

  test("a key that nobody has is a warning with a proposal", () => {
    expect(issuesOf("{ chanels: {}, agents: { defaults: { workspce: '/x' }, list: [{ id: 'a', sandbx: {} }] } }")).toEqual([
      'openclaw.json:1:3: warning: chanels: unknown key; it has no effect (did you mean "channels"?)',
      'openclaw.json:1:38: warning: agents.defaults.workspce: unknown key; it has no effect (did you mean "workspace"?)',
      'openclaw.json:1:74: warning: agents.list[0].sandbx: unknown key; it has no effect (did you mean "sandbox"?)',
    ]);
  });

  test("ignoring tools.profile or gateway.tls says what that means", () => {
    expect(issuesOf("{ tools: { profile: 'minimal' }, gateway: { tls: { enabled: true } } }").join("\n")).toMatch(
      /list the tools in allow[\s\S]*|plain HTTP/,
    );
  });
});

describe("${NAME} in string values", () => {
  test("is the environment's value, also inside a text, and $${NAME} is the text itself", () => {
    const config = mustParse(withDocker("{ env: { A: 'x${ONE}y', B: '$${ONE}', C: '${lower} $ONE' } }"), { variables: { ONE: "1" } });
    expect(mustResolve(config).docker.env).toMatchObject({ A: "x1y", B: "${ONE}", C: "${lower} $ONE" });
  });

  test("is an error naming the variable if it is not set", () => {
    expect(issuesOf("{ gateway: { bind: '${ADDRESS_OF}' } }")[0]).toBe(
      "openclaw.json:1:20: gateway.bind: the environment variable ADDRESS_OF is not set (set ADDRESS_OF, or write $${ADDRESS_OF} for the text itself)",
    );
  });

  test("takes nothing from an object's prototype and is not substituted twice", () => {
    expect(parse("{ gateway: { bind: '${CONSTRUCTOR}' } }").ok).toBe(false);
    expect(mustResolve(mustParse(withDocker("{ env: { A: '${ONE}' } }"), { variables: { ONE: "${TWO}", TWO: "2" } })).docker.env.A).toBe(
      "${TWO}",
    );
  });
});

describe("$include", () => {
  test("merges files, later ones and sibling keys winning, and keeps each value's own file", () => {
    const config = mustParse(
      "{ $include: ['a.json', 'sub/b.json'], gateway: { port: 3 } }",
      {},
      {
        "a.json": "{ gateway: { port: 1, mode: 'local', maxSandboxes: 5 } }",
        "sub/b.json": "{ gateway: { port: 2, maxSandboxes: 6 }, tools: { $include: './c.json' } }",
        "sub/c.json": "{ allow: ['exec'] }",
      },
    );
    expect(config.gateway).toMatchObject({ port: 3, mode: "local", maxSandboxes: 6 });
    expect(config.tools.allow).toEqual(["exec"]);
    expect(config.locations.get("gateway.mode")).toMatchObject({ file: "a.json", line: 1 });
    expect(config.locations.get("tools.allow[0]")).toMatchObject({ file: "sub/c.json" });
    expect(config.files).toContain("sub/c.json");
  });

  test("may be a whole list, and an issue in an included file names that file", () => {
    expect(issuesOf("{ agents: { list: { $include: 'agents.json' } } }", {}, { "agents.json": "[\n  { id: 'A' } ]" })).toEqual([
      'agents.json:2:9: agents.list[0].id: expected an agent id: [a-z0-9][a-z0-9_-]{0,63} (write "a")',
    ]);
  });

  test.each([
    ["{ $include: 'gone.json' }", {}, "openclaw.json:1:13: $include: the included file gone.json does not exist"],
    ["{ $include: 5 }", {}, "openclaw.json:1:13: $include: expected the path of a file, or a list of paths"],
    ["{ $include: [['a']] }", { a: "{}" }, "openclaw.json:1:13: $include: expected the path of a file, or a list of paths"],
    [
      "{ $include: 'a' }",
      { a: "{ x: { $include: 'b' } }", b: "{ $include: 'a' }" },
      "b:1:13: $include: the included file a includes itself: openclaw.json -> a -> b -> a",
    ],
    ["{ $include: 'a' }", { a: "{ x: }" }, "a:1:6: unexpected } (a value is missing before it, or a bracket is closed twice)"],
    [
      "{ tools: { $include: 'a', allow: [] } }",
      { a: "[]" },
      "openclaw.json:1:22: tools.$include: the included file is not an object, so $include must be the only key here",
    ],
    ["{ $include: 'a' }", { a: "{ __proto__: {} }" }, "a:1:3: __proto__: this key cannot be used"],
  ])("%s", (text, included, expected) => expect(issuesOf(text, {}, included)).toContain(expected));

  test("is bounded in depth and in number", () => {
    const chain = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f${index}`, `{ $include: 'f${index + 1}' }`]));
    expect(issuesOf("{ $include: 'f0' }", {}, { ...chain, f12: "{}" })[0]).toMatch(/^f9:.*nested deeper than 10 levels/);
    const wide = { a: `{ x: [${"{ $include: 'b' },".repeat(60)}] }`, b: `{ y: [${"{ $include: 'c' },".repeat(60)}] }`, c: "{}" };
    expect(issuesOf("{ $include: 'a' }", {}, wide)).toEqual([expect.stringContaining("more than 64 files are included")]);
  });
});

test("a config that others can write, or that belongs to somebody else, is refused", () => {
  const text = { kind: "text" as const, realPath: "/c/openclaw.json", text: "{}" };
  const read = (mode: number, uid: number) =>
    parseConfig(
      { main: "/c/openclaw.json", files: new Map([["/c/openclaw.json", { ...text, access: [{ path: "/c/openclaw.json", mode, uid }] }]]) },
      { ...HOST, trustedOwners: [1000, 0] },
    );
  expect(read(0o100600, 1000).ok).toBe(true);
  expect(read(0o100644, 0).ok).toBe(true);
  expect(read(0o100664, 1000).issues[0]).toMatchObject({ file: "/c/openclaw.json", fix: "chmod go-w /c/openclaw.json" });
  expect(read(0o100602, 1000).ok).toBe(false);
  expect(read(0o100600, 1001).issues[0]?.message).toMatch(/^this belongs to uid 1001/);
});

test("the gateway's section has its defaults", () => {
  expect(mustParse("{}").gateway).toEqual({
    mode: null,
    port: 18789,
    bind: { kind: "loopback" },
    bindWritten: null,
    auth: { mode: "token", token: null, password: null },
    trustedProxies: [],
    controlUi: { enabled: true, allowedOrigins: [] },
    http: { chatCompletions: false, responses: false },
    maxSandboxes: 100,
  });
  expect(mustParse("{ gateway: { bind: '10.0.0.5' } }").gateway.bind).toEqual({ kind: "host", host: "10.0.0.5" });
  expect(mustParse("{ gateway: { bind: 'lan' } }").gateway.bind).toEqual({ kind: "lan" });
});

test("backend podman is accepted, and two engines for one controller are not", () => {
  const list = (own: string): string =>
    `{ agents: { defaults: { sandbox: { backend: 'podman' } }, list: [ { id: 'main' }, { id: 'a'${own} } ] } }`;
  expect(issuesOf(list(""))).toEqual([]);
  expect(toEngineKind(mustParse(list("")))).toBe("podman");
  expect(toEngineKind(mustParse("{}"))).toBe(null);
  expect(issuesOf(list(", sandbox: { backend: 'docker' }"))).toEqual([
    expect.stringContaining('agents.list[1].sandbox.backend: "docker" here and "podman" at agents.defaults: a controller has one engine'),
  ]);
});

test("every config of the reference text is accepted", () => {
  const reference = readFileSync(new URL("./reference-configs.fixture.txt", import.meta.url), "utf8");
  const configs = reference.split(/^---$/m);
  expect(configs.length).toBeGreaterThan(4);
  for (const config of configs) expect(issuesOf(config).filter((line) => !line.includes("warning:"))).toEqual([]);
});

const WORDS = [
  "agents",
  "defaults",
  "sandbox",
  "docker",
  "list",
  "entries",
  "tools",
  "gateway",
  "$include",
  "env",
  "binds",
  "mode",
  "id",
  "prune",
  "browser",
  "rollout",
  "ulimits",
  "tmpfs",
];
const junkValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom("/a:/b", "host", "1g", "${X}", "main", "openclaw.json", "-1"),
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...WORDS) }, { weight: 1, arbitrary: fc.string() }), tie("value"), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
})).value;

describe("no input makes the parser throw", () => {
  const check = (text: string): void => {
    const parsed = parse(text);
    expect(parsed.ok || parsed.issues.length > 0).toBe(true);
    for (const issue of parsed.issues) expect(issue.message).not.toBe("");
  };
  test("2000 texts of junk", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 60 }),
          fc.string({ unit: fc.constantFrom(..."{}[]:,'\"\\/*a1 \n$"), maxLength: 40 }),
        ),
        check,
      ),
      { numRuns: 2000 },
    );
  });
  test("2000 objects with the right keys and wrong values", () => {
    fc.assert(
      fc.property(junkValue, (value) => check(JSON.stringify(value) ?? "")),
      { numRuns: 2000 },
    );
  });
});
