// Finds the moment after a burst of commands: what costs the engine as much as a command does must not begin between two of them. Long ones count as
// over after a while. What then begins is the caller's.
import { setTimeout as pause } from "node:timers/promises";

export class Lull {
  readonly #youngMs: number;
  readonly #young = new Set<Promise<void>>();

  /** @param youngMs for so long a command that goes on is waited for */
  constructor(youngMs: number) {
    this.#youngMs = youngMs;
  }

  /** Resolves when the command that begins now is over or young no more, and so is each that was young at that moment: within twice that time. */
  async after(command: Promise<unknown>): Promise<void> {
    const young = this.#untilOld(command);
    this.#young.add(young);
    await young;
    this.#young.delete(young);
    await Promise.all(this.#young);
  }

  async #untilOld(command: Promise<unknown>): Promise<void> {
    const waited = new AbortController();
    const late = pause(this.#youngMs, undefined, { ref: false, signal: waited.signal }).catch(() => undefined);
    await Promise.race([command.catch(() => undefined), late]);
    waited.abort();
  }
}
