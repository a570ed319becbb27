// The progress notifications that a client receives about a running tool: the newest line of output or news of the sandbox, now and then.
// All of the output comes with the result; a client that reads nothing must cost no memory.
import type { ToolEvent } from "../tools/tool-port.ts";

/** Two a second of at most 200 characters: half an hour is under a megabyte, should nobody read it. */
const EACH_MS = 500;
const LENGTH_MAX = 200;

export class ProgressLine {
  readonly #send: (count: number, message: string) => Promise<void>;
  #count = 0;
  #line = "";
  #sentMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  /** @param send rejects when the client has gone, which is no matter */
  constructor(send: (count: number, message: string) => Promise<void>) {
    this.#send = send;
  }

  /** Never waits for the client. */
  async tell(event: ToolEvent): Promise<void> {
    const line = toLine(event);
    if (line === "") return;
    this.#line = line;
    const waitMs = this.#sentMs + EACH_MS - performance.now();
    if (waitMs <= 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), waitMs);
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #flush(): void {
    this.end();
    this.#sentMs = performance.now();
    this.#count += 1;
    void this.#send(this.#count, this.#line).catch(() => undefined);
  }
}

function toLine(event: ToolEvent): string {
  switch (event.kind) {
    case "started":
      return event.sandbox === null ? "started" : `started in ${event.sandbox}`;
    case "progress":
      return event.message.slice(0, LENGTH_MAX);
    case "stdout":
    case "stderr":
      return event.chunk.toString("utf8").trimEnd().split("\n").at(-1)?.slice(-LENGTH_MAX) ?? "";
  }
}
