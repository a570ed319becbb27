// The paired devices: a file each, and what the files say now. A file that goes or grants less ends what the device has open, whoever changed it:
// the gateway, or a person who removed it. Who may change what is pairing.ts's.
import PQueue from "p-queue";
import { type DeviceId, type EpochMs, renderTime } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { Scope } from "../../api/gateway-protocol/scopes.ts";
import { renderIssue } from "../../api/issue.ts";
import { watchFolder } from "../../api/store/folder-watch.ts";
import { makeFolder } from "../../api/store/group-folder.ts";
import type { ObjectListing, ObjectStore } from "../../api/store/object-store.ts";
import { createDeviceStore, DEVICE_FILE_SUFFIX, DEVICES_MAX, type Device, type DeviceFile, toDevicesFolder } from "./device-files.ts";

export interface DevicesParts {
  /** Absolute. */
  stateDir: string;
  now(): EpochMs;
  /** A file can't be used: its device is not paired. Told once for as long as it lasts. */
  unusable(issue: string): void;
}

interface Held {
  device: Device;
  /** Ends what the device has open. */
  authority: AbortController;
  /** Ends what is open by one of its tokens alone. */
  tokens: AbortController;
}

export class Devices {
  readonly #stateDir: string;
  readonly #parts: DevicesParts;
  readonly #store: ObjectStore<typeof Device>;
  readonly #held = new Map<DeviceId, Held>();
  /** Changes of files come one after the other. */
  readonly #changes = new PQueue({ concurrency: 1 });
  #told: ReadonlySet<string> = new Set();

  private constructor(parts: DevicesParts) {
    this.#stateDir = parts.stateDir;
    this.#parts = parts;
    this.#store = createDeviceStore(parts);
  }

  /** @throws OperationError `HostRejected` */
  static async open(parts: DevicesParts): Promise<Devices> {
    await makeFolder(toDevicesFolder(parts.stateDir));
    const devices = new Devices(parts);
    devices.#apply(await devices.#store.list());
    return devices;
  }

  /** Follows what others do to the files, until the signal aborts. */
  watch(signal: AbortSignal): void {
    const look = async (): Promise<void> => this.#apply(await this.#store.list());
    watchFolder({ folder: toDevicesFolder(this.#stateDir), signal, changed: () => void this.#changes.add(look) });
  }

  /** In the order in which they were paired; revoked ones too. */
  list(): Device[] {
    return [...this.#held.values()]
      .map(({ device }) => device)
      .sort((left, right) => left.metadata.createdAt - right.metadata.createdAt || (left.metadata.name < right.metadata.name ? -1 : 1));
  }

  find(id: string): Device | null {
    return this.#held.get(id as DeviceId)?.device ?? null;
  }

  /** Aborts when the device goes, is revoked, or may do less or more than now. Aborted already: it is not there. */
  authority(id: DeviceId): AbortSignal {
    return this.#held.get(id)?.authority.signal ?? AbortSignal.abort();
  }

  /** Aborts when its tokens become void, too. */
  tokens(id: DeviceId): AbortSignal {
    return this.#held.get(id)?.tokens.signal ?? AbortSignal.abort();
  }

  /**
   * On disk, for good, once it resolves. `make` is given what is on disk in its turn: a revocation that came a moment ago is not undone.
   * @throws OperationError `LimitExceeded`, `HostRejected`, and what `make` throws
   */
  async pair(id: DeviceId, make: (before: Device | null) => DeviceFile): Promise<Device> {
    return await this.#change(async () => {
      const read = await this.#store.get(id);
      const before = read.kind === "found" ? read.object : null;
      if (before === null && this.#held.size >= DEVICES_MAX)
        throw new OperationError("LimitExceeded", `${DEVICES_MAX} devices are paired already`, { fix: "openclaw devices remove DEVICE" });
      return make(before);
    });
  }

  /** @throws OperationError `NotFound`, `HostRejected` */
  async update(id: string, change: (device: Device) => Device): Promise<Device> {
    return await this.#change(async () => {
      // From disk: a file that a person removed a moment ago must not come back.
      const read = await this.#store.get(id);
      if (read.kind !== "found") throw noDevice(id);
      return toDeviceFile(change(read.object));
    });
  }

  /** @throws OperationError `NotFound`, `HostRejected` */
  async remove(id: string): Promise<void> {
    await this.#inTurn(async () => {
      const wasThere = await this.#store.remove(id);
      await this.#look(id);
      if (!wasThere) throw noDevice(id);
    });
  }

  async #change(next: () => Promise<DeviceFile>): Promise<Device> {
    return await this.#inTurn(async () => {
      const file = await next();
      const { name } = file.metadata;
      await this.#store.put(name, file);
      await this.#look(name);
      const device = this.find(name);
      if (device === null)
        throw new OperationError("HostRejected", `the device's file in ${toDevicesFolder(this.#stateDir)} is gone again`);
      return device;
    });
  }

  async #look(id: string): Promise<void> {
    this.#apply(await this.#store.refresh([`${id}${DEVICE_FILE_SUFFIX}`]));
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    return await this.#changes.add(work);
  }

  /** What can't be read is not paired. */
  #apply({ objects, issues }: ObjectListing<Device>): void {
    for (const [id, held] of this.#held) {
      if (objects.has(id)) continue;
      this.#held.delete(id);
      held.authority.abort();
      held.tokens.abort();
    }
    for (const device of objects.values()) this.#hold(device);
    const lines = new Set(issues.map(renderIssue));
    for (const line of lines) if (!this.#told.has(line)) this.#parts.unusable(line);
    this.#told = lines;
  }

  #hold(device: Device): void {
    const id = device.metadata.name;
    const before = this.#held.get(id);
    const isSameAuthority = before !== undefined && renderAuthority(before.device) === renderAuthority(device);
    const isSameTokens = isSameAuthority && before.device.spec.generation === device.spec.generation;
    this.#held.set(id, {
      device,
      authority: isSameAuthority ? before.authority : new AbortController(),
      tokens: isSameTokens ? before.tokens : new AbortController(),
    });
    if (!isSameAuthority) before?.authority.abort();
    if (!isSameTokens) before?.tokens.abort();
  }
}

/** What a connection was let in for. */
function renderAuthority({ metadata, spec: { publicKey, scopes, revokedAt } }: Device): string {
  return JSON.stringify([metadata.createdAt, publicKey, scopes, revokedAt]);
}

function toDeviceFile({ metadata, spec: { revokedAt, ...spec }, ...rest }: Device): DeviceFile {
  return {
    ...rest,
    metadata: { ...metadata, createdAt: renderTime(metadata.createdAt) },
    spec: { ...spec, ...(revokedAt !== undefined && { revokedAt: renderTime(revokedAt) }) },
  };
}

function noDevice(id: string): OperationError {
  return new OperationError("NotFound", `no paired device ${JSON.stringify(id.slice(0, 80))}`, { fix: "openclaw devices list" });
}

/** A device that may connect. */
export const isActive = (device: Device | null): device is Device => device !== null && device.spec.revokedAt === undefined;

/** Scopes in words, for people. */
export const renderScopes = (scopes: readonly Scope[]): string => (scopes.length === 0 ? "nothing" : scopes.join(", "));
