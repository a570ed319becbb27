// The nominal types of the vocabulary: two strings with different meanings, or a moment and a duration, must not be interchangeable.
// This file names them and converts into them; it does not validate (servers do, with the schemas that share these names).
import type { z } from "zod";

/** Final name of a sandbox's container: prefix + slug, 1 to 63 of `[a-zA-Z0-9_.-]`. */
export type SandboxName = string & z.$brand<"SandboxName">;
/** What the engine calls one container (64 hex on Docker). Never reused. */
export type ContainerId = string & z.$brand<"ContainerId">;
/** UUID given to one container by the controller before it asks the engine to create it. */
export type SandboxUid = string & z.$brand<"SandboxUid">;
/** Which controller owns an object: 12 hex, or what `--instance` says. */
export type InstanceId = string & z.$brand<"InstanceId">;
/** Hash over the fields that only a new container can change: 16 hex. */
export type SpecHash = string & z.$brand<"SpecHash">;
/** Content identity of an image (`sha256:` + 64 hex on Docker); a rebuilt tag has another one. */
export type ImageId = string & z.$brand<"ImageId">;
/** `[a-z0-9][a-z0-9_-]{0,63}` */
export type AgentId = string & z.$brand<"AgentId">;
/** `agent:<agentId>:<rest>` */
export type SessionKey = string & z.$brand<"SessionKey">;
/** `shared`, `agent:<agentId>` or a session key: what one sandbox is shared by. */
export type ScopeKey = string & z.$brand<"ScopeKey">;
/** SHA-256 of a device's public key: 64 hex. */
export type DeviceId = string & z.$brand<"DeviceId">;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number & z.$brand<"EpochMs">;
/** A length of time in milliseconds, never negative. */
export type DurationMs = number & z.$brand<"DurationMs">;

export const toSandboxName = (text: string): SandboxName => text as SandboxName;
export const toContainerId = (text: string): ContainerId => text as ContainerId;
export const toSandboxUid = (text: string): SandboxUid => text as SandboxUid;
export const toInstanceId = (text: string): InstanceId => text as InstanceId;
export const toSpecHash = (text: string): SpecHash => text as SpecHash;
export const toImageId = (text: string): ImageId => text as ImageId;
export const toAgentId = (text: string): AgentId => text as AgentId;
export const toSessionKey = (text: string): SessionKey => text as SessionKey;
export const toScopeKey = (text: string): ScopeKey => text as ScopeKey;
export const toDeviceId = (text: string): DeviceId => text as DeviceId;
export const toEpochMs = (milliseconds: number): EpochMs => milliseconds as EpochMs;
export const toDurationMs = (milliseconds: number): DurationMs => milliseconds as DurationMs;

export const SECOND_MS = 1_000 as DurationMs;
export const MINUTE_MS = 60_000 as DurationMs;
export const HOUR_MS = 3_600_000 as DurationMs;
export const DAY_MS = 86_400_000 as DurationMs;

/** The moment `duration` after `from`. */
export const later = (from: EpochMs, duration: DurationMs): EpochMs => (from + duration) as EpochMs;
/** How long `to` is after `from`; 0 when it is not. */
export const elapsed = (from: EpochMs, to: EpochMs): DurationMs => Math.max(0, to - from) as DurationMs;
/** RFC 3339 in UTC, milliseconds. */
export const renderTime = (at: EpochMs): string => new Date(at).toISOString();

/** Makes a `switch` over a union exhaustive: a new member does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
