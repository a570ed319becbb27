// A response body that is written no faster than it is read: each write waits until the client has taken the one before.
// What is written, and what keeps a silent connection alive, is the caller's.

/** Proxies and clients take silence for death after 30 to 60 s. */
const SILENCE_MS_MAX = 15_000;

export class PacedBody {
  readonly response: Response;
  /** Aborted when the reader has gone. */
  readonly gone: AbortSignal;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #left = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;

  /** @param sign of life, sent into a silence */
  constructor(contentType: string, sign: Uint8Array) {
    // Nothing is made ahead of the reader but the piece that is under way.
    const pipe = new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 1 }, { highWaterMark: 0 });
    this.#writer = pipe.writable.getWriter();
    this.#writer.closed.catch(() => this.#left.abort());
    this.gone = this.#left.signal;
    this.#heartbeat = setInterval(() => {
      if ((this.#writer.desiredSize ?? 0) > 0) void this.write(sign);
    }, SILENCE_MS_MAX);
    this.response = new Response(pipe.readable, {
      headers: { "content-type": contentType, "cache-control": "no-store", "x-accel-buffering": "no" },
    });
  }

  /** Resolves when it was taken, or nobody is there to take it. Never rejects. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes).catch(() => this.#left.abort());
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#writer.close().catch(() => undefined);
  }
}
