// Events over a real socket: who hears of what, what a slow reader is told that it lost, and how a client that comes back goes on.
// Which events there are is api/gateway-protocol/events.ts.
import { expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import type { EventFrame } from "../../api/gateway-protocol/frames.ts";
import { BUFFERED_BYTES_MAX } from "../../api/gateway-protocol/frames.ts";
import { connectAsOwner } from "./device.fixture.ts";
import { openSocketServer } from "./sockets.fixture.ts";

interface Heard {
  socket: WebSocket;
  events: EventFrame[];
  hello: { events: { cursor: string; resumed?: boolean }; features: { events: string[] } };
}

/** Listens before it is let in: what was missed comes right after. */
async function listen(url: string, ownerKey: string, options: { scopes?: string[]; resume?: string } = {}): Promise<Heard> {
  const events: EventFrame[] = [];
  const { socket, answer } = await connectAsOwner(url, ownerKey, {
    ...options,
    onFrame: (frame) => {
      if (frame.type === "event" && frame.event !== "connect.challenge") events.push(frame as unknown as EventFrame);
    },
  });
  return { socket, events, hello: (answer as unknown as { payload: Heard["hello"] }).payload };
}

test("sessions and sandboxes that change are told to who may read, numbered from one, and requests to pair to who decides about them", async () => {
  const { url, ownerKey, http, broadcast } = await openSocketServer();
  const reader = await listen(url, ownerKey, { scopes: ["operator.read"] });
  const decider = await listen(url, ownerKey, { scopes: ["operator.pairing"] });
  expect(decider.hello.features.events).not.toContain("sessions.changed");
  await http("/v1/sessions", ownerKey, { json: { key: "main" } });
  await http("/v1/sessions/main/messages", ownerKey, { json: { text: "hello" } });
  broadcast.send("sandbox.changed", { name: "box", sandbox: null });
  broadcast.send("device.pair.resolved", { requestId: "0".repeat(16), deviceId: "0".repeat(64), decision: "approved", ts: 1 });
  await vi.waitFor(() => expect(reader.events.at(-1)).toMatchObject({ event: "sandbox.changed", payload: { name: "box" } }));
  await vi.waitFor(() => expect(decider.events).toHaveLength(1));
  expect(decider.events[0]).toMatchObject({ event: "device.pair.resolved", seq: 1 });
  expect(reader.events.map(({ seq }) => seq)).toEqual(reader.events.map((_, at) => at + 1));
  const changes = reader.events.map(({ payload }) => payload);
  expect(changes).toContainEqual({ key: "agent:main:main", change: "changed" });
  expect(changes).toContainEqual({ key: "agent:main:main", change: "message" });
  await http("/v1/sessions/main", ownerKey, { method: "DELETE" });
  await vi.waitFor(() => expect(reader.events.at(-1)).toMatchObject({ payload: { key: "agent:main:main", change: "deleted" } }));
});

test("a slow reader loses events, is told which, and holds no more memory than its limit", async () => {
  const { url, ownerKey, broadcast } = await openSocketServer();
  const slow = await listen(url, ownerKey);
  const quick = await listen(url, ownerKey);
  slow.socket.pause();
  const filling = "x".repeat(100_000);
  const count = 4 * Math.ceil((BUFFERED_BYTES_MAX + 8 * 1_048_576) / filling.length);
  for (let at = 0; at < count; at += 1) {
    broadcast.send("sandbox.changed", { name: filling, sandbox: null });
    // A machine that is slow enough sends a tick in between.
    await vi.waitFor(() => expect(quick.events.filter(({ event }) => event !== "tick")).toHaveLength(at + 1), { interval: 1 });
  }
  slow.socket.resume();
  await vi.waitFor(() => expect(slow.events.length).toBeGreaterThan(0));
  await vi.waitFor(() => {
    broadcast.send("sandbox.changed", { name: "after", sandbox: null });
    expect(slow.events.at(-1)).toMatchObject({ payload: { name: "after" } });
  });
  const [told] = slow.events.filter(({ event }) => event === "events.lost").map(({ payload }) => payload as { from: number; to: number });
  const { from, to } = told ?? { from: 0, to: 0 };
  expect(to - from).toBeGreaterThan(10);
  const numbers = new Set(slow.events.map(({ seq }) => seq));
  const missing = Array.from({ length: to }, (_, at) => at + 1).filter((seq) => !numbers.has(seq));
  expect([missing[0], missing.at(-1), missing.length]).toEqual([from, to, to - from + 1]);
});

test("a client that comes back goes on after the last event that it has, and is told when that can't be", async () => {
  const { url, ownerKey, broadcast } = await openSocketServer();
  const first = await listen(url, ownerKey);
  expect(first.hello.events.resumed).toBeUndefined();
  broadcast.send("sandbox.changed", { name: "one", sandbox: null });
  await vi.waitFor(() => expect(first.events).toHaveLength(1));
  first.socket.terminate();
  broadcast.send("sandbox.changed", { name: "two", sandbox: null });
  broadcast.send("device.pair.resolved", { requestId: "0".repeat(16), deviceId: "0".repeat(64), decision: "approved", ts: 1 });
  broadcast.send("sandbox.changed", { name: "three", sandbox: null });
  const resume = first.events[0]?.cursor ?? "";
  const again = await listen(url, ownerKey, { resume });
  expect(again.hello.events.resumed).toBe(true);
  await vi.waitFor(() => expect(again.events).toHaveLength(2));
  expect(again.events.map(({ payload, seq }) => [(payload as { name: string }).name, seq])).toEqual([
    ["two", 1],
    ["three", 2],
  ]);
  for (const cursor of ["other.1", "epoch.999", "epoch.x", ""]) {
    const lost = await listen(url, ownerKey, { resume: cursor });
    expect(lost.hello.events.resumed, cursor).toBe(false);
  }
  for (let at = 0; at < 2_100; at += 1) broadcast.send("sandbox.changed", { name: "many", sandbox: null });
  expect((await listen(url, ownerKey, { resume })).hello.events.resumed).toBe(false);
});

test("events of every length come whole and in the order in which they happened, whatever is answered between them", async () => {
  const { url, ownerKey, broadcast } = await openSocketServer();
  const { socket, events } = await listen(url, ownerKey);
  // Around the bounds of a frame's three forms of length, in one byte and in four.
  const lengths = [0, 1, 10, 20, 30, 40, 65_380, 65_400, 65_410, 65_420, 65_430, 65_440, 100_000];
  const names = lengths.flatMap((length) => ["x".repeat(length), "\u{1F980}".repeat(Math.ceil(length / 4))]);
  let answers = 0;
  socket.on("message", (data) => {
    if (String(data).startsWith('{"type":"res"')) answers += 1;
  });
  for (const [at, name] of names.entries()) {
    broadcast.send("sandbox.changed", { name, sandbox: null });
    if (at % 3 === 0) socket.send(JSON.stringify({ type: "req", id: String(at), method: "sessions.list", params: {} }));
    if (at % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const told = (): EventFrame[] => events.filter(({ event }) => event === "sandbox.changed");
  await vi.waitFor(() => expect(told()).toHaveLength(names.length));
  expect(told().map(({ payload }) => (payload as { name: string }).name)).toEqual(names);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  await vi.waitFor(() => expect(answers).toBe(Math.ceil(names.length / 3)));
});
