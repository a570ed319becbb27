// Runs commands so that none is left without an owner: one whose start or end is unknown, or that could not be killed, is ended by its mark as
// soon as the engine answers; and so are, after a kill -9, the commands of an earlier process. Detached processes have an owner of their own.
import type { Logger } from "pino";
import { type DurationMs, SECOND_MS } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { type Engine, type ExecRequest, type ExecStream, type Handle, NotBegun } from "../engine/engine.ts";
import { type CommandRecord, CommandRecords } from "../records/command-records.ts";

export interface OwnedCommandsParts {
  engine: Pick<Engine, "claim" | "onWaiting" | "exec" | "endCommands">;
  clock: Clock;
  log: Logger;
  /** 8 to 64 of `[a-z0-9]`, never the same again. */
  newMark(): string;
}

/** 1, 2, 4 ... 32 s, until the engine says that it is over or that its container is. */
const PAUSE_MS_MIN = SECOND_MS;
const PAUSE_MS_MAX = (32 * SECOND_MS) as DurationMs;

export class OwnedCommands implements Pick<Engine, "exec"> {
  readonly #parts: OwnedCommandsParts;
  readonly #records: CommandRecords;
  /** Names of processes that wait for a command, and are in the records as the commands that they may become. */
  readonly #waiting = new Set<string>();
  readonly #stopped = new AbortController();

  /** @param folder of the records. @throws OperationError `HostRejected` */
  static async open(folder: string, parts: OwnedCommandsParts): Promise<OwnedCommands> {
    return new OwnedCommands(parts, await CommandRecords.open(folder));
  }

  private constructor(parts: OwnedCommandsParts, records: CommandRecords) {
    this.#parts = parts;
    this.#records = records;
    parts.engine.onWaiting({
      begins: (handle, mark) => this.#waits({ mark, handle }),
      over: (mark) => void this.#waitsNoMore(mark),
    });
  }

  /** Ends what an earlier process left behind; nobody waits for it. */
  start(): void {
    const { left } = this.#records;
    if (left.length > 0) this.#parts.log.info({ commands: left.length }, "ending commands left by an earlier process");
    for (const record of left) void this.#endLost(record);
  }

  /** What could not be ended yet is the next process's; what only waits ends with this one. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.#waiting].map((mark) => this.#waitsNoMore(mark)));
  }

  async exec(handle: Handle, request: ExecRequest): Promise<ExecStream> {
    const { engine, newMark } = this.#parts;
    if (request.outlivesCaller) return await engine.exec(handle, request);
    const claimed = engine.claim(handle, request);
    const record: CommandRecord = { mark: claimed ?? newMark(), handle };
    // A file takes a millisecond or two to make: the record of one that waited is there.
    if (!this.#waiting.delete(record.mark)) await this.#record(record);
    try {
      const stream = await engine.exec(handle, { ...request, mark: record.mark });
      return this.#own(stream, record);
    } catch (error) {
      if (error instanceof NotBegun) void this.#forget(record);
      else void this.#endLost(record);
      throw error;
    }
  }

  #own(stream: ExecStream, record: CommandRecord): ExecStream {
    const lost = (error: unknown): void => void (isErrorCode(error, "StaleHandle") ? this.#forget(record) : this.#endLost(record));
    stream.exit.then(() => void this.#forget(record), lost);
    const signal = async (name: string): Promise<void> => {
      try {
        await stream.signal(name);
      } catch (error) {
        if (name === "KILL") void this.#endLost(record);
        throw error;
      }
    };
    const { stdin, stdout, stderr, exit } = stream;
    return {
      ...{ stdin, stdout, stderr, exit, signal },
      resize: (size) => stream.resize(size),
      get outputHeld() {
        return stream.outputHeld;
      },
    };
  }

  /** Without its record a command still runs: a kill -9 before its end would leave it to its container's. */
  async #record(record: CommandRecord): Promise<boolean> {
    try {
      await this.#records.begin(record);
      return true;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#parts.log.warn({ err: error }, "command not recorded");
      return false;
    }
  }

  async #waits(record: CommandRecord): Promise<void> {
    if (this.#stopped.signal.aborted || !(await this.#record(record))) return;
    this.#waiting.add(record.mark);
    if (this.#stopped.signal.aborted) await this.#waitsNoMore(record.mark);
  }

  async #waitsNoMore(mark: string): Promise<void> {
    if (this.#waiting.delete(mark)) await this.#forget({ mark });
  }

  async #forget(record: Pick<CommandRecord, "mark">): Promise<void> {
    try {
      await this.#records.end(record);
    } catch (error) {
      this.#parts.log.warn({ err: error }, "record of a command not removed");
    }
  }

  /** Its limit is the container's life: then the engine knows no such run of it any more. */
  async #endLost(record: CommandRecord): Promise<void> {
    const { engine, log } = this.#parts;
    for (let pauseMs = PAUSE_MS_MIN; !this.#stopped.signal.aborted; pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2) as DurationMs) {
      try {
        await engine.endCommands(record.handle, [record.mark]);
        return await this.#forget(record);
      } catch (error) {
        if (isErrorCode(error, "StaleHandle")) return await this.#forget(record);
        log.warn({ err: error, container: record.handle.id }, "command without an owner still running");
        if (!(error instanceof OperationError)) return;
      }
      await this.#pause(pauseMs);
    }
  }

  async #pause(duration: DurationMs): Promise<void> {
    const { signal } = this.#stopped;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const stopTimer = this.#parts.clock.setTimer(duration, wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    stopTimer();
    signal.removeEventListener("abort", wake);
  }
}
