// A response body that is written no faster than it is read: each write waits until the client has taken the one before.
// What is written, and what keeps a silent connection alive, is the caller's.
import type { ServerResponse } from "node:http";
import { makeDirect } from "./direct-response.ts";

/** Proxies and clients take silence for death after 30 to 60 s. */
const SILENCE_MS_MAX = 15_000;

/** What was written and not yet taken; null: its end. */
interface Waiting {
  pieces: readonly Uint8Array[] | null;
  taken(): void;
}

export class PacedBody {
  readonly response: Response;
  /** Aborted when the reader has gone. */
  readonly gone: AbortSignal;
  readonly #left = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  /** Writers wait for each other: some few at the most. */
  readonly #waiting: Waiting[] = [];
  #wake: () => void = () => undefined;

  /** @param sign of life, sent into a silence */
  constructor(contentType: string, sign: Uint8Array) {
    this.gone = this.#left.signal;
    this.#heartbeat = setInterval(() => {
      if (this.#waiting.length === 0) void this.write(sign);
    }, SILENCE_MS_MAX);
    // Nothing is made ahead of the reader but the piece that is under way.
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => this.#pull(controller);
    const readable = new ReadableStream<Uint8Array>({ pull, cancel: () => this.#leave() }, { highWaterMark: 0 });
    const headers = { "content-type": contentType, "cache-control": "no-store", "x-accel-buffering": "no" };
    this.response = makeDirect(new Response(readable, { headers }), (outgoing) => void this.#writeTo(outgoing));
  }

  /** Several are one, in one piece on the connection. Resolves when they were taken, or nobody is there to take them. Never rejects. */
  async write(...pieces: readonly Uint8Array[]): Promise<void> {
    await this.#put(pieces);
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#put(null);
  }

  #put(pieces: Waiting["pieces"]): Promise<void> {
    if (this.gone.aborted) return Promise.resolve();
    return new Promise((taken) => {
      this.#waiting.push({ pieces, taken });
      this.#wake();
    });
  }

  /** null: nobody reads any more. */
  async #next(): Promise<Waiting | null> {
    while (this.#waiting.length === 0 && !this.gone.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#waiting.shift() ?? null;
  }

  #leave(): void {
    clearInterval(this.#heartbeat);
    this.#left.abort();
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.#wake();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const next = await this.#next();
    if (next === null) return;
    if (next.pieces === null) controller.close();
    else for (const piece of next.pieces) controller.enqueue(piece);
    next.taken();
  }

  async #writeTo(outgoing: ServerResponse): Promise<void> {
    const drained = { wake: (): void => undefined };
    outgoing.on("error", () => undefined);
    outgoing.on("drain", () => drained.wake());
    outgoing.on("close", () => {
      if (!outgoing.writableEnded) this.#leave();
      drained.wake();
    });
    if (outgoing.destroyed) return this.#leave();
    outgoing.flushHeaders();
    for (let next = await this.#next(); next !== null; next = await this.#next()) {
      if (next.pieces === null) outgoing.end();
      else if (!writeAll(outgoing, next.pieces)) await new Promise<void>((resolve) => (drained.wake = resolve));
      next.taken();
    }
  }
}

/** What is written in one turn leaves together, as it is: none is copied to stand behind the other. @returns false when the reader is behind */
function writeAll(outgoing: ServerResponse, pieces: readonly Uint8Array[]): boolean {
  let isRoom = true;
  for (const piece of pieces) if (piece.length > 0) isRoom = outgoing.write(piece);
  return isRoom || outgoing.destroyed;
}
