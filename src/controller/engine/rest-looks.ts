// Remembers of each start of a container whether its main process was seen at rest: it stays so. One that never is, or that the engine can't show, costs
// no call at every look for ever.
import type { ContainerId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { DockerClient, EngineFacts } from "./docker-client.ts";
import { AT_REST } from "./docker-create.ts";
import type { Handle } from "./engine.ts";

/** Half a second of looks each 20 ms, after which time alone tells (decide/staying.ts), and as many again. */
const LOOKS_MAX = 50;
const SEEN = Number.POSITIVE_INFINITY;
/** 100 bytes each; the oldest is looked at anew. */
const STARTS_MAX = 10_000;

export class RestLooks {
  readonly #client: Pick<DockerClient, "commandLines">;
  readonly #facts: () => Pick<EngineFacts, "product" | "apiVersion">;
  /** By start: how often it was looked at in vain. */
  readonly #looks = new Map<string, number>();

  constructor(client: Pick<DockerClient, "commandLines">, facts: () => Pick<EngineFacts, "product" | "apiVersion">) {
    this.#client = client;
    this.#facts = facts;
  }

  /** @param early what `look` said, if it meant this start: a look that found nothing there may just have come too early, and is made again */
  async isAtRest({ id, incarnation }: Handle, early: Promise<boolean> | null = null): Promise<boolean> {
    const start = `${id} ${incarnation}`;
    const looks = this.#looks.get(start) ?? 0;
    if (looks >= LOOKS_MAX) return looks === SEEN;
    const isAtRest = (early !== null && (await early)) || (await this.look(id));
    const [oldest] = this.#looks.keys();
    if (this.#looks.size >= STARTS_MAX && oldest !== undefined) this.#looks.delete(oldest);
    this.#looks.set(start, isAtRest ? SEEN : looks + 1);
    return isAtRest;
  }

  /** Whether this start is still looked at. */
  isOpen({ id, incarnation }: Handle): boolean {
    return (this.#looks.get(`${id} ${incarnation}`) ?? 0) < LOOKS_MAX;
  }

  /** Whether a main process is at rest there now, whichever start of it. An engine that can't list processes is no reason to fail: then only time tells. */
  async look(id: ContainerId): Promise<boolean> {
    try {
      return (await this.#client.commandLines(id, toPsArguments(this.#facts()))).includes(AT_REST);
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
