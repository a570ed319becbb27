// Keeps what happened, for people: similar events are one with a count, old ones fall out, all survive a restart, listeners follow live.
// Where the lines lie on disk is event-file.ts's; what is worth an event, and its wording, is the caller's.
import { Arrivals } from "../../api/arrivals.ts";
import { type DurationMs, elapsed, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { EVENT_MESSAGE_LENGTH_MAX, EVENTS_MAX, type SandboxEvent } from "../../api/event.ts";
import { toHead } from "../../api/text/cuts.ts";
import { EventFile, type EventLine } from "./event-file.ts";

export const EVENTS_PER_OBJECT_MAX = 64;
/** So many different messages of one reason stand by themselves within the window; those after are one event with a count. */
export const SIMILAR_MAX = 10;
export const SIMILAR_WINDOW: DurationMs = toDurationMs(10 * MINUTE_MS);

/** More than wait for the disk at a kill -9: an id is never given twice, or a follower that reconnects would miss what has the second one. */
const RESTART_GAP = 1_000;

/** What a recorder says; the log adds id, count and times. */
export type EventInput = Pick<SandboxEvent, "type" | "reason" | "message" | "object" | "reconcileId">;

export interface EventLogParts {
  /** Folder of the files, e.g. `<state>/controller/events`. */
  folder: string;
  clock: Clock;
  /** Told when lines could not be written; they stay in memory only. */
  writeFailed(error: unknown): void;
}

export class EventLog {
  readonly #clock: Clock;
  readonly #file: EventFile;
  /** In order of id. */
  readonly #events = new Arrivals<number, SandboxEvent>();
  readonly #idsByObject = new Map<string, Set<number>>();
  /** The newest event that another one with the same words would be counted into. */
  readonly #idByWords = new Map<string, number>();
  /** Ids whose message stands for several different ones. */
  readonly #combined = new Set<number>();
  readonly #listeners = new Set<(event: SandboxEvent) => void>();
  /** Whether earlier events could not be read. */
  readonly isDamaged: boolean;
  #lastId = 0;

  private constructor(clock: Clock, file: EventFile, isDamaged: boolean) {
    this.#clock = clock;
    this.#file = file;
    this.isDamaged = isDamaged;
  }

  /** Reads what earlier processes recorded, as far as it can be read. @throws OperationError `HostRejected` */
  static async open(parts: EventLogParts): Promise<EventLog> {
    const { file, lines, isDamaged } = await EventFile.open(parts.folder, parts.writeFailed);
    const log = new EventLog(parts.clock, file, isDamaged);
    for (const line of lines) log.#apply(line);
    if (lines.length > 0) log.#lastId += RESTART_GAP;
    return log;
  }

  /** Recorded at once in memory, soon on disk. Messages over 1024 characters are cut. */
  record(input: EventInput): SandboxEvent {
    const now = this.#clock.now();
    const message = toMessage(input.message);
    const same = this.#recent(toWords(input, message));
    const combined = same === null && this.#isCrowded(input);
    const before = combined ? this.#recent(toWords(input, null)) : same;
    const event: SandboxEvent = {
      id: this.#lastId + 1,
      type: input.type,
      reason: input.reason,
      message: combined ? toMessage(`(combined from similar events) ${message}`) : message,
      count: (before?.count ?? 0) + 1,
      firstSeen: before?.firstSeen ?? now,
      lastSeen: now,
      object: { kind: input.object.kind, name: input.object.name },
      ...(input.reconcileId === undefined ? {} : { reconcileId: input.reconcileId }),
    };
    const line: EventLine = { event, replaces: before?.id ?? null, combined };
    this.#apply(line);
    this.#file.append(line, () => this.#lines());
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  /** In order of id: those after `afterId`, of one object or of all. */
  list(filter: { afterId?: number; object?: SandboxEvent["object"] } = {}): readonly SandboxEvent[] {
    const { afterId = 0, object } = filter;
    if (object === undefined) return [...this.#events.values()].filter(({ id }) => id > afterId);
    const ids = this.#idsByObject.get(toObjectKey(object)) ?? new Set<number>();
    return [...ids].filter((id) => id > afterId).flatMap((id) => this.#events.get(id) ?? []);
  }

  /**
   * Calls back with every kept event after `afterId`, then with each new one, without a gap between. An event that was counted up comes
   * again with a new id. An `afterId` that was never given is from a log that was lost: everything is new then. Listeners must not throw.
   * @returns ends the subscription
   */
  subscribe(afterId: number, listener: (event: SandboxEvent) => void): () => void {
    for (const event of this.list({ afterId: afterId > this.#lastId ? 0 : afterId })) listener(event);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** Resolves when everything recorded so far is on disk, or could not be. */
  async flush(): Promise<void> {
    await this.#file.flush();
  }

  #apply({ event, replaces, combined }: EventLine): void {
    if (replaces !== null) this.#drop(replaces);
    this.#lastId = Math.max(this.#lastId, event.id);
    this.#events.set(event.id, event);
    const key = toObjectKey(event.object);
    const ids = this.#idsByObject.get(key) ?? new Set();
    this.#idsByObject.set(key, ids.add(event.id));
    this.#idByWords.set(toWords(event, combined ? null : event.message), event.id);
    if (combined) this.#combined.add(event.id);
    const [oldest] = ids;
    if (ids.size > EVENTS_PER_OBJECT_MAX && oldest !== undefined) this.#drop(oldest);
    if (this.#events.size > EVENTS_MAX && this.#events.oldest !== undefined) this.#drop(this.#events.oldest);
  }

  #drop(id: number): void {
    const event = this.#events.get(id);
    if (event === undefined) return;
    this.#events.delete(id);
    const key = toObjectKey(event.object);
    const ids = this.#idsByObject.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsByObject.delete(key);
    const words = toWords(event, this.#combined.delete(id) ? null : event.message);
    if (this.#idByWords.get(words) === id) this.#idByWords.delete(words);
  }

  /** The event with these words, if it was seen within the window. */
  #recent(words: string): SandboxEvent | null {
    const event = this.#events.get(this.#idByWords.get(words) ?? 0);
    return event !== undefined && elapsed(event.lastSeen, this.#clock.now()) <= SIMILAR_WINDOW ? event : null;
  }

  /** Whether as many different messages of this reason stand there as may. */
  #isCrowded(input: EventInput): boolean {
    const now = this.#clock.now();
    let similar = 0;
    for (const event of this.list({ object: input.object })) {
      const counts = event.type === input.type && event.reason === input.reason && elapsed(event.lastSeen, now) <= SIMILAR_WINDOW;
      if (counts && !this.#combined.has(event.id)) similar += 1;
    }
    return similar >= SIMILAR_MAX;
  }

  #lines(): EventLine[] {
    return [...this.#events.values()].map((event) => ({ event, replaces: null, combined: this.#combined.has(event.id) }));
  }
}

const toObjectKey = (object: SandboxEvent["object"]): string => `${object.kind}/${object.name}`;

/** `message` null: the combined event of the reason. */
function toWords(event: Pick<SandboxEvent, "type" | "reason" | "object">, message: string | null): string {
  return JSON.stringify([event.object.kind, event.object.name, event.type, event.reason, message]);
}

function toMessage(text: string): string {
  return text.length <= EVENT_MESSAGE_LENGTH_MAX ? text : `${toHead(text, EVENT_MESSAGE_LENGTH_MAX - 3)}...`;
}
