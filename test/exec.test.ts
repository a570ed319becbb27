// Commands in a sandbox, from the command line through the controller's socket to the model of an engine. On a real engine: exec.engine.test.ts.
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { toEpochMs } from "../src/api/brands.ts";
import { VirtualClock } from "../src/api/virtual-clock.fixture.ts";
import { COMMAND_WINDOW_BYTES } from "../src/api/wire.ts";
import { type FakeProcess, holdOpen } from "../src/controller/engine/fake-exec.fixture.ts";
import { NAME, openServer, type Server, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

const MIB = 1_048_576;

const run = (server: Server, argv: readonly string[], options: { input?: string; flags?: string[] } = {}) =>
  cli(["sandbox", "exec", ...(options.flags ?? []), "main", "--", ...argv], {
    stateDir: server.stateDir,
    ...(options.input === undefined ? {} : { input: options.input }),
  });

/** The execs that run in the container now. */
const execs = (server: Server) => [...(server.world.containers.get(server.handle.id)?.execs ?? [])];

/** Writes as fast as it is read. */
async function pour(process: FakeProcess, bytes: number, count: (written: number) => void = () => undefined): Promise<void> {
  const piece = Buffer.alloc(65_536, "x");
  for (let written = 0; written < bytes; written += piece.length) {
    if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once("drain", resolve));
    count(written + piece.length);
  }
}

test("a command's outputs and exit code are its own", async () => {
  const server = await openServer();
  server.world.onExec(
    () => true,
    async ({ stdout, stderr, request }) => {
      stdout.write(`out ${JSON.stringify(request.argv)}`);
      stderr.write("err");
      return 7;
    },
  );
  const result = await run(server, ["sh", "-c", "exit 7", "--flag", "-x"]);
  expect(result).toEqual({ code: 7, stdout: 'out ["sh","-c","exit 7","--flag","-x"]', stderr: "err" });
  expect(server.leases.size).toBe(0);
});

test("stdin goes in as it is, to its end", async () => {
  const server = await openServer();
  const input = "ü\n\0binary".repeat(100_000);
  const result = await run(server, ["cat"], { input, flags: ["-i"] });
  expect(result.stdout === input).toBe(true);
  expect(result.code).toBe(0);
});

test("variables, workdir and timeout are passed on", async () => {
  const server = await openServer();
  let seen: unknown;
  server.world.onExec(
    () => true,
    async ({ request }) => {
      seen = request;
      return 0;
    },
  );
  await run(server, ["true"], { flags: ["--env", "A=b=c", "--env", "OPENCLAW_STATE_DIR", "--workdir", "/tmp"] });
  expect(seen).toMatchObject({ argv: ["true"], env: { A: "b=c", OPENCLAW_STATE_DIR: server.stateDir }, workdir: "/tmp", stdin: false });
});

test("a command that times out is killed, and the exit code says so", async () => {
  const clock = new VirtualClock();
  const server = await openServer({ clock });
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "--timeout", "5s", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  const [exec] = execs(server);
  await until("the timer is set", () => clock.timerCount > 0);
  await clock.advance(5_000);
  expect(await command.ended).toBe(4);
  expect(command.noted).toContain("timed out");
  expect(exec?.signals).toEqual(["KILL"]);
  expect(server.leases.size).toBe(0);
});

test("Ctrl-C interrupts, a second one kills", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  const [exec] = execs(server);
  if (exec === undefined) throw new Error("no exec");
  // The model's INT ends it: this one handles it.
  exec.signal = async (name) => {
    exec.signals.push(name);
    if (name === "KILL") exec.end(137);
  };
  command.signal("SIGINT");
  await until("INT arrived", () => exec.signals.includes("INT"));
  command.signal("SIGINT");
  expect(await command.ended).toBe(137);
  expect(exec.signals).toEqual(["INT", "KILL"]);
});

test("a client that goes away takes its command with it", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  const [exec] = execs(server);
  command.signal("SIGHUP");
  expect(await command.ended).toBe(1);
  await until("it is killed and the sandbox is free", () => exec?.running === false && server.leases.size === 0);
  expect(exec?.signals).toEqual(["KILL"]);
});

test("a command whose container is gone before it began runs in the next one, once", async () => {
  const server = await openServer();
  const ran: string[] = [];
  server.world.onExec(
    () => true,
    async ({ stdout }) => {
      ran.push("ran");
      stdout.write("here");
      return 0;
    },
  );
  const next = await server.succeed();
  server.world.remove(server.handle.id);
  expect(await run(server, ["true"])).toEqual({ code: 0, stdout: "here", stderr: "" });
  expect([ran, server.world.containers.has(next.id), server.leases.size]).toEqual([["ran"], true, 0]);
});

test("a command that began is not run again in the next container", async () => {
  const server = await openServer();
  let ran = 0;
  server.world.onExec(
    () => true,
    (process) => {
      ran += 1;
      return holdOpen(process);
    },
  );
  await server.succeed();
  const command = startCli(["sandbox", "exec", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  server.world.remove(server.handle.id);
  expect(await command.ended).toBe(1);
  expect([ran, server.leases.size]).toEqual([1, 0]);
});

test("a recreation that ends live work ends the command and says why", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  const [exec] = execs(server);
  server.revoke();
  expect(await command.ended).toBe(1);
  expect(command.noted).toContain("a person asked for the sandbox to be recreated");
  expect(exec?.signals).toEqual(["KILL"]);
  expect(server.leases.size).toBe(0);
});

test("a container that goes away under a command is a retryable error, not an exit code", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  server.world.die(server.handle.id);
  expect(await command.ended).toBe(1);
  expect(command.noted).toContain("ended");
  expect(server.leases.size).toBe(0);
});

test("a sandbox that is not ready, or not there, is told before anything runs", async () => {
  const server = await openServer();
  expect(await cli(["sandbox", "exec", "mian", "--", "true"], { stateDir: server.stateDir })).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('did you mean "main"?'),
  });
  server.views.put(sandboxOf({ ready: false }));
  expect(await run(server, ["true"])).toMatchObject({ code: 1, stderr: expect.stringContaining("is not ready: it is being made") });
});

test("a reader that stops stops the command, and nothing is lost when it goes on", async () => {
  const server = await openServer();
  let written = 0;
  server.world.onExec(
    () => true,
    async (process) => {
      await pour(process, 16 * MIB, (bytes) => {
        written = bytes;
      });
      return 0;
    },
  );
  const command = startCli(["sandbox", "exec", "main", "--", "pour"], { stateDir: server.stateDir, reads: false });
  await until("it writes", () => written > 0);
  let before = -1;
  await until("it waits", () => {
    const still = written === before;
    before = written;
    return still;
  });
  // A window, what the streams on the way hold, and no more.
  expect(written).toBeLessThan(COMMAND_WINDOW_BYTES + MIB);
  let read = 0;
  command.stdout.on("data", (chunk: Buffer) => {
    read += chunk.length;
  });
  expect(await command.ended).toBe(0);
  expect(read).toBe(16 * MIB);
});

test("a command that reads no stdin stops whoever sends it, and signals still get through", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "-i", "main", "--", "deaf"], { stateDir: server.stateDir });
  let sent = 0;
  const feed = (async () => {
    for (; sent < 64 * MIB; sent += 65_536)
      if (!command.stdin.write(Buffer.alloc(65_536))) await new Promise((resolve) => command.stdin.once("drain", resolve));
  })();
  feed.catch(() => undefined);
  await until("it runs", () => execs(server).length === 1);
  let before = -1;
  await until("the sender waits", () => {
    const still = sent > 0 && sent === before;
    before = sent;
    return still;
  });
  expect(sent).toBeLessThan(COMMAND_WINDOW_BYTES + MIB);
  command.signal("SIGINT");
  expect(await command.ended).toBe(130);
});

test("a gigabyte of output passes through in flat memory", async () => {
  const server = await openServer();
  const before = process.memoryUsage().rss;
  let peak = 0;
  server.world.onExec(
    () => true,
    async (program) => {
      await pour(program, 1_024 * MIB, (written) => {
        if (written % (64 * MIB) === 0) peak = Math.max(peak, process.memoryUsage().rss);
      });
      return 0;
    },
  );
  const command = startCli(["sandbox", "exec", "main", "--", "pour"], { stateDir: server.stateDir, reads: false });
  let read = 0;
  command.stdout.on("data", (chunk: Buffer) => {
    read += chunk.length;
  });
  expect(await command.ended).toBe(0);
  expect(read).toBe(1_024 * MIB);
  expect((peak - before) / MIB).toBeLessThan(200);
}, 60_000);

/** A client of our own that says what it likes. */
function speak(server: Server, name: string = NAME): { socket: WebSocket; notices: unknown[]; closed: Promise<number> } {
  const path = join(server.stateDir, "run", "admin", "admin.sock");
  const socket = new WebSocket(`ws://localhost/v1/sandboxes/${name}/exec`, { createConnection: () => connect(path) });
  const notices: unknown[] = [];
  socket.on("message", (data, isBinary) => void (isBinary || notices.push(JSON.parse(String(data)))));
  socket.on("error", () => undefined);
  return { socket, notices, closed: new Promise((resolve) => socket.on("close", resolve)) };
}

const START = JSON.stringify({ kind: "start", request: { argv: ["hang"], stdin: true } });

test.each([
  ["no JSON", ["{"]],
  ["a frame of another kind", [JSON.stringify({ kind: "become-root" })]],
  ["a start with an unknown key", [JSON.stringify({ kind: "start", request: { argv: ["id"], stdin: false, user: "0" } })]],
  ["no command", [JSON.stringify({ kind: "start", request: { argv: [], stdin: false } })]],
  ["a second start", [START, START]],
  ["a signal that is no name", [START, JSON.stringify({ kind: "signal", name: "9; rm -rf /" })]],
  ["data before the start", [Buffer.from([0, 1])]],
  ["data on a channel that is none", [START, Buffer.from([7, 1])]],
  ["more acknowledged than was sent", [START, JSON.stringify({ kind: "consumed", bytes: 1 })]],
])("a client that sends %s is refused, and its command ends", async (_, frames) => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const { socket, notices, closed } = speak(server);
  await new Promise((resolve) => socket.on("open", resolve));
  for (const frame of frames) {
    socket.send(frame);
    if (frame === START) await until("started", () => notices.length > 0 || socket.readyState !== socket.OPEN);
  }
  expect(await closed).toBe(1008);
  expect(notices.at(-1)).toMatchObject({ kind: "error", problem: { code: "InvalidArgument" } });
  await until("nothing runs", () => execs(server).length === 0 && server.leases.size === 0);
});

test("stdin beyond the window is refused", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const { socket, notices, closed } = speak(server);
  socket.on("open", () => socket.send(START));
  await until("started", () => notices.length > 0);
  for (let sent = 0; sent <= 4 * COMMAND_WINDOW_BYTES; sent += 65_536) socket.send(Buffer.alloc(65_537));
  expect(await closed).toBe(1008);
});

test("a frame larger than the limit ends the connection and the command", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const { socket, notices, closed } = speak(server);
  socket.on("open", () => socket.send(START));
  await until("started", () => notices.length > 0);
  socket.send(Buffer.alloc(2 * MIB));
  expect(await closed).toBe(1009);
  await until("nothing runs", () => execs(server).length === 0 && server.leases.size === 0);
});

test("a command that is larger than a frame is refused with the limit, not with a broken connection", async () => {
  const server = await openServer();
  const pieces = Array.from({ length: 10 }, () => "x".repeat(120_000));
  const result = await run(server, ["true", ...pieces]);
  expect([result.code, result.stderr]).toEqual([1, expect.stringMatching(/may have 1048576 bytes .* this one has 12\d{5}/)]);
  expect(result.stderr).not.toContain("start one with");
  const many = await run(server, ["true", ...Array.from({ length: 5_000 }, () => "x")]);
  expect(many.stderr).toMatch(/request\.argv: .*4096/);
});

test("what a command left running with its output is passed on with its end", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const { notices, closed, socket } = speak(server);
  socket.on("open", () => socket.send(START));
  await until("it runs", () => notices.length > 0);
  for (const exec of execs(server)) {
    exec.outputHeld = true;
    exec.end(0);
  }
  await closed;
  expect(notices.at(-1)).toEqual({ kind: "exit", code: 0, reason: "exited", outputHeld: true });
});

test("a client that connects and says nothing is cut off", async () => {
  const clock = new VirtualClock();
  const server = await openServer({ clock });
  const { socket, closed } = speak(server);
  await new Promise((resolve) => socket.on("open", resolve));
  await until("it is timed", () => clock.timerCount > 0);
  await clock.advance(10_000);
  expect(await closed).toBe(1008);
});

test("a client that answers no pings for two minutes is taken for dead, and its command is killed", async () => {
  const clock = new VirtualClock(toEpochMs(0));
  const server = await openServer({ clock });
  server.world.onExec(() => true, holdOpen);
  const path = join(server.stateDir, "run", "admin", "admin.sock");
  const socket = new WebSocket(`ws://localhost/v1/sandboxes/${NAME}/exec`, { createConnection: () => connect(path), autoPong: false });
  socket.on("error", () => undefined);
  socket.on("open", () => socket.send(START));
  await until("it runs", () => execs(server).length === 1);
  const [exec] = execs(server);
  await clock.advance(150_000);
  await until("it is dead", () => exec?.running === false && server.leases.size === 0);
});

test("a page in a browser, and a path that is none, get no connection", async () => {
  const server = await openServer();
  const path = join(server.stateDir, "run", "admin", "admin.sock");
  const refused = (url: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve) => {
      const socket = new WebSocket(url, { createConnection: () => connect(path), headers });
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode)).on("error", () => undefined);
    });
  expect(await refused(`ws://localhost/v1/sandboxes/${NAME}/exec`, { origin: "http://localhost" })).toBe(403);
  expect(await refused("ws://localhost/v1/sandboxes/%ff/exec", {})).toBe(404);
  expect(await refused("ws://localhost/v1/sandboxes/a/b/exec", {})).toBe(404);
});

test("stopping the server ends commands and frees the sandbox", async () => {
  const server = await openServer();
  server.world.onExec(() => true, holdOpen);
  const command = startCli(["sandbox", "exec", "main", "--", "hang"], { stateDir: server.stateDir });
  await until("it runs", () => execs(server).length === 1);
  const [exec] = execs(server);
  await server.stop();
  expect(exec?.running).toBe(false);
  expect(server.leases.size).toBe(0);
  expect(await command.ended).toBe(1);
});
