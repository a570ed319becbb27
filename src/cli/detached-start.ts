// What `openclaw start --detach` and `openclaw stop` know of each other: a folder in the state folder with a lock, which is held as long as the processes run,
// a log of bounded size, and the request to stop. No signal is sent to a number that was written down: whoever holds the lock stops itself.
import { copyFile, rm, stat, truncate } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type EpochMs, renderTime } from "../api/brands.ts";
import { OperationError } from "../api/errors.ts";
import { readBounded, removeFile, replaceFile } from "../api/store/atomic-file.ts";
import { type LockHolder, StateLock } from "../api/store/state-lock.ts";

/** `stop` looks whether the lock is free by taking it for a moment. */
const TRIES_MAX = 40;
const RETRY_MS = 50;
const LOOK_MS = 250;
/** One older log of the same size is kept. */
const LOG_BYTES_MAX = 10_485_760;
const FILE_BYTES_MAX = 4_096;

const Stop = z.strictObject({ startedAt: z.string() });

const toFolder = (stateDir: string): string => join(stateDir, "start");
export const toStartLogPath = (stateDir: string): string => join(toFolder(stateDir), "start.log");
const toStopPath = (stateDir: string): string => join(toFolder(stateDir), "stop.json");

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Who runs detached on this state folder. null: nobody. */
export async function findDetached(stateDir: string, now: EpochMs): Promise<LockHolder | null> {
  const lock = await tryLock(stateDir, now);
  lock?.release();
  return lock === null ? await StateLock.readHolder(toFolder(stateDir)) : null;
}

/** null: somebody holds it. */
async function tryLock(stateDir: string, startedAt: EpochMs): Promise<StateLock | null> {
  try {
    return await StateLock.acquire(toFolder(stateDir), { pid: process.pid, host: hostname(), startedAt });
  } catch (error) {
    if (StateLock.isHeld(error)) return null;
    throw error;
  }
}

/** Asks whoever holds the lock now to stop, and waits until it is free. @throws OperationError `TimedOut` */
export async function stopDetached(stateDir: string, holder: LockHolder, options: { now(): EpochMs; timeoutMs: number }): Promise<void> {
  const request: z.output<typeof Stop> = { startedAt: renderTime(holder.startedAt) };
  await replaceFile(toStopPath(stateDir), `${JSON.stringify(request)}\n`, { durable: false });
  const end = options.now() + options.timeoutMs;
  while (options.now() < end) {
    if ((await findDetached(stateDir, options.now())) === null) return;
    await pause(LOOK_MS);
  }
  throw new OperationError("TimedOut", `it did not end within ${options.timeoutMs / 1_000} s`, { fix: `see ${toStartLogPath(stateDir)}` });
}

/** Held by the process that runs detached, from its start to its end. */
export class DetachedRun {
  readonly #stateDir: string;
  readonly #lock: StateLock;
  readonly #startedAt: EpochMs;
  readonly #timer: NodeJS.Timeout;

  private constructor(stateDir: string, lock: StateLock, { startedAt, stop }: { startedAt: EpochMs; stop(): void }) {
    this.#stateDir = stateDir;
    this.#lock = lock;
    this.#startedAt = startedAt;
    this.#timer = setInterval(() => void this.#look(stop), LOOK_MS);
  }

  /** @param stop is called when a person asks for it. @throws OperationError `HostRejected`: another one runs */
  static async begin(stateDir: string, options: { startedAt: EpochMs; stop(): void }): Promise<DetachedRun> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const lock = await tryLock(stateDir, options.startedAt);
      if (lock !== null) return new DetachedRun(stateDir, lock, options);
      await pause(RETRY_MS);
    }
    throw new OperationError("HostRejected", `another openclaw start --detach runs on ${stateDir}`, { fix: "openclaw stop" });
  }

  async #look(stop: () => void): Promise<void> {
    const read = await readBounded(toStopPath(this.#stateDir), FILE_BYTES_MAX);
    if (read.kind === "read" && this.#isMeant(read.text)) stop();
    await boundLog(toStartLogPath(this.#stateDir));
  }

  /** One that was meant for an earlier run is nobody's. */
  #isMeant(text: string): boolean {
    try {
      return Stop.parse(JSON.parse(text)).startedAt === renderTime(this.#startedAt);
    } catch {
      return false;
    }
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await removeFile(toStopPath(this.#stateDir));
    this.#lock.release();
  }
}

/** The processes go on writing at the end of the same file, which is empty then. */
async function boundLog(path: string): Promise<void> {
  const facts = await stat(path).catch(() => null);
  if (facts === null || facts.size <= LOG_BYTES_MAX) return;
  await rm(`${path}.1`, { force: true });
  await copyFile(path, `${path}.1`);
  await truncate(path);
}
