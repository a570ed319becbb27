// Notices that a command has ended although its output is open: something that it left running has inherited it. Some engines close it by themselves
// after 2 s, others never. What is done about it is docker-exec.ts's.

/** A tenth of the time that the command has run: one that is over at once asks for no look, one of ten minutes for ten. */
const LOOK_MS_MIN = 500;
const LOOK_MS_MAX = 60_000;
const LOOK_SHARE = 0.1;
/** Each is a turn of this process in which output could come: a busy machine is given more time, not less. */
const TURN_MS = 100;
/** 1 s of the 2 s after which an engine closes the output itself: what ends sooner was only on its way. */
const HELD_TURNS = 10;
/** 2.5 s: longer than an engine that closes it needs. */
const GIVEN_UP_TURNS = 25;

export interface EndWatchParts {
  /** Whether the engine says that the command has ended. May throw: then it is asked again. */
  isOver(): Promise<boolean>;
  /** Whether output waits for its reader, so that its end could not be seen. */
  isFull(): boolean;
  /** Rejects once the signal aborts. */
  pause(delayMs: number, signal: AbortSignal): Promise<void>;
}

export class EndWatch {
  readonly #parts: EndWatchParts;
  readonly #stopped = new AbortController();
  #turns = 0;

  constructor(parts: EndWatchParts) {
    this.#parts = parts;
  }

  /** Whether the output was open for so long after the command's end that something else must have it. */
  get isHeld(): boolean {
    return this.#turns >= HELD_TURNS;
  }

  /** Resolves with true when nobody will close the output any more, with false once it was stopped. */
  async untilGivenUp(): Promise<boolean> {
    const { isOver, isFull, pause } = this.#parts;
    const { signal } = this.#stopped;
    try {
      let ranMs = 0;
      do {
        const delayMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, ranMs * LOOK_SHARE));
        await pause(delayMs, signal);
        ranMs += delayMs;
      } while (!(await isOver().catch(() => false)));
      while (this.#turns < GIVEN_UP_TURNS) {
        await pause(TURN_MS, signal);
        if (!isFull()) this.#turns += 1;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }

  stop(): void {
    this.#stopped.abort();
  }
}
