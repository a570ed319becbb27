// The one resolver of tool policy: whether an agent may use a tool, which rule says so, where that rule stands, and what to edit.
// Pure. Whether a session is sandboxed, and where an allowed exec runs, are decided elsewhere.
import type { AgentId } from "./brands.ts";
import { type Config, findAgent } from "./config/config.ts";
import type { ToolSettings } from "./config/schema.ts";

const FILE_TOOLS = ["read", "write", "edit", "apply_patch"] as const;
const RUNTIME_TOOLS = ["exec", "process"] as const;
const SESSION_TOOLS = ["sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status"] as const;

/** Every tool that this product or upstream has under a fixed name. */
export const KNOWN_TOOLS = [
  ...RUNTIME_TOOLS,
  ...FILE_TOOLS,
  ...SESSION_TOOLS,
  "browser",
  "canvas",
  "nodes",
  "cron",
  "gateway",
  "message",
  "discord",
  "slack",
  "telegram",
  "whatsapp",
  "image",
  "memory_search",
  "memory_get",
  "web_search",
  "web_fetch",
  "agents_list",
  "subagents",
  "tts",
] as const;

export const TOOL_GROUPS: Readonly<Record<string, readonly string[]>> = {
  "group:fs": FILE_TOOLS,
  "group:runtime": RUNTIME_TOOLS,
  "group:sessions": SESSION_TOOLS,
  "group:ui": ["browser", "canvas"],
  "group:automation": ["cron", "gateway"],
  "group:messaging": ["message", "discord", "slack", "telegram", "whatsapp"],
  "group:nodes": ["nodes"],
  "group:memory": ["memory_search", "memory_get"],
  "group:web": ["web_search", "web_fetch"],
  "group:openclaw": KNOWN_TOOLS,
};

const ALIASES: ReadonlyMap<string, string> = new Map([
  ["bash", "exec"],
  ["apply-patch", "apply_patch"],
]);

/** What a sandboxed session may use where the config says nothing: the reference's list plus apply_patch, which is as confined. */
export const SANDBOX_ALLOW_DEFAULT: readonly string[] = [...RUNTIME_TOOLS, ...FILE_TOOLS, ...SESSION_TOOLS];
/** Tools that work on the host, whoever calls them: the reference's list plus the other channels, which an empty `allow` must not let out. */
export const SANDBOX_DENY_DEFAULT: readonly string[] = [
  "browser",
  "canvas",
  "nodes",
  "cron",
  "discord",
  "gateway",
  "message",
  "slack",
  "telegram",
  "whatsapp",
];
/** Off while the agent workspace is read-only. */
export const WRITING_TOOLS: readonly string[] = ["write", "edit", "apply_patch"];

/** Words that may stand in a list: tools, groups, aliases. */
export const TOOL_WORDS: readonly string[] = [...KNOWN_TOOLS, ...Object.keys(TOOL_GROUPS), ...ALIASES.keys()];

/** Lower case, trimmed, aliases resolved: the name under which a tool is known. */
export function toToolName(text: string): string {
  const name = text.trim().toLowerCase();
  return ALIASES.get(name) ?? name;
}

/** @param name normal */
export const isKnownTool = (name: string): boolean => KNOWN_TOOLS.some((known) => known === name);

export function isKnownToolWord(text: string): boolean {
  return TOOL_WORDS.includes(toToolName(text));
}

/** One list of the policy. */
export interface ToolList {
  readonly words: readonly string[];
  /** Key path in the config, or `default`. */
  readonly source: string;
  /** Key path to edit when the list is in the way; the same as `source` unless that is `default`. */
  readonly key: string;
}

/** Refuses what `deny` matches, then what a non-empty `allow` does not match. */
export interface ToolLayer {
  readonly name: string;
  /** More than one where `alsoAllow` adds to it; all empty: everything. */
  readonly allow: readonly ToolList[];
  readonly deny: ToolList | null;
}

export interface ToolPolicy {
  readonly agentId: AgentId;
  /** A tool must pass every one; none grants back what another refuses. */
  readonly layers: readonly ToolLayer[];
  /** Key path of the access `ro` that turns writing tools off; null: they are not off. */
  readonly readOnlySource: string | null;
}

export interface ToolDecision {
  /** Normal name. */
  readonly tool: string;
  readonly allowed: boolean;
  /** The rule that decided, as a clause: `deny "group:ui" of the sandbox's tools`. */
  readonly rule: string;
  /** Key path of that rule, or `default`. */
  readonly source: string;
  /** What to edit so that it is allowed; null when it is. */
  readonly fix: string | null;
}

/** What of an effective sandbox a policy depends on. */
export interface SandboxAccess {
  readonly workspaceAccess: "none" | "ro" | "rw";
  /** Where each value comes from, by its key. */
  readonly provenance: ReadonlyMap<string, { readonly kind: "default" } | { readonly kind: "config"; readonly path: string }>;
}

/** What a policy is asked for. */
export interface ToolPolicyQuery {
  readonly agentId: AgentId;
  /** The session's sandbox; null: the session is not sandboxed. */
  readonly sandbox: SandboxAccess | null;
}

/** An agent that the config does not have gets a policy that allows nothing. */
export function toToolPolicy(config: Config, { agentId, sandbox }: ToolPolicyQuery): ToolPolicy {
  const agent = findAgent(config, agentId);
  if (agent === undefined) return { agentId, layers: [toUnknownAgentLayer(agentId)], readOnlySource: null };
  const own = agent.path === null ? null : { tools: agent.tools, prefix: `${agent.path}.` };
  const layers = [
    toPlainLayer("tools", config.tools, ""),
    ...(own === null ? [] : [toPlainLayer(`tools of agent ${agentId}`, own.tools, own.prefix)]),
    ...(sandbox === null ? [] : [toSandboxLayer(config.tools, own)]),
  ];
  return { agentId, layers, readOnlySource: sandbox?.workspaceAccess === "ro" ? sourceOf(sandbox) : null };
}

function sourceOf(sandbox: SandboxAccess): string {
  const source = sandbox.provenance.get("workspaceAccess");
  return source?.kind === "config" ? source.path : "default";
}

function toUnknownAgentLayer(agentId: AgentId): ToolLayer {
  return { name: `the config, which has no agent "${agentId}"`, allow: [], deny: { words: ["*"], source: "agents", key: "agents.list" } };
}

function toPlainLayer(name: string, tools: ToolSettings, prefix: string): ToolLayer {
  const list = (key: "allow" | "deny"): ToolList | null => {
    const words = tools[key];
    const path = `${prefix}tools.${key}`;
    return words === undefined ? null : { words, source: path, key: path };
  };
  const allow = list("allow");
  return { name, allow: allow === null ? [] : [allow], deny: list("deny") };
}

/** Each of the three lists is the agent's own if it has one, else the global one, else the default. */
function toSandboxLayer(shared: ToolSettings, own: { tools: ToolSettings; prefix: string } | null): ToolLayer {
  const list = (key: "allow" | "alsoAllow" | "deny", otherwise: readonly string[]): ToolList => {
    const path = `tools.sandbox.tools.${key}`;
    const mine = own?.tools.sandbox?.tools?.[key];
    if (own !== null && mine !== undefined) return { words: mine, source: `${own.prefix}${path}`, key: `${own.prefix}${path}` };
    const words = shared.sandbox?.tools?.[key];
    return words === undefined ? { words: otherwise, source: "default", key: path } : { words, source: path, key: path };
  };
  const allow = list("allow", SANDBOX_ALLOW_DEFAULT);
  const also = list("alsoAllow", []);
  return { name: "the sandbox's tools", allow: allow.words.length === 0 ? [] : [allow, also], deny: list("deny", SANDBOX_DENY_DEFAULT) };
}

/** Whether this tool may be used, and why. The first layer that refuses is the one that is named. */
export function decideTool(policy: ToolPolicy, text: string): ToolDecision {
  const tool = toToolName(text);
  for (const layer of policy.layers) {
    const refusal = refuse(layer, tool);
    if (refusal !== null) return refusal;
  }
  if (policy.readOnlySource !== null && WRITING_TOOLS.includes(tool)) {
    return {
      tool,
      allowed: false,
      rule: 'workspaceAccess "ro" turns write, edit and apply_patch off',
      source: policy.readOnlySource,
      fix: `set ${policy.readOnlySource === "default" ? "agents.defaults.sandbox.workspaceAccess" : policy.readOnlySource} to "rw" or "none"`,
    };
  }
  return { tool, allowed: true, ...explainAllowed(policy, tool), fix: null };
}

/** Every known tool, and every one that the lists name, sorted. */
export function decideTools(policy: ToolPolicy, tools: readonly string[] = KNOWN_TOOLS): readonly ToolDecision[] {
  const named = policy.layers
    .flatMap((layer) => [...layer.allow, ...(layer.deny === null ? [] : [layer.deny])])
    .flatMap((list) => list.words);
  const names = new Set([...tools, ...named].map(toToolName).filter((name) => !name.includes("*") && !name.startsWith("group:")));
  return [...names].toSorted().map((tool) => decideTool(policy, tool));
}

/** Without a sandbox a tool that runs commands or touches files would do so on this host, which only `tools.exec.host` can permit. */
export function decideOnHost(config: Config, agentId: AgentId, decision: ToolDecision): ToolDecision {
  const isOnHost = ["group:fs", "group:runtime"].some((group) => matchesTool(group, decision.tool));
  const agent = findAgent(config, agentId);
  const own = agent?.tools.exec?.host;
  const key = own === undefined || agent?.path == null ? "tools.exec.host" : `${agent.path}.tools.exec.host`;
  if (!decision.allowed || !isOnHost || (own ?? config.tools.exec?.host) === "gateway") return decision;
  const source = own === undefined && config.tools.exec?.host === undefined ? "default" : key;
  const rule = "a session without a sandbox has no tools on this host";
  const mode = agent?.path != null && agent.sandbox.mode !== undefined ? `${agent.path}.sandbox.mode` : "agents.defaults.sandbox.mode";
  // What confines comes first.
  const fix = `set ${mode} to "all", which gives the session a sandbox; or set ${key} to "gateway", which runs it on this host, unconfined`;
  return { tool: decision.tool, allowed: false, rule, source, fix };
}

function refuse(layer: ToolLayer, tool: string): ToolDecision | null {
  const denied = layer.deny?.words.find((word) => matchesTool(word, tool));
  if (layer.deny !== null && denied !== undefined) {
    const { source, key } = layer.deny;
    const fix = source === "default" ? `set ${key} to a list without ${quote(denied)}` : `remove ${quote(denied)} from ${key}`;
    return { tool, allowed: false, rule: `deny ${quote(denied)} of ${layer.name}`, source, fix };
  }
  const lists = layer.allow.filter((list) => list.words.length > 0);
  const [first] = lists;
  if (first === undefined || lists.some((list) => list.words.some((word) => matchesTool(word, tool)))) return null;
  const key = first.source === "default" ? (layer.allow[1]?.key ?? first.key) : first.key;
  return { tool, allowed: false, rule: `not in allow of ${layer.name}`, source: first.source, fix: `add ${quote(tool)} to ${key}` };
}

/** The innermost list that names the tool; without any, that nothing refuses it. */
function explainAllowed(policy: ToolPolicy, tool: string): { rule: string; source: string } {
  for (const layer of policy.layers.toReversed()) {
    for (const list of layer.allow) {
      const word = list.words.find((candidate) => matchesTool(candidate, tool));
      if (word !== undefined) return { rule: `allow ${quote(word)} of ${layer.name}`, source: list.source };
    }
  }
  return { rule: "no list refuses it", source: "default" };
}

const quote = (text: string): string => JSON.stringify(text);

/** Whether one word of a list (a name, an alias, a group, a pattern with `*`) means this tool. */
export function matchesTool(word: string, tool: string): boolean {
  const name = toToolName(word);
  if (Object.hasOwn(TOOL_GROUPS, name)) return TOOL_GROUPS[name]?.includes(tool) ?? false;
  return name.includes("*") ? matchesPattern(name, tool) : name === tool;
}

/** Linear in the pattern: each piece between stars is looked for after the one before it. */
function matchesPattern(pattern: string, tool: string): boolean {
  const pieces = pattern.split("*");
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (tool.length < first.length + last.length || !tool.startsWith(first) || !tool.endsWith(last)) return false;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = tool.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return from <= tool.length - last.length;
}

/** One sentence for whoever was refused: the rule, its key and the fix. */
export function renderRefusal(decision: ToolDecision): string {
  return `the tool "${decision.tool}" is off: ${decision.rule} (${decision.source})${decision.fix === null ? "" : `; ${decision.fix}`}`;
}
