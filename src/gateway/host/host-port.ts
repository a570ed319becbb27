// The tools' port on the gateway's own host, for sessions that the config leaves unsandboxed and lets run here: nothing confines what runs.
// It knows no sandboxes and checks no policy. Background commands are host-processes.ts.
import type { ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { CommandEnd, CommandOutput, CommandStream } from "../../api/wire.ts";
import type { RunningCommand, SandboxCommand, SandboxPort, SandboxProcesses } from "../sandbox/sandbox-port.ts";
import { type HostCommand, type HostParts, startOnHost } from "./host-command.ts";
import { refuseTerminal, toTerminalCommand } from "./host-terminal.ts";

export interface HostPortParts extends HostParts {
  /** Absolute: where commands begin. */
  workdir: string;
  /** Those that begin there, too. */
  processes: SandboxProcesses;
  /** Whether commands can have one (hasTerminals). */
  terminals: boolean;
}

/** Pieces of output that wait for a slow reader: 16 pipe reads of 64 KiB, 1 MiB. */
const OUTPUT_PIECES_MAX = 16;

export class HostPort implements SandboxPort {
  readonly processes: SandboxProcesses;
  readonly #parts: HostPortParts;

  constructor(parts: HostPortParts) {
    this.#parts = parts;
    this.processes = parts.processes;
  }

  /** @throws OperationError `HostRejected` */
  async ensureReady(): Promise<null> {
    const { workdir } = this.#parts;
    await mkdir(workdir, { recursive: true, mode: 0o700 }).catch((cause: Error) => {
      throw new OperationError("HostRejected", `the workspace ${workdir} is missing and can't be created: ${cause.message}`, { cause });
    });
    return null;
  }

  exec(_sessionKey: SessionKey, { argv, env, workdir, tty, stdin, timeoutMs }: SandboxCommand, signal: AbortSignal): RunningCommand {
    if (tty !== undefined && !this.#parts.terminals) refuseTerminal();
    const terminal = tty === undefined ? null : toTerminalCommand(argv, tty, env?.SHELL ?? this.#parts.env.SHELL);
    const command = startOnHost(this.#parts, {
      argv: terminal?.argv ?? argv,
      env: { ...env, ...terminal?.env },
      workdir: workdir ?? this.#parts.workdir,
      stdin: stdin !== undefined,
    });
    const { child } = command;
    if (stdin !== undefined && child.stdin !== null) feed(stdin, child.stdin);
    return {
      output: mergeOutput(child),
      ended: untilEnded(command, timeoutMs, signal),
      signal: (name) => void command.signal(name),
      resize: () => undefined,
    };
  }
}

/** Without the gateway's own settings, its token among them. */
export function toHostEnvironment(env: HostParts["env"]): HostParts["env"] {
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

async function untilEnded(command: HostCommand, timeoutMs: number | undefined, signal: AbortSignal): Promise<CommandEnd> {
  let reason: CommandEnd["reason"] = "exited";
  let killed: Promise<void> | undefined;
  const kill = (): void => {
    killed ??= command.signal("KILL");
  };
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
    const code = await command.exit;
    // What left the group holds no output, perhaps, and is to be gone all the same.
    await killed;
    if (signal.aborted) throw new OperationError("Aborted", "the call was cancelled");
    return { code, reason };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}
