// The events of one run, or of all of a session's, at the pace of one reader: what it has not read waits, up to a bound, and then it is cut off.
// What the events are is chat-events.ts's; in which form they leave, their readers'.
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { ChatAccepted } from "../agent/agent-port.ts";
import type { WireEvent } from "./chat-events.ts";
import type { ChatFeed } from "./chat-feed.ts";

/** Of events that one reader has not taken: as much as a socket may have waiting. */
const WAITING_BYTES_MAX = 1_572_864;

export interface RunEventsParts {
  feed: ChatFeed;
  session: SessionKey;
  /** The reader has gone: there are no more. */
  signal: AbortSignal;
}

export interface FollowedRun {
  accepted: ChatAccepted;
  /** To its end. Of a run that was over already there are none. @throws OperationError `LimitExceeded`: it was read too slowly */
  events: AsyncIterable<WireEvent>;
}

/** @param send says something; what it throws is thrown */
export async function startRun({ feed, session, signal }: RunEventsParts, send: () => Promise<ChatAccepted>): Promise<FollowedRun> {
  // Its first events may come before its name is known.
  const early: WireEvent[] = [];
  let take = (event: WireEvent): void => void early.push(event);
  const stop = feed.follow((event) => {
    if (event.payload.sessionKey === session) take(event);
  });
  try {
    const accepted = await send();
    const { runId, status } = accepted;
    const queue = new EventQueue(stop, signal);
    take = (event) => {
      if (event.payload.runId !== runId) return;
      queue.push(event);
      if (isEnd(event)) queue.end();
    };
    for (const event of early) take(event);
    if (status === "answered" || feed.hasEnded(runId)) queue.end();
    return { accepted, events: queue.events() };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Until the reader goes. */
export function followSession({ feed, session, signal }: RunEventsParts): AsyncIterable<WireEvent> {
  const queue = new EventQueue(() => stop(), signal);
  const stop = feed.follow((event) => {
    if (event.payload.sessionKey === session) queue.push(event);
  });
  return queue.events();
}

export const isEnd = (event: WireEvent): boolean => event.event === "chat" && event.payload.state !== "delta";

class EventQueue {
  readonly #stop: () => void;
  #waiting: { event: WireEvent; bytes: number }[] = [];
  #bytes = 0;
  #isOver = false;
  #isTooLate = false;
  #wake: () => void = () => undefined;

  /** @param stop no more is pushed */
  constructor(stop: () => void, signal: AbortSignal) {
    this.#stop = stop;
    if (signal.aborted) this.end();
    else signal.addEventListener("abort", () => this.end(), { once: true });
  }

  push(event: WireEvent): void {
    if (this.#isOver) return;
    const bytes = JSON.stringify(event.payload).length;
    this.#bytes += bytes;
    this.#waiting.push({ event, bytes });
    if (this.#bytes > WAITING_BYTES_MAX) {
      this.#isTooLate = true;
      this.end();
    }
    this.#wake();
  }

  /** What waits is read still. */
  end(): void {
    this.#isOver = true;
    this.#stop();
    this.#wake();
  }

  async *events(): AsyncGenerator<WireEvent> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          this.#bytes -= next.bytes;
          yield next.event;
        } else if (this.#isTooLate) {
          throw new OperationError("LimitExceeded", "events were read too slowly", { fix: "read the history, and follow again" });
        } else if (this.#isOver) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.end();
      this.#waiting = [];
    }
  }
}
