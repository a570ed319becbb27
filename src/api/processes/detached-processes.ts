// Detached processes: started through a script that keeps running, and listed, read, written and ended through other scripts. All their state is files where
// they run, so that it outlives this process; nothing about them is remembered here. Who may, and where scripts run, is the caller's.
import type { Readable, Writable } from "node:stream";
import { type DurationMs, type EpochMs, SECOND_MS, toDurationMs } from "../brands.ts";
import { isErrorCode, OperationError } from "../errors.ts";
import type { ProcessInput, ProcessLog, ProcessStart, SandboxProcess } from "../wire.ts";
import { parseLog, parseProcesses } from "./process-records.ts";
import {
  END_STDIN,
  FORGET,
  LIST,
  LOG_BLOCK_BYTES,
  NO_SUCH_PROCESS,
  PROCESS_ENDED,
  READ_LOG,
  SIGNAL_PROCESS,
  STDIN_ENDED,
  SUPERVISOR,
  WRITE_STDIN,
} from "./process-scripts.ts";

/** A person runs a few. Each is at most 4.6 MiB of log: together they might fill a small tmpfs, and then the oldest output makes room. */
const PROCESSES_RUNNING_MAX = 32;
/** Records of ended ones stay until there are so many of all; the oldest go first. */
const PROCESSES_MAX = 64;
/** A segment has 512 KiB and at most one read of 256 KiB more; six are 4.6 MiB, of which 2.5 MiB are there whatever the rhythm. */
const LOG_SEGMENT_BYTES = 524_288;
const LOG_SEGMENTS_MAX = 6;

/** An exec takes 50 ms; a machine under load ten times that. Nothing here waits for the process itself. */
const CALL_MS_MAX = toDurationMs(15 * SECOND_MS);
/** A pipe holds 64 KiB: what is more waits for the process to read. */
const WRITE_MS_MAX = toDurationMs(10 * SECOND_MS);
/** 64 records with 4 KiB of arguments each, or one read of a log with its record. */
const ANSWER_BYTES_MAX = 2 * 1_048_576;
const ERROR_TEXT_LENGTH_MAX = 1_024;
const KILL_ROUNDS_MAX = 30;
const LOG_WAIT_STEP_MS = 200;
const ID = /^[a-z0-9]{8,32}$/;

export interface ScriptRequest {
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Absolute. Absent: where commands begin there. */
  workdir?: string;
  stdin: boolean;
  /** Whether it goes on by itself, however long: nobody waits for its end. */
  isSupervisor: boolean;
}

/** A script that runs. Both outputs are read or destroyed; no stream emits an error, `exit` tells what happened. */
export interface ScriptStream {
  /** null: it has none. */
  stdin: Writable | null;
  stdout: Readable;
  stderr: Readable;
  exit: Promise<number>;
  /** To all that it started. */
  signal(name: string): Promise<void>;
}

/** Where processes run, and how scripts are run there. */
export interface ProcessPlace {
  /** Absolute; of the records. */
  folder: string;
  run(request: ScriptRequest): Promise<ScriptStream>;
  /** Told of a script that took too long and could not be killed. */
  notKilled(error: unknown): void;
  clock: {
    now(): EpochMs;
    /** Calls `fire` once after `delay`, unless the result was called before. */
    setTimer(delay: DurationMs, fire: () => void): () => void;
  };
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newProcessId(): string;
}

interface Answer {
  code: number;
  output: Buffer;
  errors: string;
}

export class DetachedProcesses {
  readonly #place: ProcessPlace;

  constructor(place: ProcessPlace) {
    this.#place = place;
  }

  /** @throws OperationError `LimitExceeded`, `InvalidArgument`, and what running a script rejects with */
  async start(start: ProcessStart): Promise<SandboxProcess> {
    const [command = ""] = start.argv;
    if (command === "" || command.startsWith("-"))
      throw new OperationError("InvalidArgument", "a command's name must not be empty or begin with -");
    await this.#makeRoom();
    const { folder, newProcessId, clock, run } = this.#place;
    const id = newProcessId();
    const seconds = start.timeoutMs === undefined ? 0 : Math.ceil(start.timeoutMs / SECOND_MS);
    const settings = [folder, id, clock.now(), LOG_SEGMENT_BYTES, LOG_SEGMENTS_MAX, seconds].map(String);
    const stream = await run({
      argv: ["/bin/sh", "-c", SUPERVISOR, "openclaw-supervisor", ...settings, ...start.argv],
      stdin: false,
      isSupervisor: true,
      ...(start.env && { env: start.env }),
      ...(start.workdir && { workdir: start.workdir }),
    });
    await this.#untilOk(stream);
    return await this.get(id);
  }

  /** Oldest first. */
  async list(): Promise<SandboxProcess[]> {
    const answer = await this.#run({ script: LIST, args: [] });
    checkCode(answer, "");
    return parseProcesses(answer.output).toSorted((left, right) => left.startedAt - right.startedAt);
  }

  async get(id: string): Promise<SandboxProcess> {
    const found = (await this.list()).find((process) => process.id === id);
    if (found === undefined) throw noSuchProcess(id);
    return found;
  }

  /** At most `limit` bytes from `offset` on, of one segment; waits up to `waitMs` when there are none yet. */
  async readLog(id: string, { offset, limit, waitMs }: { offset: number; limit: number; waitMs: number }): Promise<ProcessLog> {
    // One block more: the first one may begin before the offset.
    const blocks = limit === 0 ? 0 : Math.ceil(limit / LOG_BLOCK_BYTES) + 1;
    const rounds = Math.ceil(waitMs / LOG_WAIT_STEP_MS);
    // `sleep 1` where fractions are not known.
    const deadline = toDurationMs(CALL_MS_MAX + rounds * SECOND_MS);
    const answer = await this.#run({ script: READ_LOG, args: [mustBeId(id), offset, blocks, rounds], deadline });
    checkCode(answer, id);
    return parseLog(answer.output, { offset, limit });
  }

  /** @throws OperationError `Aborted` when it has ended, reads no input any more, or does not read it in time (a part may have been taken) */
  async write(id: string, { data, end }: ProcessInput): Promise<SandboxProcess> {
    if (data !== undefined && data !== "") {
      const input = Buffer.from(data, "base64");
      const writing = this.#run({ script: WRITE_STDIN, args: [mustBeId(id)], input, deadline: WRITE_MS_MAX });
      checkCode(await writing.catch((error: unknown) => this.#toUnread(id, error)), id);
    }
    if (end) checkCode(await this.#run({ script: END_STDIN, args: [mustBeId(id)] }), id);
    return await this.get(id);
  }

  /** @throws OperationError `NotFound` where there is no such process that could have read it */
  async #toUnread(id: string, error: unknown): Promise<never> {
    if (isErrorCode(error, "TimedOut")) await this.get(id);
    return toUnread(error);
  }

  /** Reaches the whole session and everything that descends from it; after KILL, waits until the exit code is known. */
  async kill(id: string, signal: string): Promise<SandboxProcess> {
    const rounds = signal === "KILL" ? KILL_ROUNDS_MAX : 1;
    checkCode(await this.#run({ script: SIGNAL_PROCESS, args: [mustBeId(id), signal, rounds] }), id);
    if (signal !== "KILL") return await this.get(id);
    const wait = { script: READ_LOG, args: [id, Number.MAX_SAFE_INTEGER, 0, SECOND_MS / LOG_WAIT_STEP_MS] };
    const answer = await this.#run(wait);
    checkCode(answer, id);
    return parseLog(answer.output, { offset: 0, limit: 0 }).process;
  }

  /** Forgets an ended one, and answers with what it was. @throws OperationError `Aborted`: it runs */
  async clear(id: string): Promise<SandboxProcess> {
    const process = await this.get(id);
    if (process.state === "running") throw new OperationError("Aborted", `process ${id} is running`, { fix: "kill it first" });
    await this.#forget([process]);
    return process;
  }

  async #forget(processes: readonly SandboxProcess[]): Promise<void> {
    await this.#run({ script: FORGET, args: processes.map(({ id }) => mustBeId(id)) });
  }

  async #makeRoom(): Promise<void> {
    const processes = await this.list();
    if (processes.filter(({ state }) => state === "running").length >= PROCESSES_RUNNING_MAX) {
      throw new OperationError("LimitExceeded", `${PROCESSES_RUNNING_MAX} detached processes are already running here`, {
        fix: "kill one of them",
      });
    }
    const ended = processes.filter(({ state }) => state === "exited").toSorted((left, right) => left.startedAt - right.startedAt);
    const old = ended.slice(0, Math.max(0, processes.length + 1 - PROCESSES_MAX));
    if (old.length > 0) await this.#forget(old);
  }

  /** The supervisor's first line, or why there is none. Its exec goes on by itself: nobody here waits for its end. */
  async #untilOk(stream: ScriptStream): Promise<void> {
    stream.exit.catch(() => undefined);
    const errors = collect(stream.stderr, ERROR_TEXT_LENGTH_MAX);
    const ready = Promise.withResolvers<"ok" | "late">();
    stream.stdout.once("data", () => ready.resolve("ok"));
    stream.stdout.on("error", () => undefined);
    const stopTimer = this.#place.clock.setTimer(CALL_MS_MAX, () => ready.resolve("late"));
    const outcome = await Promise.race([ready.promise, stream.exit]);
    stopTimer();
    if (outcome === "ok") return;
    if (outcome === "late") {
      await stream.signal("KILL");
      throw new OperationError("TimedOut", `the process did not start within ${CALL_MS_MAX / SECOND_MS} s`);
    }
    throw new OperationError(
      "InvalidArgument",
      `the process could not be started: ${toText((await errors).kept) || `exit code ${outcome}`}`,
    );
  }

  async #run(call: { script: string; args: readonly (string | number)[]; input?: Buffer; deadline?: DurationMs }): Promise<Answer> {
    const argv = ["/bin/sh", "-c", call.script, "openclaw-processes", this.#place.folder, ...call.args.map(String)];
    return await this.#call(argv, call.deadline ?? CALL_MS_MAX, call.input);
  }

  async #call(argv: readonly string[], deadline: DurationMs, input?: Buffer): Promise<Answer> {
    const { run, clock, notKilled } = this.#place;
    const stream = await run({ argv, stdin: input !== undefined, isSupervisor: false });
    const late = Promise.withResolvers<never>();
    const stopTimer = clock.setTimer(deadline, () =>
      late.reject(new OperationError("TimedOut", `no answer from the detached processes' scripts within ${deadline / SECOND_MS} s`)),
    );
    stream.stdin?.on("error", () => undefined).end(input);
    try {
      const all = Promise.all([stream.exit, collect(stream.stdout, ANSWER_BYTES_MAX), collect(stream.stderr, ERROR_TEXT_LENGTH_MAX)]);
      const [code, output, errors] = await Promise.race([all, late.promise]);
      if (output.dropped)
        throw new OperationError("LimitExceeded", "the records of detached processes are too large", { retryable: false });
      return { code, output: output.kept, errors: toText(errors.kept) };
    } catch (error) {
      stream.stdout.destroy();
      stream.stderr.destroy();
      // What runs inside may be anything by now, such as a FIFO in place of a file: it must not stay.
      stream.signal("KILL").catch(notKilled);
      throw error;
    } finally {
      stopTimer();
    }
  }
}

/** @throws OperationError `NotFound`: what is no id names no process */
function mustBeId(id: string): string {
  if (!ID.test(id)) throw noSuchProcess(id);
  return id;
}

function noSuchProcess(id: string): OperationError {
  return new OperationError("NotFound", `there is no process ${JSON.stringify(id.slice(0, 40))} here`, {
    fix: "list the processes; the oldest are forgotten, and all are lost with their container",
  });
}

function checkCode({ code, errors }: Answer, id: string): void {
  switch (code) {
    case 0:
      return;
    case NO_SUCH_PROCESS:
      throw noSuchProcess(id);
    case PROCESS_ENDED:
      throw new OperationError("Aborted", `process ${id} has ended`, { retryable: false });
    case STDIN_ENDED:
      throw new OperationError("Aborted", `the stdin of process ${id} is closed`, { retryable: false });
    default:
      throw new OperationError("RecordsBroken", `the records of detached processes could not be used: ${errors || `exit code ${code}`}`);
  }
}

function toUnread(error: unknown): never {
  if (!(error instanceof OperationError) || error.code !== "TimedOut") throw error;
  const message = "the process does not read its stdin; part of the input may have been consumed";
  throw new OperationError("Aborted", message, { cause: error, retryable: false });
}

const toText = (bytes: Buffer): string => bytes.toString("utf8").trim();

/** Reads to the end, and keeps no more than so much. */
async function collect(source: Readable, bytesMax: number): Promise<{ kept: Buffer; dropped: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let dropped = false;
  try {
    for await (const chunk of source) {
      const kept = chunk.subarray(0, bytesMax - bytes);
      dropped ||= kept.length < chunk.length;
      bytes += kept.length;
      if (kept.length > 0) chunks.push(kept);
    }
  } catch {
    // A stream that broke is told by `exit`.
  }
  return { kept: Buffer.concat(chunks), dropped };
}
