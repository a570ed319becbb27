// Looks at the same folders again and again. A look through Node's thread pool costs ten times what the kernel takes for it, so that one which can't wait
// for anybody is made at once. What a folder should be is up to the caller.
import { lstatSync, type Stats, statSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
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
  /** Of what was not there, the disk of the folder that it would be in. */
  readonly #absent = new Map<string, number>();

  constructor(options: FolderLooksOptions) {
    this.#options = options;
  }

  /**
   * At once where the folder was on a disk of this host at its last look. A server that is away can't hold that up, unless its share was mounted there
   * and it went away since then; the look after the mounting is made at once, sees another device, and is the last one of its kind.
   */
  readonly look: Look = (path) => {
    const disk = this.#disks.get(path);
    if (disk === undefined) return this.#lookForAbsent(path) ?? this.#lookAside(path);
    const facts = this.#options.atOnce(path);
    if (facts?.dev !== disk) this.#disks.delete(path);
    return facts;
  };

  /** A promise of nothing where its folder is on the disk that it was on and has no such thing yet; undefined where that has to be found out. */
  #lookForAbsent(path: string): Promise<null> | undefined {
    const disk = this.#absent.get(path);
    if (disk === undefined) return undefined;
    const isThere = isFolderOn(this.#options.atOnce(dirname(path)), disk) && this.#options.atOnce(path) === null;
    if (!isThere) this.#absent.delete(path);
    return isThere ? NOTHING : undefined;
  }

  async #lookAside(path: string): Promise<Stats | null> {
    const facts = await this.#options.aside(path);
    if (facts === null) await this.#noteAbsent(path);
    else if (isOnDisk(facts)) note(this.#disks, path, facts.dev);
    return facts;
  }

  async #noteAbsent(path: string): Promise<void> {
    const folder = await this.#options.aside(dirname(path)).catch(() => null);
    if (folder !== null && isOnDisk(folder) && isFolderOn(folder, folder.dev)) note(this.#absent, path, folder.dev);
  }
}

const NOTHING = Promise.resolve(null);

/** A symbolic link, where it is seen itself, may lead to another disk. */
const isFolderOn = (facts: Stats | null, disk: number): boolean => facts !== null && facts.dev === disk && facts.isDirectory();

function note(disks: Map<string, number>, path: string, disk: number): void {
  if (disks.size >= FOLDERS_MAX) disks.clear();
  disks.set(path, disk);
}

/** Linux gives each block device a major number of its own; network shares, FUSE and what else has no disk have 0. */
const isOnDisk = ({ dev }: Pick<Stats, "dev">): boolean => process.platform === "linux" && ((dev >>> 8) & 0xfff) !== 0;
