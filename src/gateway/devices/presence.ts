// Which devices are connected, and when each was last there. In memory: after a restart nobody was.
import type { DeviceId, EpochMs } from "../../api/brands.ts";

interface Seen {
  connections: number;
  lastSeenAt: EpochMs;
}

export class Presence {
  readonly #seen = new Map<string, Seen>();
  readonly #now: () => EpochMs;

  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  /** @returns it has gone; call once */
  opened(deviceId: DeviceId): () => void {
    const seen = this.#seen.get(deviceId) ?? { connections: 0, lastSeenAt: this.#now() };
    this.#seen.set(deviceId, seen);
    seen.connections += 1;
    seen.lastSeenAt = this.#now();
    return () => {
      seen.connections -= 1;
      seen.lastSeenAt = this.#now();
    };
  }

  of(deviceId: string): { connections: number; lastSeenAt: EpochMs | null } {
    return this.#seen.get(deviceId) ?? { connections: 0, lastSeenAt: null };
  }

  /** So that what is kept is bounded by how many devices are paired. */
  forget(deviceId: string): void {
    if (this.of(deviceId).connections === 0) this.#seen.delete(deviceId);
  }
}
