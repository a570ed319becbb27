// Keeps the beginning and the end of a command's output within a bound: errors stand at either end. Pure.
// What streams while the command runs is not cut.
import { ESCAPE_LENGTH_MAX, toSafeEnd, toSafeStart } from "../../api/text/cuts.ts";

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

  /** What `toText` leaves out. */
  get droppedBytes(): number {
    return this.#cut()?.dropped ?? 0;
  }

  push(chunk: Buffer): void {
    const first = chunk.subarray(0, this.#headMax - this.#headBytes);
    if (first.length > 0) this.#head.push(first);
    this.#headBytes += first.length;
    const rest = chunk.subarray(first.length);
    if (rest.length > 0) this.#keep(rest);
  }

  /** Broken UTF-8 is replaced. Says in the middle how much is left out, between whole characters and escape sequences. */
  toText(): string {
    const cut = this.#cut();
    if (cut === null) return Buffer.concat([...this.#head, this.#newest()]).toString("utf8");
    return `${cut.first.toString("utf8")}\n[... ${cut.dropped} bytes left out ...]\n${cut.last.toString("utf8")}`;
  }

  /** null: nothing is left out. */
  #cut(): { first: Buffer; last: Buffer; dropped: number } | null {
    if (this.#afterHead <= this.#tailMax) return null;
    const head = Buffer.concat(this.#head);
    // Where nothing is between them, the head says how the rest begins.
    const newest = this.#afterHead > this.#ring.length ? this.#newest() : Buffer.concat([head, this.#newest()]);
    const first = head.subarray(0, toSafeEnd(head, head.length));
    const last = newest.subarray(toSafeStart(newest, newest.length - this.#tailMax));
    return { first, last, dropped: this.bytes - first.length - last.length };
  }

  /** Of what came after the head, in its order: the tail, and a little before it by which its beginning is understood. */
  #newest(): Buffer {
    if (this.#afterHead <= this.#ring.length) return this.#ring.subarray(0, this.#afterHead);
    const oldest = this.#afterHead % this.#ring.length;
    return Buffer.concat([this.#ring.subarray(oldest), this.#ring.subarray(0, oldest)]);
  }

  #keep(rest: Buffer): void {
    const size = this.#tailMax + ESCAPE_LENGTH_MAX;
    if (this.#ring.length === 0) this.#ring = Buffer.allocUnsafeSlow(size);
    const kept = rest.subarray(Math.max(0, rest.length - size));
    const at = (this.#afterHead + rest.length - kept.length) % size;
    const copied = kept.copy(this.#ring, at);
    kept.copy(this.#ring, 0, copied);
    this.#afterHead += rest.length;
  }
}

/** What a command said, and a remark of ours on a line of its own. */
export function withRemark(output: string, remark: string): string {
  return `${output}${output === "" || output.endsWith("\n") ? "" : "\n"}(${remark})`;
}
