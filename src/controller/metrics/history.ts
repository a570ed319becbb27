// Keeps a few figures of the last hours in memory, one sample each half minute, for people who have no Prometheus: a fixed number of samples, of which
// the oldest goes. It counts nothing itself: facts are told by metrics.ts, states are looked up when a sample is taken.
import { type DurationMs, SECOND_MS } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { HistoryView } from "../../api/history.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { countSandboxes, type FactListener } from "./metrics.ts";

const EVERY_MS = (30 * SECOND_MS) as DurationMs;
/** Six hours; at some 80 bytes each, 60 kB. */
const SAMPLES_MAX = 720;

export interface HistoryParts {
  clock: Clock;
  sandboxes(): readonly Sandbox[];
}

interface Sample {
  at: number;
  ready: number;
  notReady: number;
  unknown: number;
  drifted: number;
  convergenceSeconds: number | null;
  prunes: number;
  leaks: number;
}

/** Since the sample before. */
interface Facts {
  convergenceSeconds: number | null;
  prunes: number;
}

const NOTHING: Facts = { convergenceSeconds: null, prunes: 0 };

export class History implements FactListener {
  readonly #parts: HistoryParts;
  readonly #leaks = new Map<string, number>();
  #samples: Sample[] = [];
  #facts: Facts = NOTHING;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Samples now and from now on. @returns ends it */
  start(): () => void {
    let cancel: () => void = () => undefined;
    const next = (): void => {
      this.#take();
      cancel = this.#parts.clock.setTimer(EVERY_MS, next);
    };
    next();
    return () => cancel();
  }

  converged(seconds: number): void {
    this.#facts = { ...this.#facts, convergenceSeconds: Math.max(seconds, this.#facts.convergenceSeconds ?? 0) };
  }

  pruned(): void {
    this.#facts = { ...this.#facts, prunes: this.#facts.prunes + 1 };
  }

  unowned(kind: string, count: number): void {
    this.#leaks.set(kind, count);
  }

  view(): HistoryView {
    const samples = [...this.#samples, this.#look()];
    const column = <Name extends keyof Sample>(name: Name): Sample[Name][] => samples.map((sample) => sample[name]);
    return {
      everyMs: EVERY_MS,
      at: column("at"),
      ready: column("ready"),
      notReady: column("notReady"),
      unknown: column("unknown"),
      drifted: column("drifted"),
      convergenceSeconds: column("convergenceSeconds"),
      prunes: column("prunes"),
      leaks: column("leaks"),
    };
  }

  #take(): void {
    const sample = this.#look();
    // Where the wall clock was set back, what was sampled after this moment is gone.
    this.#samples = [...this.#samples.filter(({ at }) => at < sample.at), sample].slice(-SAMPLES_MAX);
    this.#facts = NOTHING;
  }

  #look(): Sample {
    const { clock, sandboxes } = this.#parts;
    const counts = countSandboxes(sandboxes());
    const sum = (isOne: (labels: (typeof counts)[number]["labels"]) => boolean): number =>
      counts.reduce((total, { labels, count }) => total + (isOne(labels) ? count : 0), 0);
    const newest = this.#samples.at(-1)?.at ?? 0;
    const now = clock.now();
    return {
      // A second look at the same moment is of a later one: charts need it so.
      at: now === newest ? now + 1 : now,
      ready: sum(({ state }) => state === "ready"),
      notReady: sum(({ state }) => state === "not_ready"),
      unknown: sum(({ state }) => state === "unknown"),
      drifted: sum(({ drift, state }) => drift !== "none" && state !== "pruned"),
      ...this.#facts,
      leaks: [...this.#leaks.values()].reduce((total, count) => total + count, 0),
    };
  }
}
