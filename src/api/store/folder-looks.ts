// Looks at the same folders again and again. A look through Node's thread pool costs ten times what the kernel takes for it, so that one which can't wait
// for anybody is made at once. What a folder should be is up to the caller.
import { lstatSync, type Stats, statSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { errnoOf } from "../errno.ts";

/** What is at a path. null: nothing. @throws, or rejects with, what the system says else */
export type Look = (path: string) => Stats | null | Promise<Stats | null>;

export interface FolderLooksOptions {
  /** Holds up nobody but its caller, however long the file system takes. */
  aside(path: string): Promise<Stats | null>;
  atOnce(path: string): Stats | null;
}

async function orNone(looking: Promise<Stats>): Promise<Stats | null> {
  try {
    return await looking;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** A symbolic link is seen itself. */
export const UNFOLLOWED: FolderLooksOptions = {
  aside: (path) => orNone(lstat(path)),
  atOnce: (path) => lstatSync(path, { throwIfNoEntry: false }) ?? null,
};

/** What a symbolic link leads to is seen. */
export const FOLLOWED: FolderLooksOptions = {
  aside: (path) => orNone(stat(path)),
  atOnce: (path) => statSync(path, { throwIfNoEntry: false }) ?? null,
};

export const lookAside: Look = UNFOLLOWED.aside;

/** As many sandboxes as there can be, and the folders of their agents, ten times over; 100 bytes each. */
const FOLDERS_MAX = 200_000;

export class FolderLooks {
  readonly #options: FolderLooksOptions;
  /** On which disk of this host each folder was at its last look. */
  readonly #disks = new Map<string, number>();

  constructor(options: FolderLooksOptions) {
    this.#options = options;
  }

  /**
   * At once where the folder was on a disk of this host at its last look. A server that is away can't hold that up, unless its share was mounted there
   * and it went away since then; the look after the mounting is made at once, sees another device, and is the last one of its kind.
   */
  readonly look: Look = (path) => {
    const disk = this.#disks.get(path);
    if (disk === undefined) return this.#lookAside(path);
    const facts = this.#options.atOnce(path);
    if (facts?.dev !== disk) this.#disks.delete(path);
    return facts;
  };

  async #lookAside(path: string): Promise<Stats | null> {
    const facts = await this.#options.aside(path);
    if (facts === null || !isOnDisk(facts)) return facts;
    if (this.#disks.size >= FOLDERS_MAX) this.#disks.clear();
    this.#disks.set(path, facts.dev);
    return facts;
  }
}

/** Linux gives each block device a major number of its own; network shares, FUSE and what else has no disk have 0. */
const isOnDisk = ({ dev }: Pick<Stats, "dev">): boolean => process.platform === "linux" && ((dev >>> 8) & 0xfff) !== 0;
