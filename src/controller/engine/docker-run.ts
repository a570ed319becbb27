// The two engine calls that start a process in a container, and the check that fences them to one run of it. What runs, and what happens to it,
// is the callers': docker-exec.ts for commands, docker-kill.ts for what ends them.
import type { Duplex } from "node:stream";
import { OperationError } from "../../api/errors.ts";
import type { DockerClient } from "./docker-client.ts";
import { type RawInspect, toIncarnation, toState } from "./docker-observe.ts";
import { type Handle, NotBegun, orNotBegun } from "./engine.ts";

/** @throws NotBegun `StaleHandle`: that run of the container is over; `NotReady`: it is paused; what the engine says */
export async function mustRun(client: DockerClient, handle: Handle): Promise<RawInspect> {
  const raw = await orNotBegun(client.inspect(handle.id));
  const state = toState(raw.State.Status);
  if (state === "paused") throw new NotBegun(new OperationError("NotReady", "the sandbox is paused", { fix: "unpause the container" }));
  if (state !== "running" || toIncarnation(raw) !== handle.incarnation) {
    throw new NotBegun(new OperationError("StaleHandle", "the sandbox's container was stopped or restarted"));
  }
  return raw;
}

const REFUSALS: ReadonlySet<string> = new Set(["StaleHandle", "NotReady"]);

export interface ExecOptions {
  command: readonly string[];
  env: readonly string[];
  isTerminal: boolean;
  hasStdin: boolean;
  /** Told the exec's id before it starts. */
  created?(execId: string): void;
}

export interface Opened {
  execId: string;
  /** Both directions; half-closing it ends the command's input. */
  socket: Duplex;
}

/** @throws NotBegun nothing was started; any other OperationError: something may run */
export async function openExec(client: DockerClient, handle: Handle, options: ExecOptions): Promise<Opened> {
  const container = client.docker.getContainer(handle.id);
  const short = handle.id.slice(0, 12);
  const wanted = {
    AttachStdin: options.hasStdin,
    AttachStdout: true,
    AttachStderr: true,
    Tty: options.isTerminal,
    Cmd: [...options.command],
    Env: [...options.env],
  };
  const start = { hijack: true, stdin: options.hasStdin, Tty: options.isTerminal, Detach: false };
  try {
    const exec = await client.run("exec-create", short, async (abortSignal) => await container.exec({ ...wanted, abortSignal }));
    options.created?.(exec.id);
    const socket = await client.run("exec-start", short, async (abortSignal) => await exec.start({ ...start, abortSignal }));
    return { execId: exec.id, socket };
  } catch (error) {
    // The container does not run, or is paused: the engine refuses before it starts anything. An answer that was lost says nothing.
    throw error instanceof OperationError && REFUSALS.has(error.code) ? new NotBegun(error) : error;
  }
}
