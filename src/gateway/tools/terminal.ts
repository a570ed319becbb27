// A person's terminal in a sandbox: a shell as the sandbox's own user, what is typed into it, and what it prints, no faster than its reader says that he
// has read. Who may, and which terminals there are, is sessions/session-terminals.ts.
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { CommandRequest } from "../../api/wire.ts";
import type { RunningCommand, SandboxPort } from "../sandbox/sandbox-port.ts";
import { type ShellSettings, toShellCommand } from "./shell-command.ts";

export type TerminalSize = NonNullable<CommandRequest["tty"]>;

/** Where it runs, and what its shell begins with. */
export interface TerminalPlace extends ShellSettings {
  port: SandboxPort;
}

export interface TerminalEnd {
  /** Of the shell. null: it was ended. */
  code: number | null;
  reason: "exited" | "closed";
}

export interface TerminalParts extends TerminalPlace {
  sessionKey: SessionKey;
  size: TerminalSize;
  /** For whom: written down by the controller. */
  by: string;
  /** Ends it. */
  signal: AbortSignal;
  /** Resolves when it was sent. */
  print(chunk: Buffer): Promise<void>;
}

/** What may be printed that its reader has not yet said to have read: a screen of text is some KiB. */
export const TERMINAL_WINDOW_BYTES = 262_144;

/** What is in HOME is not run (docs/gateway.md), and nothing of what is typed is left there. */
const START = "if command -v bash >/dev/null 2>&1; then PS1='\\w \\$ ' exec bash --noprofile --norc -i; fi; PS1='$ ' exec sh -i";
const START_LOGIN = "if command -v bash >/dev/null 2>&1; then exec bash -i; fi; exec sh -i";
const ENVIRONMENT = { TERM: "xterm-256color", COLORTERM: "truecolor", HISTFILE: "" } as const;

export class Terminal {
  readonly #parts: TerminalParts;
  readonly #input = new PassThrough();
  readonly #closed = new AbortController();
  readonly #running: RunningCommand;
  #unread = 0;
  #read: () => void = () => undefined;

  constructor(parts: TerminalParts) {
    this.#parts = parts;
    const { port, sessionKey, size, by, signal, ...shell } = parts;
    const { argv, env } = toShellCommand(shell.loginProfile ? START_LOGIN : START, ENVIRONMENT, shell);
    const over = AbortSignal.any([signal, this.#closed.signal]);
    over.addEventListener("abort", () => this.#read(), { once: true });
    this.#input.on("error", () => undefined);
    this.#running = port.exec(sessionKey, { tool: "exec", argv, env, tty: size, stdin: this.#input, by }, over);
  }

  /** Until the shell ends, or somebody ends it. @throws OperationError as the port's `exec`, and `Aborted` when the signal aborted */
  async run(): Promise<TerminalEnd> {
    try {
      for await (const { chunk } of this.#running.output) {
        await this.#parts.print(chunk);
        this.#unread += chunk.length;
        while (this.#unread >= TERMINAL_WINDOW_BYTES && !this.#isOver) await new Promise<void>((resolve) => (this.#read = resolve));
      }
      return { code: (await this.#running.ended).code, reason: "exited" };
    } catch (error) {
      if (this.#closed.signal.aborted && !this.#parts.signal.aborted) return { code: null, reason: "closed" };
      throw error;
    } finally {
      this.#input.destroy();
    }
  }

  /** Resolves when there is room for more. @throws OperationError `Aborted`: it has ended */
  async type(data: Buffer): Promise<void> {
    if (this.#input.destroyed) throw new OperationError("Aborted", "the terminal has ended", { retryable: false });
    if (!this.#input.write(data)) await Promise.race([once(this.#input, "drain"), once(this.#input, "close")]);
  }

  resize(size: TerminalSize): void {
    this.#running.resize(size);
  }

  /** More than was printed counts as all of it. */
  consumed(bytes: number): void {
    this.#unread = Math.max(0, this.#unread - bytes);
    this.#read();
  }

  /** Ends it and all that it started. */
  close(): void {
    this.#closed.abort();
  }

  get #isOver(): boolean {
    return this.#closed.signal.aborted || this.#parts.signal.aborted;
  }
}
