// One command in a sandbox over one WebSocket: passes data both ways within the windows, and sees to it that nothing outlives its end.
// Neither side ever stops reading the socket (wire.ts says why). Who may connect, and how many, is command-socket.ts.
import type { Logger } from "pino";
import type { WebSocket } from "ws";
import { elapsed, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { Window } from "../../api/command-window.ts";
import { OperationError } from "../../api/errors.ts";
import { parseValue } from "../../api/parse-value.ts";
import {
  COMMAND_CHANNEL,
  COMMAND_WINDOW_BYTES,
  CommandControl,
  type CommandNotice,
  type CommandRequest,
  type SandboxTool,
  toProblem,
} from "../../api/wire.ts";
import { toHidden } from "../decide/fields.ts";
import { type Engine, type ExecStream, NotBegun } from "../engine/engine.ts";
import type { Lease } from "../loop/sandbox-access.ts";
import type { ControllerMetrics, ExecResult } from "../metrics/metrics.ts";
import type { OutputLog, OutputRun } from "../records/output-log.ts";
import { pumpOutput } from "./output-pump.ts";

/** Counts commands and their bytes. */
export type CommandMeter = Pick<ControllerMetrics, "execStarted" | "execBytes">;

export interface CommandSessionParts {
  socket: WebSocket;
  /** The first frame, where it came with the request for the socket. null: it is to come. */
  start: Buffer | null;
  commands: Pick<Engine, "exec">;
  /** On whose behalf, for the metrics. */
  tool: SandboxTool;
  /** Rejects when there is no such sandbox, it does not get ready until the signal aborts, or the request is not to be run in it. */
  lease(request: CommandRequest, signal: AbortSignal): Promise<Lease>;
  meter: CommandMeter;
  /** Hears what commands of `exec` say without a terminal; what other tools pass on are files. */
  output: OutputLog;
  clock: Clock;
  log: Logger;
}

/** A client that connects and says nothing holds a place. */
export const START_MS_MAX = toDurationMs(10 * SECOND_MS);
/** A local client that was stopped (Ctrl-Z) answers no pings and is not dead; one behind a broken network is, after this. */
export const SILENCE_MS_MAX = toDurationMs(120 * SECOND_MS);
const PING_MS = toDurationMs(30 * SECOND_MS);
/** Killing takes an exec of its own (50 ms); an engine that hangs has deadlines under this. */
const KILL_GRACE_MS = toDurationMs(15 * SECOND_MS);
/** Each signal is an exec. A person sends two. */
const SIGNALS_AT_ONCE_MAX = 8;
/** Data is bounded by its window: more than four of them unsent means that the client floods us with small frames and reads no answers. */
const UNSENT_BYTES_MAX = 4 * COMMAND_WINDOW_BYTES;
const CLOSE = { normal: 1000, violation: 1008 } as const;

type Running = Pick<ExecStream, "stdin" | "resize" | "signal">;

/** Runs to the end of the command and of the connection; never rejects. */
export async function serveCommand(parts: CommandSessionParts): Promise<void> {
  await new CommandSession(parts).run();
}

class CommandSession {
  readonly #parts: CommandSessionParts;
  /** Aborted when there is nobody to run for, or no longer a sandbox to run in; its reason is told to the client if it is still there. */
  readonly #over = new AbortController();
  readonly #started = Promise.withResolvers<CommandRequest | null>();
  readonly #output = new Window(COMMAND_WINDOW_BYTES);
  readonly #input = new Window(COMMAND_WINDOW_BYTES);
  #phase: "waiting" | "starting" | "running" | "ended" = "waiting";
  #running: Running | null = null;
  #stdinEnded = false;
  #signals = 0;
  #size: { columns: number; rows: number } | null = null;

  constructor(parts: CommandSessionParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { socket, start, clock, log } = this.#parts;
    socket.on("message", (data, isBinary) => this.#receive(toBuffer(data), isBinary));
    socket.on("close", () => this.#end(null));
    socket.on("error", (error) => this.#end(error));
    const stopPings = this.#ping();
    const stopStartTimer = clock.setTimer(START_MS_MAX, () => this.#violated(`no start within ${START_MS_MAX / SECOND_MS} s`));
    this.#over.signal.addEventListener("abort", () => {
      this.#started.resolve(null);
      this.#output.close();
    });
    if (start !== null) this.#receive(start, false);
    try {
      const request = await this.#started.promise;
      stopStartTimer();
      if (request !== null) await this.#serve(request);
      this.#close(this.#reason());
    } catch (error) {
      if (!(error instanceof OperationError)) log.error({ err: error }, "command failed");
      this.#close(this.#reason() ?? error);
    } finally {
      this.#phase = "ended";
      stopStartTimer();
      stopPings();
    }
  }

  async #serve(request: CommandRequest): Promise<void> {
    const { signal } = this.#over;
    let lease = await this.#parts.lease(request, signal);
    await this.#metered(async () => {
      for (;;) {
        const result = await this.#serveIn(lease, request);
        if (result !== "not-begun") return result;
        lease = await lease.next(signal);
      }
    });
  }

  async #serveIn(given: Lease, request: CommandRequest): Promise<ExecResult | "not-begun"> {
    using lease = given;
    const revoke = (): void => this.#end(lease.revoked.reason);
    lease.revoked.addEventListener("abort", revoke, { once: true });
    if (lease.revoked.aborted) revoke();
    try {
      if (this.#over.signal.aborted) return "aborted";
      const stream = await this.#start(lease, request);
      return stream === null ? "not-begun" : await this.#attend(stream, request, lease);
    } finally {
      lease.revoked.removeEventListener("abort", revoke);
    }
  }

  /** null: the container went away before anything began in it, and there is still somebody to begin it for. */
  async #start(lease: Lease, { argv, env, workdir, tty, stdin }: CommandRequest): Promise<ExecStream | null> {
    try {
      const request = { argv, stdin, ...(env && { env }), ...(workdir && { workdir }), ...(tty && { tty }) };
      if (lease.isLook) return await this.#parts.commands.exec(lease.handle, { ...request, isLook: true });
      return await this.#parts.commands.exec(lease.handle, request);
    } catch (error) {
      if (error instanceof NotBegun && error.isPassing && !this.#over.signal.aborted) return null;
      throw error;
    }
  }

  async #metered(work: () => Promise<ExecResult>): Promise<void> {
    const { meter, clock, tool } = this.#parts;
    const startedAt = clock.now();
    const ended = meter.execStarted(tool);
    let result: ExecResult = "error";
    try {
      result = await work();
    } finally {
      ended(result, elapsed(startedAt, clock.now()) / SECOND_MS);
    }
  }

  /** From here on the command is dead when this returns, or its engine could not be told within the grace. */
  async #attend(stream: ExecStream, request: CommandRequest, lease: Lease): Promise<ExecResult> {
    const { clock } = this.#parts;
    const heard = this.#listen(lease, request);
    const end = watchEnd(stream);
    const ended: { reason: "exited" | "timeout" } = { reason: "exited" };
    const timeout = Promise.withResolvers<number>();
    const stopTimer =
      request.timeoutMs === undefined
        ? () => undefined
        : clock.setTimer(toDurationMs(request.timeoutMs), () => {
            ended.reason = "timeout";
            // The exit code of KILL, should the engine not tell within the grace.
            void this.#kill(stream, end).then(() => timeout.resolve(137));
          });
    // Both are told by `exit`.
    for (const output of [stream.stdout, stream.stderr]) output.on("error", () => undefined);
    stream.stdin?.on("error", () => undefined);
    this.#running = stream;
    // Said together with the start.
    if (this.#stdinEnded) stream.stdin?.end();
    try {
      if (this.#over.signal.aborted) return "aborted";
      this.#send({ kind: "started", sandbox: lease.spec.name, containerId: lease.handle.id });
      this.#phase = "running";
      const pumped = Promise.all([this.#pump(stream, "stdout", heard), this.#pump(stream, "stderr", heard)]);
      const exited = stream.exit.then(async (code) => {
        await pumped;
        return code;
      });
      const code = await Promise.race([exited, timeout.promise, this.#gone()]);
      if (code === null) return "aborted";
      heard?.end(ended.reason === "timeout" ? "timed out" : `exit code ${code}`);
      this.#send({ kind: "exit", code, reason: ended.reason, ...(stream.outputHeld && { outputHeld: true }) });
      if (ended.reason === "timeout") return "timeout";
      return code === 0 ? "success" : "failure";
    } finally {
      stopTimer();
      heard?.end("ended before its exit");
      this.#running = null;
      await this.#kill(stream, end);
      stream.stdout.destroy();
      stream.stderr.destroy();
    }
  }

  /** Ends the process group inside, if it still runs. What it says meanwhile is dropped, so that it can end. */
  async #kill(stream: ExecStream, end: End): Promise<void> {
    const { clock, log } = this.#parts;
    if (end.isOver) return;
    const grace = Promise.withResolvers<void>();
    const stopTimer = clock.setTimer(KILL_GRACE_MS, grace.resolve);
    if (this.#over.signal.aborted) for (const output of [stream.stdout, stream.stderr]) output.destroy();
    const killed = stream.signal("KILL").catch((error: unknown) => log.warn({ err: error }, "command could not be killed"));
    await Promise.race([killed.then(() => end.over), grace.promise]);
    stopTimer();
  }

  /** As fast as the client takes it; the container's stream waits meanwhile, and the command with it. */
  #pump(stream: ExecStream, name: "stdout" | "stderr", heard: OutputRun | null): Promise<void> {
    const { socket, meter } = this.#parts;
    const send = (frame: Buffer, sent: () => void): void => {
      meter.execBytes(name, frame.length - 1);
      heard?.write(name, frame.subarray(1));
      socket.send(frame, sent);
    };
    return pumpOutput({ source: stream[name], channel: COMMAND_CHANNEL[name], window: this.#output, send });
  }

  /** null: its output is nobody else's. */
  #listen({ spec }: Lease, { argv, env, tty }: CommandRequest): OutputRun | null {
    const { output, tool } = this.#parts;
    if (tool !== "exec" || tty !== undefined) return null;
    // Arguments may hold secrets: of a command only its name is said.
    const note = `${argv[0] ?? ""}${argv.length > 1 ? ` (arguments: ${argv.length - 1})` : ""}`;
    return output.begin(spec.name, { source: "exec", note, hidden: [...toHidden(spec.env), ...Object.values(env ?? {})] });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#over.signal.aborted || this.#phase === "ended") return;
    if (isBinary) return this.#takeStdin(data);
    const control = parseControl(data);
    if (control instanceof OperationError) return this.#violated(control.message);
    switch (control.kind) {
      case "start":
        if (this.#phase !== "waiting") return this.#violated("a second start");
        this.#phase = "starting";
        return this.#started.resolve(control.request);
      case "consumed":
        return this.#output.give(control.bytes) ? undefined : this.#violated("more acknowledged than was sent");
      case "resize":
        return this.#resize(control.size);
      case "signal":
        return this.#signal(control.name);
      case "stdin-end":
        this.#stdinEnded = true;
        this.#running?.stdin?.end();
    }
  }

  #takeStdin(data: Buffer): void {
    const stdin = this.#running?.stdin ?? null;
    const bytes = data.length - 1;
    // What is on its way when a command ends is no mistake of the client's.
    if (this.#running === null && this.#phase === "running") return;
    if (data[0] !== COMMAND_CHANNEL.stdin || stdin === null || this.#stdinEnded) return this.#violated("stdin data, but stdin is not open");
    if (bytes === 0) return;
    if (!this.#input.takeNow(bytes)) return this.#violated("more stdin than the window allows");
    this.#parts.meter.execBytes("stdin", bytes);
    // Also when the pipe broke: the client must not wait for a command that reads no more.
    stdin.write(data.subarray(1), () => {
      this.#input.give(bytes);
      this.#send({ kind: "consumed", bytes });
    });
  }

  /** The newest size counts: while one is being set, only the last that came is remembered. */
  #resize(size: { columns: number; rows: number }): void {
    const idle = this.#size === null;
    this.#size = size;
    if (!idle) return;
    const set = async (): Promise<void> => {
      for (let next = this.#size; next !== null; next = this.#size === next ? null : this.#size) {
        await this.#running?.resize(next).catch((error: unknown) => this.#parts.log.debug({ err: error }, "terminal could not be resized"));
      }
      this.#size = null;
    };
    void set();
  }

  #signal(name: string): void {
    if (this.#running === null) return;
    if (this.#signals >= SIGNALS_AT_ONCE_MAX) return this.#violated("too many signals at once");
    this.#signals += 1;
    this.#running
      .signal(name)
      .catch((error: unknown) => this.#parts.log.warn({ err: error, signal: name }, "signal could not be sent"))
      .finally(() => {
        this.#signals -= 1;
      });
  }

  #ping(): () => void {
    const { socket, clock } = this.#parts;
    let missed = 0;
    socket.on("pong", () => {
      missed = 0;
    });
    // A flood of pings is answered by the library: its answers count as unsent too.
    socket.on("ping", () => this.#checkUnsent());
    let stop = (): void => undefined;
    const again = (): void => {
      if (missed * PING_MS >= SILENCE_MS_MAX) return this.#end(new OperationError("Aborted", "the client stopped responding"));
      missed += 1;
      socket.ping();
      stop = clock.setTimer(PING_MS, again);
    };
    stop = clock.setTimer(PING_MS, again);
    return () => stop();
  }

  #violated(what: string): void {
    this.#end(new OperationError("InvalidArgument", `protocol: ${what}`));
  }

  #end(reason: unknown): void {
    if (!this.#over.signal.aborted) this.#over.abort(reason);
  }

  #gone(): Promise<null> {
    const { signal } = this.#over;
    if (signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
  }

  /** null: the command ended, or nobody is there to be told. */
  #reason(): unknown {
    const { aborted, reason } = this.#over.signal;
    return aborted && reason instanceof OperationError ? reason : null;
  }

  #send(notice: CommandNotice): void {
    if (this.#parts.socket.readyState !== this.#parts.socket.OPEN) return;
    this.#parts.socket.send(JSON.stringify(notice));
    this.#checkUnsent();
  }

  #checkUnsent(): void {
    if (this.#parts.socket.bufferedAmount <= UNSENT_BYTES_MAX) return;
    this.#end(null);
    this.#parts.socket.terminate();
  }

  #close(error: unknown): void {
    const { socket, clock } = this.#parts;
    if (error !== null) this.#send({ kind: "error", problem: toProblem(error) });
    socket.close(error === null ? CLOSE.normal : CLOSE.violation);
    // A client that does not answer the closing handshake.
    const stopTimer = clock.setTimer(KILL_GRACE_MS, () => socket.terminate());
    socket.once("close", stopTimer);
  }
}

interface End {
  isOver: boolean;
  over: Promise<void>;
}

function watchEnd(stream: ExecStream): End {
  const note = (): void => {
    end.isOver = true;
  };
  const end: End = { isOver: false, over: stream.exit.then(note, note) };
  return end;
}

function toBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

function parseControl(data: Buffer): CommandControl | OperationError {
  let value: unknown;
  try {
    value = JSON.parse(data.toString("utf8"));
  } catch (cause) {
    return new OperationError("InvalidArgument", "a text frame that is not JSON", { cause });
  }
  try {
    return parseValue(CommandControl, value);
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
}
