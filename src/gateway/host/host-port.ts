// The tools' port on the gateway's own host, for sessions that the config leaves unsandboxed and lets run here: nothing confines what runs.
// It knows no sandboxes and checks no policy. Background commands are host-processes.ts.
import { mkdir } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { KNOWN_PROVIDERS } from "../../api/models/providers.ts";
import type { CommandEnd } from "../../api/wire.ts";
import type { RunningCommand, SandboxCommand, SandboxPort, SandboxProcesses } from "../sandbox/sandbox-port.ts";
import { type HostCommand, type HostParts, startOnHost } from "./host-command.ts";
import { type HostOutput, readHostOutput } from "./host-output.ts";
import { refuseTerminal, toTerminalCommand } from "./host-terminal.ts";

export interface HostPortParts extends HostParts {
  /** Absolute: where commands begin. */
  workdir: string;
  /** Those that begin there, too. */
  processes: SandboxProcesses;
  /** Whether commands can have one (hasTerminals). */
  terminals: boolean;
}

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
    const output = readHostOutput(command);
    if (stdin !== undefined) feed(stdin, command.child?.stdin ?? null);
    return {
      output: output.pieces,
      ended: untilEnded({ command, output, timeoutMs, signal }),
      signal: (name) => void command.signal(name),
      resize: () => undefined,
    };
  }
}

/** Keys of model providers are the gateway's own to use. */
const KEY_VARIABLES: ReadonlySet<string> = new Set(Object.values(KNOWN_PROVIDERS).flatMap(({ keyVariables }) => keyVariables));

/** Without the gateway's own settings, its token and its keys of model providers among them. */
export function toHostEnvironment(env: HostParts["env"]): HostParts["env"] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("OPENCLAW_") && !KEY_VARIABLES.has(name)));
}

function feed(source: Readable, target: Writable | null): void {
  if (target === null) return void source.destroy();
  // A command that reads no further has ended, or does not want to know.
  target.on("error", () => source.destroy()).once("close", () => source.destroy());
  source.on("error", () => target.destroy());
  source.pipe(target);
}

interface Attended {
  command: HostCommand;
  output: HostOutput;
  timeoutMs: number | undefined;
  signal: AbortSignal;
}

async function untilEnded({ command, output, timeoutMs, signal }: Attended): Promise<CommandEnd> {
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
    // Its time is its own: what it left running is not measured by it.
    clearTimeout(timer);
    const outputHeld = await output.isHeld;
    // What left the group holds no output, perhaps, and is to be gone all the same.
    await killed;
    if (signal.aborted) throw new OperationError("Aborted", "the call was cancelled");
    return { code, reason, ...(outputHeld && { outputHeld }) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}
