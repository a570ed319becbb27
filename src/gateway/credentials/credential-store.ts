// Keeps the secrets of model providers: one file per profile, its owner's alone, changed under a lock that also holds between containers, and only if it
// is still the one that was read. A damaged file is said and set aside, never overwritten. What a secret is for is credentials.ts's.
import { chmod, lstat, mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { type EpochMs, renderTime } from "../../api/brands.ts";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import type { ProfileId } from "../../api/models/credential.ts";
import { toPlainText } from "../../api/plain-issue.ts";
import { explainErrno, isTemporaryName, readBounded, removeFile, replaceFile, toFileError } from "../../api/store/atomic-file.ts";
import { withFileLock } from "../../api/store/kernel-lock.ts";
import { type Credential, CredentialFile, FILE_BYTES_MAX, toFileName, toFileText, toLockName, toProfile } from "./profile-file.ts";

export type CredentialRead =
  | { kind: "found"; credential: Credential }
  | { kind: "missing" }
  /** `message`: one clause, with the file. */
  | { kind: "unreadable"; message: string };

export interface CredentialStoreParts {
  /** Absolute: `<state>/gateway/credentials`. */
  folder: string;
  now(): EpochMs;
}

/** What may be done to one profile while its lock is held. */
export interface HeldProfile {
  read(): Promise<CredentialRead>;
  /**
   * @param expected the revision that it replaces, null: none, "any": whatever is there
   * @returns false: another one is there by now, and stays
   * @throws OperationError `HostRejected`
   */
  write(credential: Credential, expected: string | null | "any"): Promise<boolean>;
  /** Whether a write would work, as far as a trial can show: it leaves nothing. @throws OperationError `HostRejected` */
  rehearse(): Promise<void>;
  /** @returns whether there was anything of it. @throws OperationError `HostRejected` */
  remove(): Promise<boolean>;
}

/** A refresh takes as long as its server may (oauth-client.ts), and a second to write. */
const LOCK_WAIT_MS_MAX = 45_000;
/** A person has a handful. */
const PROFILES_MAX = 1_000;

export class CredentialStore {
  readonly #folder: string;
  readonly #now: () => EpochMs;

  constructor({ folder, now }: CredentialStoreParts) {
    this.#folder = folder;
    this.#now = now;
  }

  get folder(): string {
    return this.#folder;
  }

  async read(profile: ProfileId): Promise<CredentialRead> {
    const path = this.#path(profile);
    const read = await readBounded(path, FILE_BYTES_MAX);
    if (read.kind === "missing") return read;
    if (read.kind === "unreadable") return { kind: "unreadable", message: `${path}: ${read.message}` };
    return parse(read.text, profile, path);
  }

  /** Every profile that there is a file of, by name. @throws OperationError `HostRejected`: the folder can't be read */
  async list(): Promise<ProfileId[]> {
    const profiles = (await this.#files()).flatMap((name) => toProfile(name) ?? []).sort();
    if (profiles.length <= PROFILES_MAX) return profiles;
    throw new OperationError("HostRejected", `${this.#folder} contains more than ${PROFILES_MAX} profiles`);
  }

  /** While no other process has this profile. @throws OperationError `Aborted`: others had it for too long; `HostRejected` */
  async hold<Result>(profile: ProfileId, work: (held: HeldProfile) => Promise<Result>): Promise<Result> {
    return await this.holdFile(toLockName(profile), `the profile ${profile}`, async () => {
      const held: HeldProfile = {
        read: () => this.read(profile),
        write: (credential, expected) => this.#write(credential, expected),
        rehearse: () => this.#rehearse(profile),
        remove: () => this.#remove(profile),
      };
      await this.#removeUnfinished(profile);
      return await work(held);
    });
  }

  /** The same for another file of the folder. */
  async holdFile<Result>(lockName: string, busy: string, work: () => Promise<Result>): Promise<Result> {
    await openFolder(this.#folder);
    return await withFileLock(join(this.#folder, lockName), { waitMsMax: LOCK_WAIT_MS_MAX, busy }, work);
  }

  async #files(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw new OperationError("HostRejected", `${this.#folder} can't be read: ${explainErrno(error)}`, {
        cause: error,
        fix: "run the command as the user that runs the gateway, or as root",
      });
    }
  }

  async #write(credential: Credential, expected: string | null | "any"): Promise<boolean> {
    const { name } = credential.metadata;
    const before = await this.read(name);
    if (expected !== "any" && revisionOf(before) !== expected) return false;
    if (before.kind === "unreadable") await this.#setAside(name);
    await replaceFile(this.#path(name), toFileText(credential), { durable: true, mode: 0o600 });
    return true;
  }

  /** A person may still want what is in it. */
  async #setAside(profile: ProfileId): Promise<void> {
    const path = this.#path(profile);
    try {
      await rename(path, `${path}.damaged-${renderTime(this.#now()).replaceAll(":", "")}`);
    } catch (error) {
      throw toFileError("write", path, error);
    }
  }

  async #rehearse(profile: ProfileId): Promise<void> {
    const trial = `${this.#path(profile)}.trial`;
    await replaceFile(trial, Buffer.alloc(FILE_BYTES_MAX), { durable: true, mode: 0o600 });
    await removeFile(trial);
  }

  async #remove(profile: ProfileId): Promise<boolean> {
    const fileName = toFileName(profile);
    const files = (await this.#files()).filter((name) => name === fileName || name.startsWith(`${fileName}.`));
    for (const name of files) await removeFile(join(this.#folder, name));
    return files.length > 0;
  }

  /** Whoever holds the lock is the only one who writes: what is unfinished is of one that was killed. */
  async #removeUnfinished(profile: ProfileId): Promise<void> {
    const begin = `.${toFileName(profile)}.`;
    for (const name of await this.#files()) if (name.startsWith(begin) && isTemporaryName(name)) await removeFile(join(this.#folder, name));
  }

  #path(profile: ProfileId): string {
    return join(this.#folder, toFileName(profile));
  }
}

/** null: there is none that could be read. */
const revisionOf = (read: CredentialRead): string | null => (read.kind === "found" ? read.credential.metadata.revision : null);

function parse(text: string, profile: ProfileId, path: string): CredentialRead {
  const json = parseJson(text);
  if (json === undefined) return { kind: "unreadable", message: `${path}: it is not valid JSON` };
  const parsed = CredentialFile.safeParse(json.value, { error: toPlainText });
  // Only where, never what: it is a secret.
  if (!parsed.success)
    return { kind: "unreadable", message: `${path}: ${parsed.error.issues[0]?.path.join(".") || "its content"} is not as it was written` };
  if (parsed.data.metadata.name !== profile) return { kind: "unreadable", message: `${path}: it is the file of another profile` };
  return { kind: "found", credential: parsed.data };
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Makes it for its owner alone; one that others could enter is closed. @throws OperationError `HostRejected` */
async function openFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const facts = await lstat(folder);
    if (!facts.isDirectory())
      throw new OperationError("HostRejected", `${folder} is not a folder`, { fix: `mv '${folder}' '${folder}.old'` });
    if ((facts.mode & 0o077) !== 0) await chmod(folder, 0o700);
  } catch (error) {
    throw toFileError("write", folder, error);
  }
}
