// How a scope key becomes a container's name. Deterministic: the same key, instance and prefix give the same name everywhere.
// Deciding which scope key a session has is not here (decide/wanted.ts).
import { createHash } from "node:crypto";
import { type AgentId, type InstanceId, type SandboxName, type ScopeKey, type SessionKey, toAgentId, toInstanceId } from "./brands.ts";

/** Longest container name that is also a valid host name. */
export const CONTAINER_NAME_LENGTH_MAX = 63;
/** 24 characters of readable slug, `-`, 16 hex; those of the legacy form are as long. */
export const SLUG_LENGTH_MAX = 41;
export const CONTAINER_PREFIX_LENGTH_MAX = CONTAINER_NAME_LENGTH_MAX - SLUG_LENGTH_MAX;

/** A container is created under this name and renamed when its setup is complete, so that a crash leaves a name that says what is missing. */
export const PENDING_SUFFIX = ".pending";

/** How many characters of a slug are readable, and how many hex digits of the hash follow. */
interface SlugForm {
  readable: number;
  hex: number;
}

const FORM: SlugForm = { readable: 24, hex: 16 };
/** 32 bits: two session keys of one slug can be found in minutes, so nothing new is named like this. */
const LEGACY_FORM: SlugForm = { readable: 32, hex: 8 };
const LEGACY_END = /-[0-9a-f]{8}$/;

/**
 * `agent-main-6f1c02d48a3be917`: lower case, runs outside `[a-z0-9._-]` become `-`, at most 24 characters, then 16 hex of SHA-256 over
 * instance, NUL, scope key, which are never cut off and keep two controllers and two similar keys apart.
 */
export const toSlug = (instance: InstanceId, scopeKey: ScopeKey): string => renderSlug(instance, scopeKey, FORM);

/** What sandboxes and folders were named after before: 32 readable characters and 8 hex. They keep it until they are gone. */
export const toLegacySlug = (instance: InstanceId, scopeKey: ScopeKey): string => renderSlug(instance, scopeKey, LEGACY_FORM);

/** Whether a name or slug has the form that nothing new gets. */
export const isLegacyName = (name: string): boolean => LEGACY_END.test(name);

function renderSlug(instance: InstanceId, scopeKey: ScopeKey, form: SlugForm): string {
  const readable = scopeKey
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .slice(0, form.readable);
  const hash = createHash("sha256").update(`${instance}\0${scopeKey}`).digest("hex").slice(0, form.hex);
  return `${readable}-${hash}`;
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
