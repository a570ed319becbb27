// Runs commands in a container through Docker's exec: fenced to one run of one container, with a wrapper that reports the process group,
// so that signals reach what was started. It decides nothing about who may run what, and keeps no output.
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { findTooLong } from "../../api/command-size.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { MARK_VARIABLE } from "../../api/kill-script.ts";
import { Demux, type Started } from "./demux.ts";
import type { DockerClient } from "./docker-client.ts";
import { EndWatch } from "./docker-exec-end.ts";
import { type DockerKills, runScript } from "./docker-kill.ts";
import type { RawInspect } from "./docker-observe.ts";
import { mustRun, type Opened, openExec } from "./docker-run.ts";
import { type ExecRequest, type ExecStream, type Handle, NotBegun } from "./engine.ts";
import type { ExecEnds } from "./exec-ends.ts";
import { REAPER, SIGNAL, WORKDIR_PROBLEMS, WRAPPER, WRAPPER_MODE } from "./exec-scripts.ts";

export interface ExecParts {
  client: DockerClient;
  kills: DockerKills;
  ends: ExecEnds;
  /** Whether the engine's own init can stay above a command. */
  subreaper: boolean;
  /** In the environment of everything that descends from this exec. */
  mark: string;
  /** Told the exec's id before it starts. */
  created?(execId: string): void;
}

export interface StartedExec extends ExecStream {
  /** Resolves when the command runs, has ended, or has said nothing of either for 5 s. Never rejects. */
  readonly begun: Promise<unknown>;
}

/** Longest wait for the wrapper's first line before a signal; it arrives within 50 ms of the start on an idle machine. */
const STARTED_WAIT_MS = 5_000;
/** 5, 10, 20 ... 1000 ms: a stream may end before its command does, when the command closes its output. */
const EXIT_POLL_MS_MIN = 5;
const EXIT_POLL_MS_MAX = 1_000;
/** At the process limit an exec fails with 126 until something ends: 5 attempts, 200 ms apart. */
const SIGNAL_ATTEMPTS_MAX = 5;
const SIGNAL_PAUSE_MS = 200;
/** One shell that sends one signal: an exec of 50 ms. */
const SIGNAL_MS_MAX = 10_000;
/** Those that share the host's kernel, where a process can be made the parent of orphans; others may fail at it. */
const SUBREAPER_RUNTIMES: ReadonlySet<string> = new Set(["runc", "crun", "io.containerd.runc.v2", "nvidia"]);
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
export async function execInDocker(parts: ExecParts, handle: Handle, request: ExecRequest): Promise<StartedExec> {
  mustBeRequest(request);
  const raw = await mustRun(parts.client, handle);
  const { workdir = "", tty, argv } = request;
  // The engine knows the size once the command runs, which is too late for one that asks at once.
  const size = [tty?.columns ?? "", tty?.rows ?? ""].map(String);
  const isTerminal = tty !== undefined;
  const command = [...toShell(parts, raw, isTerminal), WRAPPER_MODE.arguments, workdir, ...size, ...argv];
  const env = Object.entries(request.env ?? {}).filter(([name]) => name !== MARK_VARIABLE);
  const opened = await openExec(parts.client, handle, {
    command,
    env: [...env.map(([name, value]) => `${name}=${value}`), `${MARK_VARIABLE}=${parts.mark}`],
    isTerminal,
    hasStdin: request.stdin,
    ...(parts.created && { created: parts.created }),
  });
  if (request.outlivesCaller && opened.socket instanceof Socket) opened.socket.unref();
  const stream = new DockerExecStream(parts, handle, request, opened);
  if (request.tty !== undefined) await stream.resize(request.tty).catch(() => undefined);
  return stream;
}

/** With fewer processes than this the two of an exec that waits may be what a command lacks; four of them take an eighth. */
const PRESTART_PIDS_MIN = 64;

/**
 * An exec that waits for a request as its input.
 *
 * @returns null: the container has no room for it
 * @throws NotBegun, OperationError
 */
export async function prestartInDocker(parts: ExecParts, handle: Handle): Promise<Opened | null> {
  const raw = await mustRun(parts.client, handle);
  const pidsLimit = raw.HostConfig.PidsLimit ?? 0;
  if (pidsLimit > 0 && pidsLimit < PRESTART_PIDS_MIN) return null;
  return await openExec(parts.client, handle, {
    command: [...toShell(parts, raw, false), WRAPPER_MODE.input],
    env: [`${MARK_VARIABLE}=${parts.mark}`],
    isTerminal: false,
    hasStdin: true,
    ...(parts.created && { created: parts.created }),
  });
}

/**
 * Runs the request in an exec that waits for one.
 *
 * @param waiting with the request's text, and what says that its run of the container goes on, asked since the request came
 * @returns null: it had ended, and nothing was begun
 * @throws as `execInDocker`
 */
export async function execWaiting(
  parts: ExecParts,
  { handle, request }: { handle: Handle; request: ExecRequest },
  { opened, text, check }: { opened: Opened; text: string; check: () => Promise<void> },
): Promise<ExecStream | null> {
  mustBeRequest(request);
  // Listens before anything is waited for: an engine that goes away meanwhile is an end of the command, and no error that nobody hears.
  const stream = new DockerExecStream(parts, handle, request, opened);
  await check();
  if (request.stdin) opened.socket.write(text);
  else opened.socket.end(text);
  return (await stream.isUnbegun()) ? null : stream;
}

/** With a terminal there is no reaper: its child would be in a group that Ctrl-Z stops, and nobody would be there to continue it. */
function toShell({ subreaper }: ExecParts, { HostConfig }: RawInspect, isTerminal: boolean): readonly string[] {
  const hasReaper = !isTerminal && subreaper && HostConfig.Init === true && SUBREAPER_RUNTIMES.has(HostConfig.Runtime ?? "");
  return [...(hasReaper ? REAPER : []), "/bin/sh", "-c", WRAPPER, "openclaw-exec"];
}

function mustBeRequest({ argv, env, workdir, mark }: ExecRequest): void {
  const refuse = (message: string, fix?: string): never => {
    throw new NotBegun(new OperationError("InvalidArgument", message, fix === undefined ? {} : { fix }));
  };
  const [command = ""] = argv;
  if (command === "" || command.startsWith("-")) refuse("a command's name must not be empty or begin with -");
  if ([...argv, workdir ?? "", ...Object.entries(env ?? {}).flat()].some((text) => text.includes("\0")))
    refuse("a command cannot contain NUL");
  if (workdir !== undefined && !workdir.startsWith("/")) refuse(`workdir ${JSON.stringify(workdir)} is not an absolute path`);
  if (mark !== undefined && !/^[a-z0-9]{8,64}$/.test(mark)) refuse(`${JSON.stringify(mark)} is not a mark`);
  if (Object.keys(env ?? {}).some((name) => name === "" || name.includes("="))) refuse("a variable's name must not be empty or contain =");
  const tooLong = findTooLong({ argv, env: env ?? {} });
  if (tooLong !== null) refuse(tooLong, "write it to a file, and let the command read that");
}

class DockerExecStream implements StartedExec {
  readonly stdin: Writable | null;
  readonly stdout: ExecStream["stdout"];
  readonly stderr: ExecStream["stderr"];
  readonly exit: Promise<number>;
  readonly #parts: ExecParts;
  readonly #handle: Handle;
  readonly #opened: Opened;
  readonly #demux: Demux;
  readonly #endWatch: EndWatch;
  readonly #workdir: string | undefined;
  #isOver = false;
  /** We sent KILL. */
  #isKilled = false;

  constructor(parts: ExecParts, handle: Handle, request: ExecRequest, opened: Opened) {
    this.#parts = parts;
    this.#handle = handle;
    this.#opened = opened;
    this.#workdir = request.workdir;
    const { socket, execId } = opened;
    this.#endWatch = new EndWatch({
      isOver: async () => !(await parts.client.inspectExec(execId)).Running,
      isFull: () => this.#demux.isFull,
      pause: (delayMs, signal) => pause(delayMs, undefined, { ref: false, signal }),
    });
    this.#demux = new Demux({ isTerminal: request.tty !== undefined, resume: () => socket.resume() });
    this.stdout = this.#demux.stdout;
    this.stderr = this.#demux.stderr;
    this.stdin = request.stdin ? new Inlet(socket, this.#demux.started, request.tty !== undefined) : null;
    this.exit = this.#follow();
    this.exit.catch(() => {});
  }

  get outputHeld(): boolean {
    return this.#endWatch.isHeld;
  }

  get begun(): Promise<unknown> {
    return this.#begun();
  }

  /**
   * Whether it ended before the command began, for certain: the wrapper says a line first, and the engine knows how it ended. One that says nothing for a
   * while, because it was halted from inside for example, is the caller's to end.
   */
  async isUnbegun(): Promise<boolean> {
    const isOver = this.exit.then(
      () => true,
      () => false,
    );
    const ended = this.#demux.started.then((started) => started === null && this.#demux.workdirProblem === null && isOver);
    const waited = new AbortController();
    const late = pause(STARTED_WAIT_MS, false, { signal: waited.signal }).catch(() => false);
    const isUnbegun = await Promise.race([ended, late]);
    waited.abort();
    return isUnbegun;
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
    void this.#endWatch.untilGivenUp().then((isGivenUp) => {
      if (isGivenUp) resolve("ended");
    });
    const how = await promise;
    this.#endWatch.stop();
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

  /** As the engine says, never as anything inside does. */
  async #exitCode(how: "ended" | Error): Promise<number> {
    const { ends } = this.#parts;
    const { execId } = this.#opened;
    let code = how === "ended" ? await ends.codeOf(execId, ends.waitMs) : null;
    for (let pollMs = EXIT_POLL_MS_MIN; code === null; pollMs = Math.min(EXIT_POLL_MS_MAX, pollMs * 2)) {
      code = await this.#look();
      if (how !== "ended")
        throw new OperationError("EngineUnreachable", "lost the connection to the command; output may be missing", { cause: how });
      this.#refuseWorkdir();
      code ??= await ends.codeOf(execId, pollMs);
    }
    this.#refuseWorkdir();
    // Killed, or ended before the wrapper said anything: then it was never started (126, as at the process limit).
    if (code === KILLED || (await this.#demux.started) === null) await this.#mustOutlive();
    return code;
  }

  #refuseWorkdir(): void {
    const { workdirProblem } = this.#demux;
    if (workdirProblem === null) return;
    // The container's own, whichever was asked for.
    if (workdirProblem === "removed")
      throw new OperationError("HostRejected", `the workspace's folder ${WORKDIR_PROBLEMS.removed}`, {
        fix: "make the sandbox anew, with an empty folder: openclaw sandbox recreate NAME",
      });
    const message = `the workdir ${JSON.stringify(this.#workdir)} ${WORKDIR_PROBLEMS[workdirProblem]}`;
    throw new OperationError("InvalidArgument", message, { fix: "make the folder first, or leave the workdir out" });
  }

  /** null: it runs. */
  async #look(): Promise<number | null> {
    const { client } = this.#parts;
    try {
      const raw = await client.inspectExec(this.#opened.execId);
      return raw.Running ? null : (raw.ExitCode ?? null);
    } catch (error) {
      if (!isErrorCode(error, "StaleHandle")) throw error;
      // The engine has forgotten the exec: its container is gone or was restarted, or the engine itself was.
      await mustRun(client, this.#handle);
      throw new OperationError("EngineUnreachable", "the engine was restarted while the command ran; its exit code is lost", {
        cause: error,
      });
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
      const options = { h: size.rows, w: size.columns };
      await client.run("exec-resize", this.#handle.id.slice(0, 12), async (abortSignal) => await exec.resize({ ...options, abortSignal }));
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

  async #begun(): Promise<Started | null> {
    const waited = new AbortController();
    const late = pause(STARTED_WAIT_MS, null, { signal: waited.signal }).catch(() => null);
    const started = await Promise.race([this.#demux.started, late]);
    waited.abort();
    return started;
  }

  async #signalGroup(name: string): Promise<void> {
    const { client } = this.#parts;
    const started = await this.#begun();
    if (started === null || this.#isOver) return;
    const script = { command: ["/bin/sh", "-c", SIGNAL, "openclaw-signal", name, started.group], env: [], runMsMax: SIGNAL_MS_MAX };
    for (let attempt = 1; attempt <= SIGNAL_ATTEMPTS_MAX; attempt += 1) {
      await mustRun(client, this.#handle);
      const code = await runScript(client, this.#handle, script);
      if (code !== null && !NOT_STARTED.has(code)) return;
      await pause(SIGNAL_PAUSE_MS);
    }
    throw new OperationError("NotReady", `${name} could not be sent: the sandbox is at its process limit`);
  }

  async #killAll(): Promise<void> {
    const { kills, mark } = this.#parts;
    this.#isKilled = true;
    const started = this.#isOver ? null : await this.#begun();
    await kills.end(this.#handle, { mark, leader: () => (this.#isOver ? null : (started?.leader ?? null)) });
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
