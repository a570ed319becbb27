// The WebSocket of a real gateway process: upstream's own client works with it, and whoever shows neither a paired device's key nor the owner's
// gets nothing from it. What the methods do is src/gateway/http's tests'; attacks on pairing are src/gateway/ws/pairing-attacks.test.ts's.
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { GatewayClient } from "@openclaw/gateway-client";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { FRAME_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, REQUESTS_UNDER_WAY_MAX, ResponseFrame } from "../src/api/gateway-protocol/frames.ts";
import { toOwnerKeyPath } from "../src/api/store/gateway-files.ts";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";
import { type GatewayProcess, spawnGateway } from "./gateway.fixture.ts";

const Hello = z.looseObject({
  protocol: z.int(),
  features: z.object({ methods: z.array(z.string()) }),
  auth: z.object({ scopes: z.array(z.string()) }),
});

async function start(): Promise<{ gateway: GatewayProcess; url: string; key: string; keyPath: string }> {
  const site = await createFolderSite();
  const gateway = await spawnGateway(site);
  const keyPath = toOwnerKeyPath(site.stateDir);
  return { gateway, url: gateway.url.replace("http", "ws"), key: (await readFile(keyPath, "utf8")).trim(), keyPath };
}

/** Upstream's client, and what its first handshake came to. */
async function connectClient(
  url: string,
  token: string,
  scopes: string[],
): Promise<{ client: GatewayClient; hello: z.output<typeof Hello> }> {
  const connected = Promise.withResolvers<unknown>();
  const client = new GatewayClient({ url, token, scopes, onHelloOk: connected.resolve, onConnectError: connected.reject });
  onTestFinished(() => client.stopAndWait());
  client.start();
  return { client, hello: Hello.parse(await connected.promise) };
}

/** How a raw connection ends that sends these frames once it is open. */
async function ending(
  url: string,
  frames: readonly string[],
  headers: Record<string, string> = {},
): Promise<{ code: number; reason: string; heard: string }> {
  const socket = new WebSocket(url, { headers });
  let heard = "";
  socket.on("message", (data) => {
    heard += String(data);
  });
  socket.once("open", () => {
    for (const frame of frames) socket.send(frame);
  });
  return await new Promise((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: String(reason), heard }));
    socket.once("error", (error) => resolve({ code: 0, reason: error.message, heard }));
  });
}

/** A connection of no library's, let in. */
async function connectRaw(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  await once(socket, "message");
  const client = { id: "test", version: "1", platform: "linux", mode: "cli" };
  const params = { minProtocol: 4, maxProtocol: 4, client, scopes: ["operator.read"], auth: { token } };
  socket.send(JSON.stringify({ type: "req", id: "connect", method: "connect", params }));
  const [hello] = await once(socket, "message");
  expect(JSON.parse(String(hello))).toMatchObject({ ok: true });
  return socket;
}

test("upstream's client connects with the owner's key, works with sessions, and is told which methods there are", async () => {
  const { url, key, keyPath } = await start();
  expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
  const { client, hello } = await connectClient(url, key, ["operator.write"]);
  expect(hello).toMatchObject({ protocol: 4, auth: { scopes: ["operator.write"] } });
  expect(hello.features.methods).toContain("sessions.list");
  expect(await client.request("sessions.create", { key: "main" })).toMatchObject({ key: "agent:main:main" });
  expect(await client.request("sessions.send", { key: "main", text: "hello" })).toMatchObject({ id: 1, text: "hello" });
  expect(await client.request("sessions.messages", { key: "main", after: 0, limit: 5 })).toMatchObject({ items: [{ text: "hello" }] });
  expect(await client.request("sessions.list", {})).toMatchObject({ items: [{ key: "agent:main:main", messages: 1 }] });
  // Where no model is configured nobody answers, and it says what to do.
  expect(await client.request("chat.history", { sessionKey: "main" })).toMatchObject({ model: null, fix: expect.any(String), run: null });
  await expect(client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "k" })).rejects.toMatchObject({
    details: { problem: { code: "NotReady", fix: expect.any(String) } },
  });
  await expect(client.request("wizard.start", {})).rejects.toMatchObject({
    message: "unknown method: wizard.start",
    details: { methods: hello.features.methods },
  });
  await expect(client.request("sessions.get", { key: "nobody" })).rejects.toMatchObject({ details: { problem: { code: "NotFound" } } });
});

test("a connection has the scopes that it asked for, and no more", async () => {
  const { url, key } = await start();
  const { client, hello } = await connectClient(url, key, ["operator.read"]);
  expect(hello.features.methods).not.toContain("sessions.create");
  await expect(client.request("sessions.create", { key: "main" })).rejects.toMatchObject({ message: "missing scope: operator.write" });
});

test("the gateway's own token, a wrong key and none do not open the socket", async () => {
  const { url, gateway } = await start();
  for (const [token, code] of [
    [gateway.token ?? "", "DEVICE_IDENTITY_REQUIRED"],
    ["x".repeat(43), "AUTH_TOKEN_MISMATCH"],
  ] as const)
    await expect(connectClient(url, token, ["operator.read"])).rejects.toMatchObject({ details: { code } });
  const request = {
    type: "req",
    id: "1",
    method: "connect",
    params: { minProtocol: 4, maxProtocol: 4, client: { id: "test", version: "1", platform: "linux", mode: "test" } },
  };
  expect(await ending(url, [JSON.stringify(request)])).toMatchObject({
    code: 1008,
    reason: "unauthorized",
    heard: expect.stringContaining("AUTH_TOKEN_MISSING"),
  });
  const early = JSON.stringify({ type: "req", id: "1", method: "sessions.list" });
  expect(await ending(url, [early])).toMatchObject({ code: 1008, reason: "the first request is connect, once" });
});

test("foreign, null and suffix Origin, and a foreign Host, get no socket", async () => {
  const { url } = await start();
  const { host } = new URL(url);
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `http://${host}.evil.example` },
    { host: "evil.example" },
  ])
    expect(await ending(url, [], headers)).toMatchObject({ code: 0, reason: expect.stringContaining("403") });
});

test("oversized and malformed frames end their connection, and the gateway lives", async () => {
  const { url, key } = await start();
  expect((await ending(url, ["x".repeat(HANDSHAKE_FRAME_BYTES_MAX + 1_024)])).code).not.toBe(1_000);
  expect(await ending(url, ["{"])).toMatchObject({ code: 1002 });
  expect(await ending(url, [`${"[".repeat(30_000)}${"]".repeat(30_000)}`])).toMatchObject({ code: 1002 });
  const { client } = await connectClient(url, key, ["operator.read"]);
  await expect(client.request("sessions.get", { key: "x".repeat(FRAME_BYTES_MAX) })).rejects.toThrow();
  const { client: other } = await connectClient(url, key, ["operator.read"]);
  expect(await other.request("sessions.list")).toEqual({ items: [] });
});

test("a client that reads no answers gets no more of them than it may have requests under way, and keeps nobody waiting", async () => {
  const { url, key } = await start();
  const { client } = await connectClient(url, key, ["operator.write"]);
  await client.request("sessions.create", { key: "main" });
  for (let count = 0; count < 16; count += 1) await client.request("sessions.send", { key: "main", text: "x".repeat(64_000) });
  const slow = await connectRaw(url, key);
  slow.pause();
  const requests = 3 * REQUESTS_UNDER_WAY_MAX;
  for (let id = 1; id <= requests; id += 1) {
    slow.send(JSON.stringify({ type: "req", id: `${id}`, method: "sessions.messages", params: { key: "main", limit: 16 } }));
    // The other one's answer comes after the gateway took this request: they do not crowd each other out by coming at once.
    await client.request("sessions.list", {});
  }
  const codes: string[] = [];
  slow.on("message", (data) => {
    const frame = ResponseFrame.safeParse(JSON.parse(String(data)));
    if (frame.success) codes.push(frame.data.ok ? "ok" : frame.data.error.code);
  });
  slow.resume();
  await vi.waitFor(() => expect(codes).toHaveLength(requests), { timeout: 30_000 });
  expect(codes.filter((code) => code === "UNAVAILABLE").length).toBeGreaterThan(REQUESTS_UNDER_WAY_MAX);
});

test("a client that never answers a close does not keep the gateway from ending", { timeout: 20_000 }, async () => {
  const { gateway, url, key } = await start();
  const silent = await connectRaw(url, key);
  silent.pause();
  const unknown = connectSocket({ host: "127.0.0.1", port: Number(new URL(url).port) });
  onTestFinished(() => void unknown.destroy());
  unknown.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
  unknown.write("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
  await once(unknown, "readable");
  expect(await gateway.stop()).toBe(0);
});
