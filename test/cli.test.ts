// The command line against a real admin server with views in memory: what people see, and what scripts rely on.
// Commands inside sandboxes are exec.test.ts.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { parse as parseYaml } from "yaml";
import { toAgentId, toContainerId, toEpochMs, toSandboxName, toScopeKey } from "../src/api/brands.ts";
import type { Condition } from "../src/api/condition.ts";
import { fail, ok, warn } from "../src/api/finding.ts";
import { RolloutRequest, SandboxRequest } from "../src/api/request.ts";
import type { Sandbox } from "../src/api/sandbox.ts";
import { makeStateDir, NAME, openServer, type Server, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

const NOW = Date.UTC(2026, 0, 31, 13);
const sandbox = (server: Server, ...args: string[]) => cli(["sandbox", ...args], { stateDir: server.stateDir, now: NOW });

test("list shows one line per sandbox, the browsers only when asked for", async () => {
  const server = await openServer();
  const browser = toSandboxName("openclaw-sbx-browser-agent-main-1");
  server.views.put(sandboxOf({ name: browser, spec: { kind: "browser" }, ready: false }));
  const { stdout, code } = await sandbox(server, "list");
  expect(code).toBe(0);
  expect(stdout).toBe(
    "NAME                              AGENT  SCOPE  READY  REASON   GEN/OBS  HASH      AGE  IDLE  DEFERRED-UNTIL\n" +
      "openclaw-sbx-agent-main-0f3c2a91  main   agent  True   Serving  2/2      01234567  1h   -     -\n",
  );
  expect((await sandbox(server, "list", "--browser")).stdout).toContain("False  Progressing");
  expect((await sandbox(server, "list", "--all")).stdout.split("\n")).toHaveLength(4);
  const listed: unknown = JSON.parse((await sandbox(server, "list", "--json")).stdout);
  expect(listed).toMatchObject({ items: [{ metadata: { name: NAME } }] });
});

test("list comes as wide table, names, JSON or YAML, all with the same content", async () => {
  const server = await openServer();
  const [json, yaml] = [await sandbox(server, "list", "-o", "json"), await sandbox(server, "list", "-o", "yaml")];
  expect(parseYaml(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  expect((await sandbox(server, "list", "--json")).stdout).toBe(json.stdout);
  for (const names of [["-o", "name"], ["-q"]]) expect((await sandbox(server, "list", ...names)).stdout).toBe(`${NAME}\n`);
  expect((await sandbox(server, "list", "-o", "wide")).stdout).toMatch(
    /IMAGE +CONTAINER +SCOPE-KEY\n.*openclaw-sandbox:bookworm-slim +c{12} +agent:main\n$/,
  );
  expect((await sandbox(server, "list", "-o", "xml")).code).toBe(2);
  expect((await sandbox(server, "list", "-q", "-o", "json")).code).toBe(2);
});

test("list --watch shows each change as it comes", async () => {
  const server = await openServer();
  const run = startCli(["sandbox", "list", "--watch"], { stateDir: server.stateDir, now: NOW });
  await until("the list is there", () => run.printed.includes("Serving"));
  server.views.put(sandboxOf({ ready: false }));
  await until("the change is there", () => run.printed.includes("Progressing"));
  server.views.drop(NAME);
  await until("its end is there", () => run.printed.includes(`${NAME}  gone`));
  expect(run.printed.match(/^NAME/gm)).toHaveLength(1);
  await server.stop();
  expect(await run.ended).toBe(1);
  expect(server.views.watcherCount).toBe(0);
});

test("describe finds a sandbox by its name, its beginning, its agent or its session, and helps with a slip", async () => {
  const server = await openServer();
  server.views.record({ message: "made" });
  for (const name of [NAME, "openclaw-sbx-agent", "main", "agent:main"]) {
    const { stdout, code } = await sandbox(server, "describe", name);
    expect({ name, code }).toEqual({ name, code: 0 });
    expect(stdout).toContain("Scope:");
    expect(stdout).toContain("made");
  }
  expect(await sandbox(server, "describe", "mian")).toMatchObject({ code: 3, stderr: expect.stringContaining('did you mean "main"?') });
  const second = {
    name: toSandboxName("openclaw-sbx-agent-main-2"),
    spec: { scope: "session" as const, scopeKey: toScopeKey("agent:main:x") },
  };
  server.views.put(sandboxOf(second));
  expect((await sandbox(server, "describe", "main")).stdout).toContain(NAME);
  expect(await sandbox(server, "describe", "openclaw")).toMatchObject({
    code: 2,
    stderr: 'openclaw: "openclaw" could be any of 2 sandboxes\n  type one of: main, agent:main:x\n',
  });
});

test("what runs in a sandbox cannot write to the terminal through names and messages", async () => {
  const server = await openServer();
  server.views.put(sandboxOf({ status: { next: ["\u001b]0;owned\u0007 now"] }, spec: { because: "\u001b[2Jcleared\u202e" } }));
  server.views.record({ message: "a\nb\u001b[31m" });
  const { stdout } = await sandbox(server, "describe", "main");
  expect(stdout).toContain("\\x1b]0;owned\\x07");
  expect(stdout).toContain("\\x1b[2Jcleared\\u202e");
  const printed = stdout + (await sandbox(server, "events")).stdout + (await sandbox(server, "list")).stdout;
  for (const unsafe of ["\u001b", "\u0007", "\u202e"]) expect(printed).not.toContain(unsafe);
});

test("plan prints steps with their cause, and its exit code tells whether there are any", async () => {
  const server = await openServer();
  expect(await sandbox(server, "plan", "--exit-code")).toMatchObject({ code: 0, stdout: "Nothing to do.\n" });
  const drift = [{ field: "docker.env.TOKEN", remedy: "recreate" as const, desired: "(hidden)", actual: "unset" }];
  server.views.planned = {
    items: [
      {
        name: NAME,
        wanted: true,
        because: "eager",
        drift,
        actions: ["create 0123 (drift): docker.env changed"],
        waits: "in use until 13:05",
      },
      { name: "other", wanted: true, because: "eager", drift: [], actions: [] },
    ],
    issues: [],
  };
  const { stdout, code } = await sandbox(server, "plan", "--exit-code");
  expect(code).toBe(5);
  expect(stdout).toBe(
    `${NAME}: eager\n  ~ docker.env.TOKEN: unset -> (hidden)\n  1. create 0123 (drift): docker.env changed\n  waits: in use until 13:05\n1 action on 1 of 2 sandboxes; 1 is up to date.\n`,
  );
  expect((await sandbox(server, "plan")).code).toBe(0);
  server.views.planned.items = server.views.planned.items.map((item) => ({ ...item, actions: [] }));
  const waiting = await sandbox(server, "plan", "--exit-code");
  expect([waiting.code, waiting.stdout.split("\n").at(-2)]).toEqual([0, "Nothing to do now; 1 is waiting; 1 is up to date."]);
});

test("plan --config sends the file with what it includes, and shows the issues that the controller finds", async () => {
  const server = await openServer();
  writeFileSync(join(server.stateDir, "next.json5"), '{ $include: "./more.json5" }');
  writeFileSync(join(server.stateDir, "more.json5"), "{}");
  await sandbox(server, "plan", "--config", "next.json5");
  expect([...(server.views.plannedWith?.files.keys() ?? [])]).toEqual([
    join(server.stateDir, "next.json5"),
    join(server.stateDir, "more.json5"),
  ]);
  server.views.planned = {
    items: [],
    issues: [{ severity: "error", file: "next.json5", line: 3, column: 7, path: "agents", message: "wrong" }],
  };
  expect(await sandbox(server, "plan", "--config", "next.json5")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("next.json5:3:7: agents: wrong"),
  });
  expect(await sandbox(server, "plan", "--config", "none.json5")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no such file"),
  });
});

test("doctor groups its findings, puts the fix below, and fails only when a check did", async () => {
  const server = await openServer();
  server.views.findings = [ok("engine", "docker 28"), warn("runc", "runc is old", "upgrade runc")];
  const well = await cli(["doctor"], { stateDir: server.stateDir });
  expect(well).toMatchObject({ code: 0, stderr: "" });
  expect(well.stdout).toBe(
    `Engine:
  ok    engine    docker 28

Confinement:
  WARN  runc      runc is old
                  fix: upgrade runc

Models:
  ok    sign-ins  none: no model provider is signed in to

0 failed, 1 warning, 2 passed
`,
  );
  server.views.findings.push(fail("images", "image:1 is not there", "docker pull image:1"));
  expect((await cli(["doctor"], { stateDir: server.stateDir })).code).toBe(1);
  const { stdout, code } = await cli(["doctor", "--json"], { stateDir: server.stateDir });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({ findings: [...server.views.findings, expect.objectContaining({ check: "sign-ins", level: "ok" })] });
});

test("doctor looks by itself when no controller runs, and an engine that can't be reached is a finding", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), "{}", { mode: 0o600 });
  vi.stubEnv("DOCKER_HOST", `unix://${join(stateDir, "no-engine.sock")}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { stdout, code } = await cli(["doctor"], { stateDir });
  expect(code).toBe(1);
  expect(stdout).toContain("FAIL  engine");
  expect(stdout).toContain("no-engine.sock");
  expect(stdout).toContain("ok    config");
  expect(stdout).toContain("no controller is running on the state folder");
});

test("explain shows what the config sets and groups tools by rule; --all shows each", async () => {
  const server = await openServer();
  const value = { value: "2", at: "openclaw.json:3:7", over: null };
  const tool = { allowed: false, source: "tools.deny" };
  server.views.explained = {
    config: "/state/openclaw.json",
    kind: "tools",
    agentId: "main",
    sessionKey: null,
    sandboxed: true,
    because: "sandbox.mode is all",
    wanted: { yes: true, because: "session agent:main:main needs it" },
    sandbox: { name: NAME, scope: "agent", scopeKey: "agent:main", status: null, live: { kind: "none" } },
    values: [
      { ...value, key: "docker.cpus", source: "agents.list[0].sandbox.docker.cpus", over: "agents.defaults.sandbox.docker.cpus" },
      { ...value, key: "docker.memory", source: "default", at: null },
    ],
    ignored: [],
    mounts: [],
    tools: [
      { ...tool, tool: "cron", rule: 'deny "cron" of tools', fix: 'remove "cron" from tools.deny' },
      { ...tool, tool: "nodes", rule: 'deny "nodes" of tools', fix: 'remove "nodes" from tools.deny' },
      { tool: "exec", allowed: true, rule: 'allow "exec" of tools', source: "tools.allow", fix: null },
    ],
    next: [`removed at ${new Date(NOW + 3_600_000).toISOString()} if it stays unused`],
    warnings: [],
    missing: ["the session has no file"],
  };
  const { stdout, code } = await sandbox(server, "explain");
  expect(code).toBe(0);
  expect(stdout).toContain("yes: session agent:main:main needs it\n");
  expect(stdout).toContain("2      agents.list[0].sandbox.docker.cpus (openclaw.json:3:7), over agents.defaults.sandbox.docker.cpus\n");
  expect(stdout).toContain("1 more key has its default; --all shows it");
  expect(stdout).toContain("(in 1h) if it stays unused");
  expect(stdout).toContain(
    '  yes  allow "exec" of tools (tools.allow)\n       exec\n  no   deny ... of tools (tools.deny); to change it, remove ... from tools.deny\n       cron nodes\n',
  );
  expect(stdout).toContain("Unknown:\n  the session has no file\n");
  const all = (await sandbox(server, "explain", "--all")).stdout;
  expect(all).toContain("docker.memory");
  expect(all).toMatch(/nodes +no +deny "nodes" of tools +tools\.deny +remove "nodes" from tools\.deny/);
});

test("explain without a controller tells what the config says, and what it can't tell", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), '{ agents: { defaults: { sandbox: { mode: "all", docker: { cpus: 2 } } } } }', {
    mode: 0o600,
  });
  const { stdout, code } = await cli(["sandbox", "explain", "--agent", "main"], { stateDir });
  expect(code).toBe(0);
  expect(stdout).toMatch(/docker\.cpus +2 +agents\.defaults\.sandbox\.docker\.cpus \(openclaw\.json:1:\d+\)/);
  expect(stdout).toContain("State:  not known");
  expect(stdout).toContain(`no controller is running (openclaw controller --state-dir ${stateDir})`);
  expect(await cli(["sandbox", "explain", "--agent", "nobody"], { stateDir })).toMatchObject({ code: 3 });
  writeFileSync(join(stateDir, "openclaw.json"), '{ agents: { list: [{ id: "side" }, { id: "work", default: true }] } }', { mode: 0o600 });
  expect((await cli(["sandbox", "explain"], { stateDir })).stdout).toMatch(/^Agent: +work\nSession: +agent:work:main\n/);
  writeFileSync(join(stateDir, "openclaw.json"), "{ agents: 1 }", { mode: 0o600 });
  expect(await cli(["sandbox", "explain"], { stateDir })).toMatchObject({ code: 1, stderr: expect.stringContaining("openclaw.json:1:11") });
});

test("recreate writes one request per chosen sandbox, which keeps what an earlier request said", async () => {
  const server = await openServer();
  const browser = toSandboxName("openclaw-sbx-browser-agent-main-1");
  const other = toSandboxName("openclaw-sbx-agent-work-1");
  server.views.put(sandboxOf({ name: browser, spec: { kind: "browser" } }));
  server.views.put(sandboxOf({ name: other, spec: { agentId: toAgentId("work"), scopeKey: toScopeKey("agent:work") } }));
  const requestOf = (name: string): unknown => {
    const path = join(server.stateDir, "requests", `${name}.request.json`);
    return existsSync(path) ? SandboxRequest.parse(JSON.parse(readFileSync(path, "utf8"))).spec : null;
  };
  mkdirSync(join(server.stateDir, "requests"));
  const old = { apiVersion: "openclaw.ai/v1", kind: "SandboxRequest", metadata: { name: other }, spec: { pin: true } };
  writeFileSync(join(server.stateDir, "requests", `${other}.request.json`), JSON.stringify(old));
  expect((await sandbox(server, "recreate", "--agent", "work", "--kill")).code).toBe(0);
  expect(requestOf(other)).toEqual({ recreateAfter: NOW, kill: true, pin: true });
  expect(requestOf(NAME)).toBeNull();
  expect((await sandbox(server, "recreate", "--all", "--browser")).code).toBe(0);
  expect([requestOf(browser), requestOf(NAME)]).toEqual([{ recreateAfter: NOW }, null]);
  expect((await sandbox(server, "recreate", "--all")).stdout).toContain(`${NAME} will be recreated once no work is running in it`);
  expect(requestOf(NAME)).toEqual({ recreateAfter: NOW });
  const stranger = await sandbox(server, "recreate", "--agent", "nobody");
  expect([stranger.code, stranger.stderr]).toEqual([3, expect.stringContaining("there is no agent nobody")]);
  expect((await sandbox(server, "recreate")).code).toBe(2);
  expect((await sandbox(server, "recreate", "--all", "--agent", "main")).code).toBe(2);
});

test("recreate --wait ends when the new container is ready", async () => {
  const server = await openServer();
  const run = startCli(["sandbox", "recreate", "--all", "--wait"], { stateDir: server.stateDir, now: NOW });
  await until("the request is there", () => existsSync(join(server.stateDir, "requests", `${NAME}.request.json`)));
  const container = { ...sandboxOf().status.container, id: toContainerId("d".repeat(64)), createdAt: toEpochMs(NOW + 1) } as ReturnType<
    typeof sandboxOf
  >["status"]["container"];
  server.views.put(sandboxOf({ status: { container }, ready: false }));
  await until("it follows", () => server.views.watcherCount > 0);
  server.views.put(sandboxOf({ status: { container } }));
  expect(await run.ended).toBe(0);
  expect(run.printed).toBe(`${NAME} recreated\n`);
});

test("wait ends when the request is fulfilled, and with 4 on timeout", async () => {
  const server = await openServer();
  expect((await sandbox(server, "wait", "--all", "--timeout", "5s")).code).toBe(0);
  server.views.put(sandboxOf({ ready: false }));
  const late = await sandbox(server, "wait", "main", "--timeout", "100ms");
  expect(late).toMatchObject({ code: 4, stderr: expect.stringContaining("is not ready: it is being made") });
  const run = startCli(["sandbox", "wait", "--all", "--for", "converged", "--timeout", "20s"], { stateDir: server.stateDir });
  await until("it follows", () => server.views.watcherCount > 0);
  server.views.put(sandboxOf());
  expect(await run.ended).toBe(0);
  expect((await sandbox(server, "wait", "nobody", "--for", "gone", "--timeout", "5s")).code).toBe(0);
  const nowhere = await sandbox(server, "wait", "nobody", "--timeout", "1h");
  expect(nowhere).toMatchObject({ code: 3, stderr: expect.stringContaining('there is no sandbox, agent or session "nobody"') });
  expect((await sandbox(server, "wait", "--timeout", "5s")).code).toBe(2);
  expect((await sandbox(server, "wait", "main", "--timeout", "soon")).code).toBe(2);
});

test("every command about one sandbox takes the same names, and says at once what is nowhere or has none yet", async () => {
  const server = await openServer();
  server.views.agents.push("work");
  const commands = [["exec"], ["describe"], ["recreate"], ["list"], ["logs"], ["wait"], ["events"], ["pin"], ["unpin"], ["ps", "list"]];
  for (const [verb = "", ...words] of commands) {
    const run = (name: string) => sandbox(server, verb, ...words, name, ...(verb === "exec" ? ["--", "true"] : []));
    for (const name of ["mian", ""]) expect({ verb, code: (await run(name)).code }).toEqual({ verb, code: name === "" ? 2 : 3 });
    if (verb === "wait") continue;
    expect({ verb, stderr: (await run("work")).stderr }).toEqual({
      verb,
      stderr: "openclaw: agent work has no sandbox yet: it is created when a session uses it\n  openclaw session create agent:work:main\n",
    });
  }
});

const NOTHING = { values: [], ignored: [], mounts: [], tools: [], warnings: [], missing: [] };

test("list of one name shows that sandbox, and an empty list says how to get one", async () => {
  const server = await openServer();
  const other = sandboxOf({ name: toSandboxName("other-1"), spec: { agentId: toAgentId("work"), scopeKey: toScopeKey("agent:work") } });
  server.views.put(other);
  expect((await sandbox(server, "list", "agent:work")).stdout.match(/^\S+/gm)).toEqual(["NAME", "other-1"]);
  server.views.drop(NAME);
  server.views.drop(toSandboxName("other-1"));
  expect(await sandbox(server, "list")).toMatchObject({
    code: 0,
    stderr: "no sandboxes: there is no agent main\n",
  });
  const off = { sandboxed: false, because: "sandbox.mode is off", next: ['to sandbox it, set the mode to "all"'] };
  server.views.explained = {
    ...{ ...off, kind: "tools", config: "", agentId: "main", sessionKey: null, wanted: null, sandbox: null },
    ...NOTHING,
  };
  expect((await sandbox(server, "list")).stderr).toBe('no sandboxes: sandbox.mode is off; to sandbox it, set the mode to "all"\n');
  server.views.explained = { ...server.views.explained, sandboxed: true };
  expect((await sandbox(server, "list")).stderr).toBe(
    "no sandboxes yet: a session gets one within a second; create one with: openclaw session create main\n",
  );
  const wanted = { yes: true, because: "session agent:main:main needs it" };
  server.views.explained = { ...server.views.explained, sandboxed: true, wanted };
  expect((await sandbox(server, "list")).stderr).toBe(
    "no sandboxes yet: session agent:main:main needs it, and it is being created: openclaw sandbox wait main\n",
  );
});

test("events of a sandbox that is gone are found by its name", async () => {
  const server = await openServer();
  server.views.record({ message: "made" });
  server.views.drop(NAME);
  expect(await sandbox(server, "events", NAME)).toMatchObject({ code: 0, stdout: expect.stringContaining("made") });
});

test("what a message is takes an option, and who types it without one is told which", async () => {
  expect(await cli(["agent", "hello"], { stateDir: await makeStateDir() })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('openclaw agent --message "TEXT" says one thing; openclaw chat converses'),
  });
});

test("wait for an agent without a sandbox ends when its session got one", async () => {
  const server = await openServer();
  server.views.agents.push("work");
  const run = startCli(["sandbox", "wait", "work", "--timeout", "20s"], { stateDir: server.stateDir });
  await until("it follows", () => server.views.watcherCount > 0);
  server.views.put(sandboxOf({ name: toSandboxName("w-1"), spec: { agentId: toAgentId("work"), scopeKey: toScopeKey("agent:work") } }));
  expect(await run.ended).toBe(0);
});

test("wait also waits for a controller that is still starting", async () => {
  const stateDir = makeStateDir();
  const run = startCli(["sandbox", "wait", "--all", "--timeout", "20s"], { stateDir });
  await until("it says so", () => run.noted.includes("waiting for a controller"));
  await openServer({ stateDir });
  expect(await run.ended).toBe(0);
});

test("events --follow shows what was and what comes, and goes on over a restart of the controller", async () => {
  const stateDir = makeStateDir();
  const server = await openServer({ stateDir });
  server.views.record({ message: "first" });
  const run = startCli(["sandbox", "events", "--follow"], { stateDir });
  await until("the first", () => run.printed.includes("first"));
  server.views.record({ message: "second" });
  await until("the second", () => run.printed.includes("second"));
  await server.stop();
  await until("it says that it waits", () => run.noted.includes("waiting for it to return"));
  const next = await openServer({ stateDir });
  for (const message of ["first", "second", "third"]) next.views.record({ message });
  await until("the third", () => run.printed.includes("third"));
  expect(run.printed.match(/first|second|third/g)).toEqual(["first", "second", "third"]);
});

test("a controller that does not run is said so, with the folder and the command", async () => {
  const stateDir = makeStateDir();
  const { code, stderr } = await cli(["status"], { stateDir });
  expect(code).toBe(1);
  expect(stderr).toContain(
    `no controller is running on the state folder ${stateDir}\n  start one with: openclaw start --state-dir ${stateDir}`,
  );
});

test("in Compose's service for commands nothing is started that stays, and hints are Compose's", async () => {
  const stateDir = makeStateDir();
  const env = { OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli" };
  for (const command of ["controller", "gateway", "start"])
    expect(await cli([command], { stateDir, env })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/have containers of their own\n {2}docker compose up -d\n/),
    });
  expect((await cli(["status"], { stateDir, env })).stderr).toContain("start one with: docker compose up -d; or choose another");
});

test("a log level is a word, in any case", async () => {
  const blocked = join(makeStateDir(), "file");
  writeFileSync(blocked, "");
  for (const [level, code] of [
    ["WARNING", 1],
    ["off", 1],
    ["loud", 2],
  ] as const)
    expect({ level, code: (await cli(["controller", "--state-dir", blocked, "--log-level", level], { stateDir: blocked })).code }).toEqual({
      level,
      code,
    });
});

test("a state folder that can't be made is said so by both processes", async () => {
  const blocked = join(makeStateDir(), "file");
  writeFileSync(blocked, "");
  for (const command of ["controller", "gateway"]) {
    for (const stateDir of [blocked, join(blocked, "below")]) {
      const { code, stderr } = await cli([command, "--state-dir", stateDir, "--log-level", "fatal"], { stateDir });
      expect({ command, code }).toEqual({ command, code: 1 });
      expect(stderr).toMatch(/^openclaw: cannot create the state folder \S+: .*\n {2}choose another one with --state-dir/);
    }
  }
});

test("the state folder is the flag's, then the environment's, then ~/.openclaw", async () => {
  const server = await openServer();
  const other = makeStateDir();
  expect((await cli(["status", "--state-dir", server.stateDir], { stateDir: other })).code).toBe(0);
  expect((await cli(["status"], { stateDir: server.stateDir })).code).toBe(0);
  expect((await cli(["status"], { stateDir: other, env: { OPENCLAW_STATE_DIR: "" } })).stderr).toContain("/home/claw/.openclaw");
});

test("a state folder with a long path works all the same", async () => {
  const deep = join(makeStateDir(), "x".repeat(60), "y".repeat(60));
  mkdirSync(deep, { recursive: true });
  const server = await openServer({ stateDir: deep });
  expect((await sandbox(server, "list")).stdout).toContain(NAME);
  server.world.onExec(
    () => true,
    async ({ stdout }) => {
      stdout.write("hi");
      return 0;
    },
  );
  expect((await sandbox(server, "exec", "main", "--", "echo")).stdout).toBe("hi");
  await server.stop();
  expect(existsSync(join(deep, "run", "admin", "admin.sock"))).toBe(false);
});

test("wrong usage is 2 and says what was meant", async () => {
  const server = await openServer();
  expect(await cli(["sandbx", "list"], { stateDir: server.stateDir })).toMatchObject({
    code: 2,
    stderr: "openclaw: unknown command 'sandbx'\n  did you mean sandbox?\n  openclaw --help shows the commands\n",
  });
  expect(await sandbox(server, "lsit")).toMatchObject({ code: 2, stderr: expect.stringContaining("did you mean list?") });
  expect(await sandbox(server, "list", "--nope")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("openclaw sandbox list --help shows the usage"),
  });
  expect((await sandbox(server, "list", "--all", "--browser")).code).toBe(2);
  expect((await sandbox(server, "wait", "--all", "--for", "ever")).code).toBe(2);
  expect((await sandbox(server, "logs", "main", "--tail", "many")).code).toBe(2);
  expect((await cli(["--help"], { stateDir: server.stateDir })).code).toBe(0);
  expect((await cli([], { stateDir: server.stateDir })).code).toBe(2);
});

test("a command that people know from elsewhere is answered with ours", async () => {
  const stateDir = makeStateDir();
  for (const word of "get ps delete rm restart shell diff apply configure sessions update top-level-nonsense".split(" ")) {
    const { code, stderr } = await cli([word, "x", "-o", "json"], { stateDir });
    expect({ word, code }).toEqual({ word, code: 2 });
    expect(/^ {2}(openclaw \w+|\.\/docker-setup\.sh)/m.test(stderr.replace(/^ {2}openclaw --help.*/m, ""))).toBe(
      word !== "top-level-nonsense",
    );
  }
  expect((await cli(["sandbox", "shell", "main"], { stateDir })).stderr).toContain("  openclaw sandbox exec -it NAME -- sh\n");
});

test("a timeout is a duration or milliseconds, and anything else is refused before anything is done", async () => {
  const server = await openServer();
  expect((await sandbox(server, "wait", "main", "--timeout", "20000")).code).toBe(0);
  expect(await sandbox(server, "wait", "main", "--timeout", "soon")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('such as "30s", "5m" or "24h", or a number of milliseconds'),
  });
  expect((await sandbox(server, "exec", "--timeout", "25h", "main", "--", "true")).stderr).toContain("between 1ms and 24h");
  expect(await sandbox(server, "exec", "main", "--timeout", "5s", "--", "true")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('options go before the name, and "--timeout" comes after it'),
  });
});

test("help lists what there is by what it is for, on a line each, and every command says what it does", async () => {
  const { stdout } = await cli(["--help"], { stateDir: makeStateDir() });
  const groups = stdout.match(/^[A-Z][\w ]+:$/gm);
  expect(groups).toEqual(["Options:", "Get started:", "Inspect:", "Manage:", "Run:", "Not available yet:"]);
  const listed = stdout.slice(stdout.indexOf("Get started:")).matchAll(/^ {2}([a-z]+) {2,}\S/gm);
  for (const [, name = ""] of listed) {
    const help = await cli([name, "--help"], { stateDir: makeStateDir() });
    expect({ name, code: help.code, usage: help.stdout.split("\n")[0] }).toMatchObject({ code: 0, usage: expect.stringContaining(name) });
  }
});

test("a bug in the controller shows neither its text nor a stack", async () => {
  const server = await openServer();
  server.views.fault = new Error("token=hunter2");
  const { code, stderr } = await cli(["status"], { stateDir: server.stateDir });
  expect(code).toBe(1);
  expect(stderr).toContain("see the log");
  expect(stderr).not.toContain("hunter2");
});

test("status is 1 while the controller is not ready", async () => {
  const server = await openServer();
  expect(await cli(["status"], { stateDir: server.stateDir })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("Controller:    ready"),
  });
  server.views.ready = false;
  expect(await cli(["status"], { stateDir: server.stateDir })).toMatchObject({ code: 1, stdout: expect.stringContaining("FAIL engine") });
});

test("logs and prune show what the controller says", async () => {
  const server = await openServer();
  expect((await sandbox(server, "logs", "main")).stderr).toContain("nothing was printed");
  server.views.setupLog = { state: "failed", text: "E: no network\u001b[0m\n", truncated: true };
  expect((await sandbox(server, "logs", "main")).stdout).toBe("E: no network\\x1b[0m\n");
  expect((await sandbox(server, "prune")).stderr).toContain("nothing to prune");
  server.views.unownedObjects = [
    { kind: "network", name: "old", because: "nothing wants it", fate: "removable", size: null },
    { kind: "workspace", name: "/w/a", because: "its session ended", fate: "waits", size: { bytes: 1_572_864, complete: false } },
  ];
  const { stdout } = await sandbox(server, "prune", "--dry-run");
  expect(stdout).not.toContain("removed");
  expect(stdout).toMatch(/workspace +\/w\/a +due later +>= 1\.5 MiB +its session ended/);
  expect((await sandbox(server, "prune")).stdout).toContain("removed old");
});

// ---- the socket --------------------------------------------------------------------------------------------------------------

test("only its owner can reach the socket", async () => {
  const { stateDir } = await openServer();
  // The group gets through to the stream socket beside it, and no further.
  expect(statSync(join(stateDir, "run")).mode & 0o777).toBe(0o750);
  expect(statSync(join(stateDir, "run", "admin", "admin.sock")).mode & 0o777).toBe(0o600);
});

test("a socket that a killed controller left behind is replaced, a live one's is not", async () => {
  const stateDir = makeStateDir();
  mkdirSync(join(stateDir, "run", "admin"), { recursive: true, mode: 0o700 });
  const path = join(stateDir, "run", "admin", "admin.sock");
  const other = createServer().listen(path);
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  await expect(openServer({ stateDir })).rejects.toThrow("another controller is running");
  // As kill -9 leaves it: the file stays, nobody listens.
  const kept = `${path}.kept`;
  await new Promise<void>((resolve) => {
    symlinkSync(path, kept);
    other.close(() => resolve());
  });
  const dead = await deadSocket(stateDir);
  expect(existsSync(dead)).toBe(true);
  const server = await openServer({ stateDir });
  expect((await sandbox(server, "list")).code).toBe(0);
});

/** A socket file with nobody behind it, made as a killed process leaves it. */
async function deadSocket(stateDir: string): Promise<string> {
  const path = join(stateDir, "run", "admin", "admin.sock");
  const { spawnSync } = await import("node:child_process");
  spawnSync(process.execPath, [
    "-e",
    "require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))",
    path,
  ]);
  return path;
}

test("what is no socket, or a folder where others can write, stops the start and stays", async () => {
  const stateDir = makeStateDir();
  mkdirSync(join(stateDir, "run", "admin"), { recursive: true, mode: 0o700 });
  writeFileSync(join(stateDir, "run", "admin", "admin.sock"), "precious");
  await expect(openServer({ stateDir })).rejects.toThrow("is not a socket");
  expect(readFileSync(join(stateDir, "run", "admin", "admin.sock"), "utf8")).toBe("precious");
  const open = makeStateDir();
  mkdirSync(join(open, "run"));
  chmodSync(join(open, "run"), 0o777);
  await expect(openServer({ stateDir: open })).rejects.toThrow("others can write");
});

// ---- the config --------------------------------------------------------------------------------------------------------------

function makeConfig(text: string): { stateDir: string; file: string } {
  const stateDir = makeStateDir();
  const file = join(stateDir, "openclaw.json");
  writeFileSync(file, text, { mode: 0o600 });
  return { stateDir, file };
}

test("config set keeps comments and refuses what would break the file", async () => {
  const { stateDir, file } = makeConfig("// mine\n{ agents: { defaults: { sandbox: { mode: 'all' /* yes */ } } } }\n");
  const config = (...args: string[]) => cli(["config", ...args], { stateDir });
  expect((await config("set", "agents.defaults.sandbox.docker.memory", "512m")).code).toBe(0);
  const text = readFileSync(file, "utf8");
  expect(text).toContain("// mine");
  expect(text).toContain("/* yes */");
  expect((await config("get", "agents.defaults.sandbox.docker.memory")).stdout).toBe("512m\n");
  const refused = await config("set", "agents.defaults.sandbox.docker.memroy", "1g");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "memory"?') });
  expect(readFileSync(file, "utf8")).toBe(text);
  expect((await config("get", "agents.list")).code).toBe(3);
  expect((await config("set", "__proto__.x", "1")).code).toBe(1);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("config show prints the file with its secrets masked", async () => {
  const { stateDir } = makeConfig('{ gateway: { auth: { token: "do-not-show" } } } // do-not-show');
  const { code, stdout } = await cli(["config", "show"], { stateDir });
  expect({ code, shown: JSON.parse(stdout) }).toEqual({ code: 0, shown: { gateway: { auth: { token: "(set)" } } } });
});

test("config set makes a file where there is none, and writes through a symbolic link", async () => {
  const stateDir = makeStateDir();
  expect((await cli(["config", "set", "agents.defaults.sandbox.mode", "all"], { stateDir })).code).toBe(0);
  expect((await cli(["config", "validate"], { stateDir })).code).toBe(0);
  const linked = makeStateDir();
  symlinkSync(join(stateDir, "openclaw.json"), join(linked, "openclaw.json"));
  await cli(["config", "set", "agents.defaults.sandbox.mode", "off"], { stateDir: linked });
  expect((await cli(["config", "get", "agents.defaults.sandbox.mode"], { stateDir })).stdout).toBe("off\n");
});

test("config patch makes an edit of the text without secrets, and refuses one for another file, or one that is not valid", async () => {
  const text =
    '{\n  // mine\n  gateway: { auth: { token: "do-not-lose" } },\n  agents: { defaults: { sandbox: { mode: "off" } } }, // kept\n}\n';
  const { stateDir, file } = makeConfig(text);
  const patch = async (from: string, to: string) =>
    await cli(["config", "patch"], { stateDir, input: `@@ -4,1 +4,1 @@\n-${from}\n+${to}\n` });
  const line = (mode: string): string => `  agents: { defaults: { sandbox: { mode: "${mode}" } } }, // (comment 2)`;
  expect((await patch(line("all"), line("off"))).stderr).toContain("line 4 is not as the change expects it");
  expect((await patch(line("off"), line("of"))).code).toBe(1);
  expect((await cli(["config", "patch"], { stateDir, input: "mode: all" })).code).toBe(2);
  expect(readFileSync(file, "utf8")).toBe(text);
  const { code, stdout } = await patch(line("off"), line("all"));
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${file}: 1 line changed\n` });
  expect(readFileSync(file, "utf8")).toBe(text.replace('"off"', '"all"'));
});

test("config validate prints each issue with its place and ends with 1", async () => {
  const { stateDir, file } = makeConfig('{\n  agents: { defaults: { sandbox: { scope: "everything" } } },\n}\n');
  const { code, stdout } = await cli(["config", "validate"], { stateDir });
  expect(code).toBe(1);
  expect(stdout).toContain(`${file}:2:43: agents.defaults.sandbox.scope:`);
  expect((await cli(["config", "validate", "--json"], { stateDir })).stdout).toContain('"ok": false');
  const schema: unknown = JSON.parse((await cli(["config", "schema"], { stateDir })).stdout);
  expect(schema).toMatchObject({ title: "OpenClaw config" });
});

test("config validate warns of what this host would refuse, and the file is valid all the same", async () => {
  const [stateDir, folder] = [makeStateDir(), makeStateDir()];
  symlinkSync("/etc", join(folder, "link"));
  const binds = [join(folder, "link"), "/nowhere/at/all"].map((source, index) => `${source}:/data${index}:ro`);
  const docker = { dangerouslyAllowExternalBindSources: true, binds, seccompProfile: join(folder, "profile.json") };
  const { file } = makeConfig(JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", docker } } } }));
  const { code, stdout, stderr } = await cli(["config", "validate", "--config", file], { stateDir });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${file}: valid, 1 agent (3 warnings)\n` });
  for (const words of ["link is really /etc", "/nowhere/at/all does not exist", "profile.json does not exist"])
    expect(stderr).toContain(words);
  const json: unknown = JSON.parse((await cli(["config", "validate", "--config", file, "--json"], { stateDir })).stdout);
  expect(json).toMatchObject({ ok: true, issues: [{ severity: "warning" }, { severity: "warning" }, { severity: "warning" }] });
});

test("approve shows what waits and approves exactly that, and without a terminal only when told so", async () => {
  const server = await openServer();
  expect(await sandbox(server, "approve", "--yes")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: expect.stringContaining("no removals are awaiting approval"),
  });
  const since = NOW - 60_000;
  const item = { name: NAME, scopeKey: "agent:main", because: "the config has no agent main", since };
  server.views.heldRemovals = { items: [item], removals: 4, of: 5 };
  const path = join(server.stateDir, "requests", `${NAME}.request.json`);
  const refused = await sandbox(server, "approve");
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/4 of 5 sandboxes would be removed[\s\S]*no agent main[\s\S]*approve --yes/),
  });
  expect(existsSync(path)).toBe(false);
  await sandbox(server, "recreate", "--all");
  expect((await sandbox(server, "approve", "--yes")).stdout).toBe(`${NAME} will be removed once no work is running in it\n`);
  const { spec } = SandboxRequest.parse(JSON.parse(readFileSync(path, "utf8")));
  expect(spec).toEqual({ recreateAfter: NOW, approve: since });
});

test("approve at a terminal asks, and anything but a yes changes nothing", async () => {
  const server = await openServer();
  server.views.heldRemovals = { items: [{ name: NAME, scopeKey: "agent:main", because: "gone", since: NOW }], removals: 4, of: 5 };
  for (const [answer, code] of [
    ["n", 1],
    ["", 1],
    ["yes", 0],
  ] as const) {
    const run = startCli(["sandbox", "approve"], { stateDir: server.stateDir, now: NOW, terminal: true });
    await until("it asks", () => run.noted.includes("[y/N]"));
    expect(existsSync(join(server.stateDir, "requests"))).toBe(false);
    run.stdin.write(`${answer}\n`);
    expect(await run.ended).toBe(code);
  }
  const leaving = startCli(["sandbox", "approve"], { stateDir: server.stateDir, now: NOW, terminal: true });
  await until("it asks", () => leaving.noted.includes("[y/N]"));
  leaving.stdin.end();
  expect(await leaving.ended).toBe(1);
  expect(leaving.noted).toContain("nothing changed");
  expect(existsSync(join(server.stateDir, "requests", `${NAME}.request.json`))).toBe(true);
});

test("audit says what is wrong and what to run, and ends with 1 only when something is", async () => {
  const server = await openServer();
  expect(await sandbox(server, "audit")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("0 sandbox containers on this engine, 0 with"),
  });
  const one = {
    id: "c",
    name: "openclaw-sbx-x",
    owner: "another program",
    scopeKey: "agent:main:x",
    image: "image:1",
    state: "running",
    createdAt: NOW - 60_000,
  };
  const note = { kind: "orphaned" as const, level: "note" as const, message: "no agent x", fix: "docker rm -f openclaw-sbx-x" };
  server.views.audited = { items: [{ ...one, findings: [note] }] };
  expect((await sandbox(server, "audit")).code).toBe(0);
  const danger = { ...note, kind: "dangerous" as const, level: "warn" as const, message: "it is privileged" };
  server.views.audited = { items: [{ ...one, findings: [danger, note] }] };
  const { stdout, code } = await sandbox(server, "audit");
  expect(code).toBe(1);
  expect(stdout).toBe(
    "openclaw-sbx-x: of another program, agent:main:x, image:1, running, 1m old\n" +
      "  WARN dangerous: it is privileged\n  note orphaned: no agent x\n       fix: docker rm -f openclaw-sbx-x\n",
  );
  expect(JSON.parse((await sandbox(server, "audit", "--json")).stdout)).toMatchObject(server.views.audited);
});

const changed = (name: string, pending: boolean, upToDate: Partial<Condition>, status: object = {}): Sandbox => {
  const base = sandboxOf({ name: toSandboxName(name) });
  const change = { parts: [{ field: "docker.image", to: "openclaw-sandbox:new", id: "i" }], since: toEpochMs(NOW - 60_000), pending };
  const conditions = base.status.conditions.map((one) => (one.type === "UpToDate" ? { ...one, ...upToDate } : one));
  return { ...base, status: { ...base.status, conditions, change, ...status } };
};

test("rollout status tells who has a change, who failed and why, who waits, and what to do", async () => {
  const server = await openServer();
  expect((await sandbox(server, "rollout", "status")).stdout).toContain("No rollout is in progress; 1 sandbox is up to date.");
  const failure = { code: "SetupFailed", message: "exit code 1", count: 1, lastAt: NOW, retryAt: NOW + 10_000, generation: 1 };
  const setup = { status: "False", reason: "SetupFailed", message: "docker.setupCommand failed: exit code 1" } as const;
  const halt = { status: "False", reason: "RolloutHalted", message: "the change of docker.image is halted" } as const;
  server.views.put(changed("sbx-a", true, setup, { failure }));
  server.views.put(changed("sbx-b", true, halt, { deferredSince: NOW }));
  server.views.put(changed("sbx-c", false, { status: "True", reason: "UpToDate", message: "" }));
  const { stdout } = await sandbox(server, "rollout", "status");
  expect(stdout).toContain("docker.image -> openclaw-sandbox:new\n  halted for 1m: 1 done, 1 failed, 1 halted of 3\n");
  expect(stdout).toMatch(/What to do: fix the config: .*openclaw sandbox logs sbx-a/);
  expect(stdout).toContain("  failed: docker.setupCommand failed: exit code 1\n    sbx-a (until 2026-01-31T13:00:10.000Z)\n");
  expect(stdout).toContain("  halted: the change of docker.image is halted\n    sbx-b\n");
  expect(stdout).not.toContain("sbx-c");
  const json = JSON.parse((await sandbox(server, "rollout", "status", "--json")).stdout);
  expect(json).toMatchObject({
    pausedSince: null,
    changes: [{ state: "halted", sandboxes: [{ progress: "done" }, { progress: "failed" }, { progress: "halted" }] }],
  });
  expect((await sandbox(server, "list")).stdout).toMatch(/sbx-b .*RolloutHalted .* fixed/);
});

test("rollout pause and resume write a request that status shows", async () => {
  const server = await openServer();
  const path = join(server.stateDir, "requests", "all.rollout.json");
  expect((await sandbox(server, "rollout", "pause")).stdout).toContain("openclaw sandbox rollout resume");
  expect(RolloutRequest.parse(JSON.parse(readFileSync(path, "utf8"))).spec).toEqual({ pausedSince: NOW });
  server.views.pausedSince = NOW;
  expect((await sandbox(server, "rollout", "status")).stdout).toContain(
    "Paused since 2026-01-31T13:00:00.000Z: working sandboxes are not replaced",
  );
  await sandbox(server, "rollout", "resume");
  expect(RolloutRequest.parse(JSON.parse(readFileSync(path, "utf8"))).spec).toEqual({});
});

test("pin keeps a sandbox and ends a request to recreate it; unpin keeps the other requests", async () => {
  const server = await openServer();
  const specOf = () =>
    SandboxRequest.parse(JSON.parse(readFileSync(join(server.stateDir, "requests", `${NAME}.request.json`), "utf8"))).spec;
  await sandbox(server, "recreate", "--all");
  expect((await sandbox(server, "pin", "main")).stdout).toBe(`${NAME} is pinned: it stays as it is, whatever changes in the config\n`);
  expect(specOf()).toEqual({ pin: true });
  await sandbox(server, "recreate", "--all");
  await sandbox(server, "unpin", "main");
  expect(specOf()).toEqual({ recreateAfter: NOW });
});
