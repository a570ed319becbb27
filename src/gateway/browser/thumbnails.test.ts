// Small pictures of browsers for lists, against a server that speaks as much of DevTools as a picture takes.
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { type EpochMs, toEpochMs, toSandboxName } from "../../api/brands.ts";
import type { BrowserUse } from "../../api/browser-session.ts";
import type { Session } from "../../api/session.ts";
import type { BrowserPort } from "./browser-port.ts";
import { type Picture, Thumbnails } from "./thumbnails.ts";

const TEST_MS_MAX = 90_000;
const PICTURE = Buffer.from("a picture").toString("base64");

interface Browsers {
  port: BrowserPort;
  /** Of each connection, in order. */
  uses: BrowserUse[];
  /** What was counted. */
  looked: string[];
  /** Connections at the same time, at most. */
  most(): number;
  /** Sessions whose browser does not run. */
  gone: Set<string>;
  now: { at: EpochMs };
}

const sessionOf = (key: string): Session => ({ spec: { key } }) as Session;

/** Answers what a picture asks for, after a moment. */
async function serveDevTools(): Promise<number> {
  const answers: Record<string, object> = {
    "Target.getTargets": { targetInfos: [{ type: "page", targetId: "1", url: "http://x/", title: "x" }] },
    "Target.attachToTarget": { sessionId: "1" },
    "Page.getLayoutMetrics": { cssVisualViewport: { clientWidth: 640, clientHeight: 480 } },
    "Page.captureScreenshot": { data: PICTURE },
  };
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ webSocketDebuggerUrl: "ws://127.0.0.1:9222/devtools/browser/1" })),
  );
  new WebSocketServer({ server }).on("connection", (socket) => {
    socket.on("message", (data) => {
      const { id, method } = JSON.parse(String(data)) as { id: number; method: string };
      setTimeout(() => socket.send(JSON.stringify({ id, result: answers[method] ?? {} })), 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function openBrowsers(): Promise<Browsers & { thumbnails: Thumbnails }> {
  const number = await serveDevTools();
  const uses: BrowserUse[] = [];
  const looked: string[] = [];
  const gone = new Set<string>();
  let [open, most] = [0, 0];
  const endpointOf = ({ spec: { key } }: Session) => ({
    ...{ sessionKey: key, name: toSandboxName(`browser-of-${key}`), uid: "1", incarnation: "1" },
    ...{ cdpPort: 9222, vncPort: null, headless: true },
  });
  const port: BrowserPort = {
    open: () => Promise.reject(new Error("a picture starts no browser")),
    find: async (session) => (gone.has(session.spec.key) ? null : endpointOf(session)),
    dial: async (_, __, use) => {
      uses.push(use);
      open += 1;
      most = Math.max(most, open);
      const socket = connect(number, "127.0.0.1");
      socket.once("close", () => {
        open -= 1;
      });
      return socket;
    },
    stop: async () => undefined,
  };
  const now = { at: toEpochMs(0) };
  return {
    port,
    uses,
    looked,
    most: () => most,
    gone,
    now,
    thumbnails: new Thumbnails({ port, now: () => now.at, meter: { looked: (result) => void looked.push(result) } }),
  };
}

test(
  "every browser of a list has its picture, a few at a time, and looking is never a use",
  async () => {
    const { thumbnails, uses, most, now, looked } = await openBrowsers();
    const keys = ["a", "b", "c", "d", "e"];
    const look = (): Promise<(Picture | null)[]> => Promise.all(keys.map((key) => thumbnails.of(sessionOf(key))));
    expect(await look()).toEqual(keys.map(() => ({ mimeType: "image/jpeg", data: PICTURE, takenAt: 0 })));
    expect([uses.length, new Set(uses), most() <= 2]).toEqual([5, new Set(["watch"]), true]);
    now.at = toEpochMs(19_000);
    expect((await look()).map((picture) => picture?.takenAt)).toEqual([0, 0, 0, 0, 0]);
    expect(uses.length).toBe(5);
    now.at = toEpochMs(21_000);
    expect((await thumbnails.of(sessionOf("a")))?.takenAt).toBe(21_000);
    expect(uses.length).toBe(6);
    expect(looked).toEqual(Array.from({ length: 6 }, () => "taken"));
  },
  TEST_MS_MAX,
);

test(
  "a browser that does not run has no picture, is not dialled, and more than can wait are told to come again",
  async () => {
    const { thumbnails, uses, gone } = await openBrowsers();
    gone.add("a");
    expect(await thumbnails.of(sessionOf("a"))).toBeNull();
    expect(uses).toEqual([]);
    const asked = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => thumbnails.of(sessionOf(`many-${index}`))));
    const refused = asked.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(40 - 24);
    expect(refused[0]).toMatchObject({ reason: { code: "LimitExceeded" } });
  },
  TEST_MS_MAX,
);
