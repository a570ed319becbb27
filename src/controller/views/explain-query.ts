// Reads what a person asks to have explained: which agent, and which of its sessions. A session without a file is explained as a new one.
// It looks nothing up: the listed sessions are given.
import { type AgentId, type SessionKey, toAgentId, toSessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { toAgentOfKey } from "../../api/names.ts";
import type { Sandbox, SandboxKind } from "../../api/sandbox.ts";
import type { Session } from "../../api/session.ts";
import { expandSessionKey, type KnownAgents } from "../../api/session-reference.ts";
import type { ExplainQuery } from "./admin-views.ts";
import type { SubjectInputs } from "./explain.ts";
import { choose, noSuchName } from "./named-sandbox.ts";

export interface Asked {
  agentId: AgentId;
  /** null: the agent is meant. */
  key: SessionKey | null;
  kind: SandboxKind;
}

/** What the words of a query are looked up in. */
export interface AskedInputs extends KnownAgents {
  sandboxes: readonly Sandbox[];
}

/** @throws OperationError `InvalidArgument` when there is no agent in it, `NotFound`: a name of nothing */
export function parseExplainQuery({ sessionKey, agentId, name, kind }: ExplainQuery, inputs: AskedInputs): Asked {
  if (name !== null) return parseName(name, kind, inputs);
  const key = sessionKey === null ? null : toSessionKey(expandSessionKey(sessionKey, inputs));
  const agent = agentId === null ? (key === null ? null : toAgentOfKey(key)) : toAgentId(agentId);
  if (agent !== null) return { agentId: agent, key, kind };
  throw new OperationError("InvalidArgument", `${JSON.stringify(sessionKey)} is not a session key`, {
    fix: "expected agent:<agentId>:<rest>, or a short key",
  });
}

/** An agent, a sandbox or a session, in this order. A sandbox stands for whom it serves, and is of its own kind whatever was asked for. */
function parseName(name: string, askedKind: SandboxKind, inputs: AskedInputs): Asked {
  const { agents, sandboxes } = inputs;
  const agent = agents.find(({ id }) => id === name);
  if (agent !== undefined) return { agentId: toAgentId(agent.id), key: null, kind: askedKind };
  const sandbox = sandboxes.find(({ metadata }) => metadata.name === name) ?? onlyBeginning(name, sandboxes);
  const kind = sandbox?.spec.kind ?? askedKind;
  const written = sandbox === undefined ? name : sandbox.spec.scopeKey === "shared" ? "main" : sandbox.spec.scopeKey;
  const key = toSessionKey(expandSessionKey(written, inputs));
  const agentId = toAgentOfKey(key);
  if (agentId === null) throw noSuchName(name, inputs);
  // What a sandbox of scope agent is named after has no session in it.
  if (key === `agent:${agentId}`) return { agentId, key: null, kind };
  const isThere = sandbox !== undefined || inputs.hasSession(key) || name === "main" || name.startsWith("agent:");
  if (!isThere) throw noSuchName(name, inputs);
  return { agentId, key, kind };
}

function onlyBeginning(name: string, sandboxes: readonly Sandbox[]): Sandbox | undefined {
  const [only, ...others] = name === "" ? [] : choose(sandboxes, ({ metadata }) => metadata.name.startsWith(name));
  return others.length === 0 ? only : undefined;
}

/** @param sessions of that agent, as far as they are known */
export function toExplained(
  { agentId, key, kind }: Asked,
  sessions: readonly Session[],
): Pick<SubjectInputs, "agentId" | "kind" | "session"> & { missing: string[] } {
  if (key === null) return { agentId, kind, session: null, missing: [] };
  const listed = sessions.find(({ spec }) => spec.key === key)?.spec;
  if (listed !== undefined) return { agentId, kind, session: listed, missing: [] };
  const session = { key, agentId, kind: key === `agent:${agentId}:main` ? ("main" as const) : ("direct" as const) };
  return { agentId, kind, session, missing: [`the session ${key} has no file; explained as if it started now`] };
}
