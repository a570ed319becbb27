// Finds what is ours and nobody wants any more, beside the containers that passes take care of, and removes it when that is safe.
// Positive evidence only: two sightings, a grace after creation, and an owner that says so. Never a folder without our owner marker.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type EpochMs, elapsed, type InstanceId, MINUTE_MS, type SandboxName, type SandboxUid } from "../api/brands.ts";
import { LABEL } from "../api/labels.ts";
import { readBounded } from "../api/store/atomic-file.ts";
import type { UnownedObject } from "../api/wire.ts";
import { isOurs } from "./decide/ownership.ts";
import type { Engine, EngineObject } from "./engine/engine.ts";
import { OWNERS_FOLDER, OwnerMarker } from "./host.ts";
import type { Ledger } from "./ledger.ts";

/** What was made less than this ago may still be on its way into the ledger or the config. */
const CREATION_GRACE_MS = MINUTE_MS;
const MARKER_BYTES_MAX = 16_384;

export interface SweepParts {
  now(): EpochMs;
  instance: InstanceId;
  engine: Engine;
  ledger: Ledger;
  log: Logger;
  /** Folders that hold scope workspaces. */
  workspaceRoots(): readonly string[];
  /** Whether a sandbox of this name is wanted, or may be. */
  mayBeWanted(name: SandboxName): boolean;
  /** A container whose sandbox no pass may have looked at. */
  suspect(name: SandboxName): void;
}

export class Sweep {
  readonly #parts: SweepParts;
  /** Seen once as unowned: removable when seen again. */
  #sighted = new Map<string, EpochMs>();

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** What is unowned now. @throws OperationError when the engine can't be asked: then nothing is known, and nothing is unowned */
  async observe(): Promise<UnownedObject[]> {
    const [containers, probes, networks, volumes, workspaces] = await Promise.all([
      this.#containers(),
      this.#objects("probe"),
      this.#objects("network"),
      this.#objects("volume"),
      this.#workspaces(),
    ]);
    return [...containers, ...probes, ...networks, ...volumes, ...workspaces];
  }

  /** Removes what may be removed; containers are handed to their pass, which checks ownership and use. Returns the names. */
  async run(): Promise<{ unowned: UnownedObject[]; removed: string[] }> {
    const { engine, log } = this.#parts;
    await this.#forgetLostEntries();
    const unowned = await this.observe();
    const sightings = new Map(unowned.map((object) => [keyOf(object), this.#sighted.get(keyOf(object)) ?? this.#parts.now()]));
    const removed: string[] = [];
    for (const object of unowned) {
      const twice = this.#sighted.has(keyOf(object));
      if (!object.removable || !twice) continue;
      if (object.kind === "probe" || object.kind === "network" || object.kind === "volume") {
        const found = (await engine.objects(object.kind)).find(({ name }) => name === object.name);
        if (found === undefined) continue;
        await engine.removeObject(found);
        removed.push(`${object.kind} ${object.name}`);
        log.info({ kind: object.kind, name: object.name, because: object.because }, "unowned object removed");
      }
    }
    this.#sighted = sightings;
    return { unowned, removed };
  }

  /** A container of ours that nobody wants is its pass's to retire; until then it counts as unowned. */
  async #containers(): Promise<UnownedObject[]> {
    const { engine, instance, ledger, mayBeWanted, suspect } = this.#parts;
    const unowned: UnownedObject[] = [];
    const names = new Set((await engine.list()).map(({ name }) => name).filter((name) => !mayBeWanted(name)));
    for (const name of names) {
      const ours = (await engine.observe(name)).filter((observation) => isOurs(observation, instance, ledger));
      if (ours.length > 0) suspect(name);
      for (const { actualName } of ours) {
        unowned.push({ kind: "container", name: actualName, because: "no config and no session wants it", removable: true, bytes: null });
      }
    }
    return unowned;
  }

  async #objects(kind: "probe" | "network" | "volume"): Promise<UnownedObject[]> {
    const { engine, instance } = this.#parts;
    const ours = (await engine.objects(kind)).filter(({ labels }) => labels[LABEL.instance] === instance);
    return ours.map((object) => ({
      kind,
      name: object.name,
      because: "nothing uses it any more",
      removable: this.#isOld(object),
      bytes: null,
    }));
  }

  #isOld({ createdAt }: EngineObject): boolean {
    return createdAt !== null && elapsed(createdAt, this.#parts.now()) > CREATION_GRACE_MS;
  }

  /** A workspace keeps its session's files on purpose (`prune.workspaces: "keep"`): it is listed, and it is not a leak. */
  async #workspaces(): Promise<UnownedObject[]> {
    const { instance, mayBeWanted } = this.#parts;
    const unowned: UnownedObject[] = [];
    for (const root of this.#parts.workspaceRoots()) {
      const markers = await readdir(join(root, OWNERS_FOLDER)).catch(() => []);
      for (const file of markers.filter((name) => name.endsWith(".json"))) {
        const marker = await readMarker(join(root, OWNERS_FOLDER, file));
        if (marker === null || marker.instance !== instance || mayBeWanted(marker.name as SandboxName)) continue;
        const because = 'its sandbox is gone; prune.workspaces is "keep"';
        unowned.push({ kind: "workspace", name: marker.path, because, removable: false, bytes: null });
      }
    }
    return unowned;
  }

  /** An entry whose container the engine does not have was written before a creation that never came, or outlived its container. */
  async #forgetLostEntries(): Promise<void> {
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

async function readMarker(path: string): Promise<OwnerMarker | null> {
  const read = await readBounded(path, MARKER_BYTES_MAX);
  if (read.kind !== "read") return null;
  try {
    return OwnerMarker.parse(JSON.parse(read.text));
  } catch {
    return null;
  }
}
