// Detached processes of sandboxes: each call holds a lease of the sandbox and runs its scripts as execs there, counted. What they are is
// api/processes/; who may is the routes' business.
import type { Logger } from "pino";
import { elapsed, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { DetachedProcesses, type ScriptRequest, type ScriptStream } from "../../api/processes/detached-processes.ts";
import type { ProcessInput, ProcessLog, ProcessStart, SandboxProcess } from "../../api/wire.ts";
import { NotBegun } from "../engine/engine.ts";
import type { Lease, SandboxAccess } from "../loop/sandbox-access.ts";
import type { CommandMeter } from "./command-session.ts";

/** On the small tmpfs of 64 MiB that every sandbox has (engine/docker-create.ts). */
const PROCESSES_DIR = "/run/openclaw/processes";

export interface ProcessServiceParts {
  access: SandboxAccess;
  meter: CommandMeter;
  clock: Clock;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newProcessId(): string;
  log: Logger;
  /** Folder of the records. Absent: PROCESSES_DIR. Only tests have another. */
  folder?: string;
}

/** How something is read. */
export interface Reading {
  /** Ends a wait for the sandbox. */
  signal?: AbortSignal;
  /** It is no use of the sandbox, and waits for none that does not serve. Absent: it is one. */
  isLook?: boolean;
}

/** Methods as those of DetachedProcesses; each may also reject with what a lease rejects with, for which the signal ends the wait. */
export class ProcessService {
  readonly #parts: ProcessServiceParts;

  constructor(parts: ProcessServiceParts) {
    this.#parts = parts;
  }

  start = (name: SandboxName, start: ProcessStart, signal?: AbortSignal): Promise<SandboxProcess> =>
    this.#in(name, signal, (processes) => processes.start(start));

  list = (name: SandboxName, reading: Reading = {}): Promise<SandboxProcess[]> =>
    this.#read(name, reading, (processes) => processes.list());

  get = (name: SandboxName, id: string, reading: Reading = {}): Promise<SandboxProcess> =>
    this.#read(name, reading, (processes) => processes.get(id));

  clear = (name: SandboxName, id: string, signal?: AbortSignal): Promise<SandboxProcess> =>
    this.#in(name, signal, (processes) => processes.clear(id));

  readLog = (
    name: SandboxName,
    id: string,
    range: { offset: number; limit: number; waitMs: number },
    reading: Reading = {},
  ): Promise<ProcessLog> => this.#read(name, reading, (processes) => processes.readLog(id, range));

  write = (name: SandboxName, id: string, input: ProcessInput, signal?: AbortSignal): Promise<SandboxProcess> =>
    this.#in(name, signal, (processes) => processes.write(id, input));

  kill = (name: SandboxName, id: string, signalName: string, signal?: AbortSignal): Promise<SandboxProcess> =>
    this.#in(name, signal, (processes) => processes.kill(id, signalName));

  async #read<T>(name: SandboxName, { signal, isLook }: Reading, work: (processes: DetachedProcesses) => Promise<T>): Promise<T> {
    if (isLook !== true) return await this.#in(name, signal, work);
    using look = await this.#parts.access.look(name);
    return await work(this.#processesIn(look, { scripts: 0 }));
  }

  /** In the container that serves; in the next one if that went away before any script of the work began. */
  async #in<T>(name: SandboxName, signal: AbortSignal | undefined, work: (processes: DetachedProcesses) => Promise<T>): Promise<T> {
    let lease = await this.#parts.access.lease(name, signal);
    for (;;) {
      using held = lease;
      const begun = { scripts: 0 };
      try {
        return await work(this.#processesIn(held, begun));
      } catch (error) {
        if (!(error instanceof NotBegun && error.isPassing && begun.scripts === 0) || signal?.aborted === true) throw error;
      }
      lease = await held.next(signal);
    }
  }

  /** @param begun counts the scripts that were started */
  #processesIn(lease: Lease, begun: { scripts: number }): DetachedProcesses {
    const { clock, newProcessId, folder = PROCESSES_DIR, log } = this.#parts;
    const run = async (request: ScriptRequest): Promise<ScriptStream> => {
      try {
        const stream = await this.#run(lease, request);
        begun.scripts += 1;
        return stream;
      } catch (error) {
        if (!(error instanceof NotBegun)) begun.scripts += 1;
        throw error;
      }
    };
    const notKilled = (error: unknown): void => log.warn({ err: error }, "process script could not be killed");
    return new DetachedProcesses({ folder, run, notKilled, newProcessId, clock });
  }

  async #run(lease: Lease, { isSupervisor, ...request }: ScriptRequest): Promise<ScriptStream> {
    const { access, clock, meter } = this.#parts;
    if (isSupervisor) return await access.commands.exec(lease.handle, { ...request, outlivesCaller: true });
    const asked = lease.isLook ? { ...request, isLook: true as const } : request;
    const startedAt = clock.now();
    const ended = meter.execStarted("process");
    const seconds = (): number => elapsed(startedAt, clock.now()) / SECOND_MS;
    const failed = (): void => ended("error", seconds());
    try {
      const stream = await access.commands.exec(lease.handle, asked);
      stream.exit.then((code) => ended(code === 0 ? "success" : "failure", seconds()), failed);
      return stream;
    } catch (error) {
      failed();
      throw error;
    }
  }
}
