// How a scope key becomes a container's name. Deterministic: the same key, instance and prefix give the same name everywhere.
// Deciding which scope key a session has is not here (decide/wanted.ts).
import { createHash } from "node:crypto";
import {
  type AgentId,
  type InstanceId,
  type SandboxName,
  type ScopeKey,
  type SessionKey,
  toAgentId,
  toInstanceId,
  toSandboxName,
} from "./brands.ts";

/** Longest container name that is also a valid host name. */
export const CONTAINER_NAME_LENGTH_MAX = 63;
/** 32 characters of readable slug, `-`, 8 hex. */
export const SLUG_LENGTH_MAX = 41;
export const CONTAINER_PREFIX_LENGTH_MAX = CONTAINER_NAME_LENGTH_MAX - SLUG_LENGTH_MAX;

/** A container is created under this name and renamed when its setup is complete, so that a crash leaves a name that says what is missing. */
export const PENDING_SUFFIX = ".pending";

const SLUG_READABLE_LENGTH_MAX = 32;

/**
 * `agent-main-6f1c02d4`: lower case, runs outside `[a-z0-9._-]` become `-`, at most 32 characters, then 8 hex of SHA-256 over
 * instance, NUL, scope key, which are never cut off and keep two controllers and two similar keys apart.
 */
export function toSlug(instance: InstanceId, scopeKey: ScopeKey): string {
  const readable = scopeKey
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .slice(0, SLUG_READABLE_LENGTH_MAX);
  const hash = createHash("sha256").update(`${instance}\0${scopeKey}`).digest("hex").slice(0, 8);
  return `${readable}-${hash}`;
}

export function toContainerName(prefix: string, instance: InstanceId, scopeKey: ScopeKey): SandboxName {
  return toSandboxName(`${prefix}${toSlug(instance, scopeKey)}`);
}

export function toPendingName(name: SandboxName): string {
  return `${name}${PENDING_SUFFIX}`;
}

/** 12 hex of SHA-256 over the state folder's path as the engine's host knows it: it outlives the folder's content. */
export function toDefaultInstance(stateDir: string): InstanceId {
  return toInstanceId(createHash("sha256").update(stateDir).digest("hex").slice(0, 12));
}

const AGENT_KEY = /^agent:([a-z0-9][a-z0-9_-]{0,63})(?::|$)/;

/** The agent that a session key or scope key belongs to; null for `shared` and for anything malformed. */
export function toAgentOfKey(key: ScopeKey | SessionKey): AgentId | null {
  const agentId = AGENT_KEY.exec(key)?.[1];
  return agentId === undefined ? null : toAgentId(agentId);
}
