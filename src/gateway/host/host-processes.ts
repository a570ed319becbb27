// Background commands on the gateway's own host, for sessions that the config leaves unsandboxed: their state is files in a folder
// for each session, so that any later run of the gateway finds them. What such a process is, is api/processes/; who may have one is not known here.

import { mkdir, readdir, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import type { EpochMs, SessionKey } from "../../api/brands.ts";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { DetachedProcesses, type ScriptRequest, type ScriptStream } from "../../api/processes/detached-processes.ts";
import type { SandboxProcesses } from "../sandbox/sandbox-port.ts";
import { toSessionName } from "../sessions/keys.ts";
import { type HostParts, startOnHost } from "./host-command.ts";

export interface HostProcessesParts extends HostParts {
  /** Absolute; a folder for each session that has processes. Made when it is not there. */
  folder: string;
  now(): EpochMs;
  /** Told of what could not be ended. */
  failed(error: unknown): void;
}

export class HostProcesses {
  readonly #parts: HostProcessesParts;

  constructor(parts: HostProcessesParts) {
    this.#parts = parts;
  }

  /** @param workdir absolute: where commands begin */
  at(workdir: string): SandboxProcesses {
    const of = (key: SessionKey): DetachedProcesses => this.#of(toSessionName(key), workdir);
    return {
      start: async (key, start) => {
        mustHaveProc();
        await mkdir(this.#parts.folder, { recursive: true, mode: 0o700 });
        return await of(key).start(start);
      },
      list: (key) => of(key).list(),
      log: (key, id, range) => of(key).readLog(id, range),
      write: (key, id, input) => of(key).write(id, input),
      kill: (key, id, signal) => of(key).kill(id, signal),
      clear: async (key, id) => void (await of(key).clear(id)),
    };
  }

  /** Ends what runs for a session, and forgets it. */
  async end(key: SessionKey): Promise<void> {
    await this.#end(toSessionName(key));
  }

  /** Ends what sessions left behind that are not there any more. */
  async endLeft(live: Iterable<SessionKey>): Promise<void> {
    const names = new Set([...live].map(toSessionName));
    for (const name of await namesIn(this.#parts.folder)) if (!names.has(name)) await this.#end(name);
  }

  async #end(name: string): Promise<void> {
    const folder = join(this.#parts.folder, name);
    const processes = this.#of(name, "/");
    for (const id of await namesIn(folder)) await processes.kill(id, "KILL").catch(this.#parts.failed);
    await rm(folder, { recursive: true, force: true });
  }

  #of(name: string, workdir: string): DetachedProcesses {
    const { folder, now, newId, failed } = this.#parts;
    return new DetachedProcesses({
      folder: join(folder, name),
      run: (request) => this.#run(workdir, request),
      notKilled: failed,
      clock: { now, setTimer },
      newProcessId: newId,
    });
  }

  async #run(workdir: string, { isSupervisor, ...request }: ScriptRequest): Promise<ScriptStream> {
    const { child, exit, signal } = startOnHost(this.#parts, { workdir: isSupervisor ? workdir : "/", ...request });
    const { stdin = null, stdout, stderr } = child ?? {};
    if (!child || !stdout || !stderr) {
      await exit;
      throw new OperationError("HostRejected", "the command has no output");
    }
    // What a script says is told before its end.
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const ended = exit.then(async (code) => {
      await closed;
      return code;
    });
    ended.catch(() => undefined);
    if (isSupervisor) {
      // It outlives the gateway, and must not keep it from ending.
      child.unref();
      for (const output of [stdout, stderr]) if (output instanceof Socket) output.unref();
    }
    return { stdin, stdout, stderr, exit: ended, signal };
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** @throws OperationError `InvalidArgument` */
function mustHaveProc(): void {
  if (process.platform === "linux") return;
  throw new OperationError("InvalidArgument", "commands of unsandboxed sessions can run in the background on Linux only", {
    fix: "omit background, yieldMs and tools.exec.backgroundMs, or sandbox the session",
  });
}

function setTimer(delayMs: number, fire: () => void): () => void {
  const timer = setTimeout(fire, delayMs).unref();
  return () => clearTimeout(timer);
}
