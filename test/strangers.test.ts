// What strangers try at the product's four HTTP servers before they have shown anything: no answer, Node's own included, leaves them a
// connection, and no number of theirs keeps out whoever comes next. Over real sockets.

import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createFolder, eventually } from "../src/api/store/folder.fixture.ts";
import { startHealthServer } from "../src/controller/metrics/health-server.ts";
import { ControllerMetrics } from "../src/controller/metrics/metrics.ts";
import { startSocketServer } from "../src/controller/servers/socket-server.ts";
import { openServer, TOKEN } from "../src/gateway/http/server.fixture.ts";
import { startGatewayServer } from "../src/gateway/http/server.ts";

const LONG = process.env.OPENCLAW_TEST_LONG === "1";
/** More than any of the servers takes. */
const CROWD = LONG ? 15_000 : 1_200;

interface Target {
  address: NetConnectOpts;
  /** What its owner asks, to which the answer is 200. */
  owner: string;
}

const OWNER = "GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n";

async function gateway(): Promise<Target> {
  const { app } = await openServer();
  const server = await startGatewayServer(app, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  return { address: { host: "127.0.0.1", port: server.port }, owner: `${OWNER}authorization: Bearer ${TOKEN}\r\n\r\n` };
}

async function metrics(): Promise<Target> {
  const { registry } = new ControllerMetrics({ version: "0.1.0", revision: "abc", processMetrics: false });
  const server = await startHealthServer({ registry, live: () => [], ready: () => [] }, "127.0.0.1:0");
  onTestFinished(() => server.close());
  return { address: { host: "127.0.0.1", port: server.port }, owner: `${OWNER}\r\n` };
}

/** As both of the controller's sockets are served. */
async function unixSocket(): Promise<Target> {
  const socketPath = join(await createFolder(), "run", "some.sock");
  const fetch = ({ url }: Request): Response => new Response("ok", { status: new URL(url).pathname === "/healthz" ? 200 : 404 });
  const upgrade = ({ socket }: { socket: { destroy(): unknown } }): void => void socket.destroy();
  const server = await startSocketServer({ socketPath, mode: 0o600, connectionsMax: 1_024, fetch, upgrade });
  onTestFinished(() => server.stop());
  return { address: { path: socketPath }, owner: `${OWNER}\r\n` };
}

const TARGETS = { "the gateway's port": gateway, "the metrics' port": metrics, "a socket of the controller": unixSocket };

/** A client that says something, and never ends its side. */
function speak({ address }: Target, words: string): { socket: Socket; said: Promise<string> } {
  const socket = connect({ ...address, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("connect", () => socket.write(words));
  const said = Promise.race([once(socket, "end"), once(socket, "close")]).then(() => text);
  return { socket, said };
}

const HOST = "host: 127.0.0.1\r\n";
const WORDS = {
  "an expectation that nobody knows": `GET /healthz HTTP/1.1\r\n${HOST}expect: miracles\r\n\r\n`,
  "100-continue, and no body then": `POST /v1/sessions HTTP/1.1\r\n${HOST}expect: 100-continue\r\ncontent-length: 1000000\r\n\r\n`,
  "a target that is no address": `GET http://[ HTTP/1.1\r\n${HOST}\r\n`,
  "a target of another scheme": `GET ftp://127.0.0.1/x HTTP/1.1\r\n${HOST}\r\n`,
  "a target without a path": `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  "a host that is no host": "GET / HTTP/1.1\r\nhost: a b/c\r\n\r\n",
  "no host at all": "GET / HTTP/1.1\r\n\r\n",
  "a method that there is not": `MAKE / HTTP/1.1\r\n${HOST}\r\n`,
  "a coding that there is not": `POST / HTTP/1.1\r\n${HOST}transfer-encoding: zip\r\n\r\n`,
  "a length that is none": `POST / HTTP/1.1\r\n${HOST}content-length: -1\r\n\r\n`,
  "a chunk that is none": `POST / HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\nxyz\r\n`,
  "a body that never comes": `POST /v1/sessions HTTP/1.1\r\n${HOST}content-length: 100\r\n\r\n`,
  "headers without end": `GET / HTTP/1.1\r\n${HOST}x-a: ${"a".repeat(20_000)}\r\n\r\n`,
  "headers that stop": `GET / HTTP/1.1\r\n${HOST}x-a: `,
  nothing: "",
  "a tunnel": `CONNECT 127.0.0.1:1 HTTP/1.1\r\n${HOST}\r\n`,
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "HTTP/2 as an upgrade": `GET /healthz HTTP/1.1\r\n${HOST}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n\r\n`,
  "a WebSocket": `GET /nowhere HTTP/1.1\r\n${HOST}connection: upgrade\r\nupgrade: websocket\r\n\r\n`,
  "HTTP/1.0 with keep-alive": "GET /healthz HTTP/1.0\r\nhost: 127.0.0.1\r\nconnection: keep-alive\r\n\r\n",
  "what is asked of everybody": `GET /healthz HTTP/1.1\r\n${HOST}\r\n`,
  "what is not there": `GET /nowhere HTTP/1.1\r\n${HOST}\r\n`,
};

describe.each(Object.entries(TARGETS))("at %s", (_, start) => {
  test("a stranger who never ends his side is hung up on, whatever he says", { timeout: 30_000 }, async () => {
    const target = await start();
    const open = new Set(Object.keys(WORDS));
    for (const [name, words] of Object.entries(WORDS)) void speak(target, words).said.then(() => open.delete(name));
    await eventually("all are hung up on", () => open.size === 0).catch(() => expect([...open]).toEqual([]));
  });

  test("of many requests at once a stranger's first is answered, and no other", { timeout: 15_000 }, async () => {
    const target = await start();
    const said = await speak(target, `GET /healthz HTTP/1.1\r\n${HOST}\r\n`.repeat(10)).said;
    expect(said.split("HTTP/1.1 ").length - 1).toBe(1);
  });

  test.each(["nothing", "headers that stop", "an expectation that nobody knows", "a target that is no address"] as const)(
    `${CROWD} strangers who say %s keep nobody out`,
    { timeout: LONG ? 600_000 : 60_000 },
    async (name) => {
      const words = WORDS[name];
      const target = await start();
      for (let count = 0; count < CROWD; count += 100) {
        const crowd = Array.from({ length: 100 }, () => speak(target, words));
        await Promise.all(crowd.map(({ socket }) => Promise.race([once(socket, "connect"), once(socket, "close")])));
        const owner = await speak(target, target.owner).said;
        expect(owner.slice(0, 15)).toBe("HTTP/1.1 200 OK");
      }
    },
  );
});

test("who has the secret has several requests of one connection answered, in their order", async () => {
  const { address } = await gateway();
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}authorization: Bearer ${TOKEN}\r\n`;
  const words = `${ask("/v1/sessions")}\r\n${ask("/nothing")}\r\n${ask("/healthz")}connection: close\r\n\r\n`;
  const said = await speak({ address, owner: "" }, words).said;
  expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"]);
});
