// The process in which the gateway speaks to one browser. What a browser sends comes from pages of strangers: it is parsed here, where nothing is worth
// having. The process may read its own code and write one folder; it starts no program, has no environment, and ends with the gateway's end of stdin.
// Arguments: the folder. Requests come on stdin, answers go to stdout, the browser is at the other end of the fourth descriptor.
import { rmSync } from "node:fs";
import type { Connected } from "./actions.ts";
import { openDevTools, toTransport } from "./connection.ts";
import { FrameReader, writeFrame } from "./frames.ts";
import { HeldFiles } from "./held-files.ts";
import { ANSWER_BYTES_MAX, type ProcessAnswer, type ProcessRequest, type ProcessResult } from "./messages.ts";
import { Refusal } from "./refusals.ts";

const [, , folder = ""] = process.argv;
process.env.TMPDIR = folder;

type Answer = ProcessAnswer extends infer One ? (One extends { id: number } ? Omit<One, "id"> : never) : never;

const files = new HeldFiles(folder);
let connected: Connected | null = null;

/** Of the actions that go on, by the id of the request. */
const running = new Map<number, AbortController>();

async function answer(request: ProcessRequest, id: number): Promise<Answer> {
  switch (request.op) {
    case "connect":
      connected = await connect(request);
      return done({ text: "connected" });
    case "thumbnail":
      return done(await thumbnail(request));
    case "run": {
      const { runAction } = await import("./actions.ts");
      const limits = { timeout: request.ms, signal: running.get(id)?.signal ?? AbortSignal.abort() };
      return done(await runAction(mustBeConnected(), request.action, limits));
    }
    case "cancel":
      running.get(request.of)?.abort();
      return done({ text: "cancelled" });
    case "stage":
      await files.add(request.file, request.name, Buffer.from(request.data, "base64"));
      return done({ text: "staged" });
    case "read":
      return {
        kind: "piece",
        data: await (files.has(request.file) ? files : mustBeConnected().downloads).read(request.file, request.offset),
      };
    case "forget":
      connected?.downloads.forget(request.file);
      await files.forget(request.file);
      return done({ text: "forgotten" });
  }
}

const done = (result: ProcessResult): Answer => ({ kind: "done", result });

function mustBeConnected(): Connected {
  if (connected === null) throw new Error("not connected");
  return connected;
}

async function connect({ port, ms }: Extract<ProcessRequest, { op: "connect" }>): Promise<Connected> {
  const signal = AbortSignal.timeout(ms);
  // Side by side: either takes a while.
  const [socket, { chromium }, { Tabs }, { Downloads }] = await Promise.all([
    openDevTools(port, signal),
    import("playwright-core"),
    import("./tabs.ts"),
    import("./downloads.ts"),
  ]);
  socket.once("close", () => process.exit(0));
  const browser = await chromium.connectOverCDP(toTransport(socket), { timeout: ms, noDefaults: true, artifactsDir: folder });
  const tabs = new Tabs(browser);
  await tabs.list();
  return { tabs, downloads: await Downloads.open(await browser.newBrowserCDPSession(), tabs), files };
}

async function thumbnail({ port, ms }: Extract<ProcessRequest, { op: "thumbnail" }>): Promise<ProcessResult> {
  const [socket, { takeThumbnail }] = await Promise.all([openDevTools(port, AbortSignal.timeout(ms)), import("./thumbnail.ts")]);
  return await takeThumbnail(socket);
}

const requests = new FrameReader(ANSWER_BYTES_MAX, (message) => {
  const { id, ...request } = message as ProcessRequest & { id: number };
  // Before anything is waited for: it may be cancelled with the next frame.
  if (request.op === "run") running.set(id, new AbortController());
  const answering = answer(request as ProcessRequest, id).finally(() => running.delete(id));
  answering.then(
    (said) => writeFrame(process.stdout, { id, ...said }),
    (error: unknown) =>
      writeFrame(process.stdout, { id, kind: error instanceof Refusal ? "invalid" : "failed", message: String(Object(error).message) }),
  );
});
process.stdin.on("data", (chunk: Buffer) => requests.push(chunk));
process.stdin.once("end", () => process.exit(0));
process.once("SIGTERM", () => process.exit(0));
// A gateway that has ended does not do it.
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
