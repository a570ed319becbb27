// Credit for one direction of a command's data: how much may still be sent before the other side has taken what came before.
// What is sent, and what to do about a peer that exceeds its credit, is up to the caller.

export class Window {
  readonly #bytesMax: number;
  #room: number;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#room = bytesMax;
  }

  /** Waits until so many bytes may be sent, and counts them as sent. @returns false when the window was closed: send nothing more */
  async take(bytes: number): Promise<boolean> {
    if (bytes > this.#bytesMax) throw new Error(`${bytes} bytes do not fit into a window of ${this.#bytesMax}`);
    while (!this.#closed && this.#room < bytes) await new Promise<void>((resolve) => void this.#waiting.add(resolve));
    if (this.#closed) return false;
    this.#room -= bytes;
    return true;
  }

  /** Counts them as sent without waiting. @returns false when there is no room: the sender cheats */
  takeNow(bytes: number): boolean {
    if (this.#room < bytes) return false;
    this.#room -= bytes;
    return true;
  }

  /** The other side has taken them. @returns false when so many were not under way: the other side cheats */
  give(bytes: number): boolean {
    if (this.#room + bytes > this.#bytesMax) return false;
    this.#room += bytes;
    this.#wake();
    return true;
  }

  /** Nobody sends any more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
