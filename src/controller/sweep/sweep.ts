// Finds what is ours and nobody wants any more, beside the containers that passes take care of, and removes it when that is safe.
// Positive evidence only: an owner that says so, a grace after creation, two sightings. Folders are workspace-sweep.ts's.
import type { Logger } from "pino";
import {
  type ContainerId,
  type EpochMs,
  elapsed,
  type InstanceId,
  MINUTE_MS,
  type SandboxName,
  type SandboxUid,
  toSandboxName,
} from "../../api/brands.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { UnownedObject } from "../../api/wire.ts";
import { isOurs } from "../decide/ownership.ts";
import type { Engine, EngineObject } from "../engine/engine.ts";
import { type MeasureLimits, measureFolder } from "../folders/folder-size.ts";
import type { Ledger } from "../records/ledger.ts";
import type { WorkspaceSweep } from "./workspace-sweep.ts";

/** What was made less than this ago may still be on its way into the ledger or the config. */
const CREATION_GRACE_MS = MINUTE_MS;
/** For the sizes of one answer: the person who asked waits a minute at most. */
const MEASURED_ENTRIES_MAX = 500_000;
const MEASURED_MS_MAX = 10_000;

export interface SweepParts {
  now(): EpochMs;
  instance: InstanceId;
  engine: Engine;
  ledger: Ledger;
  /** Of the containers of the egress. */
  egressLedger: Ledger;
  log: Logger;
  workspaces: WorkspaceSweep;
  /** Removes requests that are about nothing any more. */
  sweepRequests(): Promise<SandboxName[]>;
  /** Whether a sandbox of this name is wanted, or may be. */
  mayBeWanted(name: SandboxName): boolean;
  /** A container whose sandbox no pass may have looked at. */
  suspect(name: SandboxName): void;
  /** What nothing wants or knows, and is still there. */
  counted(leaks: readonly UnownedObject[]): void;
}

export interface Swept {
  unowned: UnownedObject[];
  /** Each as `volume NAME`. */
  removed: string[];
}

/** With what is needed to measure it. */
type Found = UnownedObject & { containerId?: ContainerId };

export class Sweep {
  readonly #parts: SweepParts;
  /** Seen once as unowned: removable when seen again. */
  #sighted = new Set<string>();
  /** As last counted. */
  #leaks: readonly Found[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** What is unowned now. @throws OperationError when the engine can't be asked: then nothing is known, and nothing to prune */
  async observe(): Promise<UnownedObject[]> {
    const unowned = await this.#observe();
    this.#count(unowned.filter(({ fate }) => fate !== "kept"));
    return unowned.map(toUnowned);
  }

  /** How many objects nothing wants or knows, as last counted. */
  get leaks(): number {
    return this.#leaks.length;
  }

  /** A pass removed it: it is not counted until the next look. */
  containerGone(id: ContainerId): void {
    if (this.#leaks.some(({ containerId }) => containerId === id)) this.#count(this.#leaks.filter(({ containerId }) => containerId !== id));
  }

  #count(leaks: readonly Found[]): void {
    this.#leaks = leaks;
    this.#parts.counted(leaks);
  }

  /** The same with what each takes on disk, as far as that can be told in a few seconds. */
  async measure(): Promise<UnownedObject[]> {
    const limits: MeasureLimits = { entries: MEASURED_ENTRIES_MAX, signal: AbortSignal.timeout(MEASURED_MS_MAX) };
    const measured: UnownedObject[] = [];
    for (const found of await this.#observe()) measured.push({ ...toUnowned(found), size: await this.#sizeOf(found, limits) });
    return measured;
  }

  /**
   * Removes what may be removed; containers are handed to their pass, which checks ownership and use. One after the other: the timer's and
   * a person's are never at the same folder.
   */
  run(): Promise<Swept> {
    const run = this.#running.then(() => this.#run());
    this.#running = run.catch(() => undefined);
    return run;
  }

  async #run(): Promise<Swept> {
    await this.#forgetLostEntries();
    const unowned = await this.observe();
    const sighted = new Set(unowned.map(keyOf));
    const removed: string[] = [];
    for (const object of unowned) {
      if (object.fate !== "removable" || !this.#sighted.has(keyOf(object))) continue;
      const { kind, name } = object;
      if ((kind === "probe" || kind === "network" || kind === "volume") && (await this.#remove(kind, object)))
        removed.push(`${kind} ${name}`);
    }
    this.#sighted = sighted;
    removed.push(...(await this.#parts.workspaces.run()).map((path) => `workspace ${path}`));
    if (removed.length > 0) this.#count(this.#leaks.filter((leak) => !removed.includes(keyOf(leak))));
    removed.push(...(await this.#parts.sweepRequests()).map((name) => `request ${name}`));
    return { unowned, removed };
  }

  async #observe(): Promise<Found[]> {
    const [containers, egress, probes, networks, volumes, workspaces] = await Promise.all([
      this.#containers(),
      this.#egress(),
      this.#probes(),
      this.#objects("network"),
      this.#objects("volume"),
      this.#parts.workspaces.observe(),
    ]);
    return [...containers, ...egress, ...probes, ...networks, ...volumes, ...workspaces];
  }

  async #sizeOf({ kind, name, containerId }: Found, limits: MeasureLimits): Promise<UnownedObject["size"]> {
    if (kind === "workspace") return await measureFolder(name, limits);
    if (containerId === undefined) return null;
    const bytes = await this.#parts.engine.writtenBytes(containerId);
    return bytes === null ? null : { bytes, complete: true };
  }

  /** One that can't be removed (something uses it) is no reason to leave the others. */
  async #remove(kind: "probe" | "network" | "volume", { name, because }: UnownedObject): Promise<boolean> {
    const { engine, log } = this.#parts;
    try {
      const found = (await engine.objects(kind)).find((object) => object.name === name);
      if (found === undefined || (kind !== "probe" && this.#ownerOf(found) === null)) return false;
      await engine.removeObject(found);
      log.info({ kind, name, because }, "unowned object removed");
      return true;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      log.warn({ kind, name, code: error.code, because: renderError(error) }, "unowned object not removed");
      return false;
    }
  }

  /** A container of ours that nobody wants is its pass's to retire; until then it counts as unowned. */
  async #containers(): Promise<Found[]> {
    const { engine, instance, ledger, mayBeWanted, suspect } = this.#parts;
    const unowned: Found[] = [];
    const names = new Set((await engine.list()).map(({ name }) => name).filter((name) => !mayBeWanted(name)));
    for (const name of names) {
      const ours = (await engine.observe(name)).filter((observation) => isOurs(observation, instance, ledger));
      if (ours.length > 0) suspect(name);
      for (const { actualName, handle } of ours) {
        const because = "no agent and no session uses it";
        unowned.push({ kind: "container", name: actualName, because, fate: "removable", size: null, containerId: handle.id });
      }
    }
    return unowned;
  }

  /** The relays of sandboxes that nobody wants, and a proxy where nobody needs one: passes under their names remove them. */
  async #egress(): Promise<Found[]> {
    const { engine, mayBeWanted, suspect } = this.#parts;
    const { name: proxyName } = engine.egress;
    const [relays, proxies] = await Promise.all([
      engine.egress.relays(),
      mayBeWanted(proxyName) ? [] : engine.egress.containers(proxyName),
    ]);
    const found = [...relays, ...proxies.map(({ handle, name, actualName }) => ({ id: handle.id, name, actualName }))];
    const unowned = found.filter(({ name }) => !mayBeWanted(name));
    for (const name of new Set(unowned.map(({ name }) => name))) suspect(name);
    return unowned.map(({ actualName, id }) => {
      const because = "no sandbox needs it to reach what its list names";
      return { kind: "container", name: actualName, because, fate: "removable", size: null, containerId: id };
    });
  }

  async #probes(): Promise<Found[]> {
    const probes = await this.#parts.engine.objects("probe");
    return probes.map((object) => ({
      kind: "probe",
      name: object.name,
      because: "the probe that created it has ended",
      fate: this.#isOld(object) ? "removable" : "waits",
      size: null,
    }));
  }

  async #objects(kind: "network" | "volume"): Promise<Found[]> {
    const { engine, mayBeWanted } = this.#parts;
    return (await engine.objects(kind)).flatMap((object): Found[] => {
      const owner = this.#ownerOf(object);
      const found = { kind, name: object.name, size: null };
      if (owner === null) return [{ ...found, because: "it carries this controller's label but was not created by it", fate: "kept" }];
      if (mayBeWanted(owner)) return [];
      return [{ ...found, because: `the sandbox ${owner} is gone`, fate: this.#isOld(object) ? "removable" : "waits" }];
    });
  }

  /** The sandbox that it was made for: labels alone prove nothing, its own name has to say the same. null: it is somebody else's. */
  #ownerOf({ name, labels }: EngineObject): SandboxName | null {
    const owner = labels[LABEL.name] ?? "";
    const isNamed = owner !== "" && (name === owner || name.startsWith(`${owner}.`));
    return labels[LABEL.instance] === this.#parts.instance && isNamed ? toSandboxName(owner) : null;
  }

  #isOld({ createdAt }: EngineObject): boolean {
    return createdAt !== null && elapsed(createdAt, this.#parts.now()) > CREATION_GRACE_MS;
  }

  /** An entry whose container the engine does not have was written before a creation that never came, or outlived its container. */
  async #forgetLostEntries(): Promise<void> {
    await this.#forgetLostSandboxes();
    const { engine, egressLedger, now } = this.#parts;
    const old = egressLedger.entries().filter(({ createdAt }) => elapsed(createdAt, now()) > CREATION_GRACE_MS);
    if (old.length === 0) return;
    const present = new Set((await engine.egress.containers()).map(({ handle }) => handle.uid));
    for (const { uid } of old) if (!present.has(uid)) await egressLedger.forget(uid);
  }

  async #forgetLostSandboxes(): Promise<void> {
    const { engine, ledger, now } = this.#parts;
    const old = ledger.entries().filter(({ createdAt }) => elapsed(createdAt, now()) > CREATION_GRACE_MS);
    if (old.length === 0) return;
    const present = new Set((await engine.list()).map(({ id }) => id));
    const lost: SandboxUid[] = [];
    for (const { uid, containerId, name } of old) {
      if (containerId !== null && present.has(containerId)) continue;
      const byUid = (await engine.observe(name)).some(({ identity }) => identity.uid === uid);
      if (!byUid) lost.push(uid);
    }
    for (const uid of lost) await ledger.forget(uid);
  }
}

const keyOf = ({ kind, name }: UnownedObject): string => `${kind} ${name}`;

const toUnowned = ({ containerId: _, ...object }: Found): UnownedObject => object;
