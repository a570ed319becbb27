// The sandbox's side of the tools' port: waits for a session's sandbox, runs commands in it and speaks to its detached processes, all through
// the controller's stream socket. What a tool does with it is tools/.
import { Readable } from "node:stream";
import type { SessionKey } from "../../api/brands.ts";
import { CommandConnection } from "../../api/command-client.ts";
import { OperationError } from "../../api/errors.ts";
import { ProcessClient } from "../../api/process-client.ts";
import type { CommandEnd, SessionSandbox } from "../../api/wire.ts";
import { CommandOutputQueue } from "./command-output.ts";
import { KnownReady } from "./known-ready.ts";
import type { ReadinessProgress, RunningCommand, SandboxCommand, SandboxPort, SandboxProcesses } from "./sandbox-port.ts";
import { type StreamClient, toSessionPath } from "./stream-client.ts";
import { waitUntilReady } from "./wait-ready.ts";

export class SandboxStream implements SandboxPort {
  readonly #client: StreamClient;
  readonly #known: KnownReady;
  readonly processes: SandboxProcesses;

  /** @param known of sandboxes that serve. Absent: the controller is asked before each call */
  constructor(client: StreamClient, known = new KnownReady(() => null)) {
    this.#client = client;
    this.#known = known;
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
    const known = this.#known.find(sessionKey);
    if (known !== null) return known;
    const first = await this.#client.sessionSandbox(sessionKey);
    const watch = (over: AbortSignal): AsyncIterable<SessionSandbox> => this.#client.watchSessionSandbox(sessionKey, over);
    const { sandbox } = first.ready ? first : await waitUntilReady({ first, watch, onProgress, signal });
    this.#known.learn(sessionKey, sandbox);
    return sandbox;
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
