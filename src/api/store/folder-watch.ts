// Reports by file name that something in a folder may have changed. It reads no files and promises no completeness: when in doubt it reports
// "relist". It copes with atomic renames, every kind of editor, and a folder that does not exist yet or is removed, replaced or moved.
//
// One watch of the kernel for the folder, whatever the number of files (chokidar, which watches the few files of the config, takes one for
// each), and one look per second, which sees what such a watch can't: another folder under the same path, a full queue of the kernel, file
// systems without events (network, some bind mounts).
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

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
  #next: NodeJS.Timeout | null = null;
  /** Whether the kernel said anything since the last look. */
  #heard = false;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.signal.addEventListener("abort", () => this.#stop(), { once: true });
    this.#relist("the watch begins");
    void this.#look();
  }

  #stop(): void {
    this.#close();
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    if (this.#next !== null) clearTimeout(this.#next);
  }

  async #look(): Promise<void> {
    await this.#lookAtFolder();
    if (this.#options.signal.aborted) return;
    this.#next = setTimeout(() => void this.#look(), this.#options.pollMs ?? POLL_MS);
    this.#next.unref();
  }

  async #lookAtFolder(): Promise<void> {
    const facts = await stat(this.#options.folder).catch(() => null);
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
