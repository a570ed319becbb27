// The texts of the configs that were in force, so that a person can put an earlier one back. One file for each, mode 0600 since configs hold secrets, written
// at once: after a kill -9 a revision is there whole or not at all. Bounded: the oldest go first. What is done with them is the command line's.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import PQueue from "p-queue";
import { z } from "zod";
import { type EpochMs, MINUTE_MS } from "../../api/brands.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import type { ConfigRevision, ConfigRevisionTexts } from "../../api/config-revision.ts";
import { OperationError } from "../../api/errors.ts";
import { readBounded, removeFile, replaceFile, sweepTemporaries, toFileError } from "../../api/store/atomic-file.ts";
import { ConfigTexts } from "../../api/wire.ts";

const REVISIONS_MAX = 20;
/** A config has some ten KiB; 64 included files of 1 MiB each would be kept once. */
const BYTES_MAX = 16_777_216;
/** The largest that can be written: every text of the largest config, quoted. */
const FILE_BYTES_MAX = 160 * 1_048_576;
const FILE_NAME = /^(\d{8})\.json$/;

const File = z.strictObject({ revision: z.int().min(1), since: z.int(), texts: ConfigTexts });
type File = z.output<typeof File>;

export interface ConfigHistoryParts {
  /** `<state>/controller/config-history` */
  folder: string;
  now(): EpochMs;
}

export class ConfigHistory {
  readonly #parts: ConfigHistoryParts;
  /** One after the other. */
  readonly #queue = new PQueue({ concurrency: 1 });

  private constructor(parts: ConfigHistoryParts) {
    this.#parts = parts;
  }

  /** @throws OperationError `HostRejected` */
  static async open(parts: ConfigHistoryParts): Promise<ConfigHistory> {
    try {
      await mkdir(parts.folder, { recursive: true, mode: 0o700 });
      await sweepTemporaries(parts.folder, MINUTE_MS, parts.now());
      return new ConfigHistory(parts);
    } catch (error) {
      throw toFileError("write", parts.folder, error);
    }
  }

  /** Nothing is written for the text that is the newest already. @throws OperationError `HostRejected` */
  async add(sources: ConfigSources): Promise<void> {
    const texts = toTexts(sources);
    await this.#queue.add(async () => {
      const known = await this.#read();
      const newest = known.at(-1);
      if (newest !== undefined && JSON.stringify(newest.texts) === JSON.stringify(texts)) return;
      const file: File = { revision: (newest?.revision ?? 0) + 1, since: this.#parts.now(), texts };
      const text = `${JSON.stringify(file)}\n`;
      await replaceFile(this.#path(file.revision), text, { durable: true, mode: 0o600 });
      await this.#drop([...known, file]);
    });
  }

  /** What was added is on disk. */
  async flush(): Promise<void> {
    await this.#queue.onIdle();
  }

  /** Oldest first. @throws OperationError `HostRejected` */
  async list(): Promise<ConfigRevision[]> {
    const files = await this.#read();
    return files.map((file, at) => toRevision(file, files[at - 1]));
  }

  /** @throws OperationError `NotFound` */
  async get(revision: number): Promise<ConfigRevisionTexts> {
    const files = await this.#read();
    const at = files.findIndex((file) => file.revision === revision);
    const file = files[at];
    if (file === undefined)
      throw new OperationError("NotFound", `there is no revision ${revision} of the config`, { fix: "openclaw sandbox rollout history" });
    return { ...toRevision(file, files[at - 1]), texts: file.texts };
  }

  /** A damaged file is none; the next revision may take its number. */
  async #read(): Promise<File[]> {
    const names = (await readdir(this.#parts.folder)).filter((name) => FILE_NAME.test(name)).toSorted();
    const files = await Promise.all(
      names.map(async (name) => parseFile(await readBounded(join(this.#parts.folder, name), FILE_BYTES_MAX))),
    );
    return files.filter((file) => file !== null);
  }

  async #drop(files: readonly File[]): Promise<void> {
    const sizes = files.map((file) => JSON.stringify(file).length);
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    let count = files.length;
    for (const [at, { revision }] of files.slice(0, -1).entries()) {
      if (count <= REVISIONS_MAX && bytes <= BYTES_MAX) return;
      await removeFile(this.#path(revision));
      count -= 1;
      bytes -= sizes[at] ?? 0;
    }
  }

  #path(revision: number): string {
    return join(this.#parts.folder, `${String(revision).padStart(8, "0")}.json`);
  }
}

function toTexts({ main, files }: ConfigSources): ConfigTexts {
  const texts = [...files].flatMap(([path, file]): ConfigTexts["files"] =>
    file.kind === "text" ? [[path, { realPath: file.realPath, text: file.text }]] : [],
  );
  return { main, files: texts };
}

function toRevision({ revision, since, texts }: File, before: File | undefined): ConfigRevision {
  const earlier = new Map(before?.texts.files.map(([path, { text }]) => [path, text]));
  const now = new Map(texts.files.map(([path, { text }]) => [path, text]));
  const changed = [...new Set([...earlier.keys(), ...now.keys()])].filter((path) => earlier.get(path) !== now.get(path));
  return { revision, since, changed };
}

function parseFile(read: Awaited<ReturnType<typeof readBounded>>): File | null {
  if (read.kind !== "read") return null;
  try {
    return File.parse(JSON.parse(read.text));
  } catch {
    return null;
  }
}
