import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import { askSocket, type SocketRequest } from "./socket-request.ts";

async function listen(server: Server): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "socket-request-"));
  const address = join(folder, "a.sock");
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  await new Promise<void>((resolve) => server.listen(address, resolve));
  return address;
}

const serve = (listener: RequestListener): Promise<string> => listen(createHttpServer(listener));
/** Whatever it is asked. */
const say = (bytes: string): Promise<string> => listen(createServer((socket) => socket.once("data", () => socket.end(bytes))));

const ask = (address: string, options: Partial<SocketRequest> = {}) =>
  askSocket(address, { method: "GET", path: "/a?b=c", signal: AbortSignal.timeout(10_000), bytesMax: 1_000_000, ...options });

it("asks as it was told, with a body or without one, and is answered", async () => {
  const address = await serve(async (request, response) => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, type: headers["content-type"], body: await text(request) }));
  });
  expect(await ask(address)).toEqual({ status: 200, text: '{"method":"GET","url":"/a?b=c","body":""}' });
  const body = '{"ü":1}';
  const told = JSON.stringify({ method: "POST", url: "/a?b=c", type: "application/json", body });
  expect(await ask(address, { method: "POST", body })).toEqual({ status: 200, text: told });
});

it("has the whole of an answer of any status whose length nobody told, in many pieces", async () => {
  const address = await serve(async (_, response) => {
    response.writeHead(409);
    for (let piece = 0; piece < 50; piece += 1) {
      response.write("ü".repeat(1_000));
      await new Promise(setImmediate);
    }
    response.end();
  });
  expect(await ask(address)).toEqual({ status: 409, text: "ü".repeat(50_000) });
});

it("reads what was answered before the request was read", async () => {
  const address = await serve((_, response) => void response.writeHead(413).end("too much"));
  expect(await ask(address, { method: "POST", body: "x".repeat(200_000) })).toEqual({ status: 413, text: "too much" });
});

it.each([
  { what: "is too large", said: `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(2_000)}`, because: "it is larger than 1000 bytes" },
  { what: "ends within its body", said: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123", because: "it ended before its end" },
  { what: "ends within its head", said: "HTTP/1.1 200 OK\r\nContent-Le", because: "it is not HTTP, or ended before its end" },
  { what: "is something else", said: "hello\r\n\r\n", because: "it is not HTTP, or ended before its end" },
])("refuses an answer that $what", async ({ said, because }) => {
  await expect(ask(await say(said), { bytesMax: 1_000 })).rejects.toMatchObject({ name: "BrokenAnswer", message: because });
});

it("says which system error it was", async () => {
  await expect(ask("/nonexistent/a.sock")).rejects.toMatchObject({ code: "ENOENT" });
});

it("is broken off with the signal's reason, before and while it waits", async () => {
  const address = await listen(createServer(() => undefined));
  await expect(ask(address, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: "TimeoutError" });
  const reason = new Error("nobody waits any more");
  await expect(ask(address, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
