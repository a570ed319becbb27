// Events of one connection on their way: those that come close together leave as one write, since a system call each is what a thousand connections cost.
// Which events a connection hears, and which it loses, is connection.ts's.
import type { Duplex } from "node:stream";

/** An event as bytes that are the same on every connection; only the number between them differs. */
export interface EncodedEvent {
  /** ASCII, up to the number. */
  head: string;
  /** From the number on. */
  tail: Buffer;
}

/** @param payload JSON, to which each of `members` is added: `"name":value` */
export function encodeEvent(event: string, payload: string, members: readonly string[] = []): EncodedEvent {
  const rest = [payload, ...members].join(",");
  return { head: `{"type":"event","event":"${event}","seq":`, tail: Buffer.from(`,"payload":${rest}}`) };
}

/** RFC 6455, 5.2: a whole text frame of a server, not masked. */
const TEXT_FRAME = 0x81;
const LENGTH_MAX = 125;
const LENGTH_16 = 126;
const LENGTH_16_MAX = 0xffff;
const LENGTH_64 = 127;
const HEADER_BYTES_MAX = 10;

function writeHeader(bytes: Buffer, at: number, length: number): number {
  bytes[at] = TEXT_FRAME;
  if (length <= LENGTH_MAX) {
    bytes[at + 1] = length;
    return at + 2;
  }
  if (length <= LENGTH_16_MAX) {
    bytes[at + 1] = LENGTH_16;
    return bytes.writeUInt16BE(length, at + 2);
  }
  bytes[at + 1] = LENGTH_64;
  return bytes.writeBigUInt64BE(BigInt(length), at + 2);
}

interface Numbered extends EncodedEvent {
  seq: string;
}

const lengthOf = ({ head, seq, tail }: Numbered): number => head.length + seq.length + tail.length;

function toFrames(events: readonly Numbered[]): Buffer {
  const bytesMax = events.reduce((sum, event) => sum + HEADER_BYTES_MAX + lengthOf(event), 0);
  const bytes = Buffer.allocUnsafe(bytesMax);
  let at = 0;
  for (const event of events) {
    at = writeHeader(bytes, at, lengthOf(event));
    at += bytes.write(event.head + event.seq, at, "latin1");
    at += event.tail.copy(bytes, at);
  }
  return bytes.subarray(0, at);
}

/** An event waits so long at most while the gateway keeps up: nobody sees it. */
const GATHER_MS_MIN = 10;
/** Sending takes a fifth of the time at most: the busier, the longer is gathered. */
const SHARE = 5;
const GATHER_MS_MAX = 250;

/** When what waits is sent, for all connections together. The first after a pause leaves at once. */
export class BatchTimer {
  readonly #nowMs: () => number;
  readonly #waiting = new Set<EventBatch>();
  #nextAtMs = 0;
  #isSet = false;

  /** @param nowMs of a clock that nobody sets */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(batch: EventBatch): void {
    this.#waiting.add(batch);
    if (this.#isSet) return;
    this.#isSet = true;
    const waitMs = this.#nextAtMs - this.#nowMs();
    if (waitMs <= 0) setImmediate(() => this.#flush());
    else setTimeout(() => this.#flush(), waitMs);
  }

  remove(batch: EventBatch): void {
    this.#waiting.delete(batch);
  }

  #flush(): void {
    this.#isSet = false;
    const batches = [...this.#waiting];
    this.#waiting.clear();
    const startedAtMs = this.#nowMs();
    for (const batch of batches) batch.flush();
    const tookMs = this.#nowMs() - startedAtMs;
    this.#nextAtMs = startedAtMs + Math.min(GATHER_MS_MAX, Math.max(GATHER_MS_MIN, tookMs * SHARE));
  }
}

export interface EventBatchParts {
  /** Under a WebSocket that neither compresses nor sends fragments, so that a frame may stand between any two of its own. */
  stream: Duplex;
  timer: BatchTimer;
  /** Nothing may follow a close. */
  isOpen(): boolean;
}

export class EventBatch {
  readonly #parts: EventBatchParts;
  #events: Numbered[] = [];
  #bytes = 0;

  constructor(parts: EventBatchParts) {
    this.#parts = parts;
  }

  /** Of what waits, without frame headers. */
  get bytes(): number {
    return this.#bytes;
  }

  add({ head, tail }: EncodedEvent, seq: number): void {
    const numbered = { head, seq: String(seq), tail };
    this.#events.push(numbered);
    this.#bytes += lengthOf(numbered);
    this.#parts.timer.add(this);
  }

  /** Before anything else is sent, so that the order stays. */
  flush(): void {
    const { stream, isOpen } = this.#parts;
    if (this.#events.length > 0 && isOpen()) stream.write(toFrames(this.#events));
    this.drop();
  }

  /** Whoever is gone hears of nothing any more. */
  drop(): void {
    this.#parts.timer.remove(this);
    this.#events = [];
    this.#bytes = 0;
  }
}
