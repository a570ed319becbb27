// Where the events of one endless response come from: a source is asked for more when the client has taken what it had, so nothing queues here.
// How events are written is api/event-stream.ts's.
import { EventStream, type ServerSentEvent } from "../../api/event-stream.ts";

/** Wakes one waiter when there may be something new; rings while nobody waits are kept as one. */
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

  /** Resolves when it has been rung since the last wait, or is closed. */
  async wait(): Promise<void> {
    if (!this.#rung && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
    this.#rung = false;
  }
}

export interface EventSource {
  /** Rung by the source when `next` may have something. */
  bell: Bell;
  /** What is new now, in order; empty: nothing. Called again only when all of it was read. */
  next: () => readonly ServerSentEvent[];
  /** The client has gone. */
  end: () => void;
}

/** A response that ends when the client goes or the bell is closed. */
export function toEventResponse(source: EventSource): Response {
  const stream = new EventStream();
  stream.gone.addEventListener("abort", () => source.bell.close(), { once: true });
  void pump(source, stream);
  return stream.response;
}

async function pump({ bell, next, end }: EventSource, stream: EventStream): Promise<void> {
  try {
    while (!bell.closed) {
      const events = next();
      await (events.length > 0 ? stream.sendAll(events) : bell.wait());
    }
  } finally {
    end();
    await stream.close();
  }
}
