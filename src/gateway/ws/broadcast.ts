// Sends what happened to every connection that may hear of it. It is made first, so that whoever has something to say needs no sockets.
// Which event needs which scope is api/gateway-protocol/events.ts's.
import type { EventName, EventPayload } from "../../api/gateway-protocol/events.ts";

export interface Hearer {
  event<Name extends EventName>(event: Name, payload: EventPayload<Name>): void;
}

export class Broadcast {
  readonly #hearers = new Set<Hearer>();

  /** @returns it hears no more */
  add(hearer: Hearer): () => void {
    this.#hearers.add(hearer);
    return () => void this.#hearers.delete(hearer);
  }

  send<Name extends EventName>(event: Name, payload: EventPayload<Name>): void {
    for (const hearer of this.#hearers) hearer.event(event, payload);
  }
}
