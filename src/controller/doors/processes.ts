// Detached processes: started through an exec that stays, listed, read, written and ended through further ones. All their state is inside the
// container, so that it outlives this process; nothing about them is remembered here. Who may is the routes' business.
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { type DurationMs, elapsed, type SandboxName, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { ProcessInput, ProcessLog, ProcessStart, SandboxProcess } from "../../api/wire.ts";
import type { Clock } from "../clock.ts";
import type { ExecStream } from "../engine/engine.ts";
import type { Lease, SandboxAccess } from "../sandbox-access.ts";
import type { CommandMeter } from "./command-session.ts";
import { parseLog, parseProcesses } from "./process-records.ts";
import {
  END_STDIN,
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

/** On the small tmpfs of 64 MiB that every sandbox has (engine/docker-create.ts). */
export const PROCESSES_DIR = "/run/openclaw/processes";
/** A person runs a few. Each is at most 4.6 MiB of log: together they might fill the tmpfs, and then the oldest output makes room. */
export const PROCESSES_RUNNING_MAX = 32;
/** Records of ended ones stay until there are so many of all; the oldest go first. */
export const PROCESSES_MAX = 64;
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

export interface ProcessDoorParts {
  access: SandboxAccess;
  meter: CommandMeter;
  clock: Clock;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newProcessId(): string;
  log: Logger;
  /** Folder of the records. Absent: PROCESSES_DIR. Only tests have another. */
  folder?: string;
}

interface Answer {
  code: number;
  output: Buffer;
  errors: string;
}

export class ProcessDoor {
  readonly #parts: ProcessDoorParts;
  readonly #folder: string;

  constructor(parts: ProcessDoorParts) {
    this.#parts = parts;
    this.#folder = parts.folder ?? PROCESSES_DIR;
  }

  /** @throws OperationError `LimitExceeded`, `InvalidArgument`, and what a lease rejects with */
  async start(name: SandboxName, start: ProcessStart): Promise<SandboxProcess> {
    const [command = ""] = start.argv;
    if (command === "" || command.startsWith("-"))
      throw new OperationError("InvalidArgument", "a command needs a name that does not begin with -");
    using lease = await this.#parts.access.lease(name);
    await this.#makeRoom(lease);
    const id = this.#parts.newProcessId();
    const seconds = start.timeoutMs === undefined ? 0 : Math.ceil(start.timeoutMs / SECOND_MS);
    const settings = [this.#folder, id, this.#parts.clock.now(), LOG_SEGMENT_BYTES, LOG_SEGMENTS_MAX, seconds].map(String);
    const stream = await this.#parts.access.engine.exec(lease.handle, {
      argv: ["/bin/sh", "-c", SUPERVISOR, "openclaw-supervisor", ...settings, ...start.argv],
      stdin: false,
      ...(start.env && { env: start.env }),
      ...(start.workdir && { workdir: start.workdir }),
    });
    await this.#untilOk(stream);
    return await this.#find(lease, id);
  }

  async list(name: SandboxName): Promise<SandboxProcess[]> {
    using lease = await this.#parts.access.lease(name);
    return await this.#list(lease);
  }

  async get(name: SandboxName, id: string): Promise<SandboxProcess> {
    using lease = await this.#parts.access.lease(name);
    return await this.#find(lease, id);
  }

  /** At most `limit` bytes from `offset` on, of one segment; waits up to `waitMs` when there are none yet. */
  async readLog(
    name: SandboxName,
    id: string,
    { offset, limit, waitMs }: { offset: number; limit: number; waitMs: number },
  ): Promise<ProcessLog> {
    using lease = await this.#parts.access.lease(name);
    // One block more: the first one may begin before the offset.
    const blocks = limit === 0 ? 0 : Math.ceil(limit / LOG_BLOCK_BYTES) + 1;
    const rounds = Math.ceil(waitMs / LOG_WAIT_STEP_MS);
    // `sleep 1` where fractions are not known.
    const deadline = toDurationMs(CALL_MS_MAX + rounds * SECOND_MS);
    const answer = await this.#run(lease, { script: READ_LOG, args: [mustBeId(id), offset, blocks, rounds], deadline });
    checkCode(answer, id);
    return parseLog(answer.output, { offset, limit });
  }

  /** @throws OperationError `Aborted` when it has ended, reads no input any more, or does not read it in time (a part may have been taken) */
  async write(name: SandboxName, id: string, { data, end }: ProcessInput): Promise<SandboxProcess> {
    using lease = await this.#parts.access.lease(name);
    if (data !== undefined && data !== "") {
      const input = Buffer.from(data, "base64");
      checkCode(await this.#run(lease, { script: WRITE_STDIN, args: [mustBeId(id)], input, deadline: WRITE_MS_MAX }).catch(toUnread), id);
    }
    if (end) checkCode(await this.#run(lease, { script: END_STDIN, args: [mustBeId(id)] }), id);
    return await this.#find(lease, id);
  }

  /** Reaches the whole session and everything that descends from it; after KILL, waits until the exit code is known. */
  async kill(name: SandboxName, id: string, signal: string): Promise<SandboxProcess> {
    using lease = await this.#parts.access.lease(name);
    const rounds = signal === "KILL" ? KILL_ROUNDS_MAX : 1;
    checkCode(await this.#run(lease, { script: SIGNAL_PROCESS, args: [mustBeId(id), signal, rounds] }), id);
    if (signal !== "KILL") return await this.#find(lease, id);
    const wait = { script: READ_LOG, args: [id, Number.MAX_SAFE_INTEGER, 0, SECOND_MS / LOG_WAIT_STEP_MS] };
    const answer = await this.#run(lease, wait);
    checkCode(answer, id);
    return parseLog(answer.output, { offset: 0, limit: 0 }).process;
  }

  /** Forgets an ended one, and answers with what it was. @throws OperationError `Aborted`: it runs */
  async clear(name: SandboxName, id: string): Promise<SandboxProcess> {
    using lease = await this.#parts.access.lease(name);
    const process = await this.#find(lease, id);
    if (process.state === "running") throw new OperationError("Aborted", `process ${id} is running`, { fix: "end it first" });
    await this.#forget(lease, [process]);
    return process;
  }

  async #forget(lease: Lease, processes: readonly SandboxProcess[]): Promise<void> {
    await this.#call(lease, ["rm", "-rf", "--", ...processes.map(({ id }) => `${this.#folder}/${mustBeId(id)}`)], CALL_MS_MAX);
  }

  async #makeRoom(lease: Lease): Promise<void> {
    const processes = await this.#list(lease);
    if (processes.filter(({ state }) => state === "running").length >= PROCESSES_RUNNING_MAX) {
      throw new OperationError("LimitExceeded", `${PROCESSES_RUNNING_MAX} detached processes are running in this sandbox already`, {
        fix: "end one of them: openclaw sandbox ps kill",
      });
    }
    const ended = processes.filter(({ state }) => state === "exited").toSorted((left, right) => left.startedAt - right.startedAt);
    const old = ended.slice(0, Math.max(0, processes.length + 1 - PROCESSES_MAX));
    if (old.length > 0) await this.#forget(lease, old);
  }

  async #list(lease: Lease): Promise<SandboxProcess[]> {
    const answer = await this.#run(lease, { script: LIST, args: [] });
    checkCode(answer, "");
    return parseProcesses(answer.output).toSorted((left, right) => left.startedAt - right.startedAt);
  }

  async #find(lease: Lease, id: string): Promise<SandboxProcess> {
    const found = (await this.#list(lease)).find((process) => process.id === id);
    if (found === undefined) throw noSuchProcess(id);
    return found;
  }

  /** The supervisor's first line, or why there is none. Its exec goes on by itself: nobody here waits for its end. */
  async #untilOk(stream: ExecStream): Promise<void> {
    const { clock } = this.#parts;
    stream.exit.catch(() => undefined);
    const errors = collect(stream.stderr, ERROR_TEXT_LENGTH_MAX);
    const ready = Promise.withResolvers<"ok" | "late">();
    stream.stdout.once("data", () => ready.resolve("ok"));
    stream.stdout.on("error", () => undefined);
    const stopTimer = clock.setTimer(CALL_MS_MAX, () => ready.resolve("late"));
    const outcome = await Promise.race([ready.promise, stream.exit]);
    stopTimer();
    if (outcome === "ok") return;
    if (outcome === "late") {
      await stream.signal("KILL");
      throw new OperationError("EngineTimeout", `the process did not start within ${CALL_MS_MAX / SECOND_MS} s`);
    }
    throw new OperationError(
      "InvalidArgument",
      `the process could not be started: ${toText((await errors).kept) || `exit code ${outcome}`}`,
    );
  }

  async #run(
    lease: Lease,
    call: { script: string; args: readonly (string | number)[]; input?: Buffer; deadline?: DurationMs },
  ): Promise<Answer> {
    const argv = ["/bin/sh", "-c", call.script, "openclaw-processes", this.#folder, ...call.args.map(String)];
    return await this.#call(lease, argv, call.deadline ?? CALL_MS_MAX, call.input);
  }

  async #call(lease: Lease, argv: readonly string[], deadline: DurationMs, input?: Buffer): Promise<Answer> {
    const { clock, meter } = this.#parts;
    const startedAt = clock.now();
    const ended = meter.execStarted("process");
    const seconds = (): number => elapsed(startedAt, clock.now()) / SECOND_MS;
    try {
      const answer = await this.#exchange(lease, argv, deadline, input);
      ended(answer.code === 0 ? "success" : "failure", seconds());
      return answer;
    } catch (error) {
      ended("error", seconds());
      throw error;
    }
  }

  async #exchange(lease: Lease, argv: readonly string[], deadline: DurationMs, input?: Buffer): Promise<Answer> {
    const { access, clock, log } = this.#parts;
    const stream = await access.engine.exec(lease.handle, { argv, stdin: input !== undefined });
    const late = Promise.withResolvers<never>();
    const stopTimer = clock.setTimer(deadline, () =>
      late.reject(new OperationError("EngineTimeout", `no answer from inside the sandbox within ${deadline / SECOND_MS} s`)),
    );
    stream.stdin?.on("error", () => undefined).end(input);
    try {
      const all = Promise.all([stream.exit, collect(stream.stdout, ANSWER_BYTES_MAX), collect(stream.stderr, ERROR_TEXT_LENGTH_MAX)]);
      const [code, output, errors] = await Promise.race([all, late.promise]);
      if (output.dropped) throw new OperationError("LimitExceeded", "the records of this sandbox's processes are too large");
      return { code, output: output.kept, errors: toText(errors.kept) };
    } catch (error) {
      stream.stdout.destroy();
      stream.stderr.destroy();
      // What runs inside may be anything by now, such as a FIFO in place of a file: it must not stay.
      stream.signal("KILL").catch((cause: unknown) => log.warn({ err: cause }, "process script could not be killed"));
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
  return new OperationError("NotFound", `there is no process ${JSON.stringify(id.slice(0, 40))} in this sandbox`, {
    fix: "openclaw sandbox ps list NAME shows them; a restart of the container forgets all",
  });
}

function checkCode({ code, errors }: Answer, id: string): void {
  switch (code) {
    case 0:
      return;
    case NO_SUCH_PROCESS:
      throw noSuchProcess(id);
    case PROCESS_ENDED:
      throw new OperationError("Aborted", `process ${id} has ended`);
    case STDIN_ENDED:
      throw new OperationError("Aborted", `the stdin of process ${id} has ended`);
    default:
      throw new OperationError("EngineFailed", `the sandbox's process records could not be used: ${errors || `exit code ${code}`}`);
  }
}

function toUnread(error: unknown): never {
  if (!(error instanceof OperationError) || error.code !== "EngineTimeout") throw error;
  const message = "the process does not read its stdin; a part of the input may have been taken";
  throw new OperationError("Aborted", message, { cause: error });
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
