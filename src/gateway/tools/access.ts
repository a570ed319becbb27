// What a session may do and where: its agent's tool policy, whether it is sandboxed, and what its commands begin with. Pure.
// The policy itself is api/tool-policy.ts; the controller asks it again for whatever reaches a sandbox.
import type { AgentId } from "../../api/brands.ts";
import { type Config, findAgent, type HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveAgentSandbox } from "../../api/config/effective.ts";
import { isSandboxed } from "../../api/config/sandboxed.ts";
import type { Session } from "../../api/session.ts";
import { decideTool, type ToolDecision, type ToolPolicy, toToolPolicy } from "../../api/tool-policy.ts";
import type { ExecDefaults } from "./tool.ts";

export interface ToolAccess {
  policy: ToolPolicy;
  /** null: the session is not sandboxed. */
  sandbox: EffectiveSandbox | null;
  /** Key path that lets an unsandboxed session's tools run on the gateway's host. null: they may, or need not. */
  hostRefusal: { source: string; key: string } | null;
  /** Absolute; inside the sandbox, or on the host. */
  workdir: string;
  exec: ExecDefaults;
}

/** As upstream's: half an hour. */
const EXEC_TIMEOUT_S_DEFAULT = 1_800;

export function toToolAccess(config: Config, session: Session, folders: HostFolders): ToolAccess {
  const { agentId } = session.spec;
  const settings = resolveAgentSandbox(config, agentId, folders);
  const sandbox = settings !== undefined && isSandboxed(settings.mode, session.spec) ? settings : null;
  const { host, timeoutSec, backgroundMs } = toExecSettings(config, agentId);
  return {
    policy: toToolPolicy(config, { agentId, sandbox }),
    sandbox,
    hostRefusal: sandbox !== null || host.value === "gateway" ? null : host,
    workdir: sandbox?.docker.workdir ?? settings?.agentWorkspace ?? "/",
    exec: { timeoutMs: (timeoutSec ?? EXEC_TIMEOUT_S_DEFAULT) * 1_000, backgroundMs: backgroundMs ?? null },
  };
}

interface ExecSettings {
  host: { value: string | undefined; source: string; key: string };
  timeoutSec: number | undefined;
  backgroundMs: number | undefined;
}

/** The agent's own value of each key, else the global one. */
function toExecSettings(config: Config, agentId: AgentId): ExecSettings {
  const agent = findAgent(config, agentId);
  const own = agent?.tools.exec;
  const shared = config.tools.exec;
  const key = own?.host !== undefined && agent?.path != null ? `${agent.path}.tools.exec.host` : "tools.exec.host";
  const value = own?.host ?? shared?.host;
  return {
    host: { value, source: value === undefined ? "default" : key, key },
    timeoutSec: own?.timeoutSec ?? shared?.timeoutSec,
    backgroundMs: own?.backgroundMs ?? shared?.backgroundMs,
  };
}

/** Whether the session may use the tool. @param isInside whether it would run where the session's commands do */
export function decideFor({ policy, hostRefusal }: ToolAccess, tool: string, isInside: boolean): ToolDecision {
  const decision = decideTool(policy, tool);
  if (!decision.allowed || hostRefusal === null || !isInside) return decision;
  return {
    ...decision,
    allowed: false,
    rule: "the session is not sandboxed, and its tools may not run on the gateway's host",
    source: hostRefusal.source,
    fix: `sandbox the session (agents.defaults.sandbox.mode "all"), or set ${hostRefusal.key} to "gateway"`,
  };
}
