// `openclaw agent` and `openclaw chat` as processes against a real gateway's servers, with an agent that is data: what they print, how they end, and what the
// keys do in a real terminal (tmux).
import { execFileSync, spawn } from "node:child_process";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { resolve } from "node:path";
import { text as readText } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { toEpochMs, toSessionKey } from "../src/api/brands.ts";
import type { VerboseLevel } from "../src/api/thinking.ts";
import type { ChatInput, RunId } from "../src/gateway/agent/agent-port.ts";
import { RUN_USAGE, type ScriptedAgent } from "../src/gateway/chat/agent.fixture.ts";
import { TOKEN } from "../src/gateway/http/server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";

const LAUNCHER = resolve(import.meta.dirname, "../bin/openclaw");
const KEY = toSessionKey("agent:main:main");
const RUN = { runId: "11111111-1111-4111-8111-111111111111" as RunId, session: KEY };
/** Of a screen, on a machine that does much else. */
const PATIENCE_MS = 45_000;

async function openGateway() {
  const server = await openSocketServer();
  server.agent.available = { model: "aimock/small" };
  return { server, agent: server.agent, url: server.url.replace("ws:", "http:") };
}

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(url: string, args: readonly string[], input = "") {
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", OPENCLAW_STATE_DIR: "/nonexistent" };
  const child = spawn(LAUNCHER, [...args, "--url", url, "--token", TOKEN], { env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const ended = new Promise<number | null>((done) => void child.once("close", done));
  const ran = async (): Promise<Ran> => {
    const [stdout, stderr, code] = await Promise.all([readText(child.stdout), readText(child.stderr), ended]);
    return { code, stdout, stderr };
  };
  return { child, ran: ran() };
}

/** Answers each message with a run that does this. */
function answerWith(agent: ScriptedAgent, run: (input: ChatInput) => void): void {
  agent.answer = async (input) => {
    setImmediate(() => run(input));
    return { runId: RUN.runId, acceptedAt: toEpochMs(1_000), status: "started", reply: null };
  };
}

function work(agent: ScriptedAgent, verbose: VerboseLevel | null = null): void {
  agent.tell(RUN, { kind: "started", model: "aimock/small", verbose });
  agent.tell(RUN, { kind: "text", delta: "I look" });
  agent.tell(RUN, { kind: "text-ended", text: "I look" });
  agent.tell(RUN, { kind: "tool-started", callId: "c1", tool: "exec", input: { command: "npm test" } });
  agent.tell(RUN, { kind: "tool-output", callId: "c1", stream: "stdout", text: "1 failed\n" });
  agent.tell(RUN, { kind: "tool-ended", callId: "c1", isError: true, text: "1 failed", details: { code: 1 }, skipped: false });
  agent.tell(RUN, { kind: "text", delta: "One test \u001b[31mfails." });
}

const end = (agent: ScriptedAgent): void =>
  agent.tell(RUN, { kind: "ended", outcome: "final", text: "One test fails.", error: null, usage: RUN_USAGE, steps: 2 });

test("agent prints the answer on stdout as it comes, and what is done for it on stderr", async () => {
  const { agent, url } = await openGateway();
  answerWith(agent, () => {
    work(agent);
    end(agent);
  });
  const { code, stdout, stderr } = await start(url, ["agent", "--message", "Mend it"]).ran;
  expect({ code, stdout }).toEqual({ code: 0, stdout: "I look\nOne test \\x1b[31mfails.\n" });
  expect(stderr).toBe("> exec npm test\n  exit 1\n");
  expect(agent.sent).toMatchObject([{ session: KEY, text: "Mend it", requester: { kind: "token" } }]);
});

test.each([
  ["off", ""],
  ["on", "> exec npm test\n  exit 1\n"],
  ["full", "> exec npm test\n  1 failed\n  exit 1\n"],
] as const)("agent shows as much as /verbose %s says of what is done", async (verbose, expected) => {
  const { agent, url } = await openGateway();
  answerWith(agent, () => {
    work(agent, verbose);
    end(agent);
  });
  expect((await start(url, ["agent", "--message", "Mend it"]).ran).stderr).toBe(expected);
});

test("agent --json prints the end as one object, and takes the message from stdin and the session by its name", async () => {
  const { agent, url } = await openGateway();
  agent.answer = async ({ session }) => {
    setImmediate(() => agent.say({ runId: RUN.runId, session }, "yes"));
    return { runId: RUN.runId, acceptedAt: toEpochMs(1_000), status: "started", reply: null };
  };
  const { code, stdout, stderr } = await start(url, ["agent", "--json", "--agent", "work", "--session", "plan"], "Is it\ndone?").ran;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    sessionKey: "agent:work:plan",
    outcome: "final",
    text: "yes",
    usage: { input: 12, output: 3 },
    error: null,
  });
  expect(agent.sent).toMatchObject([{ session: "agent:work:plan", text: "Is it\ndone?" }]);
});

test("agent fails with the reason and what to do where the run fails, and where no model is there", async () => {
  const { agent, url } = await openGateway();
  answerWith(agent, () => {
    const error = { kind: "limit" as const, message: "it took 50 steps", fix: "agents.defaults.maxSteps" };
    agent.tell(RUN, { kind: "ended", outcome: "error", text: "", error, usage: RUN_USAGE, steps: 50 });
  });
  expect(await start(url, ["agent", "--message", "x"]).ran).toEqual({
    ...{ code: 1, stdout: "" },
    stderr: "openclaw: it took 50 steps\n  agents.defaults.maxSteps\n",
  });
  expect(await start(url, ["agent", "--message", " "]).ran).toMatchObject({ code: 2, stderr: expect.stringContaining("empty") });
});

test("Ctrl-C stops the run, and its end is still printed", async () => {
  const { agent, url } = await openGateway();
  answerWith(agent, () => work(agent));
  const { child, ran } = start(url, ["agent", "--message", "Mend it"]);
  await new Promise<void>((seen) => void child.stderr.once("data", () => seen()));
  child.kill("SIGINT");
  await expect.poll(() => agent.aborted, { timeout: PATIENCE_MS }).toEqual([{ session: KEY, runId: RUN.runId }]);
  agent.tell(RUN, { kind: "ended", outcome: "aborted", text: "One test", error: null, usage: RUN_USAGE, steps: 2 });
  expect(await ran).toMatchObject({ code: 1, stderr: expect.stringContaining("the run was stopped") });
});

test("chat without a terminal says what needs none", async () => {
  const { url } = await openGateway();
  expect(await start(url, ["chat"]).ran).toMatchObject({ code: 2, stderr: expect.stringContaining("openclaw agent --message") });
});

const NO_TMUX = "tmux is not installed (apt-get install tmux)";

function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"]);
    return true;
  } catch {
    return false;
  }
}

/** A terminal of its own, in a server of its own. */
function openTerminal(command: readonly string[]) {
  const socket = `openclaw-chat-${process.pid}-${Math.trunc(performance.now())}`;
  const tmux = (...args: readonly string[]): string => execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });
  const env = ["-e", "HOME=/nonexistent", "-e", "OPENCLAW_STATE_DIR=/nonexistent"];
  tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", ...env, "-s", "chat", ...command);
  tmux("set-option", "-g", "remain-on-exit", "on");
  onTestFinished(() => void tmux("kill-server"));
  return {
    screen: () => tmux("capture-pane", "-p", "-S", "-200", "-t", "chat"),
    /** Its screen does not always say so. */
    hasEnded: () => tmux("display-message", "-p", "-t", "chat", "#{pane_dead}").trim() === "1",
    type: (text: string) => void tmux("send-keys", "-t", "chat", "-l", text),
    press: (...keys: readonly string[]) => void tmux("send-keys", "-t", "chat", ...keys),
  };
}

describe("chat in a terminal", () => {
  const shows = (screen: () => string) => ({
    until: (text: string | RegExp) => expect.poll(screen, { timeout: PATIENCE_MS, interval: 200 }).toMatch(text),
  });

  test("says, shows what is done while it is done, takes a message into the run, and Esc stops it", async (context) => {
    if (!hasTmux()) return context.skip(NO_TMUX);
    const { agent, url } = await openGateway();
    const terminal = openTerminal([LAUNCHER, "chat", "--url", url, "--token", TOKEN]);
    const { until } = shows(terminal.screen);
    await until(/agent:main:main +aimock\/small/);
    agent.answer = async () => ({ runId: RUN.runId, acceptedAt: toEpochMs(1), status: "started", reply: null });
    terminal.type("Mend the test");
    terminal.press("Enter");
    await expect.poll(() => agent.sent.map(({ text }) => text), { timeout: PATIENCE_MS }).toEqual(["Mend the test"]);
    work(agent);
    await until(/I look[\s\S]*\* exec npm test[\s\S]*1 failed[\s\S]*exit 1[\s\S]*One test \\x1b\[31mfails/);
    agent.answer = async () => ({ runId: RUN.runId, acceptedAt: toEpochMs(1), status: "steered", reply: null });
    terminal.type("only that one");
    terminal.press("Enter");
    await expect.poll(() => agent.sent.at(-1)?.text, { timeout: PATIENCE_MS }).toBe("only that one");
    agent.tell(RUN, { kind: "steered", text: "only that one" });
    await until(/taken in: only that one/);
    terminal.press("Escape");
    await expect.poll(() => agent.aborted, { timeout: PATIENCE_MS }).toEqual([{ session: KEY, runId: null }]);
    agent.tell(RUN, { kind: "ended", outcome: "aborted", text: "", error: null, usage: RUN_USAGE, steps: 2 });
    await until(/stopped/);
    terminal.press("C-d");
    await expect.poll(terminal.hasEnded, { timeout: PATIENCE_MS }).toBe(true);
  });

  test("carries out commands, offers them after a slash, and shows what was said before", async (context) => {
    if (!hasTmux()) return context.skip(NO_TMUX);
    const { agent, server, url } = await openGateway();
    await server.service.open({ key: KEY });
    agent.items = [
      { kind: "assistant", id: 1, at: toEpochMs(1), text: "We were **here** before.", runId: null, model: null, isPartial: false },
    ];
    agent.available = { fix: "openclaw onboard" };
    agent.answer = async () => ({ runId: RUN.runId, acceptedAt: toEpochMs(1), status: "answered", reply: "nothing runs here" });
    const terminal = openTerminal([LAUNCHER, "chat", "--url", url, "--token", TOKEN]);
    const { until } = shows(terminal.screen);
    await until(/We were here before/);
    await until(/no model answers here yet: openclaw onboard/);
    terminal.type("/sta");
    await until(/status +what goes on/);
    terminal.press("Enter");
    terminal.press("Enter");
    await until(/nothing runs here/);
    expect(agent.sent[0]?.text.trim()).toBe("/status");
    terminal.type("/exit");
    terminal.press("Enter");
    await expect.poll(terminal.hasEnded, { timeout: PATIENCE_MS }).toBe(true);
  });

  test("shows what happened while the gateway was away, nothing twice, and goes on with the run that goes on", async (context) => {
    if (!hasTmux()) return context.skip(NO_TMUX);
    const { agent, server, url } = await openGateway();
    await server.service.open({ key: KEY });
    const way = await openWay(Number(new URL(url).port));
    const terminal = openTerminal([LAUNCHER, "chat", "--url", way.url, "--token", TOKEN]);
    const { until } = shows(terminal.screen);
    await until(/agent:main:main +aimock\/small/);
    agent.answer = async () => ({ runId: RUN.runId, acceptedAt: toEpochMs(1), status: "started", reply: null });
    terminal.type("Mend the test");
    terminal.press("Enter");
    await expect.poll(() => agent.sent.length, { timeout: PATIENCE_MS }).toBe(1);
    work(agent);
    await until(/exit 1[\s\S]*One test/);
    await way.cut();
    await until(/lost the gateway/);
    const tool = { kind: "tool", tool: "exec", state: "done", text: "", sandbox: null, details: {}, verbose: null } as const;
    agent.items = [
      { kind: "user", id: 1, at: toEpochMs(1), text: "Mend the test", attachments: [], from: "token", state: "answered" },
      { kind: "assistant", id: 2, at: toEpochMs(1), text: "I look", runId: RUN.runId, model: "m", isPartial: false },
      { ...tool, id: 2, at: toEpochMs(1), callId: "c1", input: { command: "npm test" } },
      { kind: "assistant", id: 5, at: toEpochMs(2), text: "One test fails; I mend it.", runId: RUN.runId, model: "m", isPartial: false },
      { ...tool, id: 5, at: toEpochMs(2), callId: "c2", input: { command: "sed -i s/1/2/ a.test.js" } },
      { ...tool, id: 5, at: toEpochMs(2), callId: "c3", input: { command: "date" }, verbose: "off" },
      { kind: "user", id: 8, at: toEpochMs(3), text: "said on the page", attachments: [], from: "owner", state: "answered" },
    ];
    agent.running = { runId: RUN.runId, startedAt: toEpochMs(1), seq: 7, text: "It is ", verbose: null, tools: [] };
    await way.open();
    await until(/the gateway is back[\s\S]*One test fails; I mend it\.[\s\S]*sed -i[\s\S]*> said on the page[\s\S]*It is/);
    agent.running = null;
    agent.tell(RUN, { kind: "text", delta: "green." });
    end(agent);
    await until(/It is green\.[\s\S]*tokens/);
    const screen = terminal.screen();
    for (const once of ["> Mend the test", "npm test", "I look", "said on the page"]) expect(screen.split(once)).toHaveLength(2);
    expect(screen).not.toContain("date");
    terminal.press("C-d");
    await expect.poll(terminal.hasEnded, { timeout: PATIENCE_MS }).toBe(true);
  });
});

/** A way to a port of this host that can be cut, and opened again at the same place. */
async function openWay(to: number) {
  const sockets = new Set<Socket>();
  let server: Server;
  const open = (port: number): Promise<number> =>
    new Promise((opened) => {
      server = createServer((socket) => {
        const other = connect(to, "127.0.0.1");
        for (const one of [socket, other]) sockets.add(one.on("error", () => undefined));
        socket.pipe(other).pipe(socket);
      });
      server.listen(port, "127.0.0.1", () => opened((server.address() as AddressInfo).port));
    });
  const cut = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  const port = await open(0);
  onTestFinished(cut);
  return { url: `http://127.0.0.1:${port}`, cut, open: () => open(port) };
}
