// Runs commands in a container through Docker's exec: fenced to one run of one container, with a wrapper that reports the process group,
// so that signals reach what was started. It decides nothing about who may run what, and keeps no output.
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { KILL_ALL, MARK_VARIABLE } from "../../api/kill-script.ts";
import { Demux } from "./demux.ts";
import type { DockerClient } from "./docker-client.ts";
import { toIncarnation, toState } from "./docker-observe.ts";
import type { ExecRequest, ExecStream, Handle } from "./engine.ts";
import { SIGNAL, WRAPPER } from "./exec-scripts.ts";

export interface ExecParts {
  client: DockerClient;
  /** In the environment of everything that descends from this exec. */
  mark: string;
}

/** Longest wait for the wrapper's first line before a signal; it arrives within 50 ms of the start on an idle machine. */
const GROUP_WAIT_MS = 5_000;
/** 5, 10, 20 ... 1000 ms: a stream may end before its command does, when the command closes its output. */
const EXIT_POLL_MS_MIN = 5;
const EXIT_POLL_MS_MAX = 1_000;
/** At the process limit an exec fails with 126 until something ends: 5 attempts, 200 ms apart, then the engine kills the container. */
const SIGNAL_ATTEMPTS_MAX = 5;
const SIGNAL_PAUSE_MS = 200;
/** Longest run of a signalling script: 30 rounds over 512 processes are about a second. */
const SIGNAL_RUN_MS_MAX = 10_000;
/** What shells and engines use for "could not be started". */
const NOT_STARTED = new Set([126, 127]);
/** 128 + 9. */
const KILLED = 137;
/** 1 s: a container's end is known 31 ms after its kill on an idle machine, and much later on a busy one. */
const OUTLIVE_LOOKS_MAX = 20;
const OUTLIVE_PAUSE_MS = 50;
const END_OF_TRANSMISSION = Buffer.from([0x04]);

/**
 * @throws OperationError `StaleHandle` when the run that the handle means is over, `NotReady` when it is paused, `InvalidArgument`
 */
export async function execInDocker(parts: ExecParts, handle: Handle, request: ExecRequest): Promise<ExecStream> {
  mustBeRequest(request);
  await mustRun(parts.client, handle);
  const { workdir = "", tty, argv } = request;
  // The engine knows the size once the command runs, which is too late for one that asks at once.
  const size = [tty?.columns ?? "", tty?.rows ?? ""].map(String);
  const command = ["/bin/sh", "-c", WRAPPER, "openclaw-exec", workdir, ...size, ...argv];
  const env = Object.entries(request.env ?? {}).filter(([name]) => name !== MARK_VARIABLE);
  const opened = await openExec(parts.client, handle, {
    command,
    env: [...env.map(([name, value]) => `${name}=${value}`), `${MARK_VARIABLE}=${parts.mark}`],
    isTerminal: request.tty !== undefined,
    hasStdin: request.stdin,
  });
  if (request.outlivesCaller && opened.socket instanceof Socket) opened.socket.unref();
  const stream = new DockerExecStream(parts, handle, request, opened);
  if (request.tty !== undefined) await stream.resize(request.tty);
  return stream;
}

function mustBeRequest({ argv, env, workdir }: ExecRequest): void {
  const refuse = (message: string): never => {
    throw new OperationError("InvalidArgument", message);
  };
  const [command = ""] = argv;
  if (command === "" || command.startsWith("-")) refuse("a command needs a name that does not begin with -");
  if ([...argv, workdir ?? "", ...Object.entries(env ?? {}).flat()].some((text) => text.includes("\0")))
    refuse("a command cannot hold NUL");
  if (workdir !== undefined && !workdir.startsWith("/")) refuse(`workdir ${JSON.stringify(workdir)} is not an absolute path`);
  if (Object.keys(env ?? {}).some((name) => name === "" || name.includes("="))) refuse("a variable needs a name without =");
}

/** @throws OperationError `StaleHandle`, `NotReady` */
async function mustRun(client: DockerClient, handle: Handle): Promise<void> {
  const raw = await client.inspect(handle.id);
  const state = toState(raw.State.Status);
  if (state === "paused") throw new OperationError("NotReady", "the sandbox is paused", { fix: "unpause the container" });
  if (state !== "running" || toIncarnation(raw) !== handle.incarnation) {
    throw new OperationError("StaleHandle", "the sandbox's container was stopped or restarted");
  }
}

interface Wanted {
  command: readonly string[];
  env: readonly string[];
  isTerminal: boolean;
  hasStdin: boolean;
}

interface Opened {
  execId: string;
  /** Both directions; half-closing it ends the command's input. */
  socket: Duplex;
}

async function openExec(client: DockerClient, handle: Handle, wanted: Wanted): Promise<Opened> {
  const container = client.docker.getContainer(handle.id);
  const short = handle.id.slice(0, 12);
  const exec = await client.run(
    "exec-create",
    short,
    async (abortSignal) =>
      await container.exec({
        AttachStdin: wanted.hasStdin,
        AttachStdout: true,
        AttachStderr: true,
        Tty: wanted.isTerminal,
        Cmd: [...wanted.command],
        Env: [...wanted.env],
        abortSignal,
      }),
  );
  const socket = await client.run(
    "exec-start",
    short,
    async (abortSignal) => await exec.start({ hijack: true, stdin: wanted.hasStdin, Tty: wanted.isTerminal, Detach: false, abortSignal }),
  );
  return { execId: exec.id, socket };
}

class DockerExecStream implements ExecStream {
  readonly stdin: Writable | null;
  readonly stdout: ExecStream["stdout"];
  readonly stderr: ExecStream["stderr"];
  readonly exit: Promise<number>;
  readonly #parts: ExecParts;
  readonly #handle: Handle;
  readonly #opened: Opened;
  readonly #demux: Demux;
  #isOver = false;
  /** We sent KILL. */
  #isKilled = false;

  constructor(parts: ExecParts, handle: Handle, request: ExecRequest, opened: Opened) {
    this.#parts = parts;
    this.#handle = handle;
    this.#opened = opened;
    const { socket } = opened;
    this.#demux = new Demux({ isTerminal: request.tty !== undefined, resume: () => socket.resume() });
    this.stdout = this.#demux.stdout;
    this.stderr = this.#demux.stderr;
    this.stdin = request.stdin ? new Inlet(socket, this.#demux.group, request.tty !== undefined) : null;
    this.exit = this.#follow();
    this.exit.catch(() => {});
  }

  async #follow(): Promise<number> {
    const { socket } = this.#opened;
    const { promise, resolve } = Promise.withResolvers<"ended" | Error>();
    socket.on("data", (chunk: Buffer) => {
      if (!this.#demux.push(chunk)) socket.pause();
    });
    socket.once("end", () => resolve("ended"));
    socket.once("error", (error) => resolve(error));
    socket.once("close", () => resolve(new Error("connection closed")));
    const how = await promise;
    // Later errors, of a write for example, change nothing any more.
    socket.on("error", () => {});
    this.#demux.end();
    try {
      return await this.#exitCode(how);
    } finally {
      this.#isOver = true;
      socket.destroy();
    }
  }

  async #exitCode(how: "ended" | Error): Promise<number> {
    const { client } = this.#parts;
    for (let pollMs = EXIT_POLL_MS_MIN; ; pollMs = Math.min(EXIT_POLL_MS_MAX, pollMs * 2)) {
      let code: number | null;
      try {
        const raw = await client.inspectExec(this.#opened.execId);
        code = raw.Running ? null : (raw.ExitCode ?? null);
      } catch (error) {
        if (!isErrorCode(error, "StaleHandle")) throw error;
        // The engine has forgotten the exec: its container is gone or was restarted, or the engine itself was.
        await mustRun(client, this.#handle);
        throw new OperationError("EngineUnreachable", "the engine was restarted while the command ran; its exit code is lost", {
          cause: error,
        });
      }
      if (how !== "ended")
        throw new OperationError("EngineUnreachable", "the connection to the command broke; output may be lost", { cause: how });
      // Killed, or ended before the wrapper said anything: then it was never started (126, as at the process limit).
      if (code === KILLED || (code !== null && (await this.#demux.group) === null)) await this.#mustOutlive();
      if (code !== null) return code;
      await pause(pollMs);
    }
  }

  /** Something ended by KILL, or before it began, may be the first sign that its container ends: the engine takes note of that a moment later. */
  async #mustOutlive(): Promise<void> {
    for (let look = 1; look <= OUTLIVE_LOOKS_MAX; look += 1) {
      await mustRun(this.#parts.client, this.#handle);
      if (this.#isKilled) return;
      await pause(OUTLIVE_PAUSE_MS);
    }
  }

  async resize(size: { columns: number; rows: number }): Promise<void> {
    const { client } = this.#parts;
    const exec = client.docker.getExec(this.#opened.execId);
    try {
      const wish = { h: size.rows, w: size.columns };
      await client.run("exec-resize", this.#handle.id.slice(0, 12), async (abortSignal) => await exec.resize({ ...wish, abortSignal }));
    } catch (error) {
      // A command that has ended needs no size, and the engine has several words for that.
      if (!(error instanceof OperationError) || isErrorCode(error, "EngineUnreachable") || isErrorCode(error, "EngineTimeout")) throw error;
    }
  }

  async signal(name: string): Promise<void> {
    if (!/^[A-Z0-9]{1,12}$/.test(name)) throw new OperationError("InvalidArgument", `${JSON.stringify(name)} is not a signal's name`);
    try {
      if (name === "KILL") await this.#killAll();
      else if (!this.#isOver) await this.#signalGroup(name);
    } catch (error) {
      if (!isErrorCode(error, "StaleHandle")) throw error;
    }
  }

  async #group(): Promise<string | null> {
    const waited = new AbortController();
    const late = pause(GROUP_WAIT_MS, null, { signal: waited.signal }).catch(() => null);
    const group = await Promise.race([this.#demux.group, late]);
    waited.abort();
    return group;
  }

  async #signalGroup(name: string): Promise<void> {
    const group = await this.#group();
    if (group === null || this.#isOver) return;
    const code = await this.#runScript(["/bin/sh", "-c", SIGNAL, "openclaw-signal", name, group]);
    if (code === null) throw new OperationError("NotReady", `${name} could not be sent: the sandbox is at its process limit`);
  }

  async #killAll(): Promise<void> {
    this.#isKilled = true;
    // Once the command is over its group's number may be another's.
    const group = this.#isOver ? null : await this.#group();
    const code = await this.#runScript(["/bin/sh", "-c", KILL_ALL, "openclaw-kill", this.#parts.mark, group ?? ""]);
    if (code === 0) return;
    await this.#killContainer();
  }

  /** Exit code of a script that ran; null when none could be started, or it did not end in time. */
  async #runScript(command: readonly string[]): Promise<number | null> {
    for (let attempt = 1; attempt <= SIGNAL_ATTEMPTS_MAX; attempt += 1) {
      const code = await this.#runOnce(command);
      if (code !== null && !NOT_STARTED.has(code)) return code;
      if (code === null) return null;
      await pause(SIGNAL_PAUSE_MS);
    }
    return null;
  }

  async #runOnce(command: readonly string[]): Promise<number | null> {
    const { client } = this.#parts;
    await mustRun(client, this.#handle);
    const { execId, socket } = await openExec(client, this.#handle, { command, env: [], isTerminal: false, hasStdin: false });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), SIGNAL_RUN_MS_MAX);
    socket.on("error", () => resolve(true));
    socket.once("close", () => resolve(true));
    socket.once("end", () => resolve(true));
    socket.resume();
    const hasEnded = await promise;
    clearTimeout(timer);
    socket.destroy();
    if (!hasEnded) return null;
    const raw = await client.inspectExec(execId);
    return raw.Running ? null : (raw.ExitCode ?? null);
  }

  /** What must die and cannot be killed from inside takes its container along. */
  async #killContainer(): Promise<void> {
    const { client } = this.#parts;
    const container = client.docker.getContainer(this.#handle.id);
    await mustRun(client, this.#handle);
    try {
      await client.run(
        "kill",
        this.#handle.id.slice(0, 12),
        async (abortSignal) => await container.kill({ signal: "SIGKILL", abortSignal }),
      );
    } catch (error) {
      if (!isErrorCode(error, "EngineConflict")) throw error;
    }
  }
}

/**
 * The command's input. It waits for the wrapper's first line, so that a terminal does not echo what was typed before it. What is written
 * after the command ended is dropped, as nobody is there to read it.
 */
class Inlet extends Writable {
  readonly #socket: Duplex;
  readonly #started: Promise<unknown>;
  readonly #isTerminal: boolean;

  constructor(socket: Duplex, started: Promise<unknown>, isTerminal: boolean) {
    super();
    this.#socket = socket;
    this.#started = started;
    this.#isTerminal = isTerminal;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#started.then(() => {
      if (this.#socket.writable) this.#socket.write(chunk, () => done());
      else done();
    });
  }

  /** A terminal's input ends with a character: closing its connection would end its output too. */
  override _final(done: (error?: Error | null) => void): void {
    void this.#started.then(() => {
      if (!this.#socket.writable) done();
      else if (this.#isTerminal) this.#socket.write(END_OF_TRANSMISSION, () => done());
      else this.#socket.end(() => done());
    });
  }
}
