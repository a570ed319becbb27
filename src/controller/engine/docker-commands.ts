// Commands in Docker's containers: which are started anew and which are handed to an exec that waits, what counts as a use, and how they are
// ended. One command's course is docker-exec.ts's, and how many wait docker-prestart.ts's.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { isErrorCode } from "../../api/errors.ts";
import { LATE } from "../../api/kill-script.ts";
import type { DockerClient } from "./docker-client.ts";
import { type ExecParts, execInDocker, execWaiting, prestartInDocker, type StartedExec } from "./docker-exec.ts";
import { DockerKills } from "./docker-kill.ts";
import { Prestarts, toWaiterText } from "./docker-prestart.ts";
import { mustRun } from "./docker-run.ts";
import type { ExecRequest, ExecStream, Handle, WaitingListener } from "./engine.ts";
import { ExecEnds } from "./exec-ends.ts";
import { ExecStarts } from "./exec-starts.ts";
import { Looks } from "./looks.ts";
import { Lull } from "./lull.ts";
import type { PrestartResult } from "./operations.ts";

export interface DockerCommandsParts {
  client: DockerClient;
  /** Whether the engine's own init can stay above a command, as far as is known now. */
  subreaper(): boolean;
  /** Told once for each command that is begun, of those after which more of them come. */
  begun(result: PrestartResult): void;
}

interface Tried {
  stream: ExecStream | null;
  result: PrestartResult;
}

/** A command that takes longer may have others beside it; a burst of twenty takes a slow machine as long. */
const REFILL_MS_MAX = 1_000;
/** In which the caller has its answer: starting one keeps a processor busy for 40 ms. Nobody calls again sooner but who is not going to find one anyway. */
const ANSWER_MS = 20;

export class DockerCommands {
  readonly ends = new ExecEnds();
  readonly #parts: DockerCommandsParts;
  readonly #kills: DockerKills;
  readonly #looks = new Looks();
  readonly #lull = new Lull(REFILL_MS_MAX);
  readonly #starts = new ExecStarts();
  readonly #prestarts: Prestarts;

  constructor(parts: DockerCommandsParts) {
    this.#parts = parts;
    this.#kills = new DockerKills({ client: parts.client, newMark: toMark });
    this.#prestarts = new Prestarts({
      open: (handle, mark, created) => prestartInDocker({ ...this.execParts(mark), created }, handle),
      check: async (handle) => void (await mustRun(parts.client, handle)),
      ends: this.ends,
      looks: this.#looks,
      newMark: toMark,
    });
  }

  execParts(mark = toMark()): ExecParts {
    return { client: this.#parts.client, kills: this.#kills, ends: this.ends, subreaper: this.#parts.subreaper(), mark };
  }

  /** Of a container's execs those that are a use of it, or may be. */
  usesAmong(execIds: readonly string[]): string[] {
    return execIds.filter((id) => !this.#looks.has(id));
  }

  claim(handle: Handle, request: ExecRequest): string | null {
    return this.#prestarts.claim(handle, request);
  }

  onWaiting(listener: WaitingListener): void {
    this.#prestarts.onWaiting(listener);
  }

  async exec(handle: Handle, request: ExecRequest): Promise<ExecStream> {
    const tried = await this.#execWaiting(handle, request);
    const stream = tried.stream ?? (await this.#execAnew(handle, request));
    if (!isRepeated(request)) return stream;
    this.#parts.begun(tried.result);
    void this.#refillAfter(stream, handle);
    return stream;
  }

  /** An engine that starts one meanwhile says later that the command has ended, and so it does of those beside it. */
  async #refillAfter({ exit }: ExecStream, handle: Handle): Promise<void> {
    await this.#lull.after(exit);
    await pause(ANSWER_MS, undefined, { ref: false });
    this.#prestarts.refill(handle);
  }

  /** What only looks is the loop's own, which has few, and waits behind nobody's commands. */
  async #execAnew(handle: Handle, request: ExecRequest): Promise<ExecStream> {
    const parts = this.execParts(request.mark);
    const start = (): Promise<StartedExec> => this.#looks.run(request, (created) => execInDocker({ ...parts, created }, handle, request));
    return await (request.isLook === true ? start() : this.#starts.run(handle.id, start, ({ begun }) => begun));
  }

  /** Without a stream nothing was begun. */
  async #execWaiting(handle: Handle, request: ExecRequest): Promise<Tried> {
    const { mark } = request;
    const waiter = mark === undefined ? null : this.#prestarts.take(mark);
    const text = toWaiterText(request);
    if (waiter === null) return { stream: null, result: text === null ? "unsuitable" : "miss" };
    const { opened, check } = waiter;
    try {
      const stream = text === null ? null : await execWaiting(this.execParts(mark), { handle, request }, { opened, text, check });
      if (stream !== null) return { stream, result: "hit" };
    } catch (error) {
      opened.socket.destroy();
      throw error;
    }
    opened.socket.destroy();
    return { stream: null, result: "lost" };
  }

  async end(handle: Handle, marks: readonly string[]): Promise<void> {
    await Promise.all(marks.map(async (mark) => await this.#kills.end(handle, { mark, leader: () => LATE })));
  }

  /** @param execIds of the container, as the engine lists them */
  async inUse(execIds: readonly string[]): Promise<boolean> {
    for (const id of this.usesAmong(execIds)) if (await this.#isRunning(id)) return true;
    return false;
  }

  async #isRunning(execId: string): Promise<boolean> {
    try {
      return (await this.#parts.client.inspectExec(execId)).Running;
    } catch (error) {
      if (isErrorCode(error, "StaleHandle")) return false;
      throw error;
    }
  }
}

/** A tool's call, after which more of them come: no look, no terminal, nothing that outlives us, and nothing that nobody recorded. */
const isRepeated = ({ mark, isLook, tty, outlivesCaller }: ExecRequest): boolean =>
  mark !== undefined && isLook !== true && tty === undefined && outlivesCaller !== true;

/** Of the processes of one exec; unguessable only so that no two are the same. */
const toMark = (): string => randomUUID().replaceAll("-", "");
