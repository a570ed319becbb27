// Remembers of each start of a container whether its main process was seen at rest: it stays so. One that never is, or that the engine can't show, costs
// no call at every look for ever.
import type { ContainerId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { DockerClient } from "./docker-client.ts";
import { AT_REST } from "./docker-create.ts";
import type { Handle } from "./engine.ts";

/** Half a second of looks each 20 ms, after which time alone tells (decide/staying.ts), and as many again. */
const LOOKS_MAX = 50;
const SEEN = Number.POSITIVE_INFINITY;
/** 100 bytes each; the oldest is looked at anew. */
const STARTS_MAX = 10_000;

export class RestLooks {
  readonly #client: Pick<DockerClient, "commandLines">;
  /** By start: how often it was looked at in vain. */
  readonly #looks = new Map<string, number>();

  constructor(client: Pick<DockerClient, "commandLines">) {
    this.#client = client;
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
      return (await this.#client.commandLines(id)).includes(AT_REST);
    } catch (error) {
      if (error instanceof OperationError) return false;
      throw error;
    }
  }
}
