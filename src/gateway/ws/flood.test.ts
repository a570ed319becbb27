// Floods and frames that are too much, over real sockets of this host: each test is named after the attack, and shows that who may in still gets in.
// Slow readers are events.test.ts's, and HTTP's own floods http/attacks.test.ts's.
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { FRAME_BYTES_MAX } from "../../api/gateway-protocol/frames.ts";
import { connectAsOwner } from "./device.fixture.ts";
import { openSocketServer, type SocketServer } from "./sockets.fixture.ts";

/** As http/server.ts bounds who has shown nothing. */
const STRANGERS_MAX = 256;
/** Opened at once, so that this process can have their files. */
const AT_ONCE = 500;
const FLOOD = 1_000;
const FLOOD_LONG = 10_000;

/** Opens so many sockets that never say anything. @returns how many the gateway has hung up on so far */
async function flood({ url }: SocketServer, count: number, meanwhile: () => Promise<void>): Promise<() => number> {
  let closed = 0;
  const sockets = new Set<WebSocket>();
  onTestFinished(() => {
    for (const socket of sockets) socket.terminate();
  });
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const settled = Array.from({ length: Math.min(AT_ONCE, count - opened) }, async () => {
      const socket = new WebSocket(url);
      sockets.add(socket);
      // A reset within the handshake is an error first, and a close all the same.
      socket.on("error", () => undefined);
      socket.once("close", () => {
        closed += 1;
        sockets.delete(socket);
      });
      await Promise.race([once(socket, "open"), once(socket, "close")]).catch(() => undefined);
    });
    await Promise.all(settled);
    await meanwhile();
  }
  return () => closed;
}

/** The owner comes in the midst of it, is let in, and is answered. */
async function work(server: SocketServer): Promise<void> {
  const answered = Promise.withResolvers<unknown>();
  const { socket, answer } = await connectAsOwner(server.url, server.ownerKey, {
    onFrame: (frame) => frame.id === "1" && answered.resolve(frame),
  });
  expect(answer).toMatchObject({ ok: true });
  socket.send(JSON.stringify({ type: "req", id: "1", method: "sessions.list" }));
  expect(await answered.promise).toMatchObject({ ok: true });
  expect(server.sockets.counts().stranger).toBeLessThanOrEqual(STRANGERS_MAX);
  socket.terminate();
}

async function check(count: number): Promise<void> {
  const server = await openSocketServer();
  const hungUp = await flood(server, count, () => work(server));
  await vi.waitFor(() => expect(hungUp()).toBeGreaterThanOrEqual(count - STRANGERS_MAX), { timeout: 30_000 });
  await work(server);
}

test("a flood before authentication is bounded, and the owner gets in in the midst of it", { timeout: 120_000 }, async () => {
  await check(FLOOD);
});

test("a flood before authentication of 10 000 sockets is bounded as well", { timeout: 600_000 }, async ({ skip }) => {
  skip(process.env.OPENCLAW_TEST_LONG !== "1", "it takes minutes: OPENCLAW_TEST_LONG=1 runs it");
  await check(FLOOD_LONG);
});

/** More than a recursive function survives. */
const LEVELS = 200_000;
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

test("oversized and deep frames end their connection, and cost nobody else anything", { timeout: 60_000 }, async () => {
  const server = await openSocketServer();
  const ending = async (frame: string): Promise<number> => {
    const { socket } = await connectAsOwner(server.url, server.ownerKey);
    const closed = once(socket, "close");
    socket.on("error", () => undefined);
    socket.send(frame);
    return Number((await closed)[0]);
  };
  expect(await ending("x".repeat(FRAME_BYTES_MAX + 1))).toBe(1009);
  expect(await ending(`${"[".repeat(FRAME_BYTES_MAX / 2)}${"]".repeat(FRAME_BYTES_MAX / 2)}`)).toBe(1002);
  expect(await ending("[".repeat(FRAME_BYTES_MAX))).toBe(1002);

  // Where the depth is in a field that is text, in one that may be anything, and in one whose request is compared by it.
  for (const frame of [
    `"method":"sessions.create","params":{"key":${deep(LEVELS)}}`,
    `"method":"tools.call","params":{"key":"main","tool":"exec","input":${deep(LEVELS)}}`,
    `"method":"tools.call","params":{"key":"main","tool":"exec","idempotencyKey":"k","input":${deep(LEVELS)}}`,
    `"method":"sessions.list","params":${deep(LEVELS)}`,
  ])
    expect(await ending(`{"type":"req","id":"1",${frame}}`), frame.slice(0, 80)).toBe(1002);
  await work(server);
});
