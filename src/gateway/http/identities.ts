// Recognises who calls by what an Authorization header shows: the owner's key, a device's token, or the gateway's own secret.
// What each may do is devices/identity.ts's; how guessing is slowed down, auth.ts's.
import type { EpochMs } from "../../api/brands.ts";
import { SCOPES, type Scope } from "../../api/gateway-protocol/scopes.ts";
import type { DeviceTokens } from "../devices/device-tokens.ts";
import { type Devices, isActive } from "../devices/devices.ts";
import type { Identity } from "../devices/identity.ts";
import { type AddressLimits, type AuthFailure, type Caller, type Credentials, isSameSecret, readBearer } from "./auth.ts";

/** Everything but deciding about devices, and what only a person may ask of the controller: many programs have it. */
const OF_SECRET: readonly Scope[] = ["operator.admin"];

export interface IdentitiesParts {
  ownerKey: string;
  devices: Devices;
  tokens: DeviceTokens;
  limits: Pick<AddressLimits, "judge">;
  now(): EpochMs;
}

export class Identities {
  readonly #parts: IdentitiesParts;

  constructor(parts: IdentitiesParts) {
    this.#parts = parts;
  }

  /** By an Authorization header. What can't be found by trying is recognised first: nobody can lock its owner out. */
  async judge(caller: Caller, authorization: string | undefined, credentials: Credentials): Promise<Identity | AuthFailure> {
    const shown = authorization === undefined ? null : readBearer(authorization);
    const known = shown === null ? null : this.#recognise(shown);
    if (known !== null) return known;
    const failure = await this.#parts.limits.judge(caller, authorization, credentials);
    return failure ?? { kind: "secret", scopes: OF_SECRET };
  }

  #recognise(shown: string): Identity | null {
    const { ownerKey, tokens, devices, now } = this.#parts;
    if (isSameSecret(shown, ownerKey)) return { kind: "owner", scopes: SCOPES };
    const facts = tokens.read(shown);
    if (facts === null || facts.expiresAt <= now()) return null;
    const device = devices.find(facts.deviceId);
    if (!isActive(device) || device.spec.generation !== facts.generation) return null;
    return { kind: "device", deviceId: facts.deviceId, scopes: device.spec.scopes, revoked: devices.tokens(facts.deviceId) };
  }
}
