// Finds a marker in a command's output, however the output is chunked, and removes it. It keeps no more than the marker's length.

export class MarkerFilter {
  readonly #marker: Buffer;
  /** What may be the begin of the marker. */
  #held = Buffer.alloc(0);
  #isSeen = false;

  /** @param marker ASCII, a line without its newline */
  constructor(marker: string) {
    this.#marker = Buffer.from(`${marker}\n`);
  }

  get isSeen(): boolean {
    return this.#isSeen;
  }

  /** What of the output is certainly none of the marker. */
  push(chunk: Buffer): Buffer {
    if (this.#isSeen) return chunk;
    const seen = Buffer.concat([this.#held, chunk]);
    const at = seen.indexOf(this.#marker);
    this.#isSeen = at >= 0;
    const end = at >= 0 ? at : seen.length - this.#beginLength(seen);
    this.#held = this.#isSeen ? Buffer.alloc(0) : seen.subarray(end);
    return this.#isSeen ? Buffer.concat([seen.subarray(0, end), seen.subarray(end + this.#marker.length)]) : seen.subarray(0, end);
  }

  /** What was held back: no more will come. */
  end(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  /** Of the longest end of `seen` with which the marker begins. */
  #beginLength(seen: Buffer): number {
    for (let length = Math.min(seen.length, this.#marker.length - 1); length > 0; length -= 1) {
      if (seen.subarray(seen.length - length).equals(this.#marker.subarray(0, length))) return length;
    }
    return 0;
  }
}
