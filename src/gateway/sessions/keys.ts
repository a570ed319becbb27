// What a session's key says, and the names of its files. Pure.
// Reading and writing the files is sessions.ts and transcript.ts.
import { createHash } from "node:crypto";
import { type AgentId, type SessionKey, toSessionKey } from "../../api/brands.ts";
import type { SessionKind } from "../../api/session.ts";

const READABLE_LENGTH_MAX = 64;

/** `agent-main-main-3f0c9a512b7d4e60`: a readable part, and 16 hex of SHA-256 of the key, which keep similar keys apart. */
export function toSessionName(key: SessionKey): string {
  const readable = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, READABLE_LENGTH_MAX);
  return `${readable}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

export const toSubagentKey = (agentId: AgentId, uuid: string): SessionKey => toSessionKey(`agent:${agentId}:subagent:${uuid}`);

/** `main` and `subagent:...`, `cron:...`, `hook:...`, `mcp:...` say so; a channel's key has the kind as its second word; others are direct. */
export function toKind(key: SessionKey, agentId: AgentId): SessionKind {
  const rest = key.slice(`agent:${agentId}:`.length);
  const [first, second] = rest.split(":");
  if (rest === "main") return "main";
  if (first === "subagent" || first === "cron" || first === "hook" || first === "mcp") return first;
  return second === "group" || second === "channel" ? "group" : "direct";
}
