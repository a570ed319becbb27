// A map that knows its oldest key. A plain one would look through the places of all that went before it, each time: emptying fifty thousand from the front
// takes it a second. What the keys are is up to the caller.

export class Arrivals<Key extends string | number, Value> {
  /** In order of arrival. */
  readonly #byKey = new Map<Key, Value>();
  /** Behind the last key that was the oldest; what it passed is gone but for that one. */
  #rest = this.#byKey.keys();
  /** undefined: it is not known. */
  #oldest: Key | undefined;

  get size(): number {
    return this.#byKey.size;
  }

  has(key: Key): boolean {
    return this.#byKey.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#byKey.get(key);
  }

  values(): IteratorObject<Value, undefined> {
    return this.#byKey.values();
  }

  /** A key that is there already stays where it is. */
  set(key: Key, value: Value): this {
    this.#byKey.set(key, value);
    return this;
  }

  /** @returns whether it was there */
  delete(key: Key): boolean {
    if (this.#oldest === key) this.#oldest = undefined;
    return this.#byKey.delete(key);
  }

  /** The key that has been there longest. undefined: nothing is. */
  get oldest(): Key | undefined {
    if (this.#oldest !== undefined || this.#byKey.size === 0) return this.#oldest;
    this.#oldest = this.#rest.next().value;
    if (this.#oldest === undefined) {
      // It had come to the end, and goes no further.
      this.#rest = this.#byKey.keys();
      this.#oldest = this.#rest.next().value;
    }
    return this.#oldest;
  }
}
