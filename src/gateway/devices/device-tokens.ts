// A device's token, for where nothing can be signed (HTTP): an HMAC over the device, its generation and a time. Nothing is kept of it; what it
// opens is what the device's file grants at the moment of each request. What the device may do is devices.ts's.
import { createHmac, timingSafeEqual } from "node:crypto";
import { DAY_MS, type DeviceId, type EpochMs, later, toDeviceId, toDurationMs, toEpochMs } from "../../api/brands.ts";
import type { Device } from "./device-files.ts";

/** Every handshake gives a new one: a device that is used has one that is fresh. */
export const TOKEN_LIFE_MS = toDurationMs(30 * DAY_MS);

const FORM = /^ocdt1\.([0-9a-f]{64})\.([0-9a-f]{16})\.(\d{10,15})\.([A-Za-z0-9_-]{43})$/;

export interface TokenFacts {
  deviceId: DeviceId;
  generation: string;
  expiresAt: EpochMs;
}

export class DeviceTokens {
  readonly #secret: string;

  /** @param secret at least 128 bits of chance, the gateway's alone */
  constructor(secret: string) {
    this.#secret = secret;
  }

  issue({ metadata, spec }: Device, now: EpochMs): string {
    const body = `ocdt1.${metadata.name}.${spec.generation}.${later(now, TOKEN_LIFE_MS)}`;
    return `${body}.${this.#sign(body)}`;
  }

  /** What it says, if this gateway issued it. Whether it still counts is the caller's to ask. null: it is none of ours */
  read(token: string): TokenFacts | null {
    const [, deviceId = "", generation = "", expiresAt = "", mac = ""] = FORM.exec(token) ?? [];
    if (mac === "") return null;
    const right = Buffer.from(this.#sign(token.slice(0, token.lastIndexOf("."))));
    if (!timingSafeEqual(right, Buffer.from(mac))) return null;
    return { deviceId: toDeviceId(deviceId), generation, expiresAt: toEpochMs(Number(expiresAt)) };
  }

  #sign(body: string): string {
    return createHmac("sha256", this.#secret).update(`token\0${body}`).digest("base64url");
  }
}
