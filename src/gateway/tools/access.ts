// What a session may do and where: its agent's tool policy, whether it is sandboxed, and what its commands begin with. Pure.
// The policy itself is api/tool-policy.ts; the controller asks it again for whatever reaches a sandbox.
import { type Config, findAgent, type HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveAgentSandbox } from "../../api/config/effective.ts";
import { isSandboxed } from "../../api/config/sandboxed.ts";
import type { Session } from "../../api/session.ts";
import { decideOnHost, decideTool, type ToolDecision, toToolName, toToolPolicy } from "../../api/tool-policy.ts";
import type { ExecDefaults } from "./tool.ts";

export interface ToolAccess {
  decide(tool: string): ToolDecision;
  /** null: the session is not sandboxed. */
  sandbox: EffectiveSandbox | null;
  /** Absolute; inside the sandbox, or on the host. */
  workdir: string;
  exec: ExecDefaults;
}

/** As upstream's: half an hour. */
const EXEC_TIMEOUT_S_DEFAULT = 1_800;

export function toToolAccess(config: Config, { spec }: Pick<Session, "spec">, folders: HostFolders): ToolAccess {
  const { agentId } = spec;
  const settings = resolveAgentSandbox(config, agentId, folders);
  const sandbox = settings !== undefined && isSandboxed(settings.mode, spec) ? settings : null;
  const policy = toToolPolicy(config, { agentId, sandbox });
  const decide = (tool: string): ToolDecision => {
    if (settings === undefined) return refuseUnknown(agentId, tool);
    const decision = decideBrowser(sandbox, decideTool(policy, tool));
    return sandbox === null ? decideOnHost(config, agentId, decision) : decision;
  };
  return {
    decide,
    sandbox,
    workdir: sandbox?.docker.workdir ?? settings?.agentWorkspace ?? "/",
    exec: toExecDefaults(config, spec),
  };
}

/** Beside a sandbox, and where the config has browsers: whatever the lists of tools say. */
function decideBrowser(sandbox: EffectiveSandbox | null, decision: ToolDecision): ToolDecision {
  if (decision.tool !== "browser" || !decision.allowed || sandbox?.browser.enabled === true) return decision;
  const { tool } = decision;
  if (sandbox === null) {
    const rule = "a session without a sandbox has no browser, and none runs on this host";
    return {
      tool,
      allowed: false,
      rule,
      source: "default",
      fix: 'set agents.defaults.sandbox.mode to "all", which gives the session a sandbox',
    };
  }
  const set = sandbox.provenance.get("browser.enabled");
  const source = set?.kind === "config" ? set.path : "default";
  const key = source === "default" ? "agents.defaults.sandbox.browser.enabled" : source;
  return { tool, allowed: false, rule: "browser.enabled is false", source, fix: `set ${key} to true` };
}

/** What an agent had, be it a sandbox, is gone with it: nothing may take that for a session of this host. */
function refuseUnknown(agentId: string, tool: string): ToolDecision {
  const rule = `the config has no agent ${agentId} any more`;
  return { tool: toToolName(tool), allowed: false, rule, source: "agents.list", fix: "add it again, or end the session" };
}

/** The agent's own value of each key, else the global one. */
function toExecDefaults(config: Config, { agentId }: Session["spec"]): ExecDefaults {
  const own = findAgent(config, agentId)?.tools.exec;
  const shared = config.tools.exec;
  return {
    timeoutMs: (own?.timeoutSec ?? shared?.timeoutSec ?? EXEC_TIMEOUT_S_DEFAULT) * 1_000,
    backgroundMs: own?.backgroundMs ?? shared?.backgroundMs ?? null,
    loginProfile: own?.loginProfile ?? shared?.loginProfile ?? false,
  };
}
