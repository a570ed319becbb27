// A command that comes together with the request for its connection: it begins before that is answered. Everything else about commands is exec.test.ts's.
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { COMMAND_START_BYTES_MAX, COMMAND_START_HEADER } from "../src/api/wire.ts";
import { NAME, openServer, type Server } from "../src/controller/servers/server.fixture.ts";
import { cli } from "./cli.fixture.ts";

/** A client of our own, which sends nothing once it is connected. */
function speak({ stateDir }: Server, start: string) {
  const path = join(stateDir, "run", "admin", "admin.sock");
  const headers = { [COMMAND_START_HEADER]: Buffer.from(start).toString("base64url") };
  const socket = new WebSocket(`ws://localhost/v1/sandboxes/${NAME}/exec`, { createConnection: () => connect(path), headers });
  const notices: unknown[] = [];
  let taken: unknown;
  socket.on("upgrade", (response) => (taken = response.headers[COMMAND_START_HEADER]));
  socket.on("message", (data, isBinary) => void (isBinary || notices.push(JSON.parse(String(data)))));
  return { socket, notices, closed: once(socket, "close"), taken: () => taken };
}

test("it runs to its end without another word, and the answer says that it was taken", async () => {
  const server = await openServer();
  const { notices, closed, taken } = speak(
    server,
    JSON.stringify({ kind: "start", request: { argv: ["sh", "-c", "exit 7"], stdin: false } }),
  );
  await closed;
  expect(taken()).toBe("1");
  expect(notices).toMatchObject([{ kind: "started" }, { kind: "exit", code: 7 }]);
  expect(server.leases.size).toBe(0);
});

test.each([
  ["what is no JSON", "{"],
  ["what is no start", JSON.stringify({ kind: "stdin-end" })],
  ["an unknown key", JSON.stringify({ kind: "start", request: { argv: ["id"], stdin: false, user: "0" } })],
  ["no command", JSON.stringify({ kind: "start", request: { argv: [], stdin: false } })],
  ["nothing", ""],
])("%s is refused as in a frame", async (_, start) => {
  const server = await openServer();
  const { socket, notices, closed } = speak(server, start);
  // Nothing but a start is a first frame.
  socket.on("open", () => start.includes("stdin-end") && socket.close());
  await closed;
  expect(notices.filter((notice) => (notice as { kind: string }).kind === "started")).toEqual([]);
  expect([...(server.world.containers.get(server.handle.id)?.execs ?? [])]).toEqual([]);
});

test("a second start after it ends the command", async () => {
  const server = await openServer();
  const start = JSON.stringify({ kind: "start", request: { argv: ["sleep", "60"], stdin: false } });
  const { socket, notices, closed } = speak(server, start);
  socket.on("open", () => socket.send(start));
  const [code] = await closed;
  expect(code).toBe(1008);
  expect(notices.at(-1)).toMatchObject({ kind: "error", problem: { code: "InvalidArgument" } });
});

test("what is too long for it comes in a frame, and runs all the same", async () => {
  const server = await openServer();
  const word = "ü".repeat(COMMAND_START_BYTES_MAX);
  expect(await cli(["sandbox", "exec", "main", "--", "echo", word], { stateDir: server.stateDir })).toMatchObject({
    code: 0,
    stdout: `${word}\n`,
  });
});
