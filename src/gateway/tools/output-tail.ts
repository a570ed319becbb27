// Keeps the beginning and the end of a command's output within a bound: errors stand at either end. Pure.
// What streams while the command runs is not cut.

export class OutputTail {
  readonly #headMax: number;
  readonly #tailMax: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  /** The newest of what came after the head, each byte at its position modulo the length: a gigabyte passes without new memory. */
  #ring = Buffer.alloc(0);
  #afterHead = 0;

  constructor({ headBytesMax, tailBytesMax }: { headBytesMax: number; tailBytesMax: number }) {
    this.#headMax = headBytesMax;
    this.#tailMax = tailBytesMax;
  }

  /** Of all that came. */
  get bytes(): number {
    return this.#headBytes + this.#afterHead;
  }

  get droppedBytes(): number {
    return Math.max(0, this.#afterHead - this.#tailMax);
  }

  push(chunk: Buffer): void {
    const first = chunk.subarray(0, this.#headMax - this.#headBytes);
    if (first.length > 0) this.#head.push(first);
    this.#headBytes += first.length;
    const rest = chunk.subarray(first.length);
    if (rest.length > 0) this.#keep(rest);
  }

  /** Broken UTF-8 is replaced. Says in the middle how much is left out. */
  toText(): string {
    const newest = this.#afterHead % (this.#ring.length || 1);
    const isFull = this.#afterHead > this.#ring.length;
    const tail = isFull ? [this.#ring.subarray(newest), this.#ring.subarray(0, newest)] : [this.#ring.subarray(0, this.#afterHead)];
    if (this.droppedBytes === 0) return Buffer.concat([...this.#head, ...tail]).toString("utf8");
    const [first, last] = [this.#head, tail].map((half) => Buffer.concat(half).toString("utf8"));
    return `${first}\n[... ${this.droppedBytes} bytes left out ...]\n${last}`;
  }

  #keep(rest: Buffer): void {
    if (this.#ring.length === 0) this.#ring = Buffer.allocUnsafeSlow(this.#tailMax);
    const kept = rest.subarray(Math.max(0, rest.length - this.#tailMax));
    const at = (this.#afterHead + rest.length - kept.length) % this.#tailMax;
    const copied = kept.copy(this.#ring, at);
    kept.copy(this.#ring, 0, copied);
    this.#afterHead += rest.length;
  }
}

/** What a command said, and a remark of ours on a line of its own. */
export function withRemark(output: string, remark: string): string {
  return `${output}${output === "" || output.endsWith("\n") ? "" : "\n"}(${remark})`;
}
