// Puts the parts of pairing together over one state folder: devices, requests, tokens, and who callers are.
// What each does is its own file's.
import type { Logger } from "pino";
import type { EpochMs } from "../../api/brands.ts";
import { DeviceTokens } from "../devices/device-tokens.ts";
import { Devices, isActive } from "../devices/devices.ts";
import { Pairing, type PairingParts } from "../devices/pairing.ts";
import { PairingLinks } from "../devices/pairing-links.ts";
import { PairingRequests } from "../devices/pairing-requests.ts";
import { Presence } from "../devices/presence.ts";
import type { AddressLimits } from "./auth.ts";
import { Identities } from "./identities.ts";
import { type OwnToken, openDeviceSecret, openOwnerKey } from "./secret.ts";

export interface OpenPairingParts extends OwnToken, Pick<PairingParts, "requested" | "resolved" | "withdrawn" | "newGeneration"> {
  limits: Pick<AddressLimits, "judge">;
  now(): EpochMs;
  /** 128 bits of chance, base64url. */
  newCode(): string;
  log: Logger;
}

export interface OpenedPairing {
  devices: Devices;
  tokens: DeviceTokens;
  identities: Identities;
  presence: Presence;
  pairing: Pairing;
}

/** @throws OperationError `HostRejected` */
export async function openPairing(parts: OpenPairingParts): Promise<OpenedPairing> {
  const { stateDir, limits, now, log, requested, resolved, withdrawn, newGeneration, newCode } = parts;
  const [ownerKey, secret] = [await openOwnerKey(parts), await openDeviceSecret(parts)];
  const devices = await Devices.open({
    stateDir,
    now,
    unusable: (issue) => log.error({ issue }, "device file unusable; its device is not paired"),
  });
  const requests = await PairingRequests.open({ stateDir, now, secret, isPaired: (deviceId) => isActive(devices.find(deviceId)) });
  const links = await PairingLinks.open({ stateDir, now, newCode });
  const tokens = new DeviceTokens(secret);
  const presence = new Presence(now);
  const pairing = new Pairing({
    ...{ devices, requests, tokens, links, now, requested, resolved, withdrawn, newGeneration },
    presence: (deviceId) => presence.of(deviceId),
    audit: ({ action, ...entry }) => log.info(entry, action),
  });
  return { devices, tokens, presence, pairing, identities: new Identities({ ownerKey, devices, tokens, limits, now }) };
}
