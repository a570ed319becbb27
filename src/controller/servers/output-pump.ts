// Passes one output of a command on in frames, as fast as its window allows: what came at once goes in one frame, and frames are written into
// the same few buffers again and again. What a frame is, and who reads it, is the caller's.
import type { Readable } from "node:stream";
import type { Window } from "../../api/command-window.ts";
import { type COMMAND_CHANNEL, COMMAND_CHUNK_BYTES_MAX, COMMAND_WINDOW_BYTES } from "../../api/wire.ts";

export interface OutputPumpParts {
  source: Readable;
  channel: (typeof COMMAND_CHANNEL)["stdout" | "stderr"];
  window: Window;
  /** Sends a frame: the channel, then data. Calls back when its memory is no longer looked at. */
  send(frame: Buffer, sent: () => void): void;
}

/** As many as the window lets under way. A gigabyte in buffers of its own is two hundred collections of garbage. */
const BUFFERS_KEPT_MAX = COMMAND_WINDOW_BYTES / COMMAND_CHUNK_BYTES_MAX;
/** Most commands say less than this in all, and need no buffer of their own. */
const SMALL_BYTES = 4_096;

/** Resolves when the output has ended, or nobody reads it any more. Never rejects: a stream that broke is told elsewhere. */
export async function pumpOutput({ source, channel, window, send }: OutputPumpParts): Promise<void> {
  const arrived = new Arrived(source);
  const kept: Buffer[] = [];
  for (let bytes = await arrived.some(); bytes > 0; bytes = await arrived.some()) {
    if (!(await window.take(bytes))) {
      source.destroy();
      return;
    }
    const isSmall = bytes < SMALL_BYTES;
    const buffer = isSmall ? Buffer.allocUnsafe(1 + bytes) : (kept.pop() ?? Buffer.allocUnsafeSlow(1 + COMMAND_CHUNK_BYTES_MAX));
    buffer[0] = channel;
    arrived.moveTo(buffer.subarray(1, 1 + bytes));
    send(buffer.subarray(0, 1 + bytes), () => {
      if (!isSmall && kept.length < BUFFERS_KEPT_MAX) kept.push(buffer);
    });
  }
}

/** Pieces of a stream that wait to be passed on; it is stopped while they make a whole frame. */
class Arrived {
  readonly #source: Readable;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(source: Readable) {
    this.#source = source;
    source.on("error", () => undefined);
    source.once("close", () => {
      this.#ended = true;
      this.#wake();
    });
    source.on("data", (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      if (this.#bytes >= COMMAND_CHUNK_BYTES_MAX) source.pause();
      this.#wake();
    });
  }

  /** How many of them fit into a frame; waits for the first. 0: no more will come. */
  async some(): Promise<number> {
    while (this.#bytes === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return Math.min(this.#bytes, COMMAND_CHUNK_BYTES_MAX);
  }

  /** The first of them, as many as there is room for. */
  moveTo(target: Buffer): void {
    for (let at = 0; at < target.length; ) {
      const piece = this.#pieces.shift();
      if (piece === undefined) throw new Error("asked to consume more than has arrived");
      const moved = piece.copy(target, at);
      at += moved;
      if (moved < piece.length) this.#pieces.unshift(piece.subarray(moved));
    }
    this.#bytes -= target.length;
    if (this.#bytes < COMMAND_CHUNK_BYTES_MAX) this.#source.resume();
  }
}
