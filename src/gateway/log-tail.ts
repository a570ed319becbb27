// The newest lines of the gateway's own log, for clients that may read it. In memory, to a limit.
// What is logged, and what never is, is api/log.ts's and the callers'.

const LINES_MAX = 2_000;
const LENGTH_MAX = 1_048_576;
const PAGE_LENGTH_DEFAULT = 200;

export class LogTail {
  readonly #lines: string[] = [];
  #length = 0;
  /** How many lines there were before the first that is kept. */
  #dropped = 0;

  add(line: string): void {
    const text = line.trimEnd();
    this.#lines.push(text);
    this.#length += text.length;
    while (this.#lines.length > LINES_MAX || this.#length > LENGTH_MAX) {
      this.#length -= this.#lines.shift()?.length ?? 0;
      this.#dropped += 1;
    }
  }

  /** @param cursor absent: the newest */
  read({ cursor, limit = PAGE_LENGTH_DEFAULT }: { cursor?: number | undefined; limit?: number | undefined }): {
    lines: string[];
    cursor: number;
    reset: boolean;
  } {
    const end = this.#dropped + this.#lines.length;
    // A cursor of another start of the gateway may lie behind the end.
    const isKnown = cursor === undefined || (cursor >= this.#dropped && cursor <= end);
    const from = cursor !== undefined && isKnown ? cursor : cursor === undefined ? Math.max(this.#dropped, end - limit) : this.#dropped;
    const lines = this.#lines.slice(from - this.#dropped, from - this.#dropped + limit);
    return { lines, cursor: from + lines.length, reset: !isKnown };
  }
}
