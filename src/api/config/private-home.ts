// Decides in which sandboxes HOME is a separate folder instead of the workspace: those whose agent may change files but run nothing. Programs that a
// setup or a person runs read files of HOME (`.gitconfig`, `.npmrc`), and those of such an agent must not run anything there. Pure.
import { decideTool, toToolPolicy, WRITING_TOOLS } from "../tool-policy.ts";
import type { Agent, Config, HostFolders } from "./config.ts";
import { SANDBOX_DEFAULTS } from "./schema-sandbox.ts";
import type { TmpfsMount } from "./values.ts";

/** In memory, and gone with the container, so that nothing in it was there before the container's setup. Tools that write files are kept out. */
export const PRIVATE_HOME = "/run/openclaw-home";
export const PRIVATE_HOME_TMPFS: TmpfsMount = { path: PRIVATE_HOME, options: "exec,size=256m,mode=1777" };

interface Judged {
  folders: HostFolders;
  /** Workspaces in which an agent may write that may not run anything. */
  workspaces: ReadonlySet<string>;
}

/** A config never changes, and each agent's sandbox asks for all agents. */
const JUDGED = new WeakMap<Config, Judged>();

export type WorkspaceOf = (agent: Agent) => string;

/** Whether HOME of the agent's sandboxes is PRIVATE_HOME unless the config says where it is. @param workspaceOf an agent's own workspace, absolute */
export function hasPrivateHome(config: Config, agent: Agent, folders: HostFolders, workspaceOf: WorkspaceOf): boolean {
  const known = JUDGED.get(config);
  const isOfFolders = known?.folders.stateDir === folders.stateDir && known.folders.home === folders.home;
  const judged = known !== undefined && isOfFolders ? known : { folders, workspaces: judge(config, workspaceOf) };
  JUDGED.set(config, judged);
  return judged.workspaces.has(toWorkspace(config, agent, workspaceOf));
}

function judge(config: Config, workspaceOf: WorkspaceOf): ReadonlySet<string> {
  return new Set(config.agents.filter((agent) => writesOnly(config, agent)).map((agent) => toWorkspace(config, agent, workspaceOf)));
}

function writesOnly(config: Config, agent: Agent): boolean {
  const sandbox = { workspaceAccess: accessOf(config, agent), provenance: new Map() };
  const policy = toToolPolicy(config, { agentId: agent.id, sandbox });
  const may = (tool: string): boolean => decideTool(policy, tool).allowed;
  return !may("exec") && WRITING_TOOLS.some(may);
}

const isShared = ({ defaults }: Config, { sandbox }: Agent): boolean =>
  (sandbox.scope ?? defaults.sandbox.scope ?? SANDBOX_DEFAULTS.scalars.scope) === "shared";

function accessOf(config: Config, agent: Agent): "none" | "ro" | "rw" {
  const own = isShared(config, agent) ? undefined : agent.sandbox.workspaceAccess;
  return own ?? config.defaults.sandbox.workspaceAccess ?? SANDBOX_DEFAULTS.scalars.workspaceAccess;
}

/** The same text for two agents that write to one folder: they share a sandbox, or have the same folder of the host. */
function toWorkspace(config: Config, agent: Agent, workspaceOf: WorkspaceOf): string {
  const shared = isShared(config, agent);
  const owner = shared ? (config.agents.find(({ isDefault }) => isDefault) ?? agent) : agent;
  if (accessOf(config, agent) === "rw") return workspaceOf(owner);
  return shared ? "shared" : `agent:${agent.id}`;
}
