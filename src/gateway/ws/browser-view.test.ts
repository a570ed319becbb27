// Watching a browser over a real socket: what a person gets with a code, and attacks on it, each a test with that name. The VNC server is played; a real one
// and a real page are test/browser-view.engine.test.ts.
import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { fakeBrowser } from "../browser/fake-browser.fixture.ts";
import { TOKEN } from "../http/server.fixture.ts";
import { connectRaw, makeDevice, type TestDevice } from "./device.fixture.ts";
import { openSocketServer, type SocketServer } from "./sockets.fixture.ts";

const GREETING = Buffer.from("RFB 003.008\n\x01\x01", "latin1");
const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 65]);
const VIEW = "/v1/sessions/main/browser/view";

interface Watched extends SocketServer {
  /** What the VNC servers were told, by the order in which they were dialled. */
  told: Buffer[];
  /** Their ends of the connections. */
  screens: Duplex[];
  /** The gateway's ends. */
  streams: Duplex[];
  dialled: { port: string; use: string }[];
}

async function open(): Promise<Watched> {
  const told: Buffer[] = [];
  const screens: Duplex[] = [];
  const streams: Duplex[] = [];
  const browser = fakeBrowser(() => {
    const [here, there] = duplexPair();
    const at = told.push(Buffer.alloc(0)) - 1;
    there.on("data", (chunk: Buffer) => {
      told[at] = Buffer.concat([told[at] ?? Buffer.alloc(0), chunk]);
    });
    there.write("RFB 003.008\n");
    screens.push(there);
    streams.push(here);
    return here;
  });
  const server = await openSocketServer({ browserPort: browser });
  await server.http("/v1/sessions", TOKEN, { json: { key: "main" } });
  return { ...server, told, screens, streams, dialled: browser.dialled };
}

async function pair(server: SocketServer, scopes: string[]): Promise<TestDevice> {
  const device = makeDevice();
  const { answer } = await connectRaw(server.url, device, { token: TOKEN, scopes });
  const { error } = answer as { error: { details: { requestId: string } } };
  await server.http(`/v1/devices/${error.details.requestId}/approve`, server.ownerKey, { json: {} });
  const { answer: hello } = await connectRaw(server.url, device, { scopes });
  device.token = (hello as { payload: { auth: { deviceToken: string } } }).payload.auth.deviceToken;
  return device;
}

async function codeOf(server: SocketServer, secret: string): Promise<string> {
  const { status, body } = await server.http(VIEW, secret, { method: "POST" });
  expect([status, body.path]).toEqual([200, "/v1/browser-view"]);
  return String(body.code);
}

interface Shown {
  socket: WebSocket;
  closed: Promise<{ code: number; reason: string }>;
  texts: string[];
}

function show(server: SocketServer, code: string, headers: Record<string, string> = {}): Shown {
  const origin = server.url.replace("ws:", "http:");
  const socket = new WebSocket(`${server.url}/v1/browser-view`, { headers: { origin, ...headers } });
  const texts: string[] = [];
  socket.on("error", () => undefined);
  socket.on("open", () => socket.send(JSON.stringify({ code })));
  socket.on("message", (data, isBinary) => {
    if (!isBinary) texts.push(String(data));
  });
  const closed = once(socket, "close").then(([number, reason]) => ({ code: Number(number), reason: String(reason) }));
  return { socket, closed, texts };
}

async function watch(server: SocketServer, secret: string): Promise<Shown> {
  const shown = show(server, await codeOf(server, secret));
  const [first] = await once(shown.socket, "message");
  expect(String(first)).toBe("RFB 003.008\n");
  shown.socket.send(GREETING);
  return shown;
}

test("a person who is signed in watches with a code, over a connection that is no use of the browser", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read", "operator.write"]);
  const { socket } = await watch(server, token ?? "");
  await expect.poll(() => server.told[0]).toEqual(GREETING);
  expect(server.dialled).toEqual([{ port: "vnc", use: "watch" }]);
  socket.close();
  await expect.poll(() => server.browsing.views.count).toBe(0);
});

test("nobody is in control before he asked, one at a time, and only with the scope for it", async () => {
  const server = await open();
  const secret = (await pair(server, ["operator.read", "operator.write"])).token ?? "";
  const [one, two] = [await watch(server, secret), await watch(server, secret)];
  const onlooker = await watch(server, (await pair(server, ["operator.read"])).token ?? "");
  const press = async ({ socket }: Shown): Promise<void> => await new Promise((resolve) => socket.send(KEY, () => resolve()));
  const take = async (shown: Shown, texts: string[]): Promise<void> => {
    shown.socket.send(JSON.stringify({ control: true }));
    await expect.poll(() => shown.texts).toEqual(texts);
  };
  await press(one);
  await take(one, ['{"control":true}']);
  await press(one);
  await press(two);
  await take(onlooker, ['{"control":false}']);
  await press(onlooker);
  await take(two, ['{"control":true}']);
  expect(one.texts).toEqual(['{"control":true}', '{"control":false}']);
  await press(one);
  await press(two);
  const acted = Buffer.concat([GREETING, KEY]);
  await expect.poll(() => server.told.map((told) => told.length)).toEqual([acted.length, acted.length, GREETING.length]);
  expect(server.told.slice(0, 2)).toEqual([acted, acted]);
});

test("used code: it opens one view, and no other", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read"]);
  const code = await codeOf(server, token ?? "");
  const first = show(server, code);
  await once(first.socket, "message");
  const second = show(server, code);
  expect(await second.closed).toEqual({ code: 1008, reason: "the code is not good: it was used, or is older than a minute" });
  expect(server.browsing.views.count).toBe(1);
});

test("old code: a minute later it opens nothing, and neither does one that nobody was given", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read"]);
  const code = await codeOf(server, token ?? "");
  server.clock.at += 60_001;
  for (const tried of [code, "", "x".repeat(22), "x".repeat(5_000)]) expect((await show(server, tried).closed).code).toBe(1008);
  expect(server.dialled).toEqual([]);
});

test("after revocation: what is watched is cut off at once, and a code from before opens nothing", async () => {
  const server = await open();
  const device = await pair(server, ["operator.read", "operator.write"]);
  const shown = await watch(server, device.token ?? "");
  const code = await codeOf(server, device.token ?? "");
  await server.http(`/v1/devices/${device.id}/revoke`, server.ownerKey, { json: {} });
  expect(await shown.closed).toEqual({ code: 1008, reason: "you may no more" });
  await expect.poll(() => server.streams[0]?.destroyed).toBe(true);
  expect((await show(server, code).closed).code).toBe(1008);
  expect((await server.http(VIEW, device.token ?? "", { method: "POST" })).status).toBe(401);
});

test("a foreign page: another origin, none at all, or a rebound name opens nothing, even with a good code", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read"]);
  const statusOf = async (headers: Record<string, string>): Promise<number> => {
    const socket = new WebSocket(`${server.url}/v1/browser-view`, { headers });
    socket.on("error", () => undefined);
    const [, response] = await once(socket, "unexpected-response");
    socket.terminate();
    return response.statusCode;
  };
  await codeOf(server, token ?? "");
  expect(await statusOf({ origin: "https://evil.example" })).toBe(403);
  expect(await statusOf({ origin: "null" })).toBe(403);
  expect(await statusOf({})).toBe(403);
  expect(await statusOf({ host: "evil.example", origin: "http://evil.example" })).toBe(403);
  expect(server.dialled).toEqual([]);
});

test("a page that says what no viewer says is cut off, and so is one that says nothing of a code", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read", "operator.write"]);
  const shown = await watch(server, token ?? "");
  shown.socket.send(Buffer.from([99, 1, 2, 3]));
  expect(await shown.closed).toEqual({ code: 1008, reason: "that was no message" });
  const binary = new WebSocket(`${server.url}/v1/browser-view`, { headers: { origin: server.url.replace("ws:", "http:") } });
  binary.on("open", () => binary.send(GREETING));
  expect((await once(binary, "close"))[0]).toBe(1008);
});

test("a code is in no log, and neither is what is typed", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read", "operator.write"]);
  const code = await codeOf(server, token ?? "");
  const shown = show(server, code);
  await once(shown.socket, "message");
  shown.socket.close();
  await shown.closed;
  await expect.poll(() => server.logged.join("")).toContain("browser view closed");
  expect(server.logged.join("")).not.toContain(code);
});

test("the VNC server's end is the view's end", async () => {
  const server = await open();
  const { token } = await pair(server, ["operator.read"]);
  const shown = await watch(server, token ?? "");
  server.screens[0]?.end();
  expect(await shown.closed).toEqual({ code: 1001, reason: "the browser has gone" });
});
