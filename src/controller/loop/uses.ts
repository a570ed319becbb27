// Knows which containers are in use through our own servers, and keeps a use and a stop from crossing each other.
// Execs that people start past us are the engine's to report (Engine.inUse).
import type { ContainerId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";

interface Holds {
  aborts: Set<AbortController>;
  /** Set while the container is being stopped: no new use begins. Resolves when one may again, or the container is gone. */
  sealed: PromiseWithResolvers<void> | null;
}

export interface Hold extends Disposable {
  readonly revoked: AbortSignal;
}

export class Uses {
  readonly #holds = new Map<ContainerId, Holds>();
  #ended: (id: ContainerId) => void = () => undefined;

  /** Calls back when the last use of a container ends. One listener: a later one takes the place of an earlier one. */
  onEnded(listener: (id: ContainerId) => void): void {
    this.#ended = listener;
  }

  /** @throws OperationError `StaleHandle` while the container is being stopped */
  hold(id: ContainerId): Hold {
    const holds = this.#of(id);
    if (holds.sealed !== null) throw new OperationError("StaleHandle", "the sandbox's container is being replaced; try again");
    const abort = new AbortController();
    holds.aborts.add(abort);
    return {
      revoked: abort.signal,
      [Symbol.dispose]: () => {
        if (!holds.aborts.delete(abort) || holds.aborts.size > 0) return;
        if (holds.sealed === null) this.#holds.delete(id);
        this.#ended(id);
      },
    };
  }

  /** Resolves when a stop that is under way is over. null: none is. */
  stopOf(id: ContainerId): Promise<void> | null {
    return this.#holds.get(id)?.sealed?.promise ?? null;
  }

  isHeld(id: ContainerId): boolean {
    return this.countOf(id) > 0;
  }

  countOf(id: ContainerId): number {
    return this.#holds.get(id)?.aborts.size ?? 0;
  }

  /** How many uses there are, of all containers. */
  get count(): number {
    let sum = 0;
    for (const { aborts } of this.#holds.values()) sum += aborts.size;
    return sum;
  }

  /** From now on no use begins. The result lets them begin again: when the stop was given up, or the container is gone. */
  seal(id: ContainerId): Disposable {
    const holds = this.#of(id);
    const sealed = Promise.withResolvers<void>();
    holds.sealed = sealed;
    return {
      [Symbol.dispose]: () => {
        holds.sealed = null;
        if (holds.aborts.size === 0) this.#holds.delete(id);
        sealed.resolve();
      },
    };
  }

  /** Tells every use of the container to end now. */
  revoke(id: ContainerId, because: string): void {
    for (const abort of this.#holds.get(id)?.aborts ?? []) abort.abort(new OperationError("Aborted", because));
  }

  #of(id: ContainerId): Holds {
    const known = this.#holds.get(id) ?? { aborts: new Set(), sealed: null };
    this.#holds.set(id, known);
    return known;
  }
}
