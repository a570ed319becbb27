// How fast one sandbox's bytes pass, in both directions and over all of its connections together; and how they pass from one end to the other.
// Which connections there may be is requests.ts's.
import type { Readable, Writable } from "node:stream";
import { type DurationMs, type EpochMs, toDurationMs } from "../api/brands.ts";
import type { Clock } from "../api/clock.ts";

/** What was not used stays usable for so long, so that a small answer is never held up. */
const BURST_MS = 250;
/** As many connections as there may be wait for each other. */
const DEBT_MS_MAX = 60_000;

/** Grants bytes at once and says how long nothing more may be asked for. */
export class Bandwidth {
  /** Null: no limit. */
  bytesPerSecond: number | null;
  /** When everything granted is paid for. */
  #paidAt = 0;

  constructor(bytesPerSecond: number | null) {
    this.bytesPerSecond = bytesPerSecond;
  }

  take(bytes: number, now: EpochMs): DurationMs {
    if (this.bytesPerSecond === null) return toDurationMs(0);
    // A clock that was set back must not hold anything up for longer than its own bytes do.
    const from = Math.min(Math.max(this.#paidAt, now - BURST_MS), now + DEBT_MS_MAX);
    this.#paidAt = from + (bytes * 1_000) / this.bytesPerSecond;
    return toDurationMs(Math.max(0, Math.ceil(this.#paidAt - now)));
  }
}

export interface Flow {
  readonly source: Readable;
  readonly sink: Writable;
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
}

/**
 * Gives back the memory of a piece that nobody reads any more. The collector would see to it as well, but every 20 MB anew, and most of what a fast
 * connection costs was its work. Memory of which the piece is a part alone is somebody else's, too.
 */
export function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Passes everything on as fast as the sink and the bandwidth take it, and its end. Errors and closing are the caller's. */
export function forward({ source, sink, bandwidth, clock }: Flow): void {
  let holds = 0;
  const hold = (): (() => void) => {
    holds += 1;
    source.pause();
    return () => {
      holds -= 1;
      if (holds === 0) source.resume();
    };
  };
  source.on("data", (piece: Buffer) => {
    // Its callback comes once the system has the bytes, or never will: then nothing reads them there either.
    if (sink.writable && !sink.write(piece, () => release(piece))) sink.once("drain", hold());
    const wait = bandwidth.take(piece.length, clock.now());
    if (wait > 0) clock.setTimer(wait, hold());
  });
  source.once("end", () => sink.end());
  // What was looked at before stands still.
  source.resume();
}
