import { describe, expect, test } from "vitest";
import { toAgentId } from "../brands.ts";
import { HOST, issuesOf, mustParse, mustResolve } from "./config.fixture.ts";
import { type EffectiveSandbox, resolveAgentSandbox, toConfigKey } from "./effective.ts";

/** An agent `work` with its own block over a block of defaults. */
function merge(defaults: string, own: string): EffectiveSandbox {
  return mustResolve(
    mustParse(`{ agents: { defaults: { sandbox: ${defaults} }, list: [{ id: 'main' }, { id: 'work', sandbox: ${own} }] } }`),
    "work",
  );
}

const docker = (defaults: string, own: string): EffectiveSandbox["docker"] => merge(`{ docker: ${defaults} }`, `{ docker: ${own} }`).docker;
const EXTERNAL = "dangerouslyAllowExternalBindSources: true";

test("without any config, everything has the documented default", () => {
  const { provenance, ...sandbox } = mustResolve(mustParse("{}"));
  expect(sandbox).toEqual({
    agentId: "main",
    mode: "off",
    scope: "agent",
    workspaceAccess: "none",
    workspaceRoot: "/home/claw/.openclaw/sandboxes",
    start: "on-demand",
    docker: {
      image: "openclaw-sandbox:bookworm-slim",
      containerPrefix: "openclaw-sbx-",
      workdir: "/workspace",
      workspaceSize: null,
      readOnlyRoot: true,
      tmpfs: ["/tmp", "/var/tmp", "/run"].map((path) => ({ path, options: "size=256m,mode=1777" })),
      network: "none",
      user: null,
      capDrop: ["ALL"],
      env: { HOME: "/workspace", LANG: "C.UTF-8" },
      setupCommand: null,
      pidsLimit: 512,
      memory: null,
      memorySwap: null,
      cpus: null,
      ulimits: [],
      gpus: null,
      shmSize: null,
      runtime: null,
      seccompProfile: null,
      apparmorProfile: null,
      dns: [],
      extraHosts: [],
      binds: [],
      dangerouslyAllowReservedContainerTargets: false,
      dangerouslyAllowExternalBindSources: false,
      dangerouslyAllowContainerNamespaceJoin: false,
    },
    prune: { idleHours: 24, maxAgeDays: 7, workspaces: "keep" },
    rollout: {
      policy: "when-idle",
      hotWindow: 300_000,
      maxDriftAge: 86_400_000,
      maxParallel: null,
      afterMaxDriftAge: "report",
      canary: 1,
      progressDeadline: 1_200_000,
    },
    browser: {
      enabled: false,
      image: "openclaw-sandbox-browser:bookworm-slim",
      containerPrefix: "openclaw-sbx-browser-",
      network: null,
      cdpPort: 9222,
      cdpSourceRange: null,
      vncPort: 5900,
      noVncPort: 6080,
      headless: false,
      enableNoVnc: true,
      noSandbox: false,
      allowHostControl: false,
      autoStart: true,
      autoStartTimeoutMs: 12_000,
      binds: [],
      evaluateEnabled: false,
    },
    agentWorkspace: "/home/claw/.openclaw/workspace",
    egress: null,
    ignored: [],
  });
  expect([...provenance.values()].every((source) => source.kind === "default")).toBe(true);
});

test("an agent's sandbox is resolved once for each config, and anew for other folders of the host", () => {
  const [config, main] = [mustParse("{}"), toAgentId("main")];
  const resolve = (folders = HOST) => resolveAgentSandbox(config, main, folders);
  expect(resolve()).toBe(resolve({ ...HOST }));
  expect(resolve({ ...HOST, home: "/home/other", stateDir: "/home/other/state" })?.agentWorkspace).toBe("/home/other/state/workspace");
  expect(resolve()?.agentWorkspace).toBe("/home/claw/.openclaw/workspace");
});

test("an agent that the config does not have has no sandbox", () => {
  expect(resolveAgentSandbox(mustParse("{}"), toAgentId("nobody"), HOST)).toBeUndefined();
});

describe("the agent's own block over the defaults", () => {
  test("scalars replace, each by itself", () => {
    const sandbox = merge(
      "{ mode: 'all', scope: 'session', docker: { memory: '1g', cpus: 2 }, prune: { idleHours: 1 } }",
      "{ scope: 'agent', docker: { memory: '2g' }, prune: { maxAgeDays: 0.5 } }",
    );
    expect(sandbox).toMatchObject({
      mode: "all",
      scope: "agent",
      docker: { memory: 2 ** 31, cpus: 2 },
      prune: { idleHours: 1, maxAgeDays: 0.5 },
    });
  });

  test("the network default is the bridge, as the engine reads it back", () => {
    expect(docker("{ network: 'default' }", "{}").network).toBe("bridge");
  });

  test("null and 0 take a limit away", () => {
    expect(
      docker("{ memory: '1g', cpus: 2, user: '5:5', setupCommand: 'x' }", "{ memory: null, cpus: 0, user: null, setupCommand: null }"),
    ).toMatchObject({
      memory: null,
      cpus: null,
      user: null,
      setupCommand: null,
    });
  });

  test("tmpfs, capDrop, dns and extraHosts replace as a whole", () => {
    const lists = docker(
      "{ tmpfs: ['/a', '/b'], capDrop: ['ALL'], dns: ['1.1.1.1'], extraHosts: ['a:1.1.1.1'] }",
      "{ tmpfs: ['/c:size=1m'], capDrop: [], dns: ['8.8.8.8'], extraHosts: [] }",
    );
    expect(lists).toMatchObject({ tmpfs: [{ path: "/c", options: "size=1m" }], capDrop: [], dns: ["8.8.8.8"], extraHosts: [] });
  });

  test("env merges by name and null removes one, LANG and HOME too", () => {
    expect(docker("{ env: { A: '1', B: '1' } }", "{ env: { B: '2', C: '3', A: null } }").env).toEqual({
      B: "2",
      C: "3",
      HOME: "/workspace",
      LANG: "C.UTF-8",
    });
    expect(docker("{ env: { LANG: null, HOME: null } }", "{}").env).toEqual({});
    expect(docker("{ env: { HOME: null } }", "{ workdir: '/w', env: { HOME: '/h' } }").env).toEqual({ HOME: "/h", LANG: "C.UTF-8" });
    expect(docker("{}", "{ workdir: '/w' }").env.HOME).toBe("/w");
  });

  test("ulimits merge by name, in every form, sorted", () => {
    expect(
      docker(
        "{ ulimits: { nproc: 256, nofile: { soft: 1024, hard: 2048 }, core: 0 } }",
        "{ ulimits: { nofile: '10:20', core: null, cpu: { hard: 9 } } }",
      ).ulimits,
    ).toEqual([
      { name: "cpu", soft: 9, hard: 9 },
      { name: "nofile", soft: 10, hard: 20 },
      { name: "nproc", soft: 256, hard: 256 },
    ]);
  });

  test("binds add up and a later one with the same target wins", () => {
    expect(docker(`{ binds: ['/srv/a:/a', '/srv/b:/b'], ${EXTERNAL} }`, "{ binds: ['/srv/c:/c:ro', '/srv/d:/a/:ro'] }").binds).toEqual([
      { source: "/srv/d", target: "/a", readOnly: true },
      { source: "/srv/b", target: "/b", readOnly: false },
      { source: "/srv/c", target: "/c", readOnly: true },
    ]);
  });

  test("a browser has docker.binds unless it has its own", () => {
    expect(merge(`{ docker: { binds: ['/srv/a:/a'], ${EXTERNAL} } }`, "{}").browser.binds).toHaveLength(1);
    expect(merge(`{ docker: { binds: ['/srv/a:/a'], ${EXTERNAL} } }`, "{ browser: { binds: [] } }").browser.binds).toEqual([]);
  });

  test("a setupCommand that is an array is joined so that the first failure stops it", () => {
    expect(docker("{}", "{ setupCommand: ['a', ' ', 'b'] }").setupCommand).toBe("a && b");
    expect(docker("{ setupCommand: 'a' }", "{ setupCommand: [] }").setupCommand).toBeNull();
  });
});

describe("scope shared", () => {
  const CONFIG = `{ agents: {
    defaults: { sandbox: { scope: 'shared', docker: { memory: '1g' } } },
    list: [ { id: 'main' }, { id: 'work', workspace: '/srv/work', sandbox: { mode: 'all', workspaceAccess: 'rw', workspaceRoot: '/srv/x', docker: { memory: '2g' }, prune: { idleHours: 1 }, browser: { enabled: true }, rollout: { policy: 'now' } } } ] } }`;

  test("takes docker, browser, prune, rollout, workspaceRoot and workspaceAccess from the defaults, so that all agents want the same container", () => {
    const { agentId: _main, mode: _mode, ignored: _none, ...main } = mustResolve(mustParse(CONFIG), "main");
    const { agentId: _work, mode, ignored, ...work } = mustResolve(mustParse(CONFIG), "work");
    expect({ ...work, provenance: null }).toEqual({ ...main, provenance: null });
    expect(mode).toBe("all");
    expect(ignored).toEqual(
      ["docker", "browser", "prune", "rollout", "workspaceRoot", "workspaceAccess"].map((key) => `agents.list[1].sandbox.${key}`),
    );
  });

  test("reports what has no effect", () => {
    expect(issuesOf(CONFIG).filter((line) => line.includes("no effect: the agent's scope is shared"))).toHaveLength(6);
  });

  test("an agent that leaves it gets its own values back", () => {
    const config = mustParse(CONFIG.replace("mode: 'all'", "scope: 'agent'"));
    expect(mustResolve(config, "work")).toMatchObject({
      workspaceAccess: "rw",
      docker: { memory: 2 ** 31 },
      agentWorkspace: "/srv/work",
      ignored: [],
    });
  });
});

describe("workspaces", () => {
  const workspaceOf = (agents: string, agent: string): string => mustResolve(mustParse(`{ agents: ${agents} }`), agent).agentWorkspace;
  test.each([
    ["{ list: [{ id: 'main' }, { id: 'work' }] }", "main", "/home/claw/.openclaw/workspace"],
    ["{ list: [{ id: 'main' }, { id: 'work' }] }", "work", "/home/claw/.openclaw/workspace-work"],
    ["{ list: [{ id: 'main' }, { id: 'work', default: true }] }", "main", "/home/claw/.openclaw/workspace-main"],
    ["{ defaults: { workspace: '~/claw' }, list: [{ id: 'main' }, { id: 'work' }] }", "main", "/home/claw/claw"],
    ["{ defaults: { workspace: '~/claw' }, list: [{ id: 'main' }, { id: 'work' }] }", "work", "/home/claw/.openclaw/workspace-work"],
    ["{ list: [{ id: 'main', workspace: '/srv//w/' }] }", "main", "/srv/w"],
  ])("%s: %s works in %s", (agents, agent, expected) => expect(workspaceOf(agents, agent)).toBe(expected));
});

test("a workspace names the key that chose it", () => {
  const config = mustParse("{ agents: { defaults: { workspace: '~/a' }, list: [{ id: 'main' }, { id: 'b', workspace: '~/b' }] } }");
  expect(mustResolve(config, "main").provenance.get("agentWorkspace")).toMatchObject({
    path: "agents.defaults.workspace",
    line: 1,
    column: 36,
  });
  expect(mustResolve(config, "b").provenance.get("agentWorkspace")).toMatchObject({ path: "agents.list[1].workspace" });
});

describe("every value names its source", () => {
  const CONFIG = `{ agents: {
  defaults: { sandbox: { mode: 'all', docker: { memory: '1g', env: { A: '1', B: '1' }, binds: ['/srv/a:/a', '/srv/b:/b'], ${EXTERNAL} } } },
  entries: { work: { sandbox: {
    docker: { memory: '2g',
      env: { B: '2' }, ulimits: { nproc: 5 },
      binds: ['/srv/c:/a'] } } } } } }`;
  const sandbox = mustResolve(mustParse(CONFIG), "work");
  test.each([
    ["mode", { kind: "config", path: "agents.defaults.sandbox.mode", file: "openclaw.json", line: 2, column: 32 }],
    [
      "docker.memory",
      {
        kind: "config",
        path: "agents.entries.work.sandbox.docker.memory",
        file: "openclaw.json",
        line: 4,
        column: 23,
        over: "agents.defaults.sandbox.docker.memory",
      },
    ],
    ["docker.env.A", { kind: "config", path: "agents.defaults.sandbox.docker.env.A", file: "openclaw.json", line: 2, column: 73 }],
    [
      "docker.env.B",
      {
        kind: "config",
        path: "agents.entries.work.sandbox.docker.env.B",
        file: "openclaw.json",
        line: 5,
        column: 17,
        over: "agents.defaults.sandbox.docker.env.B",
      },
    ],
    [
      "docker.ulimits.nproc",
      { kind: "config", path: "agents.entries.work.sandbox.docker.ulimits.nproc", file: "openclaw.json", line: 5, column: 42 },
    ],
    [
      "docker.binds[0]",
      {
        kind: "config",
        path: "agents.entries.work.sandbox.docker.binds[0]",
        file: "openclaw.json",
        line: 6,
        column: 15,
        over: "agents.defaults.sandbox.docker.binds[0]",
      },
    ],
    ["docker.binds[1]", { kind: "config", path: "agents.defaults.sandbox.docker.binds[1]", file: "openclaw.json", line: 2, column: 109 }],
    ["agentWorkspace", { kind: "default" }],
    ["docker.env.LANG", { kind: "default" }],
    ["docker.env.HOME", { kind: "default" }],
    ["docker.image", { kind: "default" }],
    ["prune.idleHours", { kind: "default" }],
  ])("%s", (key, expected) => expect(sandbox.provenance.get(key)).toEqual(expected));

  test("a default is edited in agents.defaults", () => {
    expect(toConfigKey(sandbox, "docker.image")).toBe("agents.defaults.sandbox.docker.image");
    expect(toConfigKey(sandbox, "docker.memory")).toBe("agents.entries.work.sandbox.docker.memory");
  });
});
