// What is remembered of keys while a gateway runs: which are left alone for a while, because their provider said that they are used too much, and what was
// reported of each last. A gateway that starts anew asks anew. How long a key rests is decide-next.ts's.
import { type DurationMs, type EpochMs, elapsed, later, toDurationMs } from "../../api/brands.ts";
import type { ProfileId } from "../../api/models/credential.ts";

export class KeyMemory {
  readonly #until = new Map<ProfileId, EpochMs>();
  /** Those whose last call was accepted, which was reported. */
  readonly #accepted = new Set<ProfileId>();

  rest(profile: ProfileId, duration: DurationMs, now: EpochMs): void {
    for (const [known, until] of this.#until) if (until <= now) this.#until.delete(known);
    if (duration > 0) this.#until.set(profile, later(now, duration));
  }

  /** @returns whether that is news */
  accept(profile: ProfileId): boolean {
    this.#until.delete(profile);
    if (this.#accepted.has(profile)) return false;
    this.#accepted.add(profile);
    return true;
  }

  /** It was refused, here or by whoever keeps it: the next time that it is accepted is news. */
  refuse(profile: ProfileId): void {
    this.#accepted.delete(profile);
  }

  /** Those that rest come last: a call that would have no key otherwise is better made than not. */
  sort(profiles: readonly ProfileId[], now: EpochMs): ProfileId[] {
    return profiles.toSorted((left, right) => this.#restMs(left, now) - this.#restMs(right, now));
  }

  #restMs(profile: ProfileId, now: EpochMs): DurationMs {
    const until = this.#until.get(profile);
    return until === undefined ? toDurationMs(0) : elapsed(now, until);
  }
}
