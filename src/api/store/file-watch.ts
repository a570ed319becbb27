// Reports that one of a few files may have changed, wherever they are. It reads none of them and promises no completeness.
// For many files in one folder there is folder-watch.ts: chokidar takes one kernel watch for each file.
//
// chokidar reports within milliseconds, including a bind-mounted single file that is edited in place (its next major, 6, watches folders, which
// do not see that). One look a second beside it sees what no watch does: a link further up that points elsewhere (a ConfigMap's `..data`), a
// folder that is replaced or appears later, a file that was gone for a while, a file system without events.
import type { FSWatcher } from "chokidar";
import { FOLLOWED, FolderLooks } from "./folder-looks.ts";

export interface FileWatchOptions {
  /** Absolute paths; symlinks are followed. They need not be there. At most a hundred or so. */
  files: readonly string[];
  /** Called once at the start, and for each file that is added later: what happened before is not known. Must not throw. */
  changed(): void;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Milliseconds between two looks. Absent: 1000. */
  pollMs?: number;
}

const POLL_MS = 1_000;
/** A change of one file is one or two reports of the kernel, 0.1 ms apart; an editor that needs longer for a save leaves text that is not valid meanwhile. */
const GATHER_MS = 2;
/** Of several files that belong together (a config and what it includes) each may be valid without the others: "save all" and git take milliseconds. */
const GATHER_SEVERAL_MS = 10;
/** chokidar drops what happens to a file within 50 ms of a change that it reported: a look after that sees it. */
const DROPPED_MS = 60;

export class FileWatch {
  readonly #options: FileWatchOptions;
  #files: Set<string>;
  /** null: not begun yet, or ended. */
  #watcher: FSWatcher | null = null;
  /** Of each file, as the last look found it. */
  #stamps = new Map<string, string>();
  /** Reported by chokidar since the last look began, and still watched by it. */
  #reported = new Set<string>();
  /** The next look does not wait its whole time. */
  #isSoon = false;
  #gathering: NodeJS.Timeout | null = null;
  #next: NodeJS.Timeout | null = null;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#files = new Set(options.files);
    if (options.signal.aborted) return;
    options.signal.addEventListener("abort", () => this.#stop(), { once: true });
    void this.#start();
  }

  /** From now on these files, instead of those before. */
  follow(files: readonly string[]): void {
    const before = this.#files;
    this.#files = new Set(files);
    const added = files.filter((path) => !before.has(path));
    const gone = [...before].filter((path) => !this.#files.has(path));
    if (gone.length > 0) this.#watcher?.unwatch(gone);
    if (added.length > 0) this.#watcher?.add(added);
  }

  async #start(): Promise<void> {
    // Only processes that watch pay for it: 20 ms and 6 MB.
    const { watch } = await import("chokidar");
    if (this.#options.signal.aborted) return;
    const watcher = watch([...this.#files], {
      ...{ ignoreInitial: true, atomic: false, persistent: false },
      // A folder in a file's place would be watched with everything below it.
      ignored: (_path, facts) => facts !== undefined && !facts.isFile(),
    });
    watcher.on("all", (event, path) => {
      if (event === "unlink") this.#reported.delete(path);
      else this.#reported.add(path);
      this.#gather();
      this.#lookSoon();
    });
    // No watch can be had (the user's limit is reached, or a folder may not be entered): the look each second goes on.
    watcher.on("error", () => undefined);
    this.#watcher = watcher;
    await this.#look();
  }

  #stop(): void {
    void this.#watcher?.close();
    this.#watcher = null;
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    if (this.#next !== null) clearTimeout(this.#next);
  }

  #lookSoon(): void {
    if (this.#isSoon || this.#options.signal.aborted) return;
    this.#isSoon = true;
    if (this.#next === null) return;
    clearTimeout(this.#next);
    this.#schedule();
  }

  #schedule(): void {
    const pauseMs = this.#isSoon ? DROPPED_MS : (this.#options.pollMs ?? POLL_MS);
    this.#next = setTimeout(() => void this.#look(), pauseMs).unref();
  }

  async #look(): Promise<void> {
    this.#next = null;
    this.#isSoon = false;
    const reported = this.#reported;
    this.#reported = new Set();
    const stamps = new Map<string, string>();
    for (const path of this.#files) stamps.set(path, await toStamp(path));
    if (this.#options.signal.aborted) return;
    const before = this.#stamps;
    this.#stamps = stamps;
    for (const [path, stamp] of stamps) {
      const was = before.get(path);
      if (was === stamp) continue;
      this.#gather();
      if (was !== undefined && !reported.has(path) && !this.#reported.has(path)) this.#renew(path);
    }
    this.#schedule();
  }

  /** The look saw what chokidar did not: its watch is on a file that this path no longer means. */
  #renew(path: string): void {
    if (!this.#files.has(path)) return;
    this.#watcher?.unwatch(path);
    this.#watcher?.add(path);
  }

  /** What happens together is reported together. */
  #gather(): void {
    if (this.#options.signal.aborted) return;
    const isAlone =
      this.#stamps
        .values()
        .filter((stamp) => stamp !== "")
        .take(2)
        .toArray().length < 2;
    this.#gathering ??= setTimeout(
      () => {
        this.#gathering = null;
        this.#options.changed();
      },
      isAlone ? GATHER_MS : GATHER_SEVERAL_MS,
    ).unref();
  }
}

const looks = new FolderLooks(FOLLOWED);

/** Empty: it is not there, or can't be looked at. */
async function toStamp(path: string): Promise<string> {
  try {
    const facts = await looks.look(path);
    return facts === null ? "" : `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeMs}:${facts.ctimeMs}`;
  } catch {
    return "";
  }
}
