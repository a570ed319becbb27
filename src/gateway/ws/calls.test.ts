// Requests over a real socket: the gateway about itself, keys that make a request happen once, and scopes of devices over HTTP too.
// Sessions and tools are test/websocket.test.ts's and http/app.test.ts's.
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { sample, TOKEN } from "../http/server.fixture.ts";
import { connectAsOwner, connectRaw, makeDevice } from "./device.fixture.ts";
import { openSocketServer } from "./sockets.fixture.ts";

/** A client that sends requests and takes their answers in any order. */
async function open(options: Parameters<typeof openSocketServer>[0] = {}) {
  const server = await openSocketServer(options);
  const connect = async (): Promise<{ call: (method: string, params?: object) => Promise<Record<string, unknown>>; socket: WebSocket }> => {
    const waiting = new Map<unknown, (frame: Record<string, unknown>) => void>();
    const { socket } = await connectAsOwner(server.url, server.ownerKey, {
      scopes: ["operator.admin", "operator.pairing"],
      onFrame: (frame) => waiting.get(frame.id)?.(frame),
    });
    let lastId = 0;
    const call = (method: string, params: object = {}): Promise<Record<string, unknown>> => {
      lastId += 1;
      const id = `r${lastId}`;
      socket.send(JSON.stringify({ type: "req", id, method, params }));
      return new Promise((resolve) => waiting.set(id, resolve));
    };
    return { call, socket };
  };
  return { server, connect };
}

test("health, config.get and logs.tail say how the gateway is, what it works by without its secrets, and what it logged", async () => {
  const secret = "a-token-that-nobody-may-see-0123456789";
  const { server, connect } = await open({ config: { gateway: { auth: { token: secret } } } });
  const { call } = await connect();
  expect(await call("health")).toMatchObject({ ok: true, payload: { ready: true, checks: [{ name: "state", ok: true }] } });
  const config = await call("config.get");
  expect(config).toMatchObject({
    payload: { config: { gateway: { auth: { token: "(set)", password: null } }, agents: [{ id: "main" }, { id: "work" }] } },
  });
  expect(JSON.stringify(config)).not.toContain(secret);
  await server.http("/v1/devices/links", server.ownerKey, { json: {} });
  const first = await call("logs.tail", { limit: 5 });
  const { lines, cursor } = first.payload as { lines: string[]; cursor: number };
  expect(lines.map((line) => JSON.parse(line).msg)).toContain("pairing link created");
  expect(await call("logs.tail", { cursor })).toMatchObject({ payload: { lines: [], cursor, reset: false } });
  expect(await call("logs.tail", { cursor: cursor + 100 })).toMatchObject({ payload: { reset: true } });
  for (const path of ["/v1/health", "/v1/config", "/v1/logs?limit=1"])
    expect(await server.http(path, TOKEN), path).toMatchObject({ status: 200 });
});

test("a request with a key is done once, for the same client on any connection, and its key is good for no other request", async () => {
  const { connect } = await open();
  const { call, socket } = await connect();
  await call("sessions.create", { key: "main" });
  const message = { key: "main", text: "once", idempotencyKey: "k1" };
  const both = await Promise.all([call("sessions.send", message), call("sessions.send", message)]);
  expect(both.map(({ payload }) => payload)).toEqual([expect.objectContaining({ id: 1, text: "once" }), both[0]?.payload]);
  socket.terminate();
  const again = await connect();
  expect(await again.call("sessions.send", message)).toMatchObject({ ok: true, payload: { id: 1 } });
  expect(await again.call("sessions.send", { ...message, text: "twice" })).toMatchObject({ ok: false, error: { code: "INVALID_REQUEST" } });
  expect(await again.call("sessions.messages", { key: "main" })).toMatchObject({ payload: { items: [{ text: "once" }] } });
  expect(await again.call("sessions.list", { idempotencyKey: "k2" })).toMatchObject({ ok: false, error: { code: "INVALID_REQUEST" } });
});

test("a request with a key that failed may be tried again, and one whose time is over is done anew", async () => {
  const { server, connect } = await open();
  const { call } = await connect();
  const message = { key: "main", text: "hello", idempotencyKey: "k1" };
  expect(await call("sessions.send", message)).toMatchObject({ ok: false });
  await call("sessions.create", { key: "main" });
  expect(await call("sessions.send", message)).toMatchObject({ payload: { id: 1 } });
  server.clock.at += 300_000;
  expect(await call("sessions.send", message)).toMatchObject({ payload: { id: 2 } });
});

test("sockets, handshakes, requests and devices are counted by closed sets of labels", async () => {
  const { server, connect } = await open();
  const { metrics, sockets, paired } = server;
  metrics.watch({
    ...{ sessions: () => 0, connections: () => 0, sockets: () => sockets.counts() },
    ...{ devices: () => paired.pairing.counts(), socketEvents: () => sockets.events },
  });
  const { call } = await connect();
  await call("sessions.create", { key: "main" });
  await call("no.such.method");
  await connectRaw(server.url, makeDevice(), { token: TOKEN });
  const values = {
    'openclaw_gateway_sockets{kind="owner"}': 1,
    'openclaw_gateway_devices{state="pending"}': 1,
    'openclaw_gateway_socket_handshakes_total{result="granted"}': 1,
    'openclaw_gateway_socket_handshakes_total{result="pairing"}': 1,
    'openclaw_gateway_socket_requests_total{operation="createSession",result="ok"}': 1,
    'openclaw_gateway_socket_requests_total{operation="other",result="error"}': 1,
    'openclaw_gateway_socket_events_total{result="sent"}': sockets.events.sent,
  };
  for (const [series, value] of Object.entries(values)) expect(await sample(metrics, series), series).toBe(value);
  expect(sockets.events.sent).toBeGreaterThan(0);
});
