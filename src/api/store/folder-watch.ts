// Reports by file name that something in a folder may have changed. It reads no files and promises no completeness: when in doubt it reports
// "relist". It copes with atomic renames, every kind of editor, and a folder that does not exist yet or is removed, replaced or moved.
//
// One watch of the kernel for the folder, whatever the number of files (chokidar, which watches the few files of the config, takes one for
// each), and one look per second, which sees what such a watch can't: another folder under the same path, a full queue of the kernel, file
// systems without events (network, some bind mounts).
import { type FSWatcher, type Stats, watch } from "node:fs";
import { FOLLOWED, FolderLooks } from "./folder-looks.ts";

export type FolderHint = { kind: "names"; names: ReadonlySet<string> } | { kind: "relist"; cause: string };

export interface FolderWatchOptions {
  folder: string;
  /** Must not throw. */
  changed(hint: FolderHint): void;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Milliseconds between two looks. Absent: 1000. */
  pollMs?: number;
}

const POLL_MS = 1_000;
/** What happens together is told together. */
const GATHER_MS = 10;
/** More names than this in one moment: looking at everything is as cheap, and some may have been lost (the kernel keeps 16 384). */
const NAMES_MAX = 1_024;

/** A round of looks, for all watches that look as often: a hundred of them wake the process once a second, not a hundred times. */
class Rounds {
  static readonly #byPoll = new Map<number, Rounds>();
  readonly #pollMs: number;
  readonly #looks = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;

  private constructor(pollMs: number) {
    this.#pollMs = pollMs;
    this.#timer = setInterval(() => {
      for (const look of this.#looks) look();
    }, pollMs).unref();
  }

  /** @returns ends it */
  static join(pollMs: number, look: () => void): () => void {
    const rounds = Rounds.#byPoll.get(pollMs) ?? new Rounds(pollMs);
    Rounds.#byPoll.set(pollMs, rounds);
    rounds.#looks.add(look);
    return () => rounds.#leave(look);
  }

  #leave(look: () => void): void {
    if (!this.#looks.delete(look) || this.#looks.size > 0) return;
    clearInterval(this.#timer);
    Rounds.#byPoll.delete(this.#pollMs);
  }
}

const looks = new FolderLooks(FOLLOWED);

/** The first hint, right after the start, is a relist: what happened before the watch began is not known. */
export function watchFolder(options: FolderWatchOptions): void {
  if (!options.signal.aborted) new FolderWatch(options).start();
}

class FolderWatch {
  readonly #options: FolderWatchOptions;
  #watcher: FSWatcher | null = null;
  /** Of the folder, at the last look. null: it was not there. */
  #folder: string | null = null;
  #folderModified = "";
  #names = new Set<string>();
  #relistCause: string | null = null;
  #gathering: NodeJS.Timeout | null = null;
  #leave: () => void = () => undefined;
  #isLooking = false;
  /** Whether the kernel said anything since the last look. */
  #heard = false;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.signal.addEventListener("abort", () => this.#stop(), { once: true });
    this.#relist("the watch begins");
    this.#leave = Rounds.join(this.#options.pollMs ?? POLL_MS, () => void this.#look());
    void this.#look();
  }

  #stop(): void {
    this.#close();
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#leave();
  }

  /** One that takes longer than the pause is not made twice at once. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.#lookAtFolder();
    this.#isLooking = false;
  }

  async #lookAtFolder(): Promise<void> {
    const facts = await this.#facts();
    if (this.#options.signal.aborted) return;
    const heard = this.#heard;
    this.#heard = false;
    const folder = facts?.isDirectory() ? `${facts.dev}:${facts.ino}` : null;
    const modified = facts === null ? "" : `${facts.mtimeMs}`;
    if (folder !== this.#folder) {
      this.#relist(folder === null ? "the folder is not there" : "the folder is there, or is another one");
      this.#close();
    } else if (modified !== this.#folderModified && !heard) {
      this.#relist("the folder changed without an event");
    }
    this.#folder = folder;
    this.#folderModified = modified;
    if (folder !== null && this.#watcher === null) this.#open();
  }

  /** null: it is not there, or can't be looked at. */
  async #facts(): Promise<Stats | null> {
    try {
      return await looks.look(this.#options.folder);
    } catch {
      return null;
    }
  }

  #open(): void {
    try {
      const watcher = watch(this.#options.folder, { persistent: false }, (_event, name) => this.#notice(name));
      watcher.on("error", (error) => {
        this.#relist(`the watch broke: ${error.message}`);
        this.#close();
      });
      this.#watcher = watcher;
      this.#relist("the watch of the folder begins");
    } catch {
      // No watch can be had (the limit of the user is reached, or the folder just went): the look each second goes on, and tries again.
      this.#watcher = null;
    }
  }

  #close(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  #notice(name: string | null): void {
    this.#heard = true;
    if (name === null) this.#relist("an event without a name");
    else this.#tell(name);
  }

  #tell(name: string): void {
    this.#names.add(name);
    if (this.#names.size > NAMES_MAX) this.#relist(`more than ${NAMES_MAX} files changed`);
    this.#gather();
  }

  #relist(cause: string): void {
    this.#relistCause ??= cause;
    this.#gather();
  }

  #gather(): void {
    if (this.#options.signal.aborted) return;
    this.#gathering ??= setTimeout(() => this.#callBack(), GATHER_MS).unref();
  }

  #callBack(): void {
    this.#gathering = null;
    const [names, cause] = [this.#names, this.#relistCause];
    this.#names = new Set();
    this.#relistCause = null;
    this.#options.changed(cause === null ? { kind: "names", names } : { kind: "relist", cause });
  }
}
