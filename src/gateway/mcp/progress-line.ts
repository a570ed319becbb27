// The progress notifications that a client receives about a running tool: the newest line of output or news of the sandbox, now and then.
// All of the output comes with the result; a client that reads nothing must cost no memory.
import { stripVTControlCharacters } from "node:util";
import { toHead, toSafeEnd, toSafeStart, toTail } from "../../api/text/cuts.ts";
import type { ToolEvent } from "../tools/tool-port.ts";

/** Two a second of at most 200 characters: half an hour is under a megabyte, should nobody read it. */
const EACH_MS = 500;
const LENGTH_MAX = 200;

/** What is looked at of each piece of output, and kept of a line that has not ended: a bar is drawn anew again and again. */
const LOOK_BYTES_MAX = 4_096;
const NEWLINE = 0x0a;

export class ProgressLine {
  readonly #send: (count: number, message: string) => Promise<void>;
  readonly #output = { stdout: new OutputLine(), stderr: new OutputLine() };
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
    const line = this.#toLine(event);
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

  #toLine(event: ToolEvent): string {
    switch (event.kind) {
      case "started":
        return event.sandbox === null ? "started" : `started in ${event.sandbox}`;
      case "progress":
        return toHead(toPlainLine(event.message), LENGTH_MAX);
      case "stdout":
      case "stderr":
        return toTail(this.#output[event.kind].take(event.chunk), LENGTH_MAX);
    }
  }

  #flush(): void {
    this.end();
    this.#sentMs = performance.now();
    this.#count += 1;
    void this.#send(this.#count, this.#line).catch(() => undefined);
  }
}

/** What a terminal would show in the newest line of a stream that says anything. */
class OutputLine {
  /** The end of what came, from where the newest line begins. */
  #rest: Buffer = Buffer.alloc(0);

  /** Empty: nothing that can be seen. */
  take(chunk: Buffer): string {
    const all = Buffer.concat([this.#rest, toEnd(chunk)]);
    this.#rest = toEnd(all.subarray(all.lastIndexOf(NEWLINE) + 1));
    // What ends within a character or a sequence is complete with the next piece.
    const text = all.toString("utf8", 0, toSafeEnd(all, all.length));
    return findLast(text.split("\n"), toNewestState);
  }
}

const toEnd = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.length <= LOOK_BYTES_MAX ? bytes : bytes.subarray(toSafeStart(bytes, bytes.length - LOOK_BYTES_MAX)));

/** The last that shows anything. */
function findLast(parts: readonly string[], show: (part: string) => string): string {
  for (let at = parts.length - 1; at >= 0; at -= 1) {
    const shown = show(parts[at] ?? "");
    if (shown !== "") return shown;
  }
  return "";
}

/** Of a line that is written over itself (CR) the last state, without what moves or colours. */
const toNewestState = (line: string): string => findLast(line.split("\r"), toPlainLine);

/** Control characters, escape sequences and what can't be seen are left out, not shown: they are decoration here. */
function toPlainLine(text: string): string {
  return withoutErased(stripVTControlCharacters(text))
    .replace(/[\n\r\t]+/g, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "")
    .trim();
}

/** A backspace takes the character before it. */
function withoutErased(text: string): string {
  if (!text.includes("\b")) return text;
  const kept: string[] = [];
  for (const character of text) {
    if (character === "\b") kept.pop();
    else kept.push(character);
  }
  return kept.join("");
}
