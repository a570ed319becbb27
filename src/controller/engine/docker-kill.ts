// Ends commands in containers from inside: one script at a time in each container, for all that are to be ended by then. A container goes with
// them only where no script can be run in it, or one fails; never because one takes its time.
import { setTimeout as pause } from "node:timers/promises";
import { isErrorCode } from "../../api/errors.ts";
import { KILL_ALL, toKillArguments, toKillEnvironment } from "../../api/kill-script.ts";
import type { DockerClient } from "./docker-client.ts";
import { mustRun, openExec } from "./docker-run.ts";
import type { Handle } from "./engine.ts";

/** A command that is to be ended. */
export interface KillOrder {
  mark: string;
  /** Of its session, as it is when a script starts: once the command is over the number may be another's. null: it is over, or never said; `LATE`. */
  leader(): string | null;
}

export interface KillParts {
  client: DockerClient;
  /** Marks the script itself; never the same again. */
  newMark(): string;
}

/** As many commands as there can be, four times over; 40 bytes of arguments each. More of them wait for the next script. */
const ORDERS_MAX = 1_024;
/** At the process limit an exec fails with 126 until something ends, and a script with 2: 5 attempts, 200 ms apart. */
const ATTEMPTS_MAX = 5;
const ATTEMPT_PAUSE_MS = 200;
/**
 * Longest wait for one script. A round over 512 processes takes 0.1 s, four are enough as a rule, and 60 are the most, with pauses of 0.1 s: 12 s on an
 * idle machine. One that takes fifteen times as long does not run: somebody inside has stopped it.
 */
const SCRIPT_MS_MAX = 180_000;
/** A script's end is known to the engine a moment after its output's: 10, 20, 40 ... 1000 ms. */
const END_POLL_MS_MIN = 10;
const END_POLL_MS_MAX = 1_000;
/** `KILL_ALL` found something new for 60 rounds. */
const ENDLESS = 3;

interface Batch {
  orders: KillOrder[];
  done: Promise<void>;
}

export class DockerKills {
  readonly #parts: KillParts;
  /** By container and run: the script that is to run next, while another one runs. */
  readonly #next = new Map<string, Batch>();
  readonly #last = new Map<string, Promise<void>>();

  constructor(parts: KillParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when nothing of the command is left, if need be because its container was killed.
   *
   * @throws OperationError `StaleHandle`: that run of the container is over, and with it the command; what the engine says: it may go on
   */
  async end(handle: Handle, order: KillOrder): Promise<void> {
    const key = `${handle.id} ${handle.incarnation}`;
    const next = this.#next.get(key);
    if (next !== undefined && next.orders.length < ORDERS_MAX) {
      next.orders.push(order);
      return await next.done;
    }
    const orders = [order];
    const before = this.#last.get(key) ?? Promise.resolve();
    const batch: Batch = { orders, done: before.then(() => this.#begin(handle, key, batch)) };
    this.#next.set(key, batch);
    const settled = batch.done.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return await batch.done;
  }

  async #begin(handle: Handle, key: string, batch: Batch): Promise<void> {
    // Whoever comes from now on may have been missed by this script: the next one is theirs.
    if (this.#next.get(key) === batch) this.#next.delete(key);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const code = await this.#run(handle, batch.orders);
      if (code === 0) return;
      if (code === null || code === ENDLESS) break;
      await pause(ATTEMPT_PAUSE_MS);
    }
    await this.#killContainer(handle);
  }

  /** The script's exit code; null when it does not end. */
  async #run(handle: Handle, orders: readonly KillOrder[]): Promise<number | null> {
    const { client, newMark } = this.#parts;
    await mustRun(client, handle);
    const own = newMark();
    const targets = orders.map(({ mark, leader }) => ({ mark, leader: leader() }));
    return await runScript(client, handle, {
      command: ["/bin/sh", "-c", KILL_ALL, "openclaw-kill", ...toKillArguments(own, targets)],
      env: Object.entries(toKillEnvironment(own)).map(([name, value]) => `${name}=${value}`),
      runMsMax: SCRIPT_MS_MAX,
    });
  }

  /** What must die and can't be ended from inside takes its container along. */
  async #killContainer(handle: Handle): Promise<void> {
    const { client } = this.#parts;
    const container = client.docker.getContainer(handle.id);
    await mustRun(client, handle);
    try {
      await client.run("kill", handle.id.slice(0, 12), async (abortSignal) => await container.kill({ signal: "SIGKILL", abortSignal }));
    } catch (error) {
      if (!isErrorCode(error, "EngineConflict")) throw error;
    }
  }
}

export interface Script {
  command: readonly string[];
  env: readonly string[];
  runMsMax: number;
}

/** Exit code of a script whose output nobody needs; null when it did not end in time. */
export async function runScript(client: DockerClient, handle: Handle, { command, env, runMsMax }: Script): Promise<number | null> {
  const { execId, socket } = await openExec(client, handle, { command, env, isTerminal: false, hasStdin: false });
  const { promise, resolve } = Promise.withResolvers<"over" | "late">();
  const timer = setTimeout(() => resolve("late"), runMsMax);
  for (const event of ["end", "close", "error"]) socket.on(event, () => resolve("over"));
  socket.resume();
  const how = await promise;
  clearTimeout(timer);
  socket.destroy();
  if (how === "late") return null;
  const endMs = performance.now() + runMsMax;
  for (let pollMs = END_POLL_MS_MIN; performance.now() < endMs; pollMs = Math.min(END_POLL_MS_MAX, pollMs * 2)) {
    const raw = await client.inspectExec(execId);
    if (!raw.Running) return raw.ExitCode ?? null;
    await pause(pollMs);
  }
  return null;
}
