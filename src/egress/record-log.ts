// The last records of each sandbox, in memory, for whoever follows them. One sandbox's storm drops its own oldest ones and nobody else's.
// What is recorded is decided elsewhere; what is kept for longer is the controller's.
import type { EgressRecord } from "../api/egress/decision.ts";

/** About 400 bytes each. */
const RECORDS_PER_SANDBOX_MAX = 256;
/** Rings of sandboxes that are gone, for a follower that was away for a moment. */
const RETIRED_MAX = 100;

type Distribute<Record> = Record extends unknown ? Omit<Record, "seq"> : never;
export type NewRecord = Distribute<Exclude<EgressRecord, { kind: "lost" }>>;
type KeptRecord = Exclude<EgressRecord, { kind: "lost" }>;

interface Ring {
  readonly records: KeptRecord[];
  /** Of those that were dropped: how many, how many refusals among them, and the last one. */
  dropped: number;
  droppedRefused: number;
  lastDropped: KeptRecord | null;
}

/** How far a follower has read one ring. */
interface Cursor {
  readonly seq: number;
  /** Records ever added up to there, and refusals among them: what was dropped beyond that was never read. */
  readonly added: number;
  readonly addedRefused: number;
}

export class RecordLog {
  readonly #rings = new Map<string, Ring>();
  readonly #retired: string[] = [];
  readonly #waiting = new Set<() => void>();
  #seq = 0;

  /** @returns its number */
  add(record: NewRecord): number {
    this.#seq += 1;
    const ring = this.#open(record.id);
    ring.records.push({ ...record, seq: this.#seq });
    if (ring.records.length > RECORDS_PER_SANDBOX_MAX) {
      const dropped = ring.records.shift() ?? null;
      ring.dropped += 1;
      if (dropped?.kind === "decision" && dropped.verdict === "refused") ring.droppedRefused += 1;
      ring.lastDropped = dropped;
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    return this.#seq;
  }

  /** The sandbox is gone; its records stay until many others are gone too. */
  retire(id: string): void {
    if (!this.#rings.has(id)) return;
    this.#retired.push(id);
    if (this.#retired.length > RETIRED_MAX) this.#rings.delete(this.#retired.shift() ?? "");
  }

  /** @param since number of the last record that the reader has; 0 for all that are kept */
  follow(since: number): Follower {
    return new Follower(this.#rings, since);
  }

  /** Calls once at the next record. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  #open(id: string): Ring {
    const ring = this.#rings.get(id) ?? { records: [], dropped: 0, droppedRefused: 0, lastDropped: null };
    this.#rings.set(id, ring);
    return ring;
  }
}

export class Follower {
  readonly #rings: ReadonlyMap<string, Ring>;
  readonly #cursors = new Map<string, Cursor>();
  readonly #since: number;

  constructor(rings: ReadonlyMap<string, Ring>, since: number) {
    this.#rings = rings;
    this.#since = since;
  }

  /** What is new since the last call, in order; of each sandbox what was dropped first. */
  read(): EgressRecord[] {
    for (const id of this.#cursors.keys()) if (!this.#rings.has(id)) this.#cursors.delete(id);
    const records = [...this.#rings].flatMap(([id, ring]) => this.#readRing(id, ring));
    return records.sort((one, other) => one.seq - other.seq);
  }

  #readRing(id: string, ring: Ring): EgressRecord[] {
    const cursor = this.#cursors.get(id) ?? { seq: this.#since, added: 0, addedRefused: 0 };
    const fresh: EgressRecord[] = ring.records.filter(({ seq }) => seq > cursor.seq);
    const { dropped, droppedRefused, lastDropped, records } = ring;
    const seq = records.at(-1)?.seq ?? cursor.seq;
    this.#cursors.set(id, { seq, added: dropped + records.length, addedRefused: droppedRefused + countRefused(records) });
    if (lastDropped === null || lastDropped.seq <= cursor.seq) return fresh;
    const { time, sandbox } = lastDropped;
    const count = dropped - cursor.added;
    const refused = Math.max(0, droppedRefused - cursor.addedRefused);
    return [{ kind: "lost", seq: lastDropped.seq, time, id, sandbox, count, refused }, ...fresh];
  }
}

const countRefused = (records: readonly EgressRecord[]): number =>
  records.filter((record) => record.kind === "decision" && record.verdict === "refused").length;
