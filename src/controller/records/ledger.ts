// Remembers which containers this controller made, written down before each is made, so that a crash leaves nothing without an owner.
// It does not ask the engine and decides nothing: what an entry without a container means is the sweep's to say.
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import {
  type ContainerId,
  type DurationMs,
  type EpochMs,
  MINUTE_MS,
  type SandboxName,
  type SandboxUid,
  type ScopeKey,
  toContainerId,
  toEpochMs,
  toSandboxName,
  toSandboxUid,
  toScopeKey,
} from "../../api/brands.ts";
import { errnoOf } from "../../api/errno.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { readBounded, removeFile, replaceFile, sweepTemporaries, syncFolder, toFileError } from "../../api/store/atomic-file.ts";

/** Sandboxes, and in a ledger of their own the containers of the egress. */
export type LedgerKind = SandboxKind | "proxy" | "relay";

export interface LedgerEntry {
  uid: SandboxUid;
  name: SandboxName;
  kind: LedgerKind;
  scopeKey: ScopeKey;
  /** null: it was about to be made, or the answer was lost. Its uid label tells. */
  containerId: ContainerId | null;
  createdAt: EpochMs;
  /** The folder that it mounts as its workspace. null: none of ours. */
  workspace: string | null;
}

const EntryFile = z.strictObject({
  uid: z.uuid().transform(toSandboxUid),
  name: z.string().transform(toSandboxName),
  kind: z.enum(["tools", "browser", "proxy", "relay"]),
  scopeKey: z.string().transform(toScopeKey),
  containerId: z.string().transform(toContainerId).nullable(),
  createdAt: z.int().transform(toEpochMs),
  workspace: z.string().nullable(),
});

/** Under 1 KiB in practice: a scope key of 512, a path of 4096. */
const ENTRY_BYTES_MAX = 16_384;
const SUFFIX = ".json";
/** A write takes milliseconds. */
const TEMPORARY_AGE: DurationMs = MINUTE_MS;
const READS_AT_ONCE_MAX = 32;

/** Told of every entry that there is, and of each that comes or goes; one that changes goes and comes. Must not throw. */
export interface LedgerFollower {
  came(uid: SandboxUid): void;
  went(uid: SandboxUid): void;
}

export class Ledger {
  readonly #folder: string;
  readonly #followers: LedgerFollower[] = [];
  readonly #byUid = new Map<SandboxUid, LedgerEntry>();
  readonly #byContainerId = new Map<ContainerId, SandboxUid>();
  /** Nearly always one: passes ask for theirs, so none looks through all of them. */
  readonly #byName = new Map<SandboxName, Set<SandboxUid>>();
  /** false: there was no ledger, so that what carries our labels is judged by its labels alone. */
  readonly existed: boolean;
  /** Files that could not be understood, by name. They stay where they are. */
  readonly unread: readonly string[];

  private constructor(folder: string, found: Found) {
    this.#folder = folder;
    this.existed = found.existed;
    this.unread = found.unread;
    for (const entry of found.entries) this.#index(entry);
  }

  /**
   * Reads the ledger in `folder` (`<state>/controller/ledger`), making it when there is none.
   * @throws OperationError `HostRejected`
   */
  static async open(folder: string, now: EpochMs): Promise<Ledger> {
    try {
      const found = await readEntries(folder);
      if (!found.existed) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await syncFolder(dirname(folder));
      }
      await sweepTemporaries(folder, TEMPORARY_AGE, now);
      return new Ledger(folder, found);
    } catch (error) {
      throw toFileError("read", folder, error);
    }
  }

  /** Must return before the engine is asked to create: survives a power cut from then on. @throws OperationError `HostRejected` */
  async record(entry: LedgerEntry): Promise<void> {
    await replaceFile(this.#path(entry.uid), renderEntry(entry), { durable: true });
    this.#index(entry);
  }

  /**
   * Adds the id that the engine gave. Not durable, which saves two fsyncs per creation: after a power cut the entry has no id and the
   * container is found again by its uid label. @returns false when the uid is not in the ledger (any more)
   */
  async bind(uid: SandboxUid, containerId: ContainerId): Promise<boolean> {
    const known = this.#byUid.get(uid);
    if (known === undefined) return false;
    const bound = { ...known, containerId };
    this.#index(bound);
    await replaceFile(this.#path(uid), renderEntry(bound), { durable: false });
    return true;
  }

  /**
   * A container that was found to be ours, and that the ledger has lost or never got the id of: from now on it is ours under any name.
   * One whose uid is not one that we give is not written down. Repeatable.
   */
  async adopt(entry: LedgerEntry & { containerId: ContainerId }): Promise<void> {
    if (this.containerOf(entry.uid) === entry.containerId || !z.uuid().safeParse(entry.uid).success) return;
    await replaceFile(this.#path(entry.uid), renderEntry(entry), { durable: false });
    this.#index(entry);
  }

  /** Not durable: an entry that comes back names a container that is gone, and is forgotten again. */
  async forget(uid: SandboxUid): Promise<void> {
    const known = this.#byUid.get(uid);
    if (known === undefined) return;
    await removeFile(this.#path(uid));
    this.#byUid.delete(uid);
    this.#unlink(known);
  }

  follow(follower: LedgerFollower): void {
    for (const uid of this.#byUid.keys()) follower.came(uid);
    this.#followers.push(follower);
  }

  entries(): readonly LedgerEntry[] {
    return [...this.#byUid.values()];
  }

  /** Every entry of one sandbox: what serves, what is being made, and what is not known to be gone yet. */
  ofName(name: SandboxName): readonly LedgerEntry[] {
    return [...(this.#byName.get(name) ?? [])].flatMap((uid) => this.#byUid.get(uid) ?? []);
  }

  byUid(uid: SandboxUid): LedgerEntry | undefined {
    return this.#byUid.get(uid);
  }

  byContainerId(containerId: ContainerId): LedgerEntry | undefined {
    const uid = this.#byContainerId.get(containerId);
    return uid === undefined ? undefined : this.#byUid.get(uid);
  }

  /** The container made for this uid. null: it was about to be made. undefined: the ledger does not know the uid. */
  containerOf(uid: SandboxUid): ContainerId | null | undefined {
    return this.#byUid.get(uid)?.containerId;
  }

  #index(entry: LedgerEntry): void {
    const before = this.#byUid.get(entry.uid);
    if (before !== undefined) this.#unlink(before);
    this.#byUid.set(entry.uid, entry);
    if (entry.containerId !== null) this.#byContainerId.set(entry.containerId, entry.uid);
    this.#byName.set(entry.name, (this.#byName.get(entry.name) ?? new Set()).add(entry.uid));
    for (const follower of this.#followers) follower.came(entry.uid);
  }

  #unlink({ uid, name, containerId }: LedgerEntry): void {
    if (containerId !== null) this.#byContainerId.delete(containerId);
    const uids = this.#byName.get(name);
    uids?.delete(uid);
    if (uids?.size === 0) this.#byName.delete(name);
    for (const follower of this.#followers) follower.went(uid);
  }

  #path(uid: SandboxUid): string {
    if (!z.uuid().safeParse(uid).success) throw new Error(`not a uid: ${JSON.stringify(uid)}`);
    return join(this.#folder, `${uid}${SUFFIX}`);
  }
}

/** What is written there now; changes nothing, for who only looks. @throws as `readdir`, but for a folder that is not there */
export const readLedger = async (folder: string): Promise<readonly LedgerEntry[]> => (await readEntries(folder)).entries;

const renderEntry = (entry: LedgerEntry): string => `${JSON.stringify(entry)}\n`;

interface Found {
  existed: boolean;
  entries: LedgerEntry[];
  unread: string[];
}

async function readEntries(folder: string): Promise<Found> {
  const found: Found = { existed: true, entries: [], unread: [] };
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    return null;
  });
  if (names === null) return { ...found, existed: false };
  const files = names.filter((name) => name.endsWith(SUFFIX) && !name.startsWith("."));
  for (let at = 0; at < files.length; at += READS_AT_ONCE_MAX) {
    const batch = files.slice(at, at + READS_AT_ONCE_MAX);
    const entries = await Promise.all(batch.map((name) => readEntry(folder, name)));
    for (const [index, entry] of entries.entries()) {
      if (entry === null) found.unread.push(batch[index] ?? "");
      else found.entries.push(entry);
    }
  }
  return found;
}

/** null: junk. Whoever wrote it, it is not an entry of ours. */
async function readEntry(folder: string, name: string): Promise<LedgerEntry | null> {
  const read = await readBounded(join(folder, name), ENTRY_BYTES_MAX);
  if (read.kind !== "read") return null;
  const parsed = EntryFile.safeParse(parseJson(read.text));
  return parsed.success && `${parsed.data.uid}${SUFFIX}` === name ? parsed.data : null;
}

/** undefined for what is not JSON: no schema accepts it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
