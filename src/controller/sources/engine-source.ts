// Turns what happens on the engine into names for the queue: its events, a cheap listing that does not trust them, and a slow look at
// everything. Handlers only add names; a lost event costs at most one listing's interval.
import type { Logger } from "pino";
import { type ContainerId, type DurationMs, elapsed, MINUTE_MS, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { Trigger } from "../decide/types.ts";
import type { Engine, Listed } from "../engine/engine.ts";
import type { ControllerMetrics } from "../metrics/metrics.ts";

/** One call of 8 ms per 100 containers: 0.03 % of a core. */
const RELIST_INTERVAL_MS = (10 * SECOND_MS) as DurationMs;
/** Every container is inspected at least this often, whatever the events said. */
const RESYNC_INTERVAL_MS = (5 * MINUTE_MS) as DurationMs;

/** Images are built, pulled and pruned by the dozen: what comes within this after the first is one look at everything. */
const IMAGES_INTERVAL_MS = SECOND_MS;

export interface EngineSourceParts {
  engine: Engine;
  clock: Clock;
  log: Logger;
  metrics: ControllerMetrics;
  /** Called with every complete listing, before any name is enqueued because of it. */
  listed(all: readonly Listed[]): void;
  /** Names that are known apart from the engine: desired state and status. */
  knownNames(): Iterable<SandboxName>;
  /** Names whose status speaks of a container that is none of these: it may have come and gone between two listings. */
  missing(listed: ReadonlySet<ContainerId>): Iterable<SandboxName>;
  enqueue(name: SandboxName, trigger: Trigger): void;
  /** The same, and earlier failures of the name are void. */
  enqueueFresh(name: SandboxName, trigger: Trigger): void;
}

export class EngineSource {
  readonly #parts: EngineSourceParts;
  /** What the last complete listing showed of each sandbox. null: there was none yet. */
  #seen: ReadonlyMap<SandboxName, string> | null = null;
  /** Names of which an event came since the last listing: for them the listing found nothing that events did not. */
  readonly #hinted = new Set<SandboxName>();
  #connected = false;
  #trouble: OperationError | null = new OperationError("EngineUnreachable", "the engine has not been queried yet");
  #listing: Promise<void> | null = null;
  /** Set for a while after a look because of an image. `again`: another one came meanwhile. */
  #images: { again: boolean } | null = null;

  constructor(parts: EngineSourceParts) {
    this.#parts = parts;
  }

  /** Whether every container was listed completely at least once. */
  get loaded(): boolean {
    return this.#seen !== null;
  }

  /** Whether the event stream is up. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Why the last listing failed. null: it succeeded. */
  get trouble(): OperationError | null {
    return this.#trouble;
  }

  /** Listens until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#parts;
    const every = (interval: DurationMs, act: () => void): void => {
      if (signal.aborted) return;
      clock.setTimer(interval, () => {
        if (signal.aborted) return;
        act();
        every(interval, act);
      });
    };
    every(RELIST_INTERVAL_MS, () => void this.relist());
    every(RESYNC_INTERVAL_MS, () => this.resync());
    await engine.watch(
      (hint) => {
        if (hint.kind === "name") this.#hint(hint.name);
        else if (hint.cause === "image") this.#imagesChanged(signal);
        else this.#gap(hint.cause);
      },
      (up) => this.#connect(up, signal),
      signal,
    );
  }

  /** Everything is looked at once more. */
  resync(): void {
    for (const name of new Set([...this.#parts.knownNames(), ...(this.#seen?.keys() ?? [])])) this.#parts.enqueue(name, "resync");
  }

  /** Lists all containers and adds the names whose containers are not as last listed. Never rejects. */
  relist(): Promise<void> {
    this.#listing ??= this.#relist().finally(() => {
      this.#listing = null;
    });
    return this.#listing;
  }

  async #relist(): Promise<void> {
    const { engine, metrics, clock, log } = this.#parts;
    const startedAt = clock.now();
    try {
      const listed = await engine.list();
      this.#parts.listed(listed);
      const wasAway = this.#trouble !== null;
      // Before any name is enqueued: a pass that finds trouble gives up.
      this.#trouble = null;
      const driftFound = this.#compare(listed, wasAway);
      metrics.relisted(elapsed(startedAt, clock.now()) / 1_000, driftFound);
      if (wasAway) log.info("engine answers");
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const wasWell = this.#trouble === null;
      this.#trouble = error;
      if (wasWell || this.#seen === null) log.warn({ code: error.code, because: renderError(error) }, "engine does not answer");
      // Statuses must not go on saying that all is well.
      if (wasWell) this.resync();
    }
  }

  /** Returns of how many sandboxes no event had told that they changed. */
  #compare(listed: readonly Listed[], wasAway: boolean): number {
    const seen = toSeen(listed);
    const before = this.#seen;
    this.#seen = seen;
    if (before === null || wasAway) {
      this.#hinted.clear();
      for (const name of new Set([...seen.keys(), ...this.#parts.knownNames()])) this.#parts.enqueueFresh(name, "resync");
      return 0;
    }
    let found = 0;
    const changed = [...before.keys(), ...seen.keys()].filter((name) => before.get(name) !== seen.get(name));
    for (const name of new Set([...changed, ...this.#parts.missing(new Set(listed.map(({ id }) => id)))])) {
      if (!this.#hinted.has(name)) found += 1;
      this.#parts.enqueue(name, "external");
    }
    this.#hinted.clear();
    return found;
  }

  #hint(name: SandboxName): void {
    this.#hinted.add(name);
    this.#parts.enqueue(name, "external");
  }

  /** Anything may have been missed: everything is listed and looked at again. */
  #gap(cause: string): void {
    this.#parts.log.debug({ cause }, "relist requested");
    // The first connection follows nothing that could have been missed.
    if (this.#seen !== null) this.#parts.metrics.engineEventGap();
    void this.relist().then(() => this.resync());
  }

  /** Any sandbox's image may be another one now, or be there at last. */
  #imagesChanged(signal: AbortSignal): void {
    if (this.#images !== null) {
      this.#images.again = true;
      return;
    }
    const images = { again: false };
    this.#images = images;
    this.resync();
    this.#parts.clock.setTimer(IMAGES_INTERVAL_MS, () => {
      this.#images = null;
      if (images.again && !signal.aborted) this.#imagesChanged(signal);
    });
  }

  /** A stream that ends is the first sign of an engine that does. */
  #connect(up: boolean, signal: AbortSignal): void {
    const hasBroken = this.#connected && !up && !signal.aborted;
    this.#connected = up;
    this.#parts.metrics.engineEventsConnected(up);
    if (hasBroken) void this.relist();
  }
}

/** Ids, names and states of each sandbox's containers as one text, so that two listings compare. */
function toSeen(listed: readonly Listed[]): ReadonlyMap<SandboxName, string> {
  const seen = new Map<SandboxName, string[]>();
  for (const { name, id, actualName, state } of listed) seen.set(name, [...(seen.get(name) ?? []), `${id} ${actualName} ${state}`]);
  return new Map([...seen].map(([name, lines]) => [name, lines.sort().join("\n")]));
}
