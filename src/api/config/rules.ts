// What the text of a config itself shows to be wrong or unsafe, key by key. Pure; whatever depends on the host (an image, a profile,
// a folder behind a symlink) is judged later, for the sandboxes concerned only.
import { toAgentId } from "../brands.ts";
import type { Issue } from "../issue.ts";
import { refusedWorkspace } from "./bind-source.ts";
import { type Agent, type Config, type HostFolders, toDefaultAgent } from "./config.ts";
import { resolveSandbox, resolveWorkspace, toWorkspaceKey } from "./effective.ts";
import { Reporter } from "./reporter.ts";
import { checkBrowser } from "./rules-browser.ts";
import { checkContainer } from "./rules-container.ts";
import { checkEgress } from "./rules-egress.ts";
import { checkModels } from "./rules-models.ts";
import { checkMounts } from "./rules-mounts.ts";
import { checkToolLists } from "./rules-tools.ts";
import { checkConfigPlace, checkProfiles, checkWorkspaces } from "./rules-workspaces.ts";
import { toSandboxFolders } from "./sandbox-folders.ts";
import type { ConfigSources } from "./sources.ts";

export function checkRules(config: Config, sources: ConfigSources, folders: HostFolders): Issue[] {
  const reporter = new Reporter(config);
  const resolved = [toDefaultsAgent(config), ...config.agents].map((agent) => ({ agent, sandbox: resolveSandbox(config, agent, folders) }));
  const mounted = toSandboxFolders(resolved.slice(1).map(({ sandbox }) => sandbox));
  for (const { agent, sandbox } of resolved) {
    checkContainer(sandbox, reporter);
    checkEgress(sandbox, reporter);
    checkBrowser(config, { agent, sandbox }, reporter);
    checkMounts(sandbox, { ...folders, sandboxes: mounted }, reporter);
    for (const path of sandbox.ignored)
      reporter.add(path, {
        severity: "warning",
        message: "no effect: the agent's scope is shared, and a shared sandbox uses agents.defaults.sandbox",
        fix: "remove it, or change the scope",
      });
    checkWorkspace(config, agent, folders, reporter);
    checkToolLists(agent.path === null ? "" : `${agent.path}.`, agent.tools, reporter);
  }
  const sandboxes = resolved.map(({ sandbox }) => sandbox);
  checkWorkspaces(config, sandboxes, folders, reporter);
  checkProfiles(sandboxes, mounted, reporter);
  checkConfigPlace(sources, mounted, reporter);
  checkToolLists("", config.tools, reporter);
  checkModels(config, reporter);
  checkSpawning(config, reporter);
  checkBackends(config, reporter);
  checkGateway(config, reporter);
  return reporter.issues;
}

/** A stand-in that has no block of its own, so that the defaults are checked even where every agent overrides them. */
const toDefaultsAgent = (config: Config): Agent => toDefaultAgent(config.agents[0]?.id ?? toAgentId("main"));

function checkWorkspace(config: Config, agent: Agent, folders: HostFolders, reporter: Reporter): void {
  const key = toWorkspaceKey(config, agent);
  if (key === null) return;
  const refusal = refusedWorkspace(resolveWorkspace(config, agent, folders), folders);
  if (refusal !== null) reporter.add(key, { severity: "error", ...refusal, message: `cannot be a workspace: ${refusal.message}` });
}

/** Words of upstream's that mean an address which this product does not find by itself. */
const BIND_WORDS: Readonly<Record<string, string>> = {
  auto: 'listens on loopback; write "loopback" or "lan"',
  tailnet: "listens on loopback; write the tailnet address to listen on it",
};

function checkSpawning({ spawning: { depthMax, depthWritten } }: Config, reporter: Reporter): void {
  if (depthWritten === null || depthWritten <= depthMax) return;
  reporter.add("agents.defaults.subagents.maxSpawnDepth", {
    severity: "warning",
    message: `${depthMax} is in force: sessions nest no deeper here`,
  });
}

/** One controller has one engine. */
function checkBackends({ defaults, agents }: Config, reporter: Reporter): void {
  const places = [{ path: "agents.defaults", sandbox: defaults.sandbox }, ...agents];
  const [first, ...others] = places.filter(({ path, sandbox }) => path !== null && sandbox.backend !== undefined);
  for (const { path, sandbox } of others)
    if (sandbox.backend !== first?.sandbox.backend)
      reporter.add(`${path}.sandbox.backend`, {
        severity: "error",
        message: `"${sandbox.backend}" here and "${first?.sandbox.backend}" at ${first?.path}: a controller has one engine`,
        fix: "write one of them everywhere, or remove both",
      });
}

function checkGateway(config: Config, reporter: Reporter): void {
  const { gateway } = config;
  const word = gateway.bindWritten ?? "";
  const meaning = Object.hasOwn(BIND_WORDS, word) ? BIND_WORDS[word] : undefined;
  if (meaning !== undefined) reporter.add("gateway.bind", { severity: "warning", message: `"${word}" ${meaning}` });
  if (word === "custom" && gateway.bind.kind === "loopback")
    reporter.add("gateway.bind", { severity: "error", message: '"custom" needs gateway.customBindHost', fix: "write the address here" });
  if (
    gateway.bind.kind !== "loopback" &&
    gateway.auth.mode === "none" &&
    !(gateway.bind.kind === "host" && isLoopbackHost(gateway.bind.host))
  )
    reporter.add("gateway.auth.mode", {
      severity: "error",
      message: "the gateway does not listen beyond loopback without authentication",
      fix: 'set gateway.auth.mode: "token", or gateway.bind: "loopback"',
    });
}

export function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}
