// Remembers of each start of a container whether its main process was seen at rest: it stays so. One that never is, or that the engine can't show, costs
// no call at every look for ever.
import { setTimeout as pause } from "node:timers/promises";
import type { ContainerId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { DockerClient, EngineFacts } from "./docker-client.ts";
import { AT_REST } from "./docker-create.ts";
import type { Handle } from "./engine.ts";

/** Half a second of looks each 20 ms, after which time alone tells (decide/staying.ts), and as many again. */
const LOOKS_MAX = 50;
const SEEN = Number.POSITIVE_INFINITY;
/** The main process is at rest some 5 ms after the start: on this host it is looked at each millisecond, and no longer than until the next look. */
const HERE_LOOKS_MAX = 20;
const HERE_PAUSE_MS = 1;
/** So many that this host did not show, and none that it did: it shows none. */
const HERE_MISSES_MAX = 3;
/** 100 bytes each; the oldest is looked at anew. */
const STARTS_MAX = 10_000;

interface RestLooksParts {
  client: Pick<DockerClient, "commandLines">;
  facts(): Pick<EngineFacts, "product" | "apiVersion">;
  /** As `readMainCommandLines`. null: the engine's processes are not this host's. */
  readHere: ((id: ContainerId, pid: number) => readonly string[] | null) | null;
}

/** A start of a container. */
interface Started {
  handle: Handle;
  /** Of its first process, as the engine says. 0: the engine does not. */
  pid: number;
}

export class RestLooks {
  readonly #parts: RestLooksParts;
  /** By start: how often it was looked at in vain. */
  readonly #looks = new Map<string, number>();
  #isShownHere = false;
  #misses = 0;

  constructor(parts: RestLooksParts) {
    this.#parts = parts;
  }

  /** Whether this host shows what containers run, as far as is known: then the engine need not be asked, which takes some 15 ms. */
  get isHere(): boolean {
    return this.#parts.readHere !== null && (this.#isShownHere || this.#misses < HERE_MISSES_MAX);
  }

  /** @param early what `look` said, if it meant this start: a look that found nothing there may just have come too early, and is made again */
  async isAtRest({ handle: { id, incarnation }, pid }: Started, early: Promise<boolean> | null = null): Promise<boolean> {
    const start = `${id} ${incarnation}`;
    const looks = this.#looks.get(start) ?? 0;
    if (looks >= LOOKS_MAX) return looks === SEEN;
    const isAtRest = (early !== null && (await early)) || ((await this.#lookHere(id, pid)) ?? (await this.look(id)));
    const [oldest] = this.#looks.keys();
    if (this.#looks.size >= STARTS_MAX && oldest !== undefined) this.#looks.delete(oldest);
    this.#looks.set(start, isAtRest ? SEEN : looks + 1);
    return isAtRest;
  }

  /** Whether this start is still looked at. */
  isOpen({ id, incarnation }: Handle): boolean {
    return (this.#looks.get(`${id} ${incarnation}`) ?? 0) < LOOKS_MAX;
  }

  /** null: this host does not show it. */
  async #lookHere(id: ContainerId, pid: number): Promise<boolean | null> {
    const { readHere } = this.#parts;
    if (readHere === null || !this.isHere) return null;
    for (let look = 1; look <= HERE_LOOKS_MAX; look += 1) {
      const lines = readHere(id, pid);
      if (lines === null) {
        this.#misses += 1;
        return null;
      }
      this.#isShownHere = true;
      if (lines.includes(AT_REST)) return true;
      await pause(HERE_PAUSE_MS);
    }
    return false;
  }

  /** Whether a main process is at rest there now, whichever start of it. An engine that can't list processes is no reason to fail: then only time tells. */
  async look(id: ContainerId): Promise<boolean> {
    try {
      const { client, facts } = this.#parts;
      return (await client.commandLines(id, toPsArguments(facts()))).includes(AT_REST);
    } catch (error) {
      if (error instanceof OperationError) return false;
      throw error;
    }
  }
}

/** API of Docker 19.03. */
const QUICK_SINCE = [1, 40] as const;

/**
 * Docker has `ps` look at the processes of the container alone, unless it is asked for all: beside a hundred sandboxes those are four hundred, 0.05 ms each.
 * Older ones, and Podman, take what they want out of whatever `ps` says.
 */
export function toPsArguments({ product, apiVersion }: Pick<EngineFacts, "product" | "apiVersion">): string {
  const [major = 0, minor = 0] = apiVersion.split(".").map(Number);
  const isQuick = product === "docker" && (major > QUICK_SINCE[0] || (major === QUICK_SINCE[0] && minor >= QUICK_SINCE[1]));
  return isQuick ? "-o pid,args" : "-eo pid,args";
}
