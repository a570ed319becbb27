// What a client makes of a controller of another version: one that reads smaller frames, or only frames. Everything else about commands is test/exec.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { CommandConnection } from "./command-client.ts";
import { ControllerClient, REQUEST_BYTES_MAX } from "./controller-client.ts";

const accept = (value: unknown): value is object => value !== null;

function openController(maxPayload: number, serve: (client: WebSocket) => void = () => undefined): ControllerClient {
  const stateDir = mkdtempSync(join(tmpdir(), "openclaw-client-"));
  const socketPath = join(stateDir, "small.sock");
  const sockets = new WebSocketServer({ noServer: true, maxPayload });
  const server = createServer();
  server.on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) => serve(client.on("error", () => undefined))),
  );
  server.listen(socketPath);
  onTestFinished(() => {
    server.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
  return new ControllerClient({ stateDir, socketPath, accessFix: "" });
}

test("a frame that is too large for the controller is the caller's mistake, not a lost connection", async () => {
  const request = { argv: ["true", "x".repeat(2_000)], stdin: false };
  const streams = { stdin: Readable.from([]), output: async () => true };
  const { ended } = new CommandConnection(openController(1_000), "/exec", request, streams);
  await expect(ended).rejects.toMatchObject({ code: "PayloadTooLarge", fix: expect.stringMatching(/file/) });
});

test("a controller that does not say that it took the command with the connection gets it in a frame, once", async () => {
  const request = { argv: ["true"], stdin: false };
  const frames: unknown[] = [];
  const serve = (client: WebSocket): void =>
    void client.on("message", (data, isBinary) => {
      frames.push([isBinary, JSON.parse(String(data))]);
      client.send(JSON.stringify({ kind: "exit", code: 3, reason: "exited" }));
    });
  const { ended } = new CommandConnection(openController(1_000, serve), "/exec", request, {
    stdin: Readable.from([]),
    output: async () => true,
  });
  expect(await ended).toMatchObject({ code: 3 });
  expect(frames).toEqual([[false, { kind: "start", request }]]);
});

test("a signal before the connection is there comes after it", async () => {
  const frames: unknown[] = [];
  const serve = (client: WebSocket): void =>
    void client.on("message", (data) => {
      if (frames.push(JSON.parse(String(data))) === 2) client.send(JSON.stringify({ kind: "exit", code: 0, reason: "exited" }));
    });
  const streams = { stdin: Readable.from([]), output: async () => true };
  const connection = new CommandConnection(openController(1_000, serve), "/exec", { argv: ["true"], stdin: false }, streams);
  connection.signal("INT");
  await connection.ended;
  expect(frames).toMatchObject([{ kind: "start" }, { kind: "signal", name: "INT" }]);
});

test("a connection that ends before its answer may have begun the command: it is lost, not refused", async () => {
  const request = { argv: ["true"], stdin: false };
  const stateDir = mkdtempSync(join(tmpdir(), "openclaw-client-"));
  const server = createServer().on("upgrade", (_, socket) => socket.destroy());
  server.listen(join(stateDir, "small.sock"));
  onTestFinished(() => {
    server.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
  const client = new ControllerClient({ stateDir, socketPath: join(stateDir, "small.sock"), accessFix: "" });
  const streams = { stdin: Readable.from([]), output: async () => true };
  await expect(new CommandConnection(client, "/exec", request, streams).ended).rejects.toMatchObject({
    code: "ControllerUnreachable",
    message: expect.stringMatching(/lost the connection/),
  });
});

test("a request that the controller would not read to its end is not sent", async () => {
  const body = { argv: ["x".repeat(REQUEST_BYTES_MAX)] };
  const sent = openController(1_000).json("POST", "/v1/sandboxes/x/processes", accept, body);
  await expect(sent).rejects.toMatchObject({ code: "PayloadTooLarge", message: expect.stringMatching(/may have 4194304 bytes/) });
});
