// The output of a running command as something to iterate over: each piece is taken by its reader before the next but one window is sent.
// The command is api/command-client.ts.
import type { CommandOutput } from "../../api/wire.ts";

interface Waiting {
  output: CommandOutput;
  taken(isRead: boolean): void;
}

export class CommandOutputQueue implements AsyncIterable<CommandOutput> {
  /** As much as the command's window allows. */
  #waiting: Waiting[] = [];
  #closed = false;
  #abandoned = false;
  #wake: (() => void) | null = null;

  /** Resolves when the reader has come back for more, with false when it never will. */
  push(output: CommandOutput): Promise<boolean> {
    if (this.#abandoned) return Promise.resolve(false);
    return new Promise((taken) => {
      this.#waiting.push({ output, taken });
      this.#wake?.();
    });
  }

  /** Nothing more comes. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CommandOutput> {
    let current: Waiting | undefined;
    try {
      for (;;) {
        current = this.#waiting.shift();
        if (current !== undefined) {
          yield current.output;
          current.taken(true);
        } else if (this.#closed) return;
        else await this.#news();
      }
    } finally {
      this.#abandoned = true;
      for (const { taken } of current === undefined ? this.#waiting : [current, ...this.#waiting]) taken(false);
      this.#waiting = [];
    }
  }
}
