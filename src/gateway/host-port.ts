// The tools' port on the gateway's own host, for sessions that the config leaves unsandboxed and lets run here: nothing confines what runs.
// It knows no sandbox and asks no policy.
import { type ChildProcess, spawn } from "node:child_process";
import { PassThrough, type Readable } from "node:stream";
import type { SessionKey } from "../api/brands.ts";
import { OperationError } from "../api/errors.ts";
import type { CommandEnd, CommandOutput, CommandStream } from "../api/wire.ts";
import type { RunningCommand, SandboxCommand, SandboxPort, SandboxProcesses } from "./sandbox-port.ts";

export interface HostPortParts {
  /** Absolute: where commands begin. */
  workdir: string;
  /** The environment of commands, before their own; without what is the gateway's own secret. */
  env: Readonly<Record<string, string | undefined>>;
  /** What `/bin/sh` means. Absent: itself. */
  shell?: readonly string[];
}

/** Pieces of output that wait for a slow reader: 16 pipe reads of 64 KiB, 1 MiB. */
const OUTPUT_PIECES_MAX = 16;
/** 128 + 9, as a shell says it. */
const KILLED = 137;

export class HostPort implements SandboxPort {
  readonly #parts: HostPortParts;

  constructor(parts: HostPortParts) {
    this.#parts = parts;
  }

  /** Nothing keeps a process of this host for a later run of the gateway, as a sandbox does. */
  readonly processes: SandboxProcesses = {
    start: refuseBackground,
    list: async () => [],
    log: refuseBackground,
    write: refuseBackground,
    kill: refuseBackground,
    clear: refuseBackground,
  };

  async ensureReady(): Promise<null> {
    return null;
  }

  exec(_sessionKey: SessionKey, command: SandboxCommand, signal: AbortSignal): RunningCommand {
    const { argv, env, workdir, tty, stdin, timeoutMs } = command;
    if (tty !== undefined) throw new OperationError("InvalidArgument", "there are no terminals (pty) on the gateway's host");
    const [name = "", ...rest] = argv;
    const [program = "", ...args] = name === "/bin/sh" ? [...(this.#parts.shell ?? [name]), ...rest] : [name, ...rest];
    const child = spawn(program, args, {
      // A process group of its own, which is killed as a whole.
      detached: true,
      cwd: workdir ?? this.#parts.workdir,
      env: { ...this.#parts.env, ...env },
      stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    if (stdin !== undefined && child.stdin !== null) feed(stdin, child.stdin);
    return {
      output: mergeOutput(child),
      ended: untilEnded(child, timeoutMs, signal),
      signal: (signalName) => killGroup(child, `SIG${signalName}`),
      resize: () => undefined,
    };
  }
}

async function refuseBackground(): Promise<never> {
  throw new OperationError("InvalidArgument", "commands of an unsandboxed session can't go on in the background", {
    fix: "leave out background and yieldMs, or sandbox the session",
  });
}

/** Without the gateway's own settings, its token among them. */
export function toHostEnvironment(env: HostPortParts["env"]): HostPortParts["env"] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("OPENCLAW_")));
}

function feed(source: Readable, target: NonNullable<ChildProcess["stdin"]>): void {
  // A command that reads no further has ended, or does not want to know.
  target.on("error", () => source.destroy());
  source.on("error", () => target.destroy());
  source.pipe(target);
}

/** Both streams in the order in which they came; they wait for a reader who is slow. */
function mergeOutput(child: ChildProcess): AsyncIterable<CommandOutput> {
  const merged = new PassThrough({ objectMode: true, highWaterMark: OUTPUT_PIECES_MAX });
  const sources: [CommandStream, Readable | null][] = [
    ["stdout", child.stdout],
    ["stderr", child.stderr],
  ];
  for (const [stream, source] of sources) {
    source?.on("data", (chunk: Buffer) => {
      if (!merged.write({ stream, chunk })) source.pause();
    });
    merged.on("drain", () => source?.resume());
    source?.on("error", () => undefined);
  }
  child.once("close", () => merged.end());
  child.once("error", () => merged.end());
  return merged;
}

async function untilEnded(child: ChildProcess, timeoutMs: number | undefined, signal: AbortSignal): Promise<CommandEnd> {
  let reason: CommandEnd["reason"] = "exited";
  const kill = (): void => killGroup(child, "SIGKILL");
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          reason = "timeout";
          kill();
        }, timeoutMs);
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("close", (exitCode) => resolve(exitCode ?? KILLED));
      child.once("error", (cause) =>
        reject(new OperationError("HostRejected", `the command could not be started: ${cause.message}`, { cause })),
      );
    });
    if (signal.aborted) throw new OperationError("Aborted", "the call was taken back");
    return { code, reason };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

function killGroup(child: ChildProcess, signalName: string): void {
  try {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signalName as NodeJS.Signals);
  } catch {
    // It has ended meanwhile.
  }
}
