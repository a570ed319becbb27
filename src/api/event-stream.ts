// Server-sent events as a response, written no faster than the client reads them.
// What the events are, and when there are some, is the caller's.
import { PacedBody } from "./paced-body.ts";

export interface ServerSentEvent {
  event: string;
  data: unknown;
  /** What `Last-Event-ID` will carry. Absent: the client's stays. */
  id?: number;
}

export class EventStream {
  readonly #body = new PacedBody("text/event-stream", Buffer.from(": still here\n\n"));
  readonly response = this.#body.response;
  /** Aborted when the reader has gone. */
  readonly gone = this.#body.gone;

  /** Resolves when it was taken, or nobody is there to take it. Never rejects. */
  send(event: string, data: unknown, id?: number): Promise<void> {
    return this.sendAll([id === undefined ? { event, data } : { event, data, id }]);
  }

  /** As `send`, in one piece. */
  sendAll(events: readonly ServerSentEvent[]): Promise<void> {
    return this.#body.write(Buffer.from(events.map(({ event, data, id }) => renderEvent(event, JSON.stringify(data), id)).join("")));
  }

  /** As `send`, of `{ text }` that is UTF-8 already: each byte passes for a character, so that none is decoded and encoded again. */
  sendText(event: string, utf8: Buffer): Promise<void> {
    const json = `{"text":${JSON.stringify(utf8.toString("latin1"))}}`;
    return this.#body.write(Buffer.from(renderEvent(event, json), "latin1"));
  }

  close(): Promise<void> {
    return this.#body.close();
  }
}

const renderEvent = (event: string, json: string, id?: number): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`;
