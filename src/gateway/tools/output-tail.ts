// Keeps the beginning and the end of a command's output within a bound: errors stand at either end. Pure.
// What streams while the command runs is not cut.

export class OutputTail {
  readonly #headMax: number;
  readonly #tailMax: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #bytes = 0;

  constructor({ headBytesMax, tailBytesMax }: { headBytesMax: number; tailBytesMax: number }) {
    this.#headMax = headBytesMax;
    this.#tailMax = tailBytesMax;
  }

  /** Of all that came. */
  get bytes(): number {
    return this.#bytes;
  }

  get droppedBytes(): number {
    return this.#bytes - this.#headBytes - Math.min(this.#tailBytes, this.#tailMax);
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const room = this.#headMax - this.#headBytes;
    const first = chunk.subarray(0, room);
    const rest = chunk.subarray(first.length);
    if (first.length > 0) this.#head.push(first);
    this.#headBytes += first.length;
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    // Twice the bound at most, so that what is kept is copied once for each bound that passes.
    if (this.#tailBytes >= 2 * this.#tailMax) this.#trim();
  }

  /** Broken UTF-8 is replaced. Says in the middle how much is left out. */
  toText(): string {
    this.#trim();
    const dropped = this.droppedBytes;
    if (dropped === 0) return Buffer.concat([...this.#head, ...this.#tail]).toString("utf8");
    const [head, tail] = [Buffer.concat(this.#head), Buffer.concat(this.#tail)].map((half) => half.toString("utf8"));
    return `${head}\n[... ${dropped} bytes left out ...]\n${tail}`;
  }

  #trim(): void {
    const tail = Buffer.concat(this.#tail);
    this.#tail = [Buffer.from(tail.subarray(Math.max(0, tail.length - this.#tailMax)))];
    this.#tailBytes = this.#tail[0]?.length ?? 0;
  }
}

/** What a command said, and a remark of ours on a line of its own. */
export function withRemark(output: string, remark: string): string {
  return `${output}${output === "" || output.endsWith("\n") ? "" : "\n"}(${remark})`;
}
