import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { GOOD_ADDRESS, OWN_ADDRESS, RawClient, startDestination, startProxy, toPolicy } from "./proxy.fixture.ts";

const REQUEST = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
const GOOD = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What the client is given of what a destination sends, which then closes. */
async function pass(...answers: readonly string[]): Promise<string[]> {
  const queue = [...answers];
  const port = await startDestination((socket) => {
    socket.once("data", () => socket.end(Buffer.from(queue.shift() ?? "", "latin1")));
  });
  const under = await startProxy(port);
  under.answers.set("a.example", [GOOD_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
  const given: string[] = [];
  for (let at = 0; at < answers.length; at += 1) given.push(await new RawClient(under.socketOf("a")).write(REQUEST).readAll());
  return given;
}

test.each([
  ["nothing", ""],
  ["no HTTP", "220 mail.example ESMTP\r\n"],
  ["a status that may not be sent on", "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
  ["a reason with control characters", "HTTP/1.1 200 O\u0001K\r\nContent-Length: 0\r\n\r\n"],
  ["another protocol that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello"],
  ["a header that is a line of its own", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n"],
  ["a header without an end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"],
  ["a length and pieces", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["pieces of no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
  ["a body that is cut off", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"],
])("a destination that answers %s ends its own request, and the next one is answered", async (_, answer) => {
  const [first, second] = await pass(answer, GOOD);
  expect(first).not.toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n0\r\n\r\n$/s);
  expect(second).toMatch(/^HTTP\/1\.1 200 OK\r\n.*ok$/s);
});

test("a body that is coded for one hop alone is given to nobody as what it is not", async () => {
  const [given] = await pass("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  expect(given).toMatch(/^HTTP\/1\.1 502 /);
});

test("a destination's early hints are left out, and its headers of one hop, too; of others each is passed on", async () => {
  const [given = ""] = await pass(
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nConnection: X-Hop\r\nContent-Length: 2\r\n\r\nok",
  );
  const [head = "", body] = given.split("\r\n\r\n");
  expect(head.split("\r\n").filter((line) => !line.startsWith("Date:"))).toEqual([
    "HTTP/1.1 200 Fine",
    "Set-Cookie: a=1",
    "Set-Cookie: b=2",
    "Content-Length: 2",
    "Connection: close",
  ]);
  expect(body).toBe("ok");
});

test("a destination that sends early answers and never one is cut off", async () => {
  const hint = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  let isCut = false;
  const port = await startDestination((socket) => {
    socket.once("data", () => socket.write(hint.repeat(100)));
    socket.once("end", () => {
      isCut = true;
    });
  });
  const under = await startProxy(port);
  under.answers.set("a.example", [GOOD_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
  expect(await new RawClient(under.socketOf("a")).write(REQUEST).readAll()).toMatch(/^HTTP\/1\.1 502 /);
  await expect.poll(() => isCut).toBe(true);
});

test.each(["of a named length", "in pieces"])("a large request %s and its answer arrive as they were sent", async (framing) => {
  const pieces = Array.from({ length: 50 }, () => randomBytes(60_000));
  const body = Buffer.concat(pieces);
  const length = framing === "in pieces" ? {} : { "Content-Length": String(body.length) };
  const server = createServer(async (request, response) => {
    const sent = await buffer(request);
    response.writeHead(200, length);
    for (let at = 0; at < sent.length; at += 100_000) response.write(sent.subarray(at, at + 100_000));
    response.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const under = await startProxy((server.address() as AddressInfo).port);
  under.answers.set("a.example", [GOOD_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
  const headers = { Host: "a.example", Connection: "close", ...length };
  const outgoing = request({ socketPath: under.socketOf("a"), path: "http://a.example/", method: "POST", headers });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  for (const piece of pieces) outgoing.write(piece);
  outgoing.end();
  const [incoming] = await answered;
  expect((await buffer(incoming)).equals(body)).toBe(true);
});

test("the proxy's own addresses are refused, whatever the policy says", async () => {
  const under = await startProxy(1);
  under.answers.set("a.example", [OWN_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example", OWN_ADDRESS] } }));
  expect(await new RawClient(under.socketOf("a")).write(REQUEST).readAll()).toMatch(/403.*is the proxy: no rule opens it/s);
  expect(under.dialled).toEqual([]);
});

test("a WebSocket that is asked for by a plain request is refused with the way that works; another upgrade is left out", async () => {
  const port = await startDestination((socket) => {
    socket.once("data", (piece: Buffer) => socket.end(piece.includes("Upgrade") ? "HTTP/1.1 500 Upgraded\r\n\r\n" : GOOD));
  });
  const under = await startProxy(port);
  under.answers.set("a.example", [GOOD_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
  const ask = async (protocol: string): Promise<string> => {
    const head = `GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n`;
    return await new RawClient(under.socketOf("a")).write(`${head}\r\n`).read(/\r\n\r\n.+/s);
  };
  expect(await ask("websocket")).toMatch(/^HTTP\/1\.1 400 .*for a WebSocket \(ws:\/\/\) a proxy is asked by CONNECT/s);
  expect(await ask("h2c")).toMatch(/^HTTP\/1\.1 200 .*ok$/s);
});
