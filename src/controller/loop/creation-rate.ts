// How fast sessions may cause new containers: as many at once as there may be sandboxes, then one a second. Otherwise whoever can write session files
// could keep the engine busy by starting and ending sessions. What the config itself asks for, replacements and repairs are not counted.
import { type EpochMs, elapsed, type SandboxName, SECOND_MS } from "../../api/brands.ts";

/** An engine makes some 10 containers a second; a tenth of that leaves it to the others. */
const REFILL_MS = SECOND_MS;

export class CreationRate {
  readonly #now: () => EpochMs;
  /** Sandboxes that may be made and are not yet: a pass that looks again is not another one. */
  readonly #admitted = new Set<SandboxName>();
  /** Creations that were used up at `#at`, and have not been given back since. */
  #used = 0;
  #at: EpochMs;

  constructor(now: () => EpochMs) {
    this.#now = now;
    this.#at = now();
  }

  /** Whether it may be made now; `burst` is how many may be made at once after a rest. */
  admit(name: SandboxName, burst: number): boolean {
    if (this.#admitted.has(name)) return true;
    const now = this.#now();
    this.#used = Math.max(0, this.#used - elapsed(this.#at, now) / REFILL_MS);
    this.#at = now;
    if (this.#used + 1 > burst) return false;
    this.#used += 1;
    this.#admitted.add(name);
    return true;
  }

  /** It is there, or nobody wants it any more: if it is to be made again, that is another creation. */
  settled(name: SandboxName): void {
    this.#admitted.delete(name);
  }
}
