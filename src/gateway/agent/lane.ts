// How many runs go on at the same time: one more waits until another one is over, in order of arrival. What runs is the caller's.

export class Lane {
  readonly #max: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param max asked whenever a place may be given; at least 1 */
  constructor(max: () => number) {
    this.#max = max;
  }

  /** Resolves with what gives the place back, once; null: aborted before there was one. */
  async enter(signal: AbortSignal): Promise<(() => void) | null> {
    if (this.#running >= this.#max() && !signal.aborted) await this.#wait(signal);
    if (signal.aborted) {
      this.#next();
      return null;
    }
    this.#running += 1;
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#running -= 1;
      this.#next();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        const at = this.#waiting.indexOf(go);
        if (at !== -1) this.#waiting.splice(at, 1);
        resolve();
      };
      this.#waiting.push(go);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #next(): void {
    if (this.#running < this.#max()) this.#waiting.shift()?.();
  }
}
