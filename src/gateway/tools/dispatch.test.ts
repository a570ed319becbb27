// The way to a tool: policy, input, readiness, events. Sandboxes are played by this host's shell; a real one is tools.engine.test.ts.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { mustParse } from "../../api/config/config.fixture.ts";
import type { OperationError } from "../../api/errors.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { ToolDispatcher } from "./dispatch.ts";
import type { ToolEvent, ToolResult } from "./tool-port.ts";
import { makeFolder, makeHostPort, noBrowsers, noSessions, sessionOf, textOf } from "./world.fixture.ts";

interface Asked {
  config?: object;
  key?: string;
  kind?: "main" | "mcp" | "direct";
  ready?: SandboxPort["ensureReady"];
}

function open({ config = {}, key = "agent:main:main", kind = "main", ready }: Asked = {}) {
  const sandboxFolder = makeFolder();
  const hostFolder = makeFolder();
  const sandbox = makeHostPort(sandboxFolder);
  const host = makeHostPort(hostFolder);
  sandbox.ensureReady = (ready ?? (async () => "openclaw-sbx-test")) as typeof sandbox.ensureReady;
  const dispatcher = new ToolDispatcher({
    config: () => mustParse(JSON.stringify(config)),
    folders: { stateDir: "/state", home: "/home/x" },
    sandbox,
    host: () => host,
    sessions: noSessions,
    browsers: noBrowsers,
    newId: () => "0123456789abcdef",
  });
  const session = sessionOf(key, kind);
  const events: ToolEvent[] = [];
  const abort = new AbortController();
  const call = (tool: string, input: unknown = {}): Promise<ToolResult> =>
    dispatcher.call({ session, tool, input, signal: abort.signal, emit: async (event) => void events.push(event) });
  return { dispatcher, session, events, abort, call, sandboxFolder, hostFolder };
}

const onHost = { tools: { exec: { host: "gateway" } } };
const sandboxed = { agents: { defaults: { sandbox: { mode: "all" } } } };
const failure = async (promise: Promise<unknown>): Promise<OperationError> =>
  await promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: OperationError) => error,
  );

/** How many `sleep` run with this argument. */
function processesWith(seconds: string): number {
  const isOne = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  };
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOne(name)).length;
}

describe("a tool call", () => {
  it("tells that it started, in which sandbox, then its output, and ends with the result", async () => {
    const { call, events } = open({ config: sandboxed });
    const result = await call("exec", { command: "echo out; echo err >&2; exit 3" });
    expect(events[0]).toEqual({ kind: "started", sandbox: "openclaw-sbx-test" });
    const told = (kind: string): string =>
      events.map((event) => (event.kind === kind && "chunk" in event ? event.chunk.toString() : "")).join("");
    expect([told("stdout"), told("stderr")]).toEqual(["out\n", "err\n"]);
    expect(result).toMatchObject({
      isError: true,
      details: { code: 3, reason: "exited", stdoutBytes: 4, stderrBytes: 4, droppedBytes: 0 },
    });
    expect(textOf(result)).toMatch(/\(exit code 3\)$/);
  });

  it("of a tool that holds whole files waits for the one before: no two changes of a session cross each other", async () => {
    const { call, sandboxFolder } = open({ config: sandboxed });
    const words = Array.from({ length: 12 }, (_, index) => `word${index};`);
    writeFileSync(join(sandboxFolder, "text"), words.join(""));
    const all = words.map((word) => call("edit", { path: "text", oldText: word, newText: word.toUpperCase() }));
    await Promise.all(all);
    expect(readFileSync(join(sandboxFolder, "text"), "utf8")).toBe(words.join("").toUpperCase());
  });

  it("that fails in its turn is no blocker to the next", async () => {
    const { call, sandboxFolder } = open({ config: sandboxed });
    writeFileSync(join(sandboxFolder, "text"), "one");
    const [missing, next] = [
      call("edit", { path: "none", oldText: "a", newText: "b" }),
      call("edit", { path: "text", oldText: "one", newText: "two" }),
    ];
    expect(await failure(missing)).toMatchObject({ code: "NotFound" });
    await next;
    expect(readFileSync(join(sandboxFolder, "text"), "utf8")).toBe("two");
  });

  it("tells what the sandbox is on the way to, and waits for it", async () => {
    const ready: SandboxPort["ensureReady"] = async (_key, onProgress) => {
      onProgress({ reason: "Progressing", message: "it is being made" });
      return "made";
    };
    const { call, events } = open({ config: sandboxed, ready });
    await call("exec", { command: "true" });
    expect(events.slice(0, 2)).toEqual([
      { kind: "progress", message: "Progressing: it is being made" },
      { kind: "started", sandbox: "made" },
    ]);
  });

  it("is checked before the sandbox is woken: policy, then input", async () => {
    const ready: SandboxPort["ensureReady"] = async () => {
      throw new Error("woken");
    };
    const { call } = open({ config: { ...sandboxed, tools: { deny: ["write"] } }, ready });
    expect(await failure(call("write", { path: 1 }))).toMatchObject({ code: "Forbidden" });
    expect((await failure(call("exec", { command: "", more: 1 }))).message).toMatch(/^exec: command: .*; input: unknown field "more"$/);
    expect(await failure(call("canvas"))).toMatchObject({
      code: "Forbidden",
      message: expect.stringContaining("tools.sandbox.tools.deny"),
    });
  });

  it.each([
    ["NUL in the command", { command: "echo a\0b" }],
    ["NUL in a variable", { command: "true", env: { A: "x\0y" } }],
    ["NUL in the folder", { command: "true", workdir: "a\0b" }],
    ["more bytes than a kernel takes", { command: `: ${"\u20ac".repeat(50_000)}` }],
  ])("with %s is refused as the caller's fault", async (_, input) => {
    expect(await failure(open({ config: onHost }).call("exec", input))).toMatchObject({ code: "InvalidArgument" });
  });

  it("with as many bytes as it may have runs", async () => {
    const { call } = open({ config: onHost });
    expect(await call("exec", { command: `: ${"x".repeat(129_998)}`, pty: true })).toMatchObject({ isError: false });
  });

  it("of a name that is no tool's is not found: no edit of the policy would help", async () => {
    expect(await failure(open({ config: sandboxed }).call("nothing"))).toMatchObject({
      code: "NotFound",
      message: 'there is no tool "nothing" in this gateway',
    });
  });

  it("of a tool that the policy lets through and nobody made is not found", async () => {
    const { call } = open({ config: { agents: { defaults: { sandbox: { mode: "off" } } } } });
    expect(await failure(call("canvas"))).toMatchObject({ code: "NotFound", message: 'there is no tool "canvas" in this gateway' });
  });

  it("knows a tool by its other names", async () => {
    const { call } = open({ config: sandboxed });
    expect(textOf(await call(" Bash ", { command: "echo $0" }))).not.toBe("");
    expect(await failure(call("apply-patch", { input: "x" }))).toMatchObject({ message: expect.stringContaining("*** Begin Patch") });
  });

  it("that is taken back is Aborted, and what runs is killed with all that it started", async () => {
    const { call, abort, sandboxFolder } = open({ config: sandboxed });
    const seconds = `61.${process.pid}`;
    const running = call("exec", { command: `echo ready; sleep ${seconds} & sleep ${seconds}; touch proof` });
    await vi.waitFor(() => expect(processesWith(seconds)).toBe(2), { timeout: 15_000 });
    abort.abort();
    expect(await failure(running)).toMatchObject({ code: "Aborted", message: "the call was cancelled" });
    await vi.waitFor(() => expect(processesWith(seconds)).toBe(0), { timeout: 15_000 });
    expect(existsSync(join(sandboxFolder, "proof"))).toBe(false);
  });

  it("that runs too long is killed, and says so", async () => {
    const { call } = open({ config: sandboxed });
    const result = await call("exec", { command: "echo begun; sleep 30", timeout: 0.3 });
    expect(result).toMatchObject({ isError: true, details: { reason: "timeout" } });
    expect(textOf(result)).toBe("begun\n(killed after 0.3 s)");
  });
});

describe("commands", () => {
  it("are a login shell's, with docker.env.PATH before what the profile sets", async () => {
    const config = { agents: { defaults: { sandbox: { mode: "all", docker: { env: { PATH: "/custom/bin" } } } } } };
    const { call } = open({ config });
    const text = textOf(await call("exec", { command: 'echo "$PATH"; echo "<$OPENCLAW_PREPEND_PATH>"' }));
    expect(text).toMatch(/^\/custom\/bin:.+\n<>\n$/);
  });

  it("get variables and begin in a folder of the workspace", async () => {
    const { call, hostFolder } = open({ config: { tools: { exec: { host: "gateway" } } } });
    const result = await call("exec", { command: 'echo "$A$B"; pwd', env: { A: "$(id) 'x'", B: null }, workdir: hostFolder });
    expect(textOf(result)).toBe(`$(id) 'x'\n${hostFolder}\n`);
  });

  it("have no character of their output broken by what the other stream says meanwhile", async () => {
    const { call } = open({ config: onHost });
    const command = "printf '\\346'; sleep 0.1; echo err >&2; sleep 0.1; printf '\\227\\245\\n'";
    expect(textOf(await call("exec", { command }))).toBe("err\n日\n");
  });
});

describe("a session that is not sandboxed", () => {
  it("has no tools that run, unless the config lets them run on the gateway's host; the refusal names the key", async () => {
    const { call, dispatcher, session } = open();
    const error = await failure(call("exec", { command: "id" }));
    expect(error.code).toBe("Forbidden");
    expect(error.message).toBe(
      'the tool "exec" is off: a session without a sandbox has no tools on this host (default); set agents.defaults.sandbox.mode to "all", which gives the session a sandbox; or set tools.exec.host to "gateway", which runs it on this host, unconfined',
    );
    const list = await dispatcher.list(session);
    expect(list.filter(({ decision }) => decision.allowed).map(({ name }) => name)).toEqual([
      "sessions_list",
      "sessions_history",
      "sessions_send",
      "sessions_spawn",
      "session_status",
    ]);
  });

  it("works on the host where the agent's own key lets it", async () => {
    const config = { agents: { list: [{ id: "main", tools: { exec: { host: "gateway" } } }] } };
    const { call, hostFolder, sandboxFolder, events } = open({ config });
    await call("write", { path: "file", content: "x" });
    expect(readFileSync(join(hostFolder, "file"), "utf8")).toBe("x");
    expect(existsSync(join(sandboxFolder, "file"))).toBe(false);
    expect(events).toEqual([{ kind: "started", sandbox: null }]);
    expect(textOf(await call("exec", { command: "cat file" }))).toBe("x");
  });

  it("has commands in the background there, as a sandboxed one has", async () => {
    const { call, hostFolder } = open({ config: onHost });
    const started = await call("exec", { command: "pwd; while read -r line; do echo got $line; done; exit 4", yieldMs: 1 });
    expect(textOf(started)).toMatch(/it goes on in the background as process t\w+; /);
    const { id } = started.details;
    expect(textOf(await call("process", { action: "write", id, data: "one\n", eof: true }))).toContain(String(id));
    const ended = await call("process", { action: "poll", id });
    expect(textOf(ended)).toBe(`${hostFolder}\ngot one\n(exit code 4)`);
    expect(textOf(await call("process", { action: "list" }))).toMatch(/^t\w+ {2}exit code 4 {2}pwd; while read/);
    await call("process", { action: "clear", id });
    expect(textOf(await call("process", { action: "list" }))).toBe("(no background processes)");
  });

  it("has terminals there, where the host has the program that makes them", async () => {
    const { call } = open({ config: onHost });
    const command = `test -t 0 && test -t 1 && stty size && echo "it's $SHELL" && exit 7`;
    const result = await call("exec", { command, pty: true, env: { SHELL: "/bin/a b" } });
    expect(textOf(result).replaceAll("\r", "")).toBe("40 120\nit's /bin/a b\n(exit code 7)");
  });

  it("that ends a command with a terminal ends all that it started", async () => {
    const { call } = open({ config: onHost });
    const seconds = `62.${process.pid}`;
    const command = `trap '' HUP; sleep ${seconds} & sleep ${seconds}; echo never`;
    const running = call("exec", { command, pty: true, timeout: 0.5 });
    await vi.waitFor(() => expect(processesWith(seconds)).toBe(2), { timeout: 15_000 });
    expect(await running).toMatchObject({ details: { reason: "timeout" } });
    expect(processesWith(seconds)).toBe(0);
  });

  it("is never one whose agent has left the config, whatever tools.exec.host says", async () => {
    const { call, dispatcher, session } = open({ key: "agent:gone:mcp:1", kind: "mcp", config: onHost });
    expect((await failure(call("exec", { command: "id" }))).message).toBe(
      'the tool "exec" is off: the config has no agent gone any more (agents.list); add it again, or end the session',
    );
    expect(() => dispatcher.processesOf(session)).toThrow("the config has no agent gone any more");
  });

  it("is never one that came over MCP", async () => {
    const { call, sandboxFolder } = open({ key: "agent:main:mcp:1", kind: "mcp", config: { tools: { exec: { host: "gateway" } } } });
    await call("write", { path: "file", content: "x" });
    expect(readFileSync(join(sandboxFolder, "file"), "utf8")).toBe("x");
  });
});

describe("the list of tools", () => {
  it("has every tool with a schema of an object, and what the policy says of it and why", async () => {
    const config = { agents: { defaults: { sandbox: { mode: "all", workspaceAccess: "ro" } } }, tools: { deny: ["group:runtime"] } };
    const { dispatcher, session } = open({ config });
    const list = await dispatcher.list(session);
    expect(list.map(({ name, decision }) => `${name}: ${decision.allowed ? "on" : decision.rule}`)).toEqual([
      'exec: deny "group:runtime" of tools',
      'process: deny "group:runtime" of tools',
      "read: on",
      'write: workspaceAccess "ro" turns write, edit and apply_patch off',
      'edit: workspaceAccess "ro" turns write, edit and apply_patch off',
      'apply_patch: workspaceAccess "ro" turns write, edit and apply_patch off',
      'browser: deny "browser" of the sandbox\'s tools',
      "sessions_list: on",
      "sessions_history: on",
      "sessions_send: on",
      "sessions_spawn: on",
      "session_status: on",
    ]);
    for (const { inputSchema, description } of list) {
      expect(inputSchema.type).toBe("object");
      expect(description.length).toBeGreaterThan(20);
    }
  });
});
