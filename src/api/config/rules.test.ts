import { describe, expect, test } from "vitest";
import { issuesOf, withDocker, withSandbox } from "./config.fixture.ts";

const EXTERNAL = "dangerouslyAllowExternalBindSources: true";
/** The path of each issue, with its severity. */
const foundIn = (text: string): string[] =>
  issuesOf(text).map((line) => line.replace(/^[^ ]* /, "").replace(/^(warning: )?([^ ]*): .*$/s, "$1$2"));

describe("docker keys that the text itself shows to be unsafe or impossible are errors at their key", () => {
  test.each([
    ["network", "'host'"],
    ["network", "'HOST'"],
    ["network", "' host '"],
    ["network", "'container:abc'"],
    ["network", "'Container:abc'"],
    ["network", "'container :abc'"],
    ["network", "'NONE'"],
    ["network", "'a b'"],
    ["network", "'-x'"],
    ["network", "'a;b'"],
    ["network", "''"],
    ["network", "'ns:/proc/1/ns/net'"],
    ["seccompProfile", "'unconfined'"],
    ["seccompProfile", "'UNCONFINED'"],
    ["seccompProfile", "' Unconfined '"],
    ["seccompProfile", "'seccomp=unconfined'"],
    ["seccompProfile", "'profile.json'"],
    ["seccompProfile", "'./p.json'"],
    ["apparmorProfile", "'unconfined'"],
    ["apparmorProfile", "'Unconfined'"],
    ["apparmorProfile", "'apparmor:unconfined'"],
    ["apparmorProfile", "'a b'"],
    ["apparmorProfile", "'-x'"],
    ["containerPrefix", `'${"a".repeat(23)}'`],
    ["containerPrefix", "'-a'"],
    ["containerPrefix", "'a b'"],
    ["containerPrefix", "'a/b'"],
    ["containerPrefix", "''"],
    ["containerPrefix", "'ä'"],
    ["workdir", "'workspace'"],
    ["workdir", "'/'"],
    ["workdir", "'/a/../b'"],
    ["workdir", "'/agent'"],
    ["workdir", "'/agent/x'"],
    ["workdir", "'/proc/x'"],
    ["workdir", "'/dev'"],
    ["image", "'A B'"],
    ["image", "''"],
    ["image", "'--rm'"],
    ["image", "'$(id)'"],
    ["image", "'x;y'"],
    ["user", "'Root'"],
    ["user", "'1000:'"],
    ["user", "'a b'"],
    ["user", "'-1'"],
    ["user", "''"],
    ["dns", "['dns.example']"],
    ["dns", "'1.1.1.1'"],
    ["extraHosts", "['a']"],
    ["extraHosts", "['a:b']"],
    ["capDrop", "['NET RAW']"],
    ["capDrop", "['']"],
    ["ulimits", "{ nofile: '5:3' }"],
    ["ulimits", "{ nofile: { soft: 5, hard: 3 } }"],
    ["ulimits", "{ nofile: 'x' }"],
    ["ulimits", "{ nofile: -2 }"],
    ["ulimits", "{ nofile: {} }"],
    ["memory", "'1m'"],
    ["memory", "512"],
    ["memory", "'lots'"],
    ["memory", "-1"],
    ["memorySwap", "'1g'"],
    ["memorySwap", "-2"],
    ["cpus", "0.001"],
    ["cpus", "-1"],
    ["cpus", "'1'"],
    ["pidsLimit", "-2"],
    ["pidsLimit", "1.5"],
    ["shmSize", "'x'"],
    ["gpus", "'some'"],
    ["gpus", "-1"],
    ["runtime", "'a b'"],
    ["runtime", "''"],
    ["env", "{ '1A': '' }"],
    ["env", "{ A: 'x\\ny' }"],
    ["env", "{ A: 'x\\0' }"],
    ["env", "{ 'A=B': '1' }"],
    ["env", "{ '': '1' }"],
    ["tmpfs", "['tmp']"],
    ["tmpfs", "['/workspace']"],
    ["tmpfs", "['/workspace/x']"],
    ["tmpfs", "['/']"],
    ["tmpfs", "['/agent']"],
    ["tmpfs", "['/proc']"],
    ["tmpfs", "['/tmp', '/tmp/']"],
    ["tmpfs", "['/a/..']"],
    ["setupCommand", "5"],
    ["setupCommand", "'a\\0b'"],
  ])("%s: %s", (key, value) => {
    const found = foundIn(withDocker(`{ ${key}: ${value} }`));
    expect(found.length).toBeGreaterThan(0);
    for (const path of found) expect(path).toMatch(new RegExp(`^agents\\.defaults\\.sandbox\\.docker\\.${key}(?:$|[.[])`));
  });
});

describe("docker keys with good values pass without a word", () => {
  test.each([
    "network: 'bridge'",
    "network: 'none'",
    "network: 'my_net-1.x'",
    "network: 'container:abc', dangerouslyAllowContainerNamespaceJoin: true",
    "seccompProfile: '/path/to/seccomp.json'",
    "seccompProfile: '~/unconfined.json'",
    "apparmorProfile: 'openclaw-sandbox'",
    "apparmorProfile: 'docker-default'",
    `containerPrefix: '${"a".repeat(22)}'`,
    "containerPrefix: 'a.b_c-'",
    "workdir: '/project/dir/'",
    "image: 'my-openclaw-sbx'",
    "user: '1000:1000'",
    "user: '0:0'",
    "user: 'node'",
    "user: null",
    "dns: ['1.1.1.1', '::1']",
    "extraHosts: ['internal.service:10.0.0.5']",
    "capDrop: ['ALL']",
    "capDrop: ['CAP_NET_RAW', 'sys_admin']",
    "ulimits: { nofile: { soft: 1024, hard: 2048 }, nproc: 256, core: null }",
    "memory: '6m'",
    "memory: 0",
    "memory: null",
    "memory: '1g', memorySwap: '1g'",
    "memory: '1g', memorySwap: -1",
    "memorySwap: -1",
    "cpus: 0.5",
    "cpus: 0",
    "pidsLimit: 0",
    "pidsLimit: -1",
    "gpus: 'all'",
    "gpus: 2",
    "gpus: 'device=0,1'",
    "runtime: 'runsc'",
    "shmSize: '256m'",
    "env: { A: '', _b: 'x=y', C: null }",
    "tmpfs: []",
    "tmpfs: ['/scratch:size=1g,noexec']",
    "tmpfs: ['/dev/shm:size=64m']",
    "setupCommand: 'npm i -g x'",
    "setupCommand: ['a', 'b']",
    "tmpfs: ['/workspace/x'], dangerouslyAllowReservedContainerTargets: true",
  ])("{ %s }", (docker) => expect(issuesOf(withDocker(`{ ${docker} }`))).toEqual([]));
});

describe("binds", () => {
  test.each([
    "/:/host",
    "/etc:/x:ro",
    "/var/run/docker.sock:/x",
    "//run/../run:/x",
    "/home/claw/.ssh:/x:ro",
    "~/.aws:/x",
    "~:/x",
    "/srv:/workspace",
    "/srv:/workspace/sub",
    "/srv:/agent",
    "/srv:/",
    "/srv:/tmp",
    "/srv:/proc/x",
    "relative:/x",
    "volume:/x",
    "/srv",
    "/srv:/x:rx",
    "/usr:/x",
  ])("%s is an error at the bind", (bind) =>
    expect(foundIn(withDocker(`{ binds: ['${bind}'], ${EXTERNAL} }`))).toEqual(["agents.defaults.sandbox.docker.binds[0]"]),
  );
  test.each(["/srv/data:/data", "/srv/data:/data:ro", "~/projects:/projects", "/usr/share:/x:ro", "~/.openclaw/workspace-x:/x:ro"])(
    "%s is allowed",
    (bind) => expect(issuesOf(withDocker(`{ binds: ['${bind}'], ${EXTERNAL} }`))).toEqual([]),
  );
  test("from outside the workspaces need the key that says so, at the exact place", () => {
    expect(issuesOf(withDocker("{ binds: ['/srv/data:/data'] }"))).toEqual([
      "openclaw.json:1:54: agents.defaults.sandbox.docker.binds[0]: the source /srv/data is refused: this lies outside the workspaces (set docker.dangerouslyAllowExternalBindSources: true if you mean it)",
    ]);
    expect(issuesOf(withDocker("{ binds: ['~/.openclaw/workspace/data:/data'] }"))).toEqual([]);
  });
  test.each([
    ["the folder of the workspaces", "~/.openclaw/sandboxes:/x:ro", "", "none"],
    ["a workspace that the product made", "~/.openclaw/sandboxes/agent-main-1:/x:ro", "", "none"],
    ["a folder in one", "~/.openclaw/sandboxes/agent-main-1/sub:/x", "", "none"],
    ["a folder in the agent's workspace, where the sandbox may write it", "~/.openclaw/workspace/data:/x:ro", "", "rw"],
    ["the same in other letters", "~/.openclaw/workspace/../Workspace/data:/x:ro", "workspace: '~/.openclaw/WORKSPACE',", "rw"],
    ["a folder in a writable bind", "/srv/data/sub:/x:ro", "'/srv/data:/data',", "none"],
    ["a writable bind around the agent's workspace", "/srv/claw:/x", "workspace: '/srv/claw/work',", "ro"],
    ["a writable bind around the folder of the workspaces", "/srv:/x", "root: '/srv/work',", "none"],
  ])("from %s are refused: what can be swapped is not what was judged", (_, bind, more, workspaceAccess) => {
    const [workspace, root, other] = ["workspace:", "root:", "'"].map((start) => (more.startsWith(start) ? more : ""));
    const text = `{ agents: { defaults: { ${workspace} sandbox: {
      workspaceAccess: '${workspaceAccess}', ${(root ?? "").replace("root", "workspaceRoot")}
      docker: { ${EXTERNAL}, binds: [${other}'${bind}'] } } } } }`;
    const at = other === "" ? 0 : 1;
    expect(foundIn(text)).toEqual([`agents.defaults.sandbox.docker.binds[${at}]`]);
  });
  test("are judged against what the sandboxes of every other agent may write", () => {
    const two = (bind: string): string => `{ agents: { list: [
      { id: 'main', sandbox: { docker: { ${EXTERNAL}, binds: ['${bind}:/x:ro'] } } },
      { id: 'other', workspace: '/srv/other', sandbox: { workspaceAccess: 'rw', docker: { ${EXTERNAL}, binds: ['/srv/data:/y'] } } } ] } }`;
    for (const inside of ["/srv/other/sub", "/srv/data/a/b"])
      expect(foundIn(two(inside))).toEqual(["agents.list[0].sandbox.docker.binds[0]"]);
    for (const whole of ["/srv/other", "/srv/data", "/srv/dat", "/srv/otherwise/sub"]) expect(issuesOf(two(whole))).toEqual([]);
  });
  test("of a workspace that no sandbox may write may lie inside it, and a whole workspace may be shown elsewhere", () => {
    expect(issuesOf(withSandbox("{ workspaceAccess: 'ro', docker: { binds: ['~/.openclaw/workspace/data:/data:ro'] } }"))).toEqual([]);
    expect(issuesOf(withSandbox("{ workspaceAccess: 'rw', docker: { binds: ['~/.openclaw/workspace:/data:ro'] } }"))).toEqual([]);
    expect(issuesOf(withSandbox(`{ docker: { ${EXTERNAL}, binds: ['/srv:/srv:ro', '/srv/data:/data:ro'] } }`))).toEqual([]);
  });
  test("of the browser are judged too, at their own key", () => {
    expect(foundIn(withSandbox("{ browser: { binds: ['/etc:/x'] } }"))).toEqual(["agents.defaults.sandbox.browser.binds"]);
  });
});

describe("mounts that meet", () => {
  const withBinds = (binds: string[], tmpfs: string[] = []): string[] =>
    issuesOf(withDocker(`{ binds: ${JSON.stringify(binds)}, tmpfs: ${JSON.stringify(tmpfs)}, ${EXTERNAL} }`)).map((issue) =>
      issue.replace(/^.*?: (?=warning|agents)/, "").replaceAll("agents.defaults.sandbox.docker.", ""),
    );

  test.each([
    [[], ["/tmp", "/tmp/"], "tmpfs: tmpfs also mounts /tmp"],
    [["/srv/a:/data"], ["/data"], "binds[0]: tmpfs also mounts /data"],
    [["/srv/a:/data//"], ["/data"], "binds[0]: tmpfs also mounts /data"],
    [[], ["/run", "/var/run"], "tmpfs: tmpfs also mounts /run, the same place as /var/run"],
    [["/srv/a:/var/run/x", "/srv/b:/run/x"], [], "binds[1]: binds[0] also mounts /var/run/x, the same place as /run/x"],
  ])("at one place are refused: %j and tmpfs %j", (binds, tmpfs, expected) => {
    const issues = withBinds(binds, tmpfs);
    expect(issues).toHaveLength(1);
    expect(issues[0]?.startsWith(expected), issues[0]).toBe(true);
  });

  test.each([
    [
      ["/srv/b:/data/b", "/srv/a:/data"],
      [],
      "warning: binds[0]: /data/b lies inside the bind of /srv/a: the engine creates /srv/a/b on the host",
    ],
    [
      ["/srv/a:/data:ro", "/srv/b:/data/b"],
      [],
      "warning: binds[1]: /data/b lies inside the read-only bind of /srv/a: no container can start",
    ],
    [["/srv/a:/data"], ["/data/cache"], "warning: tmpfs: /data/cache lies inside the bind of /srv/a: the engine creates /srv/a/cache"],
    [["/srv/a:/run/a"], ["/var/run/a/b"], "warning: tmpfs: /var/run/a/b lies inside the bind of /srv/a: the engine creates /srv/a/b"],
  ])("inside a bind are told what they need of the host: %j and tmpfs %j", (binds, tmpfs, expected) => {
    const issues = withBinds(binds, tmpfs);
    expect(issues).toHaveLength(1);
    expect(issues[0]?.startsWith(expected), issues[0]).toBe(true);
  });

  test.each([
    [["/srv/a:/tmp/a"], ["/tmp"]],
    [[], ["/run", "/run/lock"]],
    [["/srv/a:/data", "/srv/b:/data-b"], ["/dat"]],
  ])("inside a tmpfs, or beside each other, are fine: %j and tmpfs %j", (binds, tmpfs) => expect(withBinds(binds, tmpfs)).toEqual([]));
});

describe("values that contradict each other", () => {
  test("memorySwap below memory names both keys", () => {
    expect(issuesOf(withDocker("{ memory: '2g', memorySwap: '1g' }"))).toEqual([
      "openclaw.json:1:72: agents.defaults.sandbox.docker.memorySwap: memorySwap is memory plus swap, so it cannot be below agents.defaults.sandbox.docker.memory (1073741824 < 2147483648 bytes)",
    ]);
  });

  test("an agent's memory above the defaults' memorySwap is found for that agent", () => {
    const text =
      "{ agents: { defaults: { sandbox: { docker: { memory: '1g', memorySwap: '1g' } } }, list: [{ id: 'a', sandbox: { docker: { memory: '2g' } } }] } }";
    expect(issuesOf(text)).toEqual([expect.stringContaining("cannot be below agents.list[0].sandbox.docker.memory")]);
  });

  test("an apt setupCommand warns with the exact keys that stand against it", () => {
    expect(issuesOf(withDocker("{ setupCommand: 'apt-get update && apt-get install -y git', user: '1000:1000' }"))).toEqual([
      "openclaw.json:1:60: warning: agents.defaults.sandbox.docker.setupCommand: packages cannot be installed with no network, a read-only root, a user who is not root, no capabilities " +
        '(set agents.defaults.sandbox.docker.network: "bridge", agents.defaults.sandbox.docker.readOnlyRoot: false, agents.defaults.sandbox.docker.user: "0:0", agents.defaults.sandbox.docker.capDrop: []; or build an image that has the packages)',
    ]);
    expect(
      issuesOf(withDocker("{ setupCommand: 'apt-get update', network: 'bridge', readOnlyRoot: false, user: '0:0', capDrop: [] }")),
    ).toEqual([]);
    expect(issuesOf(withDocker("{ setupCommand: 'echo apt' }"))).toEqual([]);
  });

  test.each([
    [withSandbox("{ start: 'eager', scope: 'session' }"), ["warning: agents.defaults.sandbox.start"]],
    [withSandbox("{ browser: { enabled: true } }"), ["warning: agents.defaults.sandbox.browser.enabled"]],
    [withSandbox("{ browser: { allowHostControl: true } }"), ["agents.defaults.sandbox.browser.allowHostControl"]],
    [withSandbox("{ browser: { enabled: true }, egress: { allow: ['example.com'] } }"), []],
    [withSandbox("{ browser: { enabled: true, network: 'bridge' } }"), []],
    [
      withSandbox("{ browser: { enabled: true, network: 'bridge' }, egress: { allow: ['example.com'] } }"),
      ["warning: agents.defaults.sandbox.browser.network"],
    ],
    [withSandbox("{ mode: 'all', browser: { enabled: true, network: 'bridge' } }"), ["warning: agents.defaults.sandbox.browser.enabled"]],
    [
      withSandbox("{ browser: { enabled: true, network: 'bridge', noSandbox: true, cdpSourceRange: '172.17.0.0/16' } }"),
      ["warning: agents.defaults.sandbox.browser.noSandbox", "warning: agents.defaults.sandbox.browser.cdpSourceRange"],
    ],
    [
      withSandbox("{ browser: { enabled: true, network: 'bridge', vncPort: 9222, noVncPort: 3128 } }"),
      ["agents.defaults.sandbox.browser.vncPort", "agents.defaults.sandbox.browser.noVncPort"],
    ],
    [withSandbox("{ browser: { network: 'host' } }"), ["agents.defaults.sandbox.browser.network"]],
    [withSandbox("{ browser: { containerPrefix: 'openclaw-sbx-' } }"), ["agents.defaults.sandbox.browser.containerPrefix"]],
    [withSandbox("{ workspaceRoot: '/etc/x' }"), ["agents.defaults.sandbox.workspaceRoot"]],
    [withSandbox("{ workspaceRoot: 'relative' }"), ["agents.defaults.sandbox.workspaceRoot"]],
    [withDocker("{ tmpfs: ['/a:mode=1777'] }"), ["warning: agents.defaults.sandbox.docker.tmpfs"]],
    ["{ agents: { defaults: { workspace: '~' } } }", ["agents.defaults.workspace"]],
    ["{ agents: { list: [{ id: 'a', workspace: '/home/claw/.ssh' }] } }", ["agents.list[0].workspace"]],
    ["{ gateway: { bind: 'lan', auth: { mode: 'none' } } }", ["gateway.auth.mode"]],
    ["{ gateway: { bind: '0.0.0.0', auth: { mode: 'none' } } }", ["gateway.auth.mode"]],
    ["{ gateway: { bind: '127.0.0.1', auth: { mode: 'none' } } }", []],
    ["{ gateway: { bind: 'lan' } }", []],
    ["{ gateway: { bind: 'tailnet' } }", ["warning: gateway.bind"]],
    ["{ gateway: { bind: 'custom' } }", ["gateway.bind"]],
    ["{ gateway: { bind: 'custom', customBindHost: '10.0.0.1' } }", []],
    ["{ gateway: { trustedProxies: ['proxy'] } }", ["gateway.trustedProxies[0]"]],
    ["{ gateway: { controlUi: { allowedOrigins: ['*'] } } }", ["gateway.controlUi.allowedOrigins[0]"]],
    ["{ tools: { deny: ['exce', 'group:fss', 'my_plugin_tool', 'bash', 'sess*'] } }", ["warning: tools.deny[0]", "warning: tools.deny[1]"]],
    [
      "{ agents: { list: [{ id: 'a', tools: { sandbox: { tools: { alsoAllow: ['broswer'] } } } }] } }",
      ["warning: agents.list[0].tools.sandbox.tools.alsoAllow[0]"],
    ],
  ])("%s", (text, expected) => expect(foundIn(text)).toEqual(expected));
});

test("a mistake in the defaults is reported once, however many agents share it", () => {
  const agents = Array.from({ length: 20 }, (_, index) => `{ id: 'a${index}' }`).join();
  expect(issuesOf(`{ agents: { defaults: { sandbox: { docker: { network: 'host' } } }, list: [${agents}] } }`)).toHaveLength(1);
});

test("a mistake in the defaults is reported although every agent overrides it", () => {
  expect(
    foundIn(
      "{ agents: { defaults: { sandbox: { docker: { network: 'host' } } }, list: [{ id: 'a', sandbox: { docker: { network: 'none' } } }] } }",
    ),
  ).toEqual(["agents.defaults.sandbox.docker.network"]);
});

test("no mount lies in, over or around the kernel's folders, the workspace or the agent's folder", () => {
  const targets = ["/proc", "/proc/x", "/sys/fs", "/dev/x", "/workspace", "/workspace/sub", "/agent", "/agent/sub", "/"];
  const refused = (docker: string): boolean => foundIn(withDocker(docker)).some((found) => !found.startsWith("warning"));
  for (const target of targets) {
    expect([target, refused(`{ binds: ['/srv/a:${target}'], ${EXTERNAL} }`)]).toEqual([target, true]);
    expect([target, refused(`{ tmpfs: ['${target}:size=1m'] }`)]).toEqual([target, true]);
  }
  expect(refused(`{ workdir: '/a/b', binds: ['/srv/a:/a'], ${EXTERNAL} }`)).toBe(true);
  for (const workdir of ["/agent", "/agent/work", "/proc/work", "/dev/work", "/sys"])
    expect([workdir, refused(`{ workdir: '${workdir}' }`)]).toEqual([workdir, true]);
  expect(refused(`{ binds: ['/srv/a:/data'], ${EXTERNAL} }`)).toBe(false);
});

test("two mounts at one place are refused, also where a link of the image makes it one", () => {
  const twice = (first: string, second: string): number =>
    foundIn(withDocker(`{ binds: ['/srv/a:${first}', '/srv/b:${second}'], ${EXTERNAL} }`)).filter((found) => !found.startsWith("warning"))
      .length;
  expect([twice("/run/x", "/var/run/x"), twice("/var/lock/x", "/run/lock/x")]).toEqual([1, 1]);
  expect(foundIn(withDocker(`{ binds: ['/srv/a:/data'], tmpfs: ['/data:size=1m'], ${EXTERNAL} }`))).toHaveLength(1);
  expect([twice("/data", "/data-b"), twice("/run/x", "/run/y")]).toEqual([0, 0]);
});

test("no network of the host or of another container is joined, and no profile is unconfined, in any case", () => {
  const refused = (docker: string): boolean => foundIn(withDocker(docker)).length > 0;
  for (const network of ["host", "HOST", "Host", "container:a", "Container:a"])
    expect([network, refused(`{ network: '${network}' }`)]).toEqual([network, true]);
  for (const profile of ["unconfined", "UNCONFINED", "apparmor=Unconfined"])
    expect([profile, refused(`{ apparmorProfile: '${profile}' }`)]).toEqual([profile, true]);
  expect(refused("{ network: 'container:a', dangerouslyAllowContainerNamespaceJoin: true }")).toBe(false);
});

test("the gateway listens to nobody beyond loopback without authentication", () => {
  const refused = (gateway: string): boolean => foundIn(`{ gateway: { ${gateway} } }`).some((found) => !found.startsWith("warning"));
  expect(refused("bind: 'lan', auth: { mode: 'none' }")).toBe(true);
  expect(refused("bind: 'loopback', auth: { mode: 'none' }")).toBe(false);
  expect(refused("bind: 'lan', auth: { mode: 'token' }")).toBe(false);
});

test("an agent's workspace is never a home, a system folder or a folder of credentials", () => {
  for (const workspace of ["~", "/etc", "/", "~/.ssh", "~/.ssh/work", "/root"])
    expect([workspace, foundIn(`{ agents: { list: [{ id: 'main', workspace: '${workspace}' }] } }`)]).toEqual([
      workspace,
      ["agents.list[0].workspace"],
    ]);
});
