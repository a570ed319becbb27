// What a client makes of a controller that reads smaller frames than this version sends. Everything else about commands is test/exec.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { CommandConnection } from "./command-client.ts";
import { ControllerClient, REQUEST_BYTES_MAX } from "./controller-client.ts";

const accept = (value: unknown): value is object => value !== null;

function openController(maxPayload: number): ControllerClient {
  const stateDir = mkdtempSync(join(tmpdir(), "openclaw-client-"));
  const socketPath = join(stateDir, "small.sock");
  const sockets = new WebSocketServer({ noServer: true, maxPayload });
  const server = createServer();
  server.on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) => client.on("error", () => undefined)),
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

test("a request that the controller would not read to its end is not sent", async () => {
  const body = { argv: ["x".repeat(REQUEST_BYTES_MAX)] };
  const sent = openController(1_000).json("POST", "/v1/sandboxes/x/processes", accept, body);
  await expect(sent).rejects.toMatchObject({ code: "PayloadTooLarge", message: expect.stringMatching(/may have 4194304 bytes/) });
});
