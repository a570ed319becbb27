// Finds what a valid config says in vain: settings of sandboxes that no session gets, and keys that another key makes idle. Each is a warning at its
// place; nothing is refused. What can't work at all is rules.ts's. Pure.
import type { Issue } from "../issue.ts";
import type { Agent, Config, HostFolders } from "./config.ts";
import { type EffectiveSandbox, resolveSandbox } from "./effective.ts";
import { Reporter } from "./reporter.ts";
import type { SandboxSettings } from "./schema-sandbox.ts";

const DEFAULTS = "agents.defaults.sandbox";

export function findNoEffect(config: Config, folders: HostFolders): Issue[] {
  const reporter = new Reporter(config);
  const resolved = config.agents.map((agent) => ({ agent, sandbox: resolveSandbox(config, agent, folders) }));
  if (resolved.every(({ sandbox }) => sandbox.mode === "off")) checkUnusedSettings(config.defaults.sandbox, DEFAULTS, reporter);
  for (const { agent, sandbox } of resolved) {
    if (agent.path !== null && sandbox.mode === "off") checkUnusedSettings(agent.sandbox, `${agent.path}.sandbox`, reporter);
    checkNetworkKeys(sandbox, reporter);
    checkHostTools(config, agent, { sandbox, reporter });
  }
  checkGatewayKeys(config, reporter);
  return reporter.issues;
}

/** Scope and the like are said beside a mode that is off on purpose; a container's own settings are written to be used. */
function checkUnusedSettings(settings: SandboxSettings, path: string, reporter: Reporter): void {
  const written = Object.values(settings.docker ?? {}).some((value) => value !== undefined);
  if (!written) return;
  reporter.add(`${path}.docker`, {
    severity: "warning",
    message: 'no effect but for MCP sessions: sandbox.mode is "off", so no other session has a sandbox',
    fix: `set ${path}.mode to "all"`,
  });
}

/** What a container without a network never asks. */
function checkNetworkKeys(sandbox: EffectiveSandbox, reporter: Reporter): void {
  if (sandbox.docker.network !== "none") return;
  for (const key of ["dns", "extraHosts"] as const) {
    if (sandbox.docker[key].length === 0 || sandbox.provenance.get(`docker.${key}`)?.kind !== "config") continue;
    reporter.addFor(sandbox, `docker.${key}`, {
      severity: "warning",
      message: 'no effect: docker.network is "none"',
      fix: `remove it, or set ${DEFAULTS}.docker.network to "bridge"`,
    });
  }
}

function checkHostTools(config: Config, agent: Agent, { sandbox, reporter }: { sandbox: EffectiveSandbox; reporter: Reporter }): void {
  const own = agent.tools.exec?.host;
  const key = own !== undefined && agent.path !== null ? `${agent.path}.tools.exec.host` : "tools.exec.host";
  if ((own ?? config.tools.exec?.host) !== "gateway" || sandbox.mode !== "all") return;
  // Of the common key nothing is said while some agent's sessions are not sandboxed.
  if (own === undefined && config.agents.length > 1) return;
  reporter.add(key, {
    severity: "warning",
    message: 'no effect: sandbox.mode is "all", so every session of the agent has a sandbox',
    fix: "remove it: with another mode it would let tools run on this host, unconfined",
  });
}

function checkGatewayKeys({ gateway, locations }: Config, reporter: Reporter): void {
  const { mode, token, password } = gateway.auth;
  const idle = (key: string, because: string): void =>
    reporter.add(key, { severity: "warning", message: `no effect: ${because}`, fix: "remove it" });
  if (token !== null && mode !== "token") idle("gateway.auth.token", `gateway.auth.mode is "${mode}"`);
  if (password !== null && mode !== "password") idle("gateway.auth.password", `gateway.auth.mode is "${mode}"`);
  if (locations.has("gateway.customBindHost") && gateway.bindWritten !== "custom")
    idle("gateway.customBindHost", 'gateway.bind is not "custom"');
}
