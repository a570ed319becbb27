// Sends what happened to every connection that may hear of it, and keeps the newest for clients that come back. It is made first, so that whoever has
// something to say needs no sockets. Which event needs which scope is api/gateway-protocol/events.ts's.
import type { EventName, EventPayload } from "../../api/gateway-protocol/events.ts";
import { type EncodedEvent, encodeEvent } from "./event-batch.ts";

/** An event as it is sent, encoded once for all connections. */
export interface Told extends EncodedEvent {
  event: EventName;
  /** Where a client that has it goes on after. */
  cursor: string;
}

export interface Hearer {
  hear(told: Told): void;
}

/** Of events: a client that was away for a minute finds them, on a gateway with hundreds of sandboxes that change. */
const KEPT_MAX = 2_000;
/** Of their payloads; a sandbox is some KiB. */
const KEPT_BYTES_MAX = 4_194_304;

export class Broadcast {
  readonly #epoch: string;
  readonly #hearers = new Set<Hearer>();
  readonly #kept: (Told & { id: number })[] = [];
  #keptBytes = 0;
  #lastId = 0;

  /** @param epoch another one for each start of the gateway: `[a-z0-9]` */
  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** Of the newest event. */
  get cursor(): string {
    return this.#toCursor(this.#lastId);
  }

  /** @returns it hears no more */
  add(hearer: Hearer): () => void {
    this.#hearers.add(hearer);
    return () => void this.#hearers.delete(hearer);
  }

  /** @param options `isKept` false: a client that comes back is not sent it, and asks for what it missed in another way. Absent: it is */
  send<Name extends EventName>(event: Name, payload: EventPayload<Name>, { isKept = true }: { isKept?: boolean } = {}): void {
    if (isKept) this.#lastId += 1;
    const { cursor } = this;
    const told = { id: this.#lastId, event, cursor, ...encodeEvent(event, JSON.stringify(payload), [`"cursor":"${cursor}"`]) };
    if (isKept) this.#keep(told);
    for (const hearer of this.#hearers) hearer.hear(told);
  }

  #keep(told: Told & { id: number }): void {
    this.#kept.push(told);
    this.#keptBytes += told.tail.length;
    while (this.#kept.length > KEPT_MAX || this.#keptBytes > KEPT_BYTES_MAX) this.#keptBytes -= this.#kept.shift()?.tail.length ?? 0;
  }

  /** What came after that cursor. null: not all of it is kept, or the cursor is of another start. */
  since(cursor: string): readonly Told[] | null {
    const [epoch, text = ""] = cursor.split(".");
    const id = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    const oldest = this.#kept[0]?.id ?? this.#lastId + 1;
    if (epoch !== this.#epoch || !(id >= oldest - 1 && id <= this.#lastId)) return null;
    return this.#kept.filter((told) => told.id > id);
  }

  #toCursor(id: number): string {
    return `${this.#epoch}.${id}`;
  }
}
