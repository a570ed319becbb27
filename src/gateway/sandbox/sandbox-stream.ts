// The sandbox's side of the tools' port: waits for a session's sandbox, runs commands in it and speaks to its detached processes, all through
// the controller's stream socket. What a tool does with it is tools/.
import { Readable } from "node:stream";
import { type DurationMs, type SessionKey, toDurationMs } from "../../api/brands.ts";
import { CommandConnection } from "../../api/command-client.ts";
import { OperationError } from "../../api/errors.ts";
import { ProcessClient } from "../../api/process-client.ts";
import { ENGINE_AWAY_MS_MAX, isEngineAway, READY_MS_MAX } from "../../api/readiness.ts";
import type { CommandEnd, SessionSandbox } from "../../api/wire.ts";
import { CommandOutputQueue } from "./command-output.ts";
import type { ReadinessProgress, RunningCommand, SandboxCommand, SandboxPort, SandboxProcesses } from "./sandbox-port.ts";
import { type StreamClient, toNotReady, toSessionPath } from "./stream-client.ts";

/** The controller reads a session's file within some 10 ms of its writing; where file events are lost, within a second. */
const KNOWN_MS_MAX = toDurationMs(10_000);

export class SandboxStream implements SandboxPort {
  readonly #client: StreamClient;
  readonly processes: SandboxProcesses;

  constructor(client: StreamClient) {
    this.#client = client;
    const of = (sessionKey: SessionKey): ProcessClient => new ProcessClient(client, `${toSessionPath(sessionKey)}/processes`);
    this.processes = {
      start: (key, start) => of(key).start(start),
      list: async (key, reading) => (await of(key).list(reading)).items,
      log: (key, id, range) => of(key).log(id, range),
      write: (key, id, input) => of(key).write(id, input),
      kill: (key, id, signal) => of(key).kill(id, signal),
      clear: async (key, id) => void (await of(key).clear(id)),
    };
  }

  async ensureReady(
    sessionKey: SessionKey,
    onProgress: (progress: ReadinessProgress) => void,
    signal: AbortSignal,
  ): Promise<string | null> {
    const first = await this.#client.sessionSandbox(sessionKey);
    if (first.ready) return first.sandbox;
    let last = first;
    const known = new AbortController();
    const timer = setTimeout(() => known.abort(), KNOWN_MS_MAX);
    const away = new Deadline(ENGINE_AWAY_MS_MAX);
    try {
      const over = AbortSignal.any([signal, known.signal, away.signal, AbortSignal.timeout(READY_MS_MAX)]);
      for await (const view of this.#client.watchSessionSandbox(sessionKey, over)) {
        if (view.sandbox !== null) clearTimeout(timer);
        if (view.ready) return view.sandbox;
        const isAway = isEngineAway(view.reason);
        if (view.blocked && !isAway) throw toNotReady(view);
        away.set(isAway);
        if (isNews(last, view)) onProgress({ reason: view.reason, message: view.message });
        last = view;
      }
    } finally {
      clearTimeout(timer);
      away.set(false);
    }
    if (signal.aborted) throw new OperationError("Aborted", "the call was cancelled");
    throw toNotReady(last);
  }

  exec(
    sessionKey: SessionKey,
    { tool, argv, env, tty, timeoutMs, workdir, stdin, isLook, by }: SandboxCommand,
    signal: AbortSignal,
  ): RunningCommand {
    const output = new CommandOutputQueue();
    const request = {
      argv,
      stdin: stdin !== undefined,
      ...(env && { env }),
      ...(tty && { tty }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(workdir !== undefined && { workdir }),
    };
    const path = `${toSessionPath(sessionKey)}/exec?tool=${tool}${isLook ? "&look=1" : ""}${by === undefined ? "" : `&by=${by}`}`;
    const connection = new CommandConnection(this.#client, path, request, {
      stdin: stdin ?? Readable.from([]),
      output: (stream, chunk) => output.push({ stream, chunk }),
    });
    const ended = untilEnded(connection, output, signal);
    // The caller reads the output first and sees a failure afterwards.
    ended.catch(() => undefined);
    return {
      output,
      ended,
      signal: (name) => connection.signal(name),
      resize: ({ columns, rows }) => connection.resize(columns, rows),
    };
  }
}

async function untilEnded(connection: CommandConnection, output: CommandOutputQueue, signal: AbortSignal): Promise<CommandEnd> {
  const close = (): void => connection.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  // No output comes after the end, which waits until all was read.
  try {
    return await connection.ended;
  } catch (error) {
    throw signal.aborted ? new OperationError("Aborted", "the call was cancelled", { cause: error }) : error;
  } finally {
    signal.removeEventListener("abort", close);
    output.close();
  }
}

/** A time that runs while something lasts, and begins anew with it. */
class Deadline {
  readonly #passed = new AbortController();
  readonly #duration: DurationMs;
  #timer: NodeJS.Timeout | null = null;

  constructor(duration: DurationMs) {
    this.#duration = duration;
  }

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  set(isRunning: boolean): void {
    if (isRunning) this.#timer ??= setTimeout(() => this.#passed.abort(), this.#duration);
    else if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }
}

const isNews = (before: SessionSandbox, now: SessionSandbox): boolean => before.reason !== now.reason || before.message !== now.message;
