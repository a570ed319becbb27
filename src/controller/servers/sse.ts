// Server-sent events: an endless answer that is made only as fast as it is read. What the events are is the routes'.
// There is no queue here: a source is asked for more when the reader has taken what it had.

/** Proxies and clients take silence for death after 30 to 60 s. */
const HEARTBEAT_MS = 15_000;

export interface SseMessage {
  event: string;
  data: unknown;
  /** What `Last-Event-ID` will carry. Absent: the reader's stays. */
  id?: number;
}

/** Lets one waiter know that there may be something new; rings while nobody waits are kept as one. */
export class Bell {
  #rung = false;
  #wake: (() => void) | null = null;
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** @returns false when nothing rang for `timeoutMs` */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#rung && !this.#closed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = null;
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }
}

export interface SseSource {
  /** Rung by the source when `next` may have something. */
  bell: Bell;
  /** What is new now, in order; empty: nothing. Called again only when all of it was read. */
  next: () => readonly SseMessage[];
  /** The reader has gone. */
  end: () => void;
}

export function toSseResponse(source: SseSource): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (!source.bell.closed) {
          const text = source.next().map(renderSse).join("");
          if (text !== "") return controller.enqueue(encoder.encode(text));
          if (!(await source.bell.wait(HEARTBEAT_MS)) && !source.bell.closed) return controller.enqueue(encoder.encode(": still here\n\n"));
        }
        source.end();
        controller.close();
      },
      cancel() {
        source.bell.close();
        source.end();
      },
    },
    // Nothing is made ahead of the reader.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" } });
}

function renderSse({ event, data, id }: SseMessage): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
