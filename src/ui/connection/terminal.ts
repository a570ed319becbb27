// A terminal over the gateway's socket: what is typed goes in one piece at a time, in order; what is printed comes no faster than it was shown.
// How it looks is pages/terminal/.
import type { EventPayload } from "../../api/gateway-protocol/events.ts";
import { fromBase64, toBase64 } from "../text/bytes.ts";
import type { GatewayLink } from "./link.ts";
import type { AnswerOf } from "./methods.ts";

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface TerminalParts {
  link: GatewayLink;
  sessionKey: string;
  size: TerminalSize;
  /** Shows it, and calls back when that is done. */
  print(bytes: Uint8Array, shown: () => void): void;
  /** Where its sandbox is on its way. */
  progress(message: string): void;
  opened(): void;
  /** Ends it. */
  signal: AbortSignal;
}

/** Half of what the gateway lets be under way: the other half is what comes meanwhile. */
const READ_BYTES = 131_072;
/** One piece of what is typed or pasted. */
const TYPED_BYTES_MAX = 32_768;

export class GatewayTerminal {
  readonly #parts: TerminalParts;
  #id: string | null = null;
  #typed: Uint8Array = new Uint8Array();
  #isTyping = false;
  #size: TerminalSize;
  #shown = 0;

  constructor(parts: TerminalParts) {
    this.#parts = parts;
    this.#size = parts.size;
  }

  /** Until it ends; one that is ended before it began is ended as soon as it did. @throws GatewayError */
  async run(): Promise<AnswerOf<"terminal.open">> {
    const { link, sessionKey, signal } = this.#parts;
    const close = (): void => this.#close();
    signal.addEventListener("abort", close, { once: true });
    try {
      const said = (event: EventPayload<"tool.output">): void => this.#take(event);
      return await link.openTerminal({ key: sessionKey, ...this.#size }, said);
    } finally {
      signal.removeEventListener("abort", close);
      this.#id = null;
    }
  }

  type(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#typed.length + bytes.length);
    joined.set(this.#typed);
    joined.set(bytes, this.#typed.length);
    this.#typed = joined;
    void this.#send();
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    if (this.#id !== null) this.#parts.link.call("terminal.resize", { terminal: this.#id, ...size }).catch(ignore);
  }

  #take(event: EventPayload<"tool.output">): void {
    const { kind, data, terminal, message } = event;
    if (kind === "progress" && typeof message === "string") return this.#parts.progress(message);
    if (kind === "started" && typeof terminal === "string") return this.#begin(terminal);
    if (kind === "stdout" && data !== undefined) this.#print(fromBase64(data));
  }

  #begin(terminal: string): void {
    const { signal, size, opened } = this.#parts;
    this.#id = terminal;
    if (signal.aborted) return this.#close();
    opened();
    // The window may have been another one since it was asked for.
    if (this.#size.columns !== size.columns || this.#size.rows !== size.rows) this.resize(this.#size);
    void this.#send();
  }

  #print(bytes: Uint8Array): void {
    this.#parts.print(bytes, () => {
      this.#shown += bytes.length;
      if (this.#shown < READ_BYTES || this.#id === null) return;
      this.#parts.link.call("terminal.read", { terminal: this.#id, bytes: this.#shown }).catch(ignore);
      this.#shown = 0;
    });
  }

  async #send(): Promise<void> {
    if (this.#isTyping) return;
    this.#isTyping = true;
    try {
      while (this.#id !== null && this.#typed.length > 0) {
        const piece = this.#typed.subarray(0, TYPED_BYTES_MAX);
        this.#typed = this.#typed.subarray(piece.length);
        await this.#parts.link.call("terminal.type", { terminal: this.#id, data: toBase64(piece) });
      }
    } catch {
      // Its end is told by `run`.
    } finally {
      this.#isTyping = false;
    }
  }

  #close(): void {
    if (this.#id !== null) this.#parts.link.call("terminal.close", { terminal: this.#id }).catch(ignore);
  }
}

/** What goes wrong with a terminal is told by its end. */
const ignore = (): void => undefined;
