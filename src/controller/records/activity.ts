// Remembers when each sandbox was last used, over restarts of the controller. What counts as a use is the callers' to say.
// Writes are coalesced: at most the last five seconds of use are lost by a kill -9.
import { z } from "zod";
import { type EpochMs, type SandboxName, SECOND_MS, toDurationMs, toEpochMs, toSandboxName } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { readBounded, replaceFile } from "../../api/store/atomic-file.ts";

const ActivityFile = z.object({ lastUsedAt: z.record(z.string().transform(toSandboxName), z.int().transform(toEpochMs)) });

/** One hundred times the default of maxSandboxes; beyond it the longest unused are forgotten. */
const NAMES_MAX = 10_000;
/** A name of 63 characters and a time, 100 bytes each, four times over. */
const FILE_BYTES_MAX = 4 * 100 * NAMES_MAX;
const WRITE_INTERVAL = toDurationMs(5 * SECOND_MS);

export interface ActivityParts {
  /** `<state>/controller/activity.json`; its folder must exist. */
  path: string;
  clock: Clock;
  /** Told when a write failed; it is tried again with the next one, 5 s later. */
  writeFailed(error: unknown): void;
}

export class Activity {
  readonly #parts: ActivityParts;
  readonly #startedAt: EpochMs;
  readonly #lastUsedAt: Map<SandboxName, EpochMs>;
  /** How the file was found: anything but `read` means that earlier uses are not known. */
  readonly loaded: "read" | "missing" | "unreadable";
  #dirty = false;
  /** Set from one write until 5 s later. */
  #cancelTimer: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  private constructor(parts: ActivityParts, loaded: Activity["loaded"], known: Map<SandboxName, EpochMs>) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.loaded = loaded;
    this.#lastUsedAt = known;
  }

  /** Never fails: a file that can't be understood is replaced by the next write. */
  static async open(parts: ActivityParts): Promise<Activity> {
    const read = await readBounded(parts.path, FILE_BYTES_MAX);
    const known = read.kind === "read" ? parseActivity(read.text) : null;
    const loaded = read.kind === "read" && known === null ? "unreadable" : read.kind;
    const activity = new Activity(parts, loaded, known ?? new Map());
    // A file that is not there at the next start was lost, then: this process had written one.
    if (loaded !== "read") await activity.#write();
    return activity;
  }

  /** It was used at this moment. Uses never go back in time, unless the clock did. */
  touch(name: SandboxName, at: EpochMs): void {
    const usedAt = Math.min(at, this.#parts.clock.now()) as EpochMs;
    if (usedAt > (this.#known(name) ?? 0)) this.#set(name, usedAt);
  }

  /** A use that is yet to come was under a clock that was set back since: it counts as of now, or it would keep the sandbox until then. */
  #known(name: SandboxName): EpochMs | undefined {
    const now = this.#parts.clock.now();
    if ((this.#lastUsedAt.get(name) ?? 0) > now) this.#set(name, now);
    return this.#lastUsedAt.get(name);
  }

  #set(name: SandboxName, at: EpochMs): void {
    // Deleted first: the map stays ordered by last use.
    this.#lastUsedAt.delete(name);
    this.#lastUsedAt.set(name, at);
    if (this.#lastUsedAt.size > NAMES_MAX) this.#forgetOldest();
    this.#changed();
  }

  /**
   * null: never used. Where the file was lost, a container that is older than this process counts as used when the process started, from
   * now on: nobody knows whether it was.
   * @param containerCreatedAt absent or null: there is no container
   */
  lastUsedAt(name: SandboxName, containerCreatedAt: EpochMs | null = null): EpochMs | null {
    const known = this.#known(name);
    if (known !== undefined) return known;
    const lost = this.loaded !== "read" && containerCreatedAt !== null && containerCreatedAt < this.#startedAt;
    if (!lost) return null;
    this.touch(name, this.#startedAt);
    return this.#startedAt;
  }

  /** The sandbox is gone for good. */
  forget(name: SandboxName): void {
    if (this.#lastUsedAt.delete(name)) this.#changed();
  }

  /** Writes what is not written yet and ends the timer. */
  async stop(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    await this.#writing;
    if (this.#dirty) await this.#write();
  }

  #forgetOldest(): void {
    const oldest = this.#lastUsedAt.keys().next();
    if (!oldest.done) this.#lastUsedAt.delete(oldest.value);
  }

  #changed(): void {
    this.#dirty = true;
    if (this.#cancelTimer === null) this.#writeAndWait();
  }

  #writeAndWait(): void {
    this.#writing = this.#writing.then(() => this.#write());
    this.#cancelTimer = this.#parts.clock.setTimer(WRITE_INTERVAL, () => {
      this.#cancelTimer = null;
      if (this.#dirty) this.#writeAndWait();
    });
  }

  async #write(): Promise<void> {
    this.#dirty = false;
    const content = JSON.stringify({ lastUsedAt: Object.fromEntries(this.#lastUsedAt) });
    try {
      await replaceFile(this.#parts.path, `${content}\n`, { durable: false });
    } catch (error) {
      this.#dirty = true;
      this.#parts.writeFailed(error);
    }
  }
}

/** Ordered by last use; null for what is not an activity file. */
function parseActivity(text: string): Map<SandboxName, EpochMs> | null {
  try {
    const entries = Object.entries(ActivityFile.parse(JSON.parse(text)).lastUsedAt) as [SandboxName, EpochMs][];
    return new Map(entries.sort(([, left], [, right]) => left - right));
  } catch {
    return null;
  }
}
