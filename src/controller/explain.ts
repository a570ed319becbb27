// Says why a session's or an agent's sandbox is as it is: every value with the place it comes from, mounts, tools, live state, what is next.
// It shows what the resolvers of `api` and the loop decided and decides nothing itself.
import type { AgentId, InstanceId, SandboxName } from "../api/brands.ts";
import { type Config, findAgent, type HostFolders } from "../api/config/config.ts";
import { type EffectiveSandbox, resolveSandbox, toConfigKey, type ValueSource } from "../api/config/effective.ts";
import { isSandboxed, toSessionScope } from "../api/config/sandboxed.ts";
import { OperationError } from "../api/errors.ts";
import type { Issue } from "../api/issue.ts";
import { toContainerName } from "../api/names.ts";
import type { Sandbox } from "../api/sandbox.ts";
import type { Session } from "../api/session.ts";
import { decideTools, toToolPolicy } from "../api/tool-policy.ts";
import type { ExplainedValue, ExplainView } from "../api/wire.ts";
import { AGENT_MOUNT_TARGET } from "./decide/spec.ts";
import { toDesired, toScopeKeyOf } from "./decide/wanted.ts";

export interface ExplainInputs {
  instance: InstanceId;
  config: Config;
  folders: HostFolders;
  issues: readonly Issue[];
  agentId: AgentId;
  /** What is known of the session; only its key when it has no file. null: the agent is meant, as its main session sees it. */
  session: Pick<Session["spec"], "key" | "kind" | "agentId"> | null;
  statusOf(name: SandboxName): Sandbox | null;
}

/** @throws OperationError `NotFound` when the config has no such agent */
export function explain(inputs: ExplainInputs): ExplainView {
  const { config, agentId, folders, instance, issues } = inputs;
  const agent = findAgent(config, agentId);
  if (agent === undefined) {
    const known = config.agents.map(({ id }) => id).join(", ");
    throw new OperationError("NotFound", `the config has no agent "${agentId}"`, { fix: `configured agents: ${known}` });
  }
  const sandbox = resolveSandbox(config, agent, folders);
  const key = inputs.session?.key ?? (`agent:${agentId}:main` as Session["spec"]["key"]);
  const session = inputs.session ?? { key, agentId, kind: "main" as const };
  const sandboxed = isSandboxed(sandbox.mode, session);
  const scope = toSessionScope(sandbox.scope, session);
  const scopeKey = toScopeKeyOf(scope, agentId, session.key);
  const name = toContainerName(sandbox.docker.containerPrefix, instance, scopeKey);
  const status = inputs.statusOf(name);
  const policy = toToolPolicy(config, { agentId, sandbox: sandboxed ? sandbox : null });
  return {
    agentId,
    sessionKey: inputs.session?.key ?? null,
    sandboxed,
    because: becauseOf(sandbox, session, sandboxed),
    sandbox: sandboxed ? { name, scope, scopeKey, status } : null,
    values: valuesOf(sandbox),
    mounts: sandboxed ? mountsOf(toDesired(instance, { id: agentId, sandbox }, scope, scopeKey)) : [],
    tools: decideTools(policy).map(({ tool, allowed, rule, source, fix }) => ({ tool, allowed, rule, source, fix })),
    next: nextOf(sandbox, sandboxed, status),
    warnings: [...issues, ...sandbox.ignored.map(toIgnored)],
  };
}

function becauseOf(sandbox: EffectiveSandbox, session: Pick<Session["spec"], "key" | "kind">, sandboxed: boolean): string {
  const source = renderSource(sandbox.provenance.get("mode"));
  if (session.kind === "mcp") return "MCP sessions are always sandboxed, each by itself";
  if (sandboxed) return `sandbox.mode is ${sandbox.mode} (${source})`;
  return sandbox.mode === "off"
    ? `sandbox.mode is off (${source})`
    : `sandbox.mode is non-main (${source}) and this is the agent's main session`;
}

/** Values of environment variables may be secrets: only that they are set is said. */
function valuesOf(sandbox: EffectiveSandbox): ExplainedValue[] {
  return [...sandbox.provenance]
    .filter(([key]) => !key.startsWith("browser.") && key !== "docker.env")
    .map(([key, source]) => ({
      key,
      value: key.startsWith("docker.env.") ? "(set)" : renderValue(readKey(sandbox, key)),
      source: renderSource(source),
    }));
}

/** `docker.memory` of the effective block; undefined where the key names part of a list or a merged record. */
function readKey(sandbox: EffectiveSandbox, key: string): unknown {
  let value: unknown = sandbox;
  for (const part of key.split(/[.[\]]+/).filter((word) => word !== "")) {
    if (typeof value !== "object" || value === null) return undefined;
    const named = Array.isArray(value) ? value.find((item) => isNamed(item, part)) : undefined;
    value = named ?? Reflect.get(value, part);
  }
  return value;
}

const isNamed = (item: unknown, name: string): boolean => typeof item === "object" && item !== null && Reflect.get(item, "name") === name;

function renderValue(value: unknown): string {
  if (value === null || value === undefined) return "unset";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(renderItem).join(" ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** As one writes it in the config: `/tmp:size=256m`, `nofile:1024:2048`. */
const renderItem = (item: unknown): string => (typeof item === "object" && item !== null ? Object.values(item).join(":") : String(item));

function renderSource(source: ValueSource | undefined): string {
  if (source === undefined || source.kind === "default") return "default";
  return `${source.path} at ${source.file}:${source.line}:${source.column}`;
}

function mountsOf({ workspace, agentDir, settings }: ReturnType<typeof toDesired>): ExplainView["mounts"] {
  const mounts: ExplainView["mounts"] = [
    { source: workspace.dir, target: settings.docker.workdir, access: "rw", kind: `${workspace.purpose} workspace` },
  ];
  if (agentDir !== null) mounts.push({ source: agentDir, target: AGENT_MOUNT_TARGET, access: "ro", kind: "agent workspace" });
  for (const { source, target, readOnly } of settings.docker.binds)
    mounts.push({ source, target, access: readOnly ? "ro" : "rw", kind: "bind" });
  return mounts;
}

function nextOf(sandbox: EffectiveSandbox, sandboxed: boolean, status: Sandbox | null): string[] {
  // What is left of a sandbox that the config does not want any more has a next step too.
  if (!sandboxed) return [...(status?.status.next ?? []), `to sandbox it, set ${toConfigKey(sandbox, "mode")} to "all"`];
  if (status !== null) return [...status.status.next];
  if (sandbox.start === "eager") return ["the sandbox is made as soon as the config is in force"];
  return [`the sandbox is made when a session uses it; to have it always, set ${toConfigKey(sandbox, "start")} to "eager"`];
}

const toIgnored = (path: string): Issue => ({
  severity: "warning",
  file: "",
  path,
  message: 'has no effect, because the scope is "shared"',
  fix: "set it in agents.defaults.sandbox",
});
