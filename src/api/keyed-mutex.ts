// A mutex per key, such as a session: work under one key runs one piece at a time, in order of arrival. Keys don't wait for each other.
// What needs the mutex, and how long it may take, is up to the callers.

export class KeyedMutex<Key extends string> {
  /** When the last piece that came is over. */
  readonly #last = new Map<Key, Promise<void>>();

  /** Settles as the work does; its failure is no concern of the next. */
  run<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return result;
  }

  /** Resolves when all that came until now is over. */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
