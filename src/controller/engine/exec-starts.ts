// Bounds how many execs the engine starts at the same time, and whose goes next: an engine that is asked for two hundred at once answers none of them in
// time. Each takes a processor for some 40 ms, so that more at once are no sooner done. What is started is docker-exec.ts's.
import PQueue, { type Queue, type QueueAddOptions } from "p-queue";
import type { ExecStream } from "./engine.ts";

type Run = () => Promise<unknown>;

interface StartOptions extends QueueAddOptions {
  containerId: string;
}

/** What several processors start at once; one that has two of them is busy with four. */
const STARTS_AT_ONCE_MAX = 16;
/** Of one container: what is halted inside before it has begun keeps its place for seconds, and must leave the others theirs. */
const PER_CONTAINER_MAX = 4;

/** The containers take turns, so that one with many commands does not keep the others waiting; within one, first come, first served. */
export class TurnQueue implements Queue<Run, StartOptions> {
  /** In the order in which their turns come. Each has at least one. */
  readonly #byContainer = new Map<string, Run[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  enqueue(run: Run, { containerId }: Partial<StartOptions> = {}): void {
    if (containerId === undefined) throw new Error("each is of a container");
    const runs = this.#byContainer.get(containerId);
    if (runs === undefined) this.#byContainer.set(containerId, [run]);
    else runs.push(run);
    this.#size += 1;
  }

  dequeue(): Run | undefined {
    const [next] = this.#byContainer;
    if (next === undefined) return undefined;
    const [containerId, runs] = next;
    const run = runs.shift();
    this.#byContainer.delete(containerId);
    if (runs.length > 0) this.#byContainer.set(containerId, runs);
    this.#size -= 1;
    return run;
  }

  filter({ containerId }: Readonly<Partial<StartOptions>>): Run[] {
    return [...(this.#byContainer.get(containerId ?? "") ?? [])];
  }

  setPriority(): void {
    throw new Error("turns are all that there is");
  }
}

export class ExecStarts {
  readonly #queue = new PQueue<TurnQueue, StartOptions>({ concurrency: STARTS_AT_ONCE_MAX, queueClass: TurnQueue });
  /** Of containers that have any, what may wait for its turn. */
  readonly #byContainer = new Map<string, PQueue>();

  /**
   * @param start resolves when the engine has taken it
   * @param begun resolves when it runs, within seconds; never rejects
   * @returns as soon as `start` does; the place is free once it has begun
   */
  async run<Stream extends ExecStream>(
    containerId: string,
    start: () => Promise<Stream>,
    begun: (stream: Stream) => Promise<unknown>,
  ): Promise<Stream> {
    const { promise, resolve, reject } = Promise.withResolvers<Stream>();
    const work = async (): Promise<void> => {
      const stream = await start();
      resolve(stream);
      await begun(stream);
    };
    this.#queueOf(containerId)
      .add(() => this.#queue.add(work, { containerId }))
      .catch(reject);
    return await promise;
  }

  #queueOf(containerId: string): PQueue {
    const known = this.#byContainer.get(containerId);
    if (known !== undefined) return known;
    const queue = new PQueue({ concurrency: PER_CONTAINER_MAX });
    queue.on("idle", () => this.#byContainer.delete(containerId));
    this.#byContainer.set(containerId, queue);
    return queue;
  }
}
