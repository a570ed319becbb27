// Devices that asked to be paired and are awaiting a decision: a file each, few, and bounded by where they come from, so that a flood of made-up
// devices pushes out its own requests; never one of a device that is paired, or of this host. A request's id covers all that is shown of it.
// Deciding is pairing.ts's.
import { createHmac } from "node:crypto";
import PQueue from "p-queue";
import { isLoopback, toNetwork, toSite } from "../../api/address.ts";
import { type DeviceId, type EpochMs, elapsed, HOUR_MS, renderTime, toDurationMs, unreachable } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { DeviceClient } from "../../api/gateway-protocol/devices.ts";
import type { Scope } from "../../api/gateway-protocol/scopes.ts";
import { API_VERSION } from "../../api/session.ts";
import type { ObjectStore } from "../../api/store/object-store.ts";
import { createPairingStore, type PairingRequest, type PairingRequestFile } from "./device-files.ts";

/** What a device says of itself, after it has shown its key. */
export interface Applicant {
  deviceId: DeviceId;
  publicKey: string;
  label: string;
  client: DeviceClient;
  scopes: Scope[];
  address: string;
}

export type Asked =
  | { kind: "pending"; request: PairingRequest; isNew: boolean }
  | { kind: "rejected"; request: PairingRequest }
  /** Too many new ones from there. */
  | { kind: "limited"; retryAfterMs: number };

export interface PairingRequestsParts {
  /** Absolute. */
  stateDir: string;
  now(): EpochMs;
  /** At least 128 bits of chance, the gateway's alone. */
  secret: string;
  /** Whether it is paired, and asks for more. */
  isPaired(deviceId: DeviceId): boolean;
}

/** Of one network, and of this host. A device that asks again every 30 s stays, whoever else asks from there: at most 7 new ones come in that time. */
const PER_NETWORK_MAX = 8;
/** New ones of one network: so many at once, and then one each so many milliseconds. */
const NEW_AT_ONCE_MAX = 4;
const NEW_EACH_MS = 10_000;
/** Of all networks but this host: as many as 16 can have, and more than a person looks at. Beyond that it costs the site that has the most. */
const REQUESTS_MAX = 128;
/** Of devices that are paired: each was let in by a person, who has a handful. */
const PAIRED_MAX = 64;
/** A device that no longer asks is gone after this, and asks anew. A rejected one is told so for as long. */
const REQUEST_LIFE_MS = HOUR_MS;
/** Origins whose new requests are counted; the oldest are forgotten. */
const ORIGINS_MAX = 10_000;
/** A device that asks again after this waits for a person; one that was made up has something else to do. Clients come back every few seconds. */
const BACK_MS = toDurationMs(3_000);
/** That were pushed out and may come back; a flood of a hundred a second leaves them a minute and a half to do so. */
const PUSHED_OUT_MAX = 10_000;
/** Without what looks alike: I, L, O, U, 0, 1. */
const CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH = 6;

/** What a request is bounded with: nobody made up a device that is paired, and no flood from elsewhere is on this host. */
type Origin = { kind: "paired"; deviceId: DeviceId } | { kind: "here" } | { kind: "network"; network: string };

interface Held {
  request: PairingRequest;
  /** When the device last asked. */
  seenAt: EpochMs;
  /** It asked again: it goes after all that asked once. */
  isBack: boolean;
}

export class PairingRequests {
  readonly #parts: PairingRequestsParts;
  readonly #store: ObjectStore<typeof PairingRequest>;
  /** By device: one request each. */
  readonly #held = new Map<DeviceId, Held>();
  readonly #changes = new PQueue({ concurrency: 1 });
  /** By origin: from when on its new requests would all be paid for, at one each NEW_EACH_MS. */
  readonly #paidUntil = new Map<string, number>();
  /** By the request's id: when one first asked for which there was no room any more. */
  readonly #pushedOut = new Map<string, EpochMs>();

  private constructor(parts: PairingRequestsParts) {
    this.#parts = parts;
    this.#store = createPairingStore(parts);
  }

  /** What can't be read is forgotten: the device asks again. */
  static async open(parts: PairingRequestsParts): Promise<PairingRequests> {
    const requests = new PairingRequests(parts);
    const { objects, unread } = await requests.#store.list();
    for (const request of objects.values()) requests.#held.set(request.metadata.name, toHeld(request));
    for (const name of unread) await requests.#store.remove(name);
    await requests.#changes.add(() => requests.#makeRoom(null));
    return requests;
  }

  /** Awaiting a decision, the newest first. */
  list(): PairingRequest[] {
    const now = this.#parts.now();
    return [...this.#held.values()]
      .filter((held) => !isOver(held, now) && held.request.spec.rejectedAt === undefined)
      .map(({ request }) => request)
      .sort((left, right) => right.metadata.createdAt - left.metadata.createdAt);
  }

  /** @throws OperationError `NotFound` */
  get(requestId: string): PairingRequest {
    const found = this.list().find(({ spec }) => spec.requestId === requestId);
    if (found !== undefined) return found;
    throw new OperationError("NotFound", `no device is awaiting a decision under ${JSON.stringify(requestId.slice(0, 40))}`, {
      fix: "openclaw devices list; the device shows the id of its request, and asks anew when it connects again",
    });
  }

  /** The same applicant gets the same request; one that says anything else, another one in its place. @throws OperationError `HostRejected` */
  async ask(applicant: Applicant): Promise<Asked> {
    return await this.#changes.add(async () => {
      const { now } = this.#parts;
      const request = this.#toRequest(applicant);
      const known = this.#held.get(applicant.deviceId);
      if (known !== undefined && !isOver(known, now()) && known.request.spec.requestId === request.spec.requestId) {
        known.seenAt = now();
        known.isBack ||= elapsed(known.request.metadata.createdAt, now()) >= BACK_MS;
        const isRejected = known.request.spec.rejectedAt !== undefined;
        return isRejected ? { kind: "rejected", request: known.request } : { kind: "pending", request: known.request, isNew: false };
      }
      const origin = this.#originOf(applicant.deviceId, applicant.address);
      const retryAfterMs = this.#countNew(renderOrigin(origin));
      if (retryAfterMs > 0) return { kind: "limited", retryAfterMs };
      this.#held.delete(applicant.deviceId);
      const firstAt = this.#pushedOut.get(request.spec.requestId);
      this.#pushedOut.delete(request.spec.requestId);
      await this.#makeRoom(origin);
      await this.#store.put(applicant.deviceId, toFile(request));
      const isBack = firstAt !== undefined && elapsed(firstAt, now()) >= BACK_MS;
      this.#held.set(applicant.deviceId, { ...toHeld(request), isBack });
      return { kind: "pending", request, isNew: true };
    });
  }

  /** The device is told so when it asks for the same again. @throws OperationError `NotFound`, `HostRejected` */
  async reject(requestId: string): Promise<PairingRequest> {
    return await this.#changes.add(async () => {
      const before = this.get(requestId);
      const request = { ...before, spec: { ...before.spec, rejectedAt: this.#parts.now() } };
      await this.#store.put(request.metadata.name, toFile(request));
      this.#held.set(request.metadata.name, { request, seenAt: this.#parts.now(), isBack: true });
      return request;
    });
  }

  /** What the device asked for is decided otherwise, or the device is. @throws OperationError `HostRejected` */
  async forget(deviceId: DeviceId): Promise<void> {
    await this.#changes.add(async () => await this.#drop(deviceId));
  }

  #toRequest({ deviceId, publicKey, label, client, scopes, address }: Applicant): PairingRequest {
    const shown = JSON.stringify([deviceId, label, client.id, client.mode, client.platform, client.deviceFamily ?? "", scopes]);
    const digest = createHmac("sha256", this.#parts.secret).update(`request\0${shown}`).digest();
    return {
      apiVersion: API_VERSION,
      kind: "PairingRequest",
      metadata: { name: deviceId, createdAt: this.#parts.now() },
      spec: { requestId: digest.toString("hex", 0, 8), code: toCode(digest.subarray(8, 16)), publicKey, label, client, scopes, address },
    };
  }

  /** @returns 0, or in how many milliseconds there may be another one */
  #countNew(origin: string): number {
    const now = this.#parts.now();
    const known = this.#paidUntil.get(origin) ?? now;
    // A clock that was set back must not make ten seconds of hours.
    const until = Math.min(Math.max(known, now), now + NEW_AT_ONCE_MAX * NEW_EACH_MS);
    const waitMs = until - now - (NEW_AT_ONCE_MAX - 1) * NEW_EACH_MS;
    if (waitMs > 0) return waitMs;
    this.#paidUntil.delete(origin);
    const [oldest] = this.#paidUntil.keys();
    if (this.#paidUntil.size >= ORIGINS_MAX && oldest !== undefined) this.#paidUntil.delete(oldest);
    this.#paidUntil.set(origin, until + NEW_EACH_MS);
    return 0;
  }

  #originOf(deviceId: DeviceId, address: string): Origin {
    if (this.#parts.isPaired(deviceId)) return { kind: "paired", deviceId };
    return isLoopback(address) ? { kind: "here" } : { kind: "network", network: toNetwork(address) };
  }

  /** For one more from there: what is over goes, then what asked longest ago of those that it is bounded with. @param origin null: none is to come */
  async #makeRoom(origin: Origin | null): Promise<void> {
    const now = this.#parts.now();
    for (const [deviceId, held] of this.#held) if (isOver(held, now)) await this.#drop(deviceId);
    const all = [...this.#held.values()].map((held) => ({
      held,
      origin: this.#originOf(held.request.metadata.name, held.request.spec.address),
    }));
    const of = (isMeant: (one: Origin) => boolean): Held[] => all.filter((one) => isMeant(one.origin)).map(({ held }) => held);
    if (origin?.kind === "paired") {
      const paired = of(({ kind }) => kind === "paired");
      return paired.length >= PAIRED_MAX ? await this.#dropOldest(paired) : undefined;
    }
    const own = origin === null ? [] : of((one) => renderOrigin(one) === renderOrigin(origin));
    if (own.length >= PER_NETWORK_MAX) return await this.#dropOldest(own);
    const elsewhere = of(({ kind }) => kind === "network");
    if (origin?.kind === "here" || elsewhere.length < REQUESTS_MAX) return;
    await this.#dropOldest(ofLargestShares(ofLargestShares(elsewhere, toSite), toNetwork));
  }

  /** Of those that asked once, if there are any. */
  async #dropOldest(held: readonly Held[]): Promise<void> {
    const [oldest] = held.toSorted((left, right) => Number(left.isBack) - Number(right.isBack) || left.seenAt - right.seenAt);
    if (oldest === undefined) return;
    const { metadata, spec } = oldest.request;
    const [first] = this.#pushedOut.keys();
    if (this.#pushedOut.size >= PUSHED_OUT_MAX && first !== undefined) this.#pushedOut.delete(first);
    this.#pushedOut.set(spec.requestId, metadata.createdAt);
    await this.#drop(metadata.name);
  }

  async #drop(deviceId: DeviceId): Promise<void> {
    this.#held.delete(deviceId);
    await this.#store.remove(deviceId);
  }
}

const toHeld = (request: PairingRequest): Held => ({ request, seenAt: request.metadata.createdAt, isBack: false });

/** Those of the groups that have the most. */
function ofLargestShares(held: readonly Held[], toGroup: (address: string) => string): Held[] {
  const groups = [...Map.groupBy(held, ({ request }) => toGroup(request.spec.address)).values()];
  const most = Math.max(...groups.map(({ length }) => length));
  return groups.filter(({ length }) => length === most).flat();
}

function renderOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "paired":
      return `paired ${origin.deviceId}`;
    case "here":
      return "here";
    case "network":
      return `network ${origin.network}`;
    default:
      return unreachable(origin);
  }
}

const isOver = ({ seenAt }: Held, now: EpochMs): boolean => elapsed(seenAt, now) >= REQUEST_LIFE_MS || seenAt > now;

function toCode(bytes: Uint8Array): string {
  const letters = [...bytes.subarray(0, CODE_LENGTH)].map((byte) => CODE_LETTERS[byte % CODE_LETTERS.length] ?? "");
  return `${letters.slice(0, CODE_LENGTH / 2).join("")}-${letters.slice(CODE_LENGTH / 2).join("")}`;
}

function toFile({ metadata, spec: { rejectedAt, ...spec }, ...rest }: PairingRequest): PairingRequestFile {
  return {
    ...rest,
    metadata: { ...metadata, createdAt: renderTime(metadata.createdAt) },
    spec: { ...spec, ...(rejectedAt !== undefined && { rejectedAt: renderTime(rejectedAt) }) },
  };
}
