// Server-sent events as a response: each is made when its reader has taken the one before.
// What the events are is the caller's.
import { PacedBody } from "./paced-body.ts";

const encoder = new TextEncoder();

export class EventStream {
  readonly #body = new PacedBody("text/event-stream", encoder.encode(": still here\n\n"));
  readonly response = this.#body.response;
  /** Aborted when the reader has gone. */
  readonly gone = this.#body.gone;

  /** Resolves when it was taken, or nobody is there to take it. Never rejects. */
  send(event: string, data: unknown, id?: number): Promise<void> {
    return this.#body.write(encoder.encode(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }

  close(): Promise<void> {
    return this.#body.close();
  }
}
