// Server-sent events that are made only as fast as they are read: whoever sends waits until its reader has taken what came before.
// What the events are is the caller's.

/** Proxies and clients take silence for death after 30 to 60 s. */
const HEARTBEAT_MS = 15_000;

export class EventStream {
  readonly response: Response;
  /** Aborted when the reader has gone. */
  readonly gone: AbortSignal;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #left = new AbortController();
  readonly #encoder = new TextEncoder();
  readonly #heartbeat: NodeJS.Timeout;

  constructor() {
    // Nothing is made ahead of the reader but the piece that is under way.
    const pipe = new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 1 }, { highWaterMark: 0 });
    this.#writer = pipe.writable.getWriter();
    this.#writer.closed.catch(() => this.#left.abort());
    this.gone = this.#left.signal;
    this.#heartbeat = setInterval(() => {
      if ((this.#writer.desiredSize ?? 0) > 0) void this.#write(": still here\n\n");
    }, HEARTBEAT_MS);
    this.response = new Response(pipe.readable, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    });
  }

  /** Resolves when it was taken, or nobody is there to take it. Never rejects. */
  send(event: string, data: unknown, id?: number): Promise<void> {
    return this.#write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#writer.close().catch(() => undefined);
  }

  async #write(text: string): Promise<void> {
    await this.#writer.write(this.#encoder.encode(text)).catch(() => this.#left.abort());
  }
}
