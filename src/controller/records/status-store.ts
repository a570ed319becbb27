// Keeps the newest status of every sandbox in memory, writes it down when it changed, and tells listeners. It decides nothing.
// Status files may be lost at any time (power cut, junk): what they say is observed again.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type EpochMs, MINUTE_MS, type SandboxName, toSandboxName } from "../../api/brands.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { readBounded, removeFile, replaceFile, sweepTemporaries, toFileError } from "../../api/store/atomic-file.ts";
import { parseStatusFile } from "./status-schema.ts";

export type StatusChange = { kind: "put"; sandbox: Sandbox } | { kind: "removed"; name: SandboxName };

/** Drift of a hundred fields and three conditions are under 64 KiB; four times that. */
const STATUS_BYTES_MAX = 262_144;
const SUFFIX = ".json";
const READS_AT_ONCE_MAX = 32;
/** Container names; what has another form never becomes a path. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

export interface StatusStoreParts {
  /** `<state>/controller/status` */
  folder: string;
  /** Told when a file could not be written; memory is right nevertheless, and the next change tries again. */
  writeFailed(name: SandboxName, error: unknown): void;
}

export class StatusStore {
  readonly #parts: StatusStoreParts;
  /** With the text that it has in its file, or will have. */
  readonly #sandboxes = new Map<SandboxName, { sandbox: Sandbox; text: string }>();
  /** As it is in the file. */
  readonly #written = new Map<SandboxName, string>();
  /** What is not written yet. Each name once, however often it changes meanwhile. */
  readonly #dirty = new Set<SandboxName>();
  readonly #listeners = new Set<(change: StatusChange) => void>();
  /** Files that could not be understood at the start, by name; replaced by the next status of that sandbox. */
  readonly unread: readonly string[];
  #writing: Promise<void> | null = null;

  private constructor(parts: StatusStoreParts, loaded: Loaded) {
    this.#parts = parts;
    this.unread = loaded.unread;
    for (const [name, { sandbox, text }] of loaded.read) {
      this.#sandboxes.set(name, { sandbox, text: renderStatus(sandbox) });
      this.#written.set(name, text);
    }
  }

  /** Reads what an earlier process wrote; junk is left out. @throws OperationError `HostRejected` */
  static async open(parts: StatusStoreParts, now: EpochMs): Promise<StatusStore> {
    try {
      await mkdir(parts.folder, { recursive: true, mode: 0o700 });
      await sweepTemporaries(parts.folder, MINUTE_MS, now);
      return new StatusStore(parts, await load(parts.folder));
    } catch (error) {
      throw toFileError("read", parts.folder, error);
    }
  }

  get(name: SandboxName): Sandbox | undefined {
    return this.#sandboxes.get(name)?.sandbox;
  }

  get size(): number {
    return this.#sandboxes.size;
  }

  names(): SandboxName[] {
    return [...this.#sandboxes.keys()];
  }

  /** In no order: for who asks about all of them again and again. */
  all(): IteratorObject<Sandbox, undefined> {
    return this.#sandboxes.values().map(({ sandbox }) => sandbox);
  }

  /** In order of name. */
  list(): readonly Sandbox[] {
    return [...this.all()].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
  }

  /** In force at once; written soon after. @returns whether it differs from what was there */
  put(sandbox: Sandbox): boolean {
    const { name } = sandbox.metadata;
    if (!NAME.test(name)) throw new Error(`not a sandbox name: ${JSON.stringify(name)}`);
    const text = renderStatus(sandbox);
    const changed = this.#sandboxes.get(name)?.text !== text;
    if (!changed && !this.#dirty.has(name) && this.#written.has(name)) return false;
    this.#sandboxes.set(name, { sandbox, text });
    this.#markDirty(name);
    if (changed) this.#tell({ kind: "put", sandbox });
    return changed;
  }

  /** @returns whether it was there */
  remove(name: SandboxName): boolean {
    if (!this.#sandboxes.delete(name)) return false;
    this.#markDirty(name);
    this.#tell({ kind: "removed", name });
    return true;
  }

  /** Listeners must not throw. @returns ends the subscription */
  subscribe(listener: (change: StatusChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when everything that changed so far was written, or failed to be. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #tell(change: StatusChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #markDirty(name: SandboxName): void {
    this.#dirty.add(name);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
  }

  async #writeAll(): Promise<void> {
    // In a later task: several changes of one pass are one write.
    await Promise.resolve();
    for (const name of this.#dirty) {
      this.#dirty.delete(name);
      try {
        await this.#write(name);
      } catch (error) {
        this.#written.delete(name);
        this.#parts.writeFailed(name, error);
      }
    }
  }

  async #write(name: SandboxName): Promise<void> {
    const path = join(this.#parts.folder, `${name}${SUFFIX}`);
    const text = this.#sandboxes.get(name)?.text;
    if (text === undefined) {
      this.#written.delete(name);
      await removeFile(path);
      return;
    }
    if (this.#written.get(name) === text) return;
    await replaceFile(path, text, { durable: false });
    this.#written.set(name, text);
  }
}

/** What is written there now; changes nothing, for who only looks. @throws as `readdir` */
export const readStatuses = async (folder: string): Promise<readonly Sandbox[]> =>
  Array.from((await load(folder)).read.values(), ({ sandbox }) => sandbox);

const renderStatus = (sandbox: Sandbox): string => `${JSON.stringify(sandbox, null, 2)}\n`;

interface Loaded {
  read: Map<SandboxName, { sandbox: Sandbox; text: string }>;
  unread: string[];
}

async function load(folder: string): Promise<Loaded> {
  const loaded: Loaded = { read: new Map(), unread: [] };
  const files = (await readdir(folder)).filter((file) => file.endsWith(SUFFIX) && NAME.test(file.slice(0, -SUFFIX.length)));
  for (let at = 0; at < files.length; at += READS_AT_ONCE_MAX) {
    const batch = files.slice(at, at + READS_AT_ONCE_MAX);
    await Promise.all(
      batch.map(async (file) => {
        const name = toSandboxName(file.slice(0, -SUFFIX.length));
        const read = await readBounded(join(folder, file), STATUS_BYTES_MAX);
        const sandbox = read.kind === "read" ? parseStatusFile(read.text) : null;
        if (read.kind === "read" && sandbox?.metadata.name === name) loaded.read.set(name, { sandbox, text: read.text });
        else loaded.unread.push(file);
      }),
    );
  }
  return loaded;
}
