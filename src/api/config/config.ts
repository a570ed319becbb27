// The config in force, as every other part sees it: agents in one list, whichever form the file used; tools; gateway with its defaults.
// Reading text is parse.ts, the merge of one agent's sandbox with the defaults is effective.ts.
import { type AgentId, toAgentId } from "../brands.ts";
import { AgentIdSchema } from "../session.ts";
import { SPAWN_CHILDREN_DEFAULT, SPAWN_DEPTH_DEFAULT, SPAWN_DEPTH_MAX, type SpawnLimits } from "../spawning.ts";
import type { ThinkingLevel } from "../thinking.ts";
import { type AssistantConfig, type Heartbeat, toAssistantConfig, toHeartbeat, toThinkingDefault } from "./assistant.ts";
import {
  type AgentBudget,
  type AuthConfig,
  type ModelChoice,
  type ModelsConfig,
  toAgentBudget,
  toAuthConfig,
  toModelChoice,
  toModelsConfig,
} from "./models.ts";
import type { AgentEntry, AgentsSection, ConfigFile, GatewaySettings, ToolSettings } from "./schema.ts";
import type { SandboxSettings } from "./schema-sandbox.ts";
import { type ConfigLocation, type ConfigPath, renderPath } from "./tree.ts";

/** Folders of the host that the text alone does not tell. Both absolute, in normal form. */
export interface HostFolders {
  /** The state folder: `OPENCLAW_STATE_DIR`, default `~/.openclaw`. */
  readonly stateDir: string;
  /** What `~` stands for. */
  readonly home: string;
}

export interface Agent {
  readonly id: AgentId;
  /** Exactly one agent is the default one: the first marked `default: true`, else `main`, else the first. */
  readonly isDefault: boolean;
  /** `agents.list[1]` or `agents.entries.work`; null for the implicit agent of a file that lists none. */
  readonly path: string | null;
  /** Shown to people; the id when the file gives none. */
  readonly name: string;
  /** As written, `~` not expanded; null: the default folder. */
  readonly workspace: string | null;
  /** The agent's own overrides, not merged. */
  readonly sandbox: SandboxSettings;
  readonly tools: ToolSettings;
  /** null: `models.choice` of the config. */
  readonly model: ModelChoice | null;
  /** Its own; null: `assistant.heartbeat` of the config. */
  readonly heartbeat: Heartbeat | null;
  /** null: `assistant.thinking` of the config. */
  readonly thinking: ThinkingLevel | null;
  /** Where one of its limits is null: that of `models.budget`. */
  readonly budget: AgentBudget;
}

export type BindAddress = { kind: "loopback" } | { kind: "lan" } | { kind: "host"; host: string };

export interface GatewayConfig {
  /** null: not configured; then, and when `remote`, the gateway refuses to start without `--allow-unconfigured`. */
  readonly mode: "local" | "remote" | null;
  readonly port: number;
  readonly bind: BindAddress;
  /** `gateway.bind` as written; null: not configured. */
  readonly bindWritten: string | null;
  readonly auth: {
    readonly mode: "token" | "password" | "none";
    /** Secret. null: not in the config. */
    readonly token: string | null;
    /** Secret. null: not in the config. */
    readonly password: string | null;
  };
  readonly trustedProxies: readonly string[];
  readonly controlUi: { readonly enabled: boolean; readonly allowedOrigins: readonly string[] };
  /** Which of OpenAI's endpoints are answered. */
  readonly http: { readonly chatCompletions: boolean; readonly responses: boolean };
  readonly maxSandboxes: number;
}

export interface Config {
  /** The main file. */
  readonly file: string;
  /** Every file that was read, the main one first: what to watch. */
  readonly files: readonly string[];
  readonly defaults: { readonly workspace: string | null; readonly sandbox: SandboxSettings };
  /** At least one. Ids are unique. */
  readonly agents: readonly Agent[];
  readonly tools: ToolSettings;
  readonly spawning: SpawnLimits & {
    /** `maxSpawnDepth` as written; null: not configured. */
    readonly depthWritten: number | null;
  };
  readonly models: ModelsConfig;
  readonly auth: AuthConfig;
  readonly assistant: AssistantConfig;
  readonly gateway: GatewayConfig;
  /** Where each key path's value stands. */
  readonly locations: ReadonlyMap<string, ConfigLocation>;
}

export const GATEWAY_PORT_DEFAULT = 18_789;
export const MAX_SANDBOXES_DEFAULT = 100;
const AGENT_DEFAULT = toAgentId("main");

/** One mistake that only the whole list of agents shows. */
export interface AgentProblem {
  readonly severity: "error" | "warning";
  readonly path: ConfigPath;
  readonly message: string;
  readonly fix?: string;
}

type AgentDraft = Omit<Agent, "isDefault" | "path"> & { readonly marked: boolean; readonly at: ConfigPath };

function toDraft(id: AgentId, agent: AgentEntry, at: ConfigPath): AgentDraft {
  return {
    id,
    marked: agent.default === true,
    at,
    name: agent.name ?? id,
    workspace: agent.workspace ?? null,
    sandbox: agent.sandbox ?? {},
    tools: agent.tools ?? {},
    model: toModelChoice(agent.model),
    heartbeat: toHeartbeat(agent.heartbeat),
    thinking: toThinkingDefault(agent.thinkingDefault),
    budget: toAgentBudget(agent.budget),
  };
}

/** One list from `agents.list` and `agents.entries`; a bad or doubled id is a problem. */
export function collectAgents(section: AgentsSection): { agents: readonly Agent[]; problems: readonly AgentProblem[] } {
  const problems: AgentProblem[] = [];
  const drafts: AgentDraft[] = (section.list ?? []).map((agent, index) => toDraft(agent.id, agent, ["agents", "list", index]));
  for (const [key, agent] of Object.entries(section.entries ?? {})) {
    const at: ConfigPath = ["agents", "entries", key];
    const id = AgentIdSchema.safeParse(key);
    if (!id.success) problems.push({ severity: "error", path: at, ...toIdProblem(key) });
    else if (agent.id !== undefined && agent.id !== id.data)
      problems.push({ severity: "error", path: [...at, "id"], message: `the key says "${key}", the id "${agent.id}"`, fix: "remove id" });
    else drafts.push(toDraft(id.data, agent, at));
  }
  problems.push(...findDoubles(drafts));
  return { agents: toAgents(drafts), problems };
}

/** Why this is no agent id, and what to write. */
export function toIdProblem(text: string): { message: string; fix?: string } {
  const message = "expected an agent id: [a-z0-9][a-z0-9_-]{0,63}";
  const lower = text.toLowerCase();
  return lower !== text && AgentIdSchema.safeParse(lower).success ? { message, fix: `write "${lower}"` } : { message };
}

function findDoubles(drafts: readonly AgentDraft[]): AgentProblem[] {
  const problems: AgentProblem[] = [];
  const seen = new Map<string, AgentDraft>();
  for (const draft of drafts) {
    const before = seen.get(draft.id);
    const path: ConfigPath = draft.at[1] === "list" ? [...draft.at, "id"] : draft.at;
    if (before !== undefined)
      problems.push({
        severity: "error",
        path,
        message: `the agent "${draft.id}" is already at ${renderPath(before.at)}`,
        fix: "give each agent its own id",
      });
    else seen.set(draft.id, draft);
  }
  const marked = drafts.filter((draft) => draft.marked);
  for (const draft of marked.slice(1))
    problems.push({
      severity: "warning",
      path: [...draft.at, "default"],
      message: `"${marked[0]?.id}" is already the default agent, so this has no effect`,
      fix: "mark only one agent as default",
    });
  return problems;
}

/** One that no config names: it has the defaults alone. */
export const toDefaultAgent = (id: AgentId): Agent => ({
  ...{ id, isDefault: true, path: null, name: id, workspace: null, sandbox: {}, tools: {} },
  ...{ model: null, heartbeat: null, thinking: null, budget: toAgentBudget() },
});

function toAgents(drafts: readonly AgentDraft[]): readonly Agent[] {
  const chosen = drafts.find((draft) => draft.marked) ?? drafts.find((draft) => draft.id === AGENT_DEFAULT) ?? drafts[0];
  if (chosen === undefined) return [toDefaultAgent(AGENT_DEFAULT)];
  return drafts.map(({ marked: _marked, at, ...agent }) => ({ ...agent, isDefault: at === chosen.at, path: renderPath(at) }));
}

export function toGatewayConfig(gateway: GatewaySettings): GatewayConfig {
  return {
    mode: gateway.mode ?? null,
    port: gateway.port ?? GATEWAY_PORT_DEFAULT,
    bind: toBindAddress(gateway),
    bindWritten: gateway.bind ?? null,
    auth: { mode: gateway.auth?.mode ?? "token", token: gateway.auth?.token ?? null, password: gateway.auth?.password ?? null },
    trustedProxies: gateway.trustedProxies ?? [],
    controlUi: { enabled: gateway.controlUi?.enabled ?? true, allowedOrigins: gateway.controlUi?.allowedOrigins ?? [] },
    http: {
      chatCompletions: gateway.http?.endpoints?.chatCompletions?.enabled ?? false,
      responses: gateway.http?.endpoints?.responses?.enabled ?? false,
    },
    maxSandboxes: gateway.maxSandboxes ?? MAX_SANDBOXES_DEFAULT,
  };
}

/** Upstream's `auto` and `tailnet` become loopback, the narrow choice; a warning says so. */
function toBindAddress(gateway: GatewaySettings): BindAddress {
  switch (gateway.bind) {
    case undefined:
    case "loopback":
    case "auto":
    case "tailnet":
      return { kind: "loopback" };
    case "lan":
      return { kind: "lan" };
    case "custom":
      return gateway.customBindHost === undefined ? { kind: "loopback" } : { kind: "host", host: gateway.customBindHost };
    default:
      return { kind: "host", host: gateway.bind };
  }
}

export function toConfig(file: ConfigFile, agents: readonly Agent[], source: Pick<Config, "file" | "files" | "locations">): Config {
  return {
    ...source,
    defaults: { workspace: file.agents?.defaults?.workspace ?? null, sandbox: file.agents?.defaults?.sandbox ?? {} },
    agents,
    tools: file.tools ?? {},
    spawning: {
      depthWritten: file.agents?.defaults?.subagents?.maxSpawnDepth ?? null,
      depthMax: Math.min(file.agents?.defaults?.subagents?.maxSpawnDepth ?? SPAWN_DEPTH_DEFAULT, SPAWN_DEPTH_MAX),
      childrenMax: file.agents?.defaults?.subagents?.maxChildrenPerAgent ?? SPAWN_CHILDREN_DEFAULT,
    },
    models: toModelsConfig(file),
    auth: toAuthConfig(file.auth),
    assistant: toAssistantConfig(file),
    gateway: toGatewayConfig(file.gateway ?? {}),
  };
}

/** Which engine the config asks for with `sandbox.backend`; one controller has one. null: it does not say, or says both. */
export function toEngineKind({ defaults, agents }: Pick<Config, "defaults" | "agents">): "docker" | "podman" | null {
  const asked = new Set([defaults.sandbox, ...agents.map(({ sandbox }) => sandbox)].flatMap(({ backend }) => backend ?? []));
  const [only] = asked;
  return asked.size === 1 ? (only ?? null) : null;
}

export function findAgent(config: Config, agentId: AgentId): Agent | undefined {
  return config.agents.find((agent) => agent.id === agentId);
}
