// A command's output as text while it comes: cuts it where a character ends, and replaces what is not UTF-8 as decoding all of it at once would.
// Bytes in, bytes out: nothing becomes a string here that is well-formed already.
import { isUtf8 } from "node:buffer";
import { countCut } from "./cuts.ts";

export class TextPieces {
  #rest: Buffer = Buffer.alloc(0);

  /** What has come to its end with this chunk, as UTF-8. It may be empty, and it may be the chunk itself. */
  take(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = bytes.length - countCut(bytes, bytes.length);
    this.#rest = bytes.subarray(whole);
    return toUtf8(bytes.subarray(0, whole));
  }

  /** What never came to its end. */
  end(): Buffer {
    return toUtf8(this.#rest);
  }
}

const toUtf8 = (bytes: Buffer): Buffer => (isUtf8(bytes) ? bytes : Buffer.from(bytes.toString("utf8")));
