// Compares a running container's mounts with what may be mounted: a handle on each source is checked as it is now, and what is visible
// inside must be the object behind the handle. When to compare is decided in decide/mounts.ts; what follows is the plan's business.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerId, EpochMs, SandboxName } from "../../api/brands.ts";
import type { HostFolders } from "../../api/config/config.ts";
import type { SandboxFolders } from "../../api/config/sandbox-folders.ts";
import { type ErrorCode, isErrorCode, OperationError, renderError } from "../../api/errors.ts";
import type { ContainerSpec, Mount } from "../../api/sandbox.ts";
import { isUntouched, outsideMounts, runsImagePrograms } from "../decide/mounts.ts";
import type { MountsFact, OwnedContainer } from "../decide/types.ts";
import type { Engine, Handle, Observation } from "../engine/engine.ts";
import { isFixedPath, toSourceJudge } from "../folders/host-folders.ts";
import { type OpenSource, openSource } from "../folders/open-source.ts";

export interface MountCheckParts {
  now(): EpochMs;
  /** A new UUID. */
  newUid(): string;
  engine: Engine;
  folders: HostFolders;
  /** An empty folder of the controller's own, made where it is missing. */
  calibrationFolder: string;
  /** What the sandboxes of all agents mount now. */
  sandboxFolders(): SandboxFolders;
  /** `docker.user` of every agent; null: whoever owns the workspace, never root. */
  users(): readonly (string | null)[];
  /** Told once about each container that mounts something else. */
  refused(name: SandboxName, message: string): void;
}

interface Known {
  incarnation: string;
  fact: MountsFact;
}

/** A mount of a container and the handle on what it should be. */
interface Pair {
  mount: Mount;
  source: OpenSource;
}

const OWN: MountsFact = { kind: "own" };
const NOT_COMPARED: MountsFact = { kind: "not-compared" };
/** Where a container that is only there to be looked at has our folder. */
const CALIBRATION_TARGET = "/openclaw-look";
/** Something is there, and no program of the image tells its number. */
const UNNAMED = "?";
const NONCE_PREFIX = ".openclaw-look-";
/** More containers than one engine holds; those that others removed are forgotten then. */
const KNOWN_MAX = 10_000;

export class MountCheck {
  readonly #parts: MountCheckParts;
  /** By run: a container that is started again is compared again. In memory on purpose: what an earlier process compared says nothing. */
  readonly #known = new Map<ContainerId, Known>();
  /** Whether numbers of files mean the same here and inside, by runtime. */
  readonly #comparable = new Map<string, Promise<"yes" | "no" | "unknown">>();

  constructor(parts: MountCheckParts) {
    this.#parts = parts;
  }

  factOf({ handle, created }: Observation): MountsFact {
    if (this.outside(created.mounts).length === 0) return OWN;
    const known = this.#known.get(handle.id);
    return known?.incarnation === handle.incarnation ? known.fact : NOT_COMPARED;
  }

  /** The mounts that are compared. */
  outside(mounts: readonly Mount[]): Mount[] {
    return outsideMounts(mounts, this.#parts.folders.stateDir);
  }

  forget(id: ContainerId): void {
    this.#known.delete(id);
  }

  /**
   * Looks, and remembers what came of it for this run of the container.
   * @throws OperationError when the engine can't be asked now: nothing is known then
   */
  async compare(name: SandboxName, container: OwnedContainer, imageEnv: Readonly<Record<string, string>> | null): Promise<void> {
    const { handle } = container.observation;
    const fact = await this.#look(container, imageEnv);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(handle.id, { incarnation: handle.incarnation, fact });
    if (fact.kind === "refused") this.#parts.refused(name, fact.message);
  }

  async #look(container: OwnedContainer, imageEnv: Readonly<Record<string, string>> | null): Promise<MountsFact> {
    const { created } = container.observation;
    const mayAskImage = runsImagePrograms(created, imageEnv);
    await using opened = new AsyncDisposableStack();
    const pairs: Pair[] = [];
    const judge = await toSourceJudge({ ...this.#parts.folders, sandboxes: this.#parts.sandboxFolders() });
    for (const mount of this.outside(created.mounts)) {
      const source = await openSource(mount.source, { noLink: mount.kind !== "bind" });
      if (source === null) return this.#refused(mount, "nothing is there any more");
      opened.use(source);
      const refusal = judge(mount, source.path);
      if (refusal !== null) return this.#refused(mount, `it is now ${source.path}: ${refusal.message}`);
      pairs.push({ mount, source });
    }
    return (await this.#isComparable(container.observation))
      ? await this.#compareNumbers(container, pairs, mayAskImage)
      : await this.#compareByFile(container, pairs, mayAskImage);
  }

  #refused({ source, target }: Mount, why: string): MountsFact {
    return {
      kind: "refused",
      at: this.#parts.now(),
      message: `the mount at ${target} may not be ${source}, which was checked: ${why}`,
    };
  }

  /** Each thing has a device and an inode of its own, and keeps them while it is open here. */
  async #compareNumbers(container: OwnedContainer, pairs: readonly Pair[], mayAskImage: boolean): Promise<MountsFact> {
    const { handle, created } = container.observation;
    const untouched = isUntouched(container);
    const targets = pairs.map(({ mount }) => mount.target);
    // A root that can be written is nobody's to vouch for, although nobody was in there yet.
    const by = untouched && mayAskImage && created.readOnlyRoot ? "image" : "beside";
    let seen: readonly (string | null)[];
    try {
      seen = await this.#parts.engine.identify(handle, targets, by);
    } catch (error) {
      if (!isNoLook(error)) throw error;
      const message = `its mounts can't be read: ${renderError(error)}`;
      return untouched ? { kind: "refused", at: this.#parts.now(), message } : { kind: "unclear", message };
    }
    if (seen.includes(UNNAMED)) return await this.#compareByFile(container, pairs, mayAskImage);
    for (const [index, { mount, source }] of pairs.entries()) {
      const found = seen[index] ?? null;
      if (found !== source.identity)
        return this.#refused(mount, `inside it is file ${found ?? "(none)"}, but ${source.path} is file ${source.identity}`);
    }
    return { kind: "compared" };
  }

  /** Another kernel has other numbers, and some images no program that tells them: what only this process can have put into the source must be seen inside. */
  async #compareByFile(container: OwnedContainer, pairs: readonly Pair[], mayAskImage: boolean): Promise<MountsFact> {
    if (!isUntouched(container)) return { kind: "unclear", message: "it was restarted, and only a new container's mounts can be verified" };
    const { handle, created } = container.observation;
    const name = `${NONCE_PREFIX}${this.#parts.newUid()}`;
    const written: Pair[] = [];
    try {
      for (const pair of pairs) {
        if (mayAskImage && pair.source.isFolder && (await write(join(pair.source.at, name)))) written.push(pair);
        else if (!(await isFixedPath(pair.source.path, [created.user, ...this.#parts.users()])))
          return this.#refused(pair.mount, "this engine can't verify it, and a sandbox's user may write to a folder above it");
      }
      if (written.length === 0) return { kind: "compared" };
      const seen = await this.#parts.engine.identify(
        handle,
        written.map(({ mount }) => join(mount.target, name)),
        "image",
      );
      const missing = written.find((_, index) => (seen[index] ?? null) === null);
      return missing === undefined ? { kind: "compared" } : this.#refused(missing.mount, "a file created there is not visible inside");
    } finally {
      for (const { source } of written) await rm(join(source.at, name), { force: true });
    }
  }

  /** Tried once for each runtime, on a folder of ours; an engine that can't be asked now is asked again, and so is an image that can't tell. */
  async #isComparable({ created, imageId }: Observation): Promise<boolean> {
    const runtime = created.runtime ?? "";
    const known = this.#comparable.get(runtime);
    if (known !== undefined) return (await known) === "yes";
    const trying = this.#calibrate({ ...created, image: imageId, live: CALIBRATION_LIMITS, setupCommand: null });
    this.#comparable.set(runtime, trying);
    const forget = (): boolean => this.#comparable.delete(runtime);
    trying.then((answer) => answer === "unknown" && forget(), forget);
    return (await trying) === "yes";
  }

  async #calibrate(container: ContainerSpec): Promise<"yes" | "no" | "unknown"> {
    const { calibrationFolder, engine } = this.#parts;
    await mkdir(calibrationFolder, { recursive: true, mode: 0o700 });
    await using folder = await openSource(calibrationFolder, { noLink: true });
    if (folder === null) throw new OperationError("HostRejected", `${calibrationFolder} is a symbolic link; remove it`);
    const mounts: Mount[] = [{ kind: "bind", source: calibrationFolder, target: CALIBRATION_TARGET, readOnly: true }];
    const bare = { workdir: "/", network: "none", env: { HOME: "/" }, gpus: null, dns: [], extraHosts: [], mounts };
    const look = async (handle: Handle): Promise<"yes" | "no" | "unknown"> => {
      const [seen] = await engine.identify(handle, [CALIBRATION_TARGET], "image");
      return seen === UNNAMED ? "unknown" : seen === folder.identity ? "yes" : "no";
    };
    return await engine.probe({ spec: { ...container, ...bare }, script: ":" }, look);
  }
}

const CALIBRATION_LIMITS = { cpus: null, memory: null, memorySwap: null, pidsLimit: 64 };

/** Rather than that the engine, or this run of the container, is not there to be asked. */
const isNoLook = (error: unknown): boolean =>
  error instanceof OperationError && error.remedy !== "wait" && !NOT_NOW.some((code) => isErrorCode(error, code));
const NOT_NOW: readonly ErrorCode[] = ["EngineUnreachable", "EngineTimeout", "NotReady"];

/** False: the host does not let this process. */
async function write(path: string): Promise<boolean> {
  try {
    await writeFile(path, "", { flag: "wx", mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}
