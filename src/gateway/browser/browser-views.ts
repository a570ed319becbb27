// People who watch browsers: a code for each who may, good once and for a minute, and a socket for each that showed one. Many watch one browser; one of them
// at a time is in control, and nobody before he asked for it. Watching is no use of a browser. Whoever may no more is cut off at once.
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import type { WebSocket } from "ws";
import { z } from "zod";
import type { EpochMs } from "../../api/brands.ts";
import type { BrowserEndpoint } from "../../api/browser-session.ts";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import type { BrowserPort } from "./browser-port.ts";
import { RfbFilter } from "./rfb-filter.ts";

const CODE_MS = 60_000;
/** Codes that nobody showed yet; the oldest gives way. */
const CODES_MAX = 256;
const VIEWS_MAX = 64;
/** Of pictures that the page has not taken: two of the whole screen. */
const BUFFERED_BYTES_MAX = 8_388_608;
const DRAIN_LOOK_MS = 20;
const FIRST_MS_MAX = 10_000;

const First = z.strictObject({ code: z.string().max(64) });
const Later = z.strictObject({ control: z.boolean() });

/** RFC 6455: against the rules; the other end has gone. */
const CLOSED = { policy: 1008, gone: 1001 } as const;

export interface Viewer {
  /** For a log: the device's id, or `owner`. */
  by: string;
  mayControl: boolean;
  /** Aborts when he may no more. null: as long as the socket lives. */
  revoked: AbortSignal | null;
}

interface Granted {
  session: Session;
  viewer: Viewer;
  expiresAt: number;
}

interface View {
  socket: WebSocket;
  viewer: Viewer;
  /** The run of the browser that is watched. */
  browser: string;
}

export interface BrowserViewsParts {
  port: BrowserPort;
  now(): EpochMs;
  /** At least 128 bits of chance. */
  newCode(): string;
  log: Logger;
}

export class BrowserViews {
  readonly #parts: BrowserViewsParts;
  readonly #codes = new Map<string, Granted>();
  readonly #views = new Set<View>();
  /** By the run of a browser. */
  readonly #inControl = new Map<string, View>();

  constructor(parts: BrowserViewsParts) {
    this.#parts = parts;
  }

  /** @throws OperationError `NotReady`: nothing runs, or it has no screen */
  async grant(session: Session, viewer: Viewer): Promise<{ code: string; expiresAt: number }> {
    mustHaveScreen(await this.#parts.port.find(session));
    const code = this.#parts.newCode();
    const expiresAt = this.#parts.now() + CODE_MS;
    const [oldest] = this.#codes.keys();
    if (this.#codes.size >= CODES_MAX && oldest !== undefined) this.#codes.delete(oldest);
    this.#codes.set(code, { session, viewer, expiresAt });
    return { code, expiresAt };
  }

  /** A socket that has come from where it may. Its first message shows the code; then it is RFB in binary messages, and JSON about who is in control. */
  accept(socket: WebSocket, known: () => void): void {
    const late = setTimeout(() => socket.close(CLOSED.policy, "no code came"), FIRST_MS_MAX);
    socket.on("error", () => socket.terminate());
    socket.once("close", () => clearTimeout(late));
    socket.once("message", (data: Buffer, isBinary) => {
      clearTimeout(late);
      const granted = isBinary ? null : this.#redeem(data.toString("utf8"));
      if (granted === null) return socket.close(CLOSED.policy, "the code is not good: it was used, or is older than a minute");
      known();
      socket.pause();
      this.#watch(socket, granted).catch((error: unknown) => {
        socket.resume();
        socket.close(CLOSED.gone, error instanceof OperationError ? error.message.slice(0, 120) : "it failed");
        if (!(error instanceof OperationError)) this.#parts.log.error({ err: error }, "browser view failed");
      });
    });
  }

  get count(): number {
    return this.#views.size;
  }

  stop(): void {
    for (const { socket } of this.#views) socket.close(CLOSED.gone, "the gateway ends");
  }

  #redeem(text: string): Granted | null {
    const first = First.safeParse(toJson(text));
    const granted = first.success ? this.#codes.get(first.data.code) : undefined;
    if (!first.success || granted === undefined) return null;
    this.#codes.delete(first.data.code);
    return granted.expiresAt >= this.#parts.now() && granted.viewer.revoked?.aborted !== true ? granted : null;
  }

  async #watch(socket: WebSocket, { session, viewer }: Granted): Promise<void> {
    const { port, log } = this.#parts;
    if (this.#views.size >= VIEWS_MAX) throw new OperationError("LimitExceeded", `${VIEWS_MAX} people are watching already`);
    const endpoint = mustHaveScreen(await port.find(session));
    const view: View = { socket, viewer, browser: `${endpoint.name} ${endpoint.incarnation}` };
    this.#views.add(view);
    const gone = new AbortController();
    const cut = (): void => socket.close(CLOSED.policy, "you may no more");
    socket.once("close", () => {
      gone.abort();
      viewer.revoked?.removeEventListener("abort", cut);
      this.#views.delete(view);
      if (this.#inControl.get(view.browser) === view) this.#inControl.delete(view.browser);
      log.info({ browser: endpoint.name, by: viewer.by }, "browser view closed");
    });
    log.info({ browser: endpoint.name, by: viewer.by }, "browser view opened");
    viewer.revoked?.addEventListener("abort", cut);
    const stream = await port.dial(endpoint, "vnc", "watch", gone.signal);
    if (viewer.revoked?.aborted === true) cut();
    this.#pass(view, stream);
  }

  #pass(view: View, stream: Duplex): void {
    const { socket } = view;
    const filter = new RfbFilter(() => this.#inControl.get(view.browser) === view);
    socket.once("close", () => stream.destroy());
    // A browser says nothing more once it has said that.
    stream.once("end", () => stream.destroy());
    stream.once("close", () => socket.close(CLOSED.gone, "the browser has gone"));
    stream.on("error", () => stream.destroy());
    stream.on("data", (chunk: Buffer) => {
      socket.send(chunk);
      if (socket.bufferedAmount > BUFFERED_BYTES_MAX) pauseUntilTaken(socket, stream);
    });
    socket.on("message", (data: Buffer, isBinary) => {
      try {
        if (!isBinary) return this.#control(view, Later.parse(toJson(data.toString("utf8"))).control);
        if (stream.write(filter.push(data))) return;
        socket.pause();
        stream.once("drain", () => socket.resume());
      } catch {
        socket.close(CLOSED.policy, "that was no message");
      }
    });
    socket.resume();
  }

  /** Who takes it takes it from whoever had it; each is told what he has. */
  #control(view: View, isWanted: boolean): void {
    const had = this.#inControl.get(view.browser);
    if (isWanted && view.viewer.mayControl) this.#inControl.set(view.browser, view);
    else if (had === view) this.#inControl.delete(view.browser);
    const has = this.#inControl.get(view.browser);
    tellControl(view, view === has);
    if (had !== undefined && had !== view && had !== has) tellControl(had, false);
  }
}

const tellControl = ({ socket }: View, control: boolean): void => socket.send(JSON.stringify({ control }));

/** @throws OperationError `NotReady` */
function mustHaveScreen(endpoint: BrowserEndpoint | null): BrowserEndpoint {
  if (endpoint === null)
    throw new OperationError("NotReady", "the session's browser does not run", { fix: "it starts with the first use of the tool browser" });
  if (endpoint.vncPort === null)
    throw new OperationError("NotReady", "the browser has no screen to watch", {
      fix: "set sandbox.browser.headless to false and sandbox.browser.enableNoVnc to true",
    });
  return endpoint;
}

/** A slow page slows the server down. */
function pauseUntilTaken(socket: WebSocket, stream: Duplex): void {
  stream.pause();
  const look = setInterval(() => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount > BUFFERED_BYTES_MAX / 2) return;
    clearInterval(look);
    stream.resume();
  }, DRAIN_LOOK_MS);
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
