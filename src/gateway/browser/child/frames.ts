// The frames in which a gateway and its browser process speak over a pipe: four bytes of length, then so many bytes of JSON. Both ends use this file.
// A frame longer than the bound is refused before any of it is kept; what is in a frame is messages.ts.
import type { Writable } from "node:stream";

const LENGTH_BYTES = 4;

export function writeFrame(to: Writable, message: object): void {
  const body = Buffer.from(JSON.stringify(message), "utf8");
  const head = Buffer.alloc(LENGTH_BYTES);
  head.writeUInt32BE(body.length);
  to.write(Buffer.concat([head, body]));
}

/** Takes bytes as they come. @throws Error a frame that is longer than the bound, or no JSON: nothing that comes after it can be understood */
export class FrameReader {
  readonly #bytesMax: number;
  readonly #take: (message: unknown) => void;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Of the frame that is coming. null: its head is not complete. */
  #length: number | null = null;

  constructor(bytesMax: number, take: (message: unknown) => void) {
    this.#bytesMax = bytesMax;
    this.#take = take;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      const wanted = this.#length ?? LENGTH_BYTES;
      if (this.#held < wanted) return;
      const all = Buffer.concat(this.#chunks);
      const part = all.subarray(0, wanted);
      this.#chunks = [all.subarray(wanted)];
      this.#held -= wanted;
      if (this.#length !== null) {
        this.#length = null;
        this.#take(JSON.parse(part.toString("utf8")));
      } else {
        this.#length = part.readUInt32BE();
        if (this.#length > this.#bytesMax) throw new Error(`a frame of ${this.#length} bytes, more than ${this.#bytesMax}`);
      }
    }
  }
}
