// Reads what a person asks to have explained: which agent, and which of its sessions. A session without a file is explained as a new one.
// It looks nothing up: the listed sessions are given.
import { type AgentId, type SessionKey, toAgentId, toSessionKey } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import { toAgentOfKey } from "../../api/names.ts";
import type { Session } from "../../api/session.ts";
import type { ExplainQuery } from "./admin-views.ts";
import type { SubjectInputs } from "./explain.ts";

export interface Asked {
  agentId: AgentId;
  /** null: the agent is meant. */
  key: SessionKey | null;
}

/** `main` alone is the default agent's main session. @throws OperationError `InvalidArgument` when there is no agent in it */
export function parseExplainQuery({ sessionKey, agentId }: ExplainQuery, { agents }: Pick<Config, "agents">): Asked {
  const written = sessionKey === "main" ? `agent:${agents.find(({ isDefault }) => isDefault)?.id}:main` : sessionKey;
  const key = written === null ? null : toSessionKey(written);
  const agent = agentId === null ? (key === null ? null : toAgentOfKey(key)) : toAgentId(agentId);
  if (agent !== null) return { agentId: agent, key };
  throw new OperationError("InvalidArgument", `"${sessionKey}" is not a session key`, { fix: "expected agent:<agentId>:<rest>" });
}

/** @param sessions of that agent, as far as they are known */
export function toExplained(
  { agentId, key }: Asked,
  sessions: readonly Session[],
): Pick<SubjectInputs, "agentId" | "session"> & { missing: string[] } {
  if (key === null) return { agentId, session: null, missing: [] };
  const listed = sessions.find(({ spec }) => spec.key === key)?.spec;
  if (listed !== undefined) return { agentId, session: listed, missing: [] };
  const session = { key, agentId, kind: key === `agent:${agentId}:main` ? ("main" as const) : ("direct" as const) };
  return { agentId, session, missing: [`the session ${key} has no file; explained as if it started now`] };
}
