// One JSON object per file in one folder, typed by a schema: list, get, put, remove. One bad file is an issue and never affects the others.
// What the objects mean is the caller's; noticing that something changed is folder-watch.ts's.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { z } from "zod";
import { type DurationMs, type EpochMs, elapsed, later, toDurationMs } from "../brands.ts";
import { errnoOf } from "../errno.ts";
import { OperationError } from "../errors.ts";
import type { Issue } from "../issue.ts";
import { toPlainText } from "../plain-issue.ts";
import { explainErrno, type FileFacts, isSameFile, readBounded, removeFile, replaceFile, toFileFacts } from "./atomic-file.ts";
import { fileModeIn, makeFolder } from "./group-folder.ts";

/** A file that was written a moment ago may be half written: it is looked at again before it counts as bad. */
export const SETTLE_MS = toDurationMs(500);
const READS_AT_ONCE_MAX = 32;
/** So many looks (microseconds each) between two turns of the event loop. */
const LOOKS_AT_ONCE = 256;
/** Reported per file; the first says what to do, hundreds do not help. */
const ISSUES_PER_FILE_MAX = 8;
/** Names that may become a file: no separators, no leading dot. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

export interface ObjectStoreOptions<Schema extends z.ZodType> {
  folder: string;
  /** What the files of these objects end with, e.g. `.session.json`; every other file is foreign and left alone. */
  suffix: string;
  schema: Schema;
  /** Largest file that is read. */
  bytesMax: number;
  /** More files than this in the folder is an attack or an accident: it counts as unreadable then. */
  filesMax: number;
  /** How many it may have now, of what several stores share. Absent: `filesMax` alone. */
  room?(): number;
  /** The name that the object itself says; it must be that of its file. */
  nameOf(object: z.output<Schema>): string;
  now(): EpochMs;
}

export interface ObjectListing<T> {
  /** `missing` and `unreadable`: nothing is known about which objects there are. That is not the same as none. */
  folder: "read" | "missing" | "unreadable";
  /** Whether the folder and every file in it was read and understood. */
  complete: boolean;
  /** By name. */
  objects: ReadonlyMap<string, T>;
  /** Names of files that could not be understood; whether such an object is there is not known. */
  unread: readonly string[];
  issues: readonly Issue[];
}

export type ObjectRead<T> = { kind: "found"; object: T } | { kind: "missing" } | { kind: "unreadable"; issues: readonly Issue[] };

type Entry<T> = { facts: FileFacts | null } & ({ kind: "object"; object: T } | { kind: "bad"; issues: Issue[] });

export class ObjectStore<Schema extends z.ZodType> {
  readonly #options: ObjectStoreOptions<Schema>;
  /** What every file held when it was last read, by name. */
  readonly #entries = new Map<string, Entry<z.output<Schema>>>();
  #folder: ObjectListing<unknown>["folder"] = "missing";
  #folderIssues: Issue[] = [];
  /** Files that were found at the last look, read or not. */
  #size = 0;
  /** Listings and refreshes come one after the other, so that an older look never replaces a newer one. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ObjectStoreOptions<Schema>) {
    this.#options = options;
  }

  /** How many files it has, or is about to read. */
  get size(): number {
    return this.#size;
  }

  /** Looks at the folder and at every file; reads only those that changed since the last look. Never throws for what it finds. */
  list(): Promise<ObjectListing<z.output<Schema>>> {
    return this.#inTurn(() => this.#listAll());
  }

  /** Looks at these files only and answers from memory for the rest. The first call, and one after trouble with the folder, looks at all. */
  refresh(files: Iterable<string>): Promise<ObjectListing<z.output<Schema>>> {
    return this.#inTurn(async () => {
      if (this.#folder !== "read") return await this.#listAll();
      const names = [...new Set(files)].flatMap((file) => this.#toName(file) ?? []);
      await this.#look(names);
      this.#size = this.#entries.size;
      if (this.#size > this.#filesMax) return await this.#listAll();
      return this.#listing();
    });
  }

  async get(name: string): Promise<ObjectRead<z.output<Schema>>> {
    if (!NAME.test(name)) return { kind: "missing" };
    const entry = await this.#readSettled(name);
    if (entry === null) return { kind: "missing" };
    return entry.kind === "object" ? { kind: "found", object: entry.object } : { kind: "unreadable", issues: entry.issues };
  }

  /** Replaces the object as a whole, making the folder where it is missing. @throws OperationError `InvalidArgument`, `HostRejected` */
  async put(name: string, file: z.input<Schema>): Promise<void> {
    const parsed = this.#options.schema.safeParse(file, { error: toPlainText });
    if (!NAME.test(name) || !parsed.success || this.#options.nameOf(parsed.data) !== name) {
      const reason = parsed.success ? "its name is invalid or is not the file's" : (parsed.error.issues[0]?.message ?? "");
      throw new OperationError("InvalidArgument", `cannot write ${JSON.stringify(name)}: ${reason}`);
    }
    const mode = await this.#prepareFolder();
    await replaceFile(this.#path(name), `${JSON.stringify(file, null, 2)}\n`, { durable: true, mode });
  }

  /** @returns whether it was there. @throws OperationError `HostRejected` */
  async remove(name: string): Promise<boolean> {
    return NAME.test(name) && (await removeFile(this.#path(name)));
  }

  /** @returns permission bits for files in it */
  async #prepareFolder(): Promise<number> {
    const { folder } = this.#options;
    await makeFolder(folder);
    return await fileModeIn(folder);
  }

  #inTurn<Result>(look: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(look, look);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #listAll(): Promise<ObjectListing<z.output<Schema>>> {
    const { folder, suffix } = this.#options;
    try {
      const names = (await readdir(folder)).flatMap((file) => this.#toName(file) ?? []);
      const filesMax = this.#filesMax;
      if (names.length > filesMax) return this.#lost("unreadable", `it contains more than ${filesMax} ${suffix} files`);
      this.#size = names.length;
      const present = new Set(names);
      for (const name of this.#entries.keys()) if (!present.has(name)) this.#entries.delete(name);
      await this.#look(names);
      this.#folder = "read";
      this.#folderIssues = [];
      return this.#listing();
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return this.#lost("missing", null);
      if (errnoOf(error) === "") throw error;
      return this.#lost("unreadable", explainErrno(error));
    }
  }

  get #filesMax(): number {
    const { filesMax, room } = this.#options;
    return Math.max(0, Math.min(filesMax, room?.() ?? filesMax));
  }

  #lost(folder: "missing" | "unreadable", message: string | null): ObjectListing<z.output<Schema>> {
    this.#entries.clear();
    this.#size = 0;
    this.#folder = folder;
    this.#folderIssues = message === null ? [] : [{ severity: "error", file: this.#options.folder, path: "", message }];
    return this.#listing();
  }

  #listing(): ObjectListing<z.output<Schema>> {
    const objects = new Map<string, z.output<Schema>>();
    const unread: string[] = [];
    const issues = [...this.#folderIssues];
    for (const [name, entry] of this.#entries) {
      if (entry.kind === "object") objects.set(name, entry.object);
      else {
        unread.push(name);
        issues.push(...entry.issues);
      }
    }
    return { folder: this.#folder, complete: this.#folder === "read" && unread.length === 0, objects, unread, issues };
  }

  /** Brings the entries of these names up to date. */
  async #look(names: readonly string[]): Promise<void> {
    const changed: string[] = [];
    for (let at = 0; at < names.length; at += LOOKS_AT_ONCE) {
      await Promise.all(
        names.slice(at, at + LOOKS_AT_ONCE).map(async (name) => ((await this.#isKnown(name)) ? undefined : changed.push(name))),
      );
    }
    const bad = await this.#readAll(changed);
    const settleMs = Math.max(0, ...bad.map((name) => this.#unsettledMs(name)));
    if (settleMs === 0) return;
    await wait(settleMs);
    await this.#readAll(bad);
  }

  async #isKnown(name: string): Promise<boolean> {
    const known = this.#entries.get(name);
    if (known === undefined || known.facts === null) return false;
    try {
      return isSameFile(known.facts, toFileFacts(await lstat(this.#path(name))));
    } catch {
      return false;
    }
  }

  /** @returns the names of those that are bad */
  async #readAll(names: readonly string[]): Promise<string[]> {
    const bad: string[] = [];
    for (let at = 0; at < names.length; at += READS_AT_ONCE_MAX) {
      await Promise.all(
        names.slice(at, at + READS_AT_ONCE_MAX).map(async (name) => {
          const entry = await this.#read(name);
          if (entry === null) this.#entries.delete(name);
          else this.#entries.set(name, entry);
          if (entry?.kind === "bad") bad.push(name);
        }),
      );
    }
    return bad;
  }

  /** How long a bad file is still given. 0: it had its time. */
  #unsettledMs(name: string): DurationMs {
    const modifiedAt = this.#entries.get(name)?.facts?.modifiedAt;
    return modifiedAt === undefined ? toDurationMs(0) : this.#untilSettled(modifiedAt);
  }

  #untilSettled(modifiedAt: EpochMs): DurationMs {
    const now = this.#options.now();
    // A time after now is a wrong clock, not a fresh file.
    return modifiedAt > now ? toDurationMs(0) : elapsed(now, later(modifiedAt, SETTLE_MS));
  }

  async #readSettled(name: string): Promise<Entry<z.output<Schema>> | null> {
    const first = await this.#read(name);
    if (first?.kind !== "bad" || first.facts === null) return first;
    const settleMs = this.#untilSettled(first.facts.modifiedAt);
    if (settleMs === 0) return first;
    await wait(settleMs);
    return await this.#read(name);
  }

  /** null: the file is not there. */
  async #read(name: string): Promise<Entry<z.output<Schema>> | null> {
    const read = await readBounded(this.#path(name), this.#options.bytesMax);
    if (read.kind === "missing") return null;
    if (read.kind === "unreadable") return { kind: "bad", facts: read.facts, issues: [this.#toIssue(name, "", read.message)] };
    const { facts, text } = read;
    const json = parseJson(text);
    if (json === undefined) return { kind: "bad", facts, issues: [this.#toIssue(name, "", "it is not valid JSON")] };
    const parsed = this.#options.schema.safeParse(json.value, { error: toPlainText });
    if (!parsed.success) {
      const issues = parsed.error.issues
        .slice(0, ISSUES_PER_FILE_MAX)
        .map((issue) => this.#toIssue(name, issue.path.join("."), issue.message));
      return { kind: "bad", facts, issues };
    }
    const said = this.#options.nameOf(parsed.data);
    if (said === name) return { kind: "object", facts, object: parsed.data };
    return {
      kind: "bad",
      facts,
      issues: [this.#toIssue(name, "metadata.name", `it says ${JSON.stringify(said)}, but the file is named ${JSON.stringify(name)}`)],
    };
  }

  #toIssue(name: string, path: string, message: string): Issue {
    return { severity: "error", file: this.#path(name), path, message };
  }

  #path(name: string): string {
    return join(this.#options.folder, `${name}${this.#options.suffix}`);
  }

  /** null: a foreign file. */
  #toName(file: string): string | null {
    const { suffix } = this.#options;
    const name = file.endsWith(suffix) ? file.slice(0, -suffix.length) : "";
    return NAME.test(name) ? name : null;
  }
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
