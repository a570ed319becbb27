// How execs ended, and whether anything happened to their containers, as the engine's own events tell it: sooner than whoever asks again and again, and
// nothing inside a container has a say in it.
// What was not told is asked for by docker-exec.ts; which events are read is docker-events.ts's.

/** An event comes within some milliseconds of the end of the output; after that the engine is asked. */
const TOLD_MS_MAX = 20;
/** Of both kinds: as many as there can be commands, calls about processes, and execs that wait. */
const KEPT_MAX = 1_024;

export class ExecEnds {
  /** Exit codes of the newest, oldest first. */
  readonly #codes = new Map<string, number>();
  readonly #waiting = new Map<string, (code: number) => void>();
  /** Execs whose begin and end are known here, so that nobody else has to look because of them. */
  readonly #quiet = new Set<string>();
  #isLive = false;
  #stirred: (containerId: string | null) => void = () => undefined;

  get isLive(): boolean {
    return this.#isLive;
  }

  /** How long an event is worth waiting for, milliseconds. 0: none comes, the engine's events are not heard now. */
  get waitMs(): number {
    return this.#isLive ? TOLD_MS_MAX : 0;
  }

  /** Whether the engine's events are heard. */
  connected(isUp: boolean): void {
    this.#isLive = isUp;
    this.#stirred(null);
  }

  /** One listener: told of each container to which something happened (it ended, was paused ...). null: it may have happened to any. */
  onStir(listener: (containerId: string | null) => void): void {
    this.#stirred = listener;
  }

  stirred(containerId: string): void {
    this.#stirred(containerId);
  }

  /** Before the exec runs. */
  keepQuiet(execId: string): void {
    this.#quiet.add(execId);
    dropOldest(this.#quiet);
  }

  isQuiet(execId: string): boolean {
    return this.#quiet.has(execId);
  }

  told(execId: string, code: number): void {
    this.#quiet.delete(execId);
    this.#codes.set(execId, code);
    dropOldest(this.#codes);
    this.#waiting.get(execId)?.(code);
  }

  /** Its exit code, told or to be told within so many milliseconds. null: it was not. One caller for each exec. */
  async codeOf(execId: string, delayMs: number): Promise<number | null> {
    const known = this.#codes.get(execId);
    if (known !== undefined) return known;
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const timer = setTimeout(() => resolve(null), delayMs);
    this.#waiting.set(execId, resolve);
    const code = await promise;
    clearTimeout(timer);
    this.#waiting.delete(execId);
    return code;
  }
}

function dropOldest(kept: { size: number; keys(): Iterator<string>; delete(key: string): boolean }): void {
  if (kept.size <= KEPT_MAX) return;
  const { value, done } = kept.keys().next();
  if (done !== true) kept.delete(value);
}
