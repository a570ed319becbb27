// What tools need from where they run: commands, detached processes, and waiting until it is ready. A session names it; nothing
// else does. The sandbox's side is stream-client.ts, over the controller; what a tool does with it is tools/.
import type { Readable } from "node:stream";
import type { SessionKey } from "../../api/brands.ts";
import type {
  CommandEnd,
  CommandOutput,
  CommandRequest,
  ProcessInput,
  ProcessLog,
  ProcessStart,
  SandboxProcess,
  SandboxTool,
} from "../../api/wire.ts";

/** `stdin` and `workdir` of the wire are said differently here; the rest is the wire's. */
export interface SandboxCommand extends Pick<CommandRequest, "argv" | "env" | "tty" | "timeoutMs"> {
  /** On whose behalf: the controller asks the agent's policy for it again, and lets file tools run their own scripts only. */
  tool: SandboxTool;
  /** It is no use of the sandbox, and waits for none that does not serve; the controller lets `read` do so alone. Absent: it is one. */
  isLook?: true;
  /** For whom, as the controller writes it down: `[a-z0-9]`, 64 at most. Absent: it is not said. */
  by?: string;
  /** Absolute, in the workdir or under it. Absent: the sandbox's workdir. */
  workdir?: string;
  /** Absent: the command has no stdin. Destroyed when the command has ended. */
  stdin?: Readable;
}

export interface RunningCommand {
  /** In the order in which it came. At most two windows (wire.ts) wait for a slow reader, then the command does. To be read to its end, once. */
  readonly output: AsyncIterable<CommandOutput>;
  /** Settles when the command has ended and all output was read. Rejects with an `OperationError`: not started, or its end can't be known. */
  readonly ended: Promise<CommandEnd>;
  /** To the process group inside; a name as `kill -l` prints it. */
  signal(name: string): void;
  resize(size: NonNullable<CommandRequest["tty"]>): void;
}

export interface ProcessReading {
  isLook?: true;
}

/** Processes that go on when nobody is connected; all their state is where they run. Each may reject with an `OperationError`. */
export interface SandboxProcesses {
  start(sessionKey: SessionKey, start: ProcessStart): Promise<SandboxProcess>;
  /** @param reading `isLook`: it is no use of the sandbox, and waits for none that does not serve */
  list(sessionKey: SessionKey, reading?: ProcessReading): Promise<SandboxProcess[]>;
  /** At most `limit` bytes from `offset` on; waits up to `waitMs` for the first of them. */
  log(sessionKey: SessionKey, id: string, range: { offset: number; limit: number; waitMs: number } & ProcessReading): Promise<ProcessLog>;
  write(sessionKey: SessionKey, id: string, input: ProcessInput): Promise<SandboxProcess>;
  kill(sessionKey: SessionKey, id: string, signal: string): Promise<SandboxProcess>;
  /** Forgets one that has ended; `Aborted` when it runs. */
  clear(sessionKey: SessionKey, id: string): Promise<void>;
}

/** Where a sandbox is on its way: the Ready condition's reason and message. */
export interface ReadinessProgress {
  reason: string;
  message: string;
}

export interface SandboxPort {
  /**
   * Resolves when commands can run, with the sandbox's name; null: they run on the gateway's host. Tells each change meanwhile.
   * @throws OperationError retryable where waiting may help (`ImageMissing`, `EngineUnreachable`, `NotReady` with the setup output's tail
   * ...), with what a person does about it
   */
  ensureReady(sessionKey: SessionKey, onProgress: (progress: ReadinessProgress) => void, signal: AbortSignal): Promise<string | null>;
  /** Starts at once; aborting the signal kills the process group inside. */
  exec(sessionKey: SessionKey, command: SandboxCommand, signal: AbortSignal): RunningCommand;
  readonly processes: SandboxProcesses;
}
