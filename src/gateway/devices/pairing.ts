// Who may decide about devices, and what then happens: a request becomes a device, a device gets another name, less, or nothing. Nobody grants more
// than he has, and no device decides about itself but to have less. Files are devices.ts's and pairing-requests.ts's.
import { type DeviceId, type EpochMs, renderTime, toDeviceId } from "../../api/brands.ts";
import { deviceIdOf, isSignedBy } from "../../api/device-key.ts";
import { OperationError } from "../../api/errors.ts";
import { renderPairProof } from "../../api/gateway-protocol/device-proof.ts";
import type { DeviceList, DeviceView, PairingRequestView, RotationAnswer } from "../../api/gateway-protocol/devices.ts";
import type { PairAnswer, PairBody } from "../../api/gateway-protocol/pair.ts";
import { allows, type Scope, toScopes } from "../../api/gateway-protocol/scopes.ts";
import { API_VERSION } from "../../api/session.ts";
import { type Device, type PairingRequest, toLabel } from "./device-files.ts";
import type { DeviceTokens } from "./device-tokens.ts";
import { type Devices, isActive, renderScopes } from "./devices.ts";
import { type Identity, renderActor, requireScope } from "./identity.ts";
import type { PairingLink, PairingLinks } from "./pairing-links.ts";
import type { Applicant, PairingRequests } from "./pairing-requests.ts";

export interface PairingDecision {
  requestId: string;
  deviceId: string;
  decision: "approved" | "rejected";
  ts: EpochMs;
}

export interface PairingParts {
  devices: Devices;
  requests: PairingRequests;
  tokens: DeviceTokens;
  links: PairingLinks;
  now(): EpochMs;
  /** 64 bits of chance, hexadecimal. */
  newGeneration(): string;
  /** Open sockets of a device, and when it was last there. */
  presence(deviceId: string): { connections: number; lastSeenAt: EpochMs | null };
  /** Told of each new request, and of each decision. */
  requested(request: PairingRequestView): void;
  resolved(decision: PairingDecision): void;
  /** The device's signature may approve nothing any more at the controller. Must not throw. */
  withdrawn(deviceId: DeviceId): void;
  /** Written down: who did what to which device. */
  audit(entry: { action: string; device: string; by: string; scopes?: readonly Scope[] }): void;
}

export type PairingAnswer =
  | { kind: "pending" | "rejected"; requestId: string; code: string; reason: PairingRequestView["reason"] }
  | { kind: "limited"; retryAfterMs: number };

export class Pairing {
  readonly #parts: PairingParts;

  constructor(parts: PairingParts) {
    this.#parts = parts;
  }

  list(identity: Identity): DeviceList {
    requireScope(identity, "operator.pairing");
    const { devices, requests } = this.#parts;
    return {
      pending: requests.list().map((request) => this.#viewRequest(request)),
      paired: devices.list().map((device) => this.view(device)),
    };
  }

  /** How many devices there are. */
  counts(): Record<"pending" | "paired" | "revoked", number> {
    const { devices, requests } = this.#parts;
    const paired = devices.list().filter(isActive).length;
    return { pending: requests.list().length, paired, revoked: devices.list().length - paired };
  }

  /** For a device that has shown its key, and that may not do what it asks for. @throws OperationError `HostRejected` */
  async ask(applicant: Applicant): Promise<PairingAnswer> {
    const asked = await this.#parts.requests.ask(applicant);
    if (asked.kind === "limited") return asked;
    const view = this.#viewRequest(asked.request);
    if (asked.kind === "pending" && asked.isNew) {
      this.#parts.audit({ action: "pairing requested", device: view.deviceId, by: view.remoteIp, scopes: view.scopes });
      this.#parts.requested(view);
    }
    return { kind: asked.kind, requestId: view.requestId, code: view.code, reason: view.reason };
  }

  /** @param granted what of it is granted. Absent: all. @throws OperationError `NotFound`, `Forbidden`, `InvalidArgument`, `HostRejected` */
  async approve(identity: Identity, requestId: string, granted?: readonly Scope[]): Promise<DeviceView> {
    requireScope(identity, "operator.pairing");
    const { requests, devices, now, newGeneration, resolved, audit } = this.#parts;
    const request = requests.get(requestId);
    const { metadata, spec } = request;
    const given = toScopes(granted ?? spec.scopes);
    const beyond = given.filter((scope) => !allows(spec.scopes, scope));
    if (beyond.length > 0) throw new OperationError("InvalidArgument", `the device did not ask for ${renderScopes(beyond)}`);
    if (given.length === 0)
      throw new OperationError("InvalidArgument", "no scope is left to grant", { fix: `openclaw devices reject ${requestId}` });
    refuseItself(identity, metadata.name);
    const device = await devices.pair(metadata.name, (before) => {
      refuseRevoked(before);
      const had = before?.spec.scopes ?? [];
      refuseWider(
        identity,
        given.filter((scope) => !had.includes(scope)),
      );
      const scopes = toScopes([...had, ...given]);
      return {
        apiVersion: API_VERSION,
        kind: "Device",
        metadata: { name: metadata.name, createdAt: renderTime(now()) },
        spec: {
          ...{ publicKey: spec.publicKey, client: spec.client, role: "operator", label: before?.spec.label ?? spec.label },
          ...{ scopes, declined: spec.scopes.filter((scope) => !allows(scopes, scope)) },
          ...{ generation: newGeneration(), approvedBy: renderActor(identity) },
        },
      };
    });
    await requests.forget(metadata.name);
    audit({ action: "device approved", device: metadata.name, by: renderActor(identity), scopes: device.spec.scopes });
    resolved({ requestId, deviceId: metadata.name, decision: "approved", ts: now() });
    return this.view(device);
  }

  /** @throws OperationError `NotFound`, `Forbidden`, `HostRejected` */
  async reject(identity: Identity, requestId: string): Promise<{ requestId: string; deviceId: string }> {
    requireScope(identity, "operator.pairing");
    const { requests, now, resolved, audit } = this.#parts;
    const deviceId = requests.get(requestId).metadata.name;
    refuseItself(identity, deviceId);
    await requests.reject(requestId);
    audit({ action: "device rejected", device: deviceId, by: renderActor(identity) });
    resolved({ requestId, deviceId, decision: "rejected", ts: now() });
    return { requestId, deviceId };
  }

  /** It stays listed, and can't ask again until it is removed. @throws OperationError `NotFound`, `Forbidden`, `HostRejected` */
  async revoke(identity: Identity, deviceId: string): Promise<DeviceView> {
    this.#mayManage(identity, deviceId);
    const { devices, requests, now, newGeneration, audit } = this.#parts;
    const device = await devices.update(deviceId, (before) => ({
      ...before,
      spec: { ...before.spec, generation: newGeneration(), revokedAt: before.spec.revokedAt ?? now() },
    }));
    await requests.forget(device.metadata.name);
    this.#parts.withdrawn(device.metadata.name);
    audit({ action: "device revoked", device: deviceId, by: renderActor(identity) });
    return this.view(device);
  }

  /** @throws OperationError `NotFound`, `Forbidden`, `HostRejected` */
  async remove(identity: Identity, deviceId: string): Promise<{ deviceId: string }> {
    this.#mayManage(identity, deviceId);
    await this.#parts.devices.remove(deviceId);
    this.#parts.withdrawn(toDeviceId(deviceId));
    this.#parts.audit({ action: "device removed", device: deviceId, by: renderActor(identity) });
    return { deviceId };
  }

  /** @throws OperationError `NotFound`, `Forbidden`, `HostRejected` */
  async rename(identity: Identity, deviceId: string, label: string): Promise<DeviceView> {
    this.#mayManage(identity, deviceId);
    const device = await this.#parts.devices.update(deviceId, (before) => ({ ...before, spec: { ...before.spec, label } }));
    this.#parts.audit({ action: "device renamed", device: deviceId, by: renderActor(identity) });
    return this.view(device);
  }

  /** Voids its tokens, and takes scopes away where some are named. @throws OperationError `NotFound`, `Forbidden`, `HostRejected` */
  async rotate(identity: Identity, deviceId: string, scopes?: readonly Scope[]): Promise<RotationAnswer> {
    const isOwn = identity.kind === "device" && identity.deviceId === deviceId;
    if (!isOwn) this.#mayManage(identity, deviceId);
    const { devices, tokens, now, newGeneration, audit } = this.#parts;
    const device = await devices.update(deviceId, (before) => {
      if (!isActive(before)) throw new OperationError("Forbidden", "the device is revoked", { fix: `openclaw devices remove ${deviceId}` });
      const wider = (scopes ?? []).filter((scope) => !allows(before.spec.scopes, scope));
      if (wider.length > 0)
        throw new OperationError("Forbidden", `the device does not have ${renderScopes(wider)}, and a rotation grants nothing`, {
          fix: "the device asks for it when it connects, and a person approves",
        });
      const kept = scopes === undefined ? before.spec.scopes : toScopes(scopes);
      return { ...before, spec: { ...before.spec, generation: newGeneration(), scopes: kept } };
    });
    if (!allows(device.spec.scopes, "operator.approvals")) this.#parts.withdrawn(device.metadata.name);
    audit({ action: "device rotated", device: deviceId, by: renderActor(identity), scopes: device.spec.scopes });
    return {
      ...{ deviceId, role: "operator", scopes: device.spec.scopes, rotatedAtMs: now() },
      ...(isOwn ? { token: tokens.issue(device, now()), tokenDelivery: "in-band" } : { tokenDelivery: "withheld-cross-device" }),
    };
  }

  /** @param scopes absent: `operator.write`. @throws OperationError `Forbidden`, `LimitExceeded`, `HostRejected` */
  async createLink(identity: Identity, scopes: readonly Scope[] = ["operator.write"]): Promise<PairingLink & { scopes: Scope[] }> {
    requireScope(identity, "operator.pairing");
    refuseWider(identity, scopes);
    const link = await this.#parts.links.create(toScopes(scopes), renderActor(identity));
    this.#parts.audit({ action: "pairing link created", device: "", by: renderActor(identity), scopes });
    return { ...link, scopes: toScopes(scopes) };
  }

  /** For a browser that opened a link. @throws OperationError `Forbidden`, `NotFound` (the link), `LimitExceeded`, `HostRejected` */
  async pairByLink({ code, device: sent, client }: PairBody): Promise<PairAnswer> {
    const { links, devices, requests, tokens, now, newGeneration, audit } = this.#parts;
    const id = deviceIdOf(sent.publicKey);
    if (id === null || id !== sent.id || !isSignedBy(sent.publicKey, renderPairProof(sent.id, code), sent.signature))
      throw new OperationError("Forbidden", "the signature is not this key's over pair-v1|ID|CODE", {
        fix: "docs/pairing.md describes it",
      });
    refuseRevoked(devices.find(id));
    const { scopes: granted, createdBy } = await links.consume(code);
    const { displayName, ...facts } = client;
    const { deviceFamily, ...named } = facts;
    const device = await devices.pair(id, (before) => {
      refuseRevoked(before);
      return {
        ...{ apiVersion: API_VERSION, kind: "Device", metadata: { name: id, createdAt: renderTime(now()) } },
        spec: {
          publicKey: Buffer.from(sent.publicKey, "base64url").toString("base64url"),
          client: { ...named, ...(deviceFamily !== undefined && { deviceFamily }) },
          label: before?.spec.label ?? toLabel(displayName ?? `${client.id} on ${client.platform}`),
          ...{ role: "operator", scopes: toScopes([...(before?.spec.scopes ?? []), ...granted]), declined: [] },
          ...{ generation: newGeneration(), approvedBy: "link" },
        },
      };
    });
    await requests.forget(id);
    audit({ action: "device paired by link", device: id, by: createdBy, scopes: device.spec.scopes });
    const { label, role, scopes } = device.spec;
    return { deviceId: id, label, role, scopes, deviceToken: tokens.issue(device, now()), issuedAtMs: now() };
  }

  view(device: Device): DeviceView {
    const { name, createdAt } = device.metadata;
    const { publicKey, label, client, role, scopes, approvedBy, revokedAt } = device.spec;
    return {
      ...{ deviceId: name, publicKey, label, client, role, scopes, pairedAt: createdAt, approvedBy, revokedAt: revokedAt ?? null },
      ...this.#parts.presence(name),
    };
  }

  /** Who manages a device could have approved it. @throws OperationError `NotFound`, `Forbidden` */
  #mayManage(identity: Identity, deviceId: string): void {
    requireScope(identity, "operator.pairing");
    const device = this.#parts.devices.find(deviceId);
    if (device === null)
      throw new OperationError("NotFound", `no paired device ${JSON.stringify(deviceId.slice(0, 80))}`, { fix: "openclaw devices list" });
    refuseWider(identity, device.spec.scopes);
  }

  #viewRequest({ metadata, spec }: PairingRequest): PairingRequestView {
    const { requestId, code, publicKey, label, client, scopes, address } = spec;
    return {
      ...{ requestId, code, deviceId: metadata.name, publicKey, displayName: label, clientId: client.id, clientMode: client.mode },
      ...{
        platform: client.platform,
        ...(client.deviceFamily !== undefined && { deviceFamily: client.deviceFamily }),
        role: "operator",
        scopes,
      },
      reason: isActive(this.#parts.devices.find(metadata.name)) ? "scope-upgrade" : "not-paired",
      ...{ remoteIp: address, ts: metadata.createdAt },
    };
  }
}

/** @throws OperationError `Forbidden` */
function refuseRevoked(device: Device | null): void {
  if (device?.spec.revokedAt === undefined) return;
  throw new OperationError("Forbidden", "this device was revoked", { fix: `openclaw devices remove ${device.metadata.name}` });
}

/** @throws OperationError `Forbidden` */
function refuseItself(identity: Identity, deviceId: string): void {
  if (identity.kind !== "device" || identity.deviceId !== deviceId) return;
  throw new OperationError("Forbidden", "a device does not decide about its own request", {
    fix: "openclaw devices approve, or another device",
  });
}

/** @throws OperationError `Forbidden` that names what is missing */
function refuseWider(identity: Identity, scopes: readonly Scope[]): void {
  const wider = scopes.filter((scope) => !allows(identity.scopes, scope));
  if (identity.kind === "owner" || wider.length === 0) return;
  throw new OperationError("Forbidden", `you don't have ${renderScopes(wider)} yourself`, {
    fix: "openclaw devices, on the gateway's host, or a device that has it",
  });
}
