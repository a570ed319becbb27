// What one agent's sandbox should be: the built-in defaults, agents.defaults.sandbox and the agent's own block become one complete value,
// and every key keeps the place its value came from. It judges nothing (rules.ts) and looks at no host.
import type { AgentId } from "../brands.ts";
import type { Ulimit } from "../sandbox.ts";
import { type Agent, type Config, findAgent, type HostFolders } from "./config.ts";
import { type EffectiveEgress, EGRESS_ENV } from "./egress.ts";
import { hasPrivateHome, PRIVATE_HOME } from "./private-home.ts";
import {
  type BrowserComplete,
  type DockerComplete,
  type PruneComplete,
  type RolloutComplete,
  SANDBOX_DEFAULTS,
  type SandboxSettings,
} from "./schema-sandbox.ts";
import { type ConfigLocation, parsePath, renderPath } from "./tree.ts";
import { type BindMount, expandHome, type TmpfsMount } from "./values.ts";

/** `docker`, complete and in normal form. Lists are in the order of the file. */
export interface EffectiveDocker
  extends Readonly<Omit<DockerComplete, "env" | "ulimits" | "binds" | "tmpfs" | "capDrop" | "dns" | "extraHosts">> {
  readonly tmpfs: readonly TmpfsMount[];
  readonly capDrop: readonly string[];
  readonly dns: readonly string[];
  readonly extraHosts: readonly string[];
  /** With `HOME` (unless set the workdir, or where an agent may write and not exec a folder of its own) and `LANG`. Values may be secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Sorted by name. */
  readonly ulimits: readonly Ulimit[];
  /** Sources absolute, `~` expanded; no two with the same target. */
  readonly binds: readonly BindMount[];
}

export interface EffectiveBrowser extends Readonly<Omit<BrowserComplete, "binds">> {
  /** `docker.binds` unless the browser has its own. */
  readonly binds: readonly BindMount[];
}

/** Where an effective value comes from. */
export type ValueSource =
  | { readonly kind: "default" }
  | ({
      readonly kind: "config";
      readonly path: string /** The key path in the defaults that it won over. */;
      readonly over?: string;
    } & ConfigLocation);

/** One agent's sandbox: every key has a value, in base units. */
export interface EffectiveSandbox {
  readonly agentId: AgentId;
  readonly mode: "off" | "non-main" | "all";
  readonly scope: "session" | "agent" | "shared";
  readonly workspaceAccess: "none" | "ro" | "rw";
  /** Absolute path. */
  readonly workspaceRoot: string;
  readonly start: "on-demand" | "eager";
  readonly docker: EffectiveDocker;
  /** null: what its network is says what it reaches. */
  readonly egress: EffectiveEgress | null;
  /** Hours and days, fractions allowed; 0 disables. */
  readonly prune: Readonly<PruneComplete>;
  readonly rollout: Readonly<RolloutComplete>;
  readonly browser: EffectiveBrowser;
  /** Absolute path of the agent's own workspace; with scope `shared` the default agent's, so that all agents agree. */
  readonly agentWorkspace: string;
  /** By key path within the block: `mode`, `docker.memory`, `docker.env.LANG`, `docker.ulimits.nofile`, `docker.binds[0]`, `agentWorkspace`. */
  readonly provenance: ReadonlyMap<string, ValueSource>;
  /** Key paths of the agent's own block that have no effect, because its scope is `shared`. */
  readonly ignored: readonly string[];
}

/** One block of the file; `path` is its key path. */
interface Layer {
  readonly path: string;
  readonly settings: SandboxSettings;
}

const DEFAULTS_PATH = "agents.defaults.sandbox";
const FROM_TABLE: ValueSource = { kind: "default" };
/** What a shared sandbox takes from the defaults alone: two agents must never want different things of one container. */
const SHARED_IGNORES = [
  "docker",
  "egress",
  "browser",
  "prune",
  "rollout",
  "workspaceRoot",
  "workspaceAccess",
] as const satisfies (keyof SandboxSettings)[];

interface Resolved {
  folders: HostFolders;
  byAgent: Map<AgentId, EffectiveSandbox>;
}

/** A config never changes, and each tool call asks for its agent's. */
const RESOLVED = new WeakMap<Config, Resolved>();

/** The same object for the same config. Undefined: the config has no such agent. */
export function resolveAgentSandbox(config: Config, agentId: AgentId, folders: HostFolders): EffectiveSandbox | undefined {
  const agent = findAgent(config, agentId);
  if (agent === undefined) return undefined;
  const known = RESOLVED.get(config);
  const isOfFolders = known?.folders.stateDir === folders.stateDir && known.folders.home === folders.home;
  const { byAgent } = known !== undefined && isOfFolders ? known : { byAgent: new Map<AgentId, EffectiveSandbox>() };
  const sandbox = byAgent.get(agentId) ?? resolveSandbox(config, agent, folders);
  RESOLVED.set(config, { folders, byAgent: byAgent.set(agentId, sandbox) });
  return sandbox;
}

export function resolveSandbox(config: Config, agent: Agent, folders: HostFolders): EffectiveSandbox {
  const defaults: Layer = { path: DEFAULTS_PATH, settings: config.defaults.sandbox };
  const own: Layer | null = agent.path === null ? null : { path: `${agent.path}.sandbox`, settings: agent.sandbox };
  const scope = own?.settings.scope ?? defaults.settings.scope ?? SANDBOX_DEFAULTS.scalars.scope;
  const ignored = scope === "shared" && own !== null ? SHARED_IGNORES.filter((key) => own.settings[key] !== undefined) : [];
  const layers = own === null ? [defaults] : [defaults, { ...own, settings: without(own.settings, ignored) }];
  const sources = new Sources(config, layers);
  const scalars = sources.pick("", SANDBOX_DEFAULTS.scalars, (settings) => scalarsOf(settings));
  const home = hasPrivateHome(config, agent, folders, (one) => resolveWorkspace(config, one, folders)) ? PRIVATE_HOME : null;
  const egress = resolveEgress(sources);
  const docker = resolveDocker(sources, folders, { home, env: egress === null ? {} : EGRESS_ENV });
  const workspaceOwner = scope === "shared" ? (config.agents.find((candidate) => candidate.isDefault) ?? agent) : agent;
  sources.note("agentWorkspace", toWorkspaceKey(config, workspaceOwner));
  return {
    agentId: agent.id,
    mode: scalars.mode,
    scope: scalars.scope,
    workspaceAccess: scalars.workspaceAccess,
    workspaceRoot: scalars.workspaceRoot === null ? `${folders.stateDir}/sandboxes` : expandHome(scalars.workspaceRoot, folders.home),
    start: scalars.start,
    docker,
    egress,
    prune: sources.pick("prune", SANDBOX_DEFAULTS.prune, (settings) => settings.prune),
    rollout: sources.pick("rollout", SANDBOX_DEFAULTS.rollout, (settings) => settings.rollout),
    browser: resolveBrowser(sources, docker, folders),
    agentWorkspace: resolveWorkspace(config, workspaceOwner, folders),
    provenance: sources.found,
    ignored: ignored.map((key) => `${own?.path}.${key}`),
  };
}

/** Absolute path of an agent's workspace: its own key, `agents.defaults.workspace` for the default agent, else a folder of the state folder. */
export function resolveWorkspace(config: Config, agent: Agent, folders: HostFolders): string {
  const written = agent.workspace ?? (agent.isDefault ? config.defaults.workspace : null);
  if (written !== null) return expandHome(written, folders.home);
  return agent.isDefault ? `${folders.stateDir}/workspace` : `${folders.stateDir}/workspace-${agent.id}`;
}

/** Key path that says where an agent's workspace is; null: the default folder. */
export function toWorkspaceKey(config: Config, agent: Agent): string | null {
  if (agent.workspace !== null && agent.path !== null) return `${agent.path}.workspace`;
  return agent.isDefault && config.defaults.workspace !== null ? "agents.defaults.workspace" : null;
}

function without(settings: SandboxSettings, keys: readonly (keyof SandboxSettings)[]): SandboxSettings {
  const rest = { ...settings };
  for (const key of keys) delete rest[key];
  return rest;
}

function scalarsOf({ mode, scope, workspaceAccess, workspaceRoot, start }: SandboxSettings) {
  return { mode, scope, workspaceAccess, workspaceRoot, start };
}

/** null where no layer has the block, or the last one that has takes it away. */
function resolveEgress(sources: Sources): EffectiveEgress | null {
  const layers = sources.since((settings) => settings.egress);
  if (layers === null) return null;
  const block = layers.pick("egress", SANDBOX_DEFAULTS.egress, ({ egress }) => egress ?? undefined);
  return {
    allow: layers.list("egress.allow", "replace", ({ egress }) => egress?.allow),
    deny: layers.list("egress.deny", "add", ({ egress }) => egress?.deny),
    log: block.log,
    connections: block.connections,
    bandwidth: block.bandwidth,
  };
}

/** What a sandbox's environment has unless the config sets or removes it. */
interface OwnEnvironment {
  /** null: the workdir. */
  home: string | null;
  env: Readonly<Record<string, string>>;
}

function resolveDocker(sources: Sources, folders: HostFolders, own: OwnEnvironment): EffectiveDocker {
  const scalars = sources.pick("docker", SANDBOX_DEFAULTS.docker, (settings) => settings.docker);
  const environment = sources.mergeByKey("docker.env", SANDBOX_DEFAULTS.docker.env, (settings) => settings.docker?.env);
  const ulimits = sources.mergeByKey("docker.ulimits", SANDBOX_DEFAULTS.docker.ulimits, (settings) => settings.docker?.ulimits);
  const env = new Map(environment);
  for (const [name, value] of Object.entries({ ...own.env, HOME: own.home ?? scalars.workdir })) {
    const key = `docker.env.${name}`;
    if (!env.has(name) && !sources.isRemoved(key)) env.set(name, value);
    if (!sources.found.has(key)) sources.found.set(key, FROM_TABLE);
  }
  return {
    ...scalars,
    env: Object.fromEntries([...env].toSorted(byName)),
    ulimits: [...ulimits].toSorted(byName).map(([name, pair]) => ({ name, ...pair })),
    binds: sources.concatenateBinds().map((bind) => ({ ...bind, source: expandHome(bind.source, folders.home) })),
  };
}

function resolveBrowser(sources: Sources, docker: EffectiveDocker, folders: HostFolders): EffectiveBrowser {
  const browser = sources.pick("browser", SANDBOX_DEFAULTS.browser, (settings) => settings.browser);
  const own = browser.binds?.map((bind) => ({ ...bind, source: expandHome(bind.source, folders.home) }));
  return { ...browser, binds: own ?? docker.binds };
}

const byName = (left: readonly [string, unknown], right: readonly [string, unknown]): number =>
  left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : 0;

/** Merges layer over layer and notes, for each key, which of them had the last word. */
class Sources {
  readonly found: Map<string, ValueSource>;
  readonly #config: Config;
  readonly #layers: readonly Layer[];
  readonly #removed = new Set<string>();

  constructor(config: Config, layers: readonly Layer[], found = new Map<string, ValueSource>()) {
    this.#config = config;
    this.#layers = layers;
    this.found = found;
  }

  #sourceOf(path: string): Extract<ValueSource, { kind: "config" }> {
    const at = this.#config.locations.get(path) ?? { file: this.#config.file, line: 1, column: 1 };
    return { kind: "config", path, ...at };
  }

  #sourceOver(path: string, before: ValueSource | undefined): ValueSource {
    return { ...this.#sourceOf(path), ...(before?.kind === "config" ? { over: before.path } : {}) };
  }

  /** Notes one value that no layer holds: `path` is where the file says it, null is a default. */
  note(key: string, path: string | null): void {
    this.found.set(key, path === null ? FROM_TABLE : this.#sourceOf(path));
  }

  isRemoved(key: string): boolean {
    return this.#removed.has(key);
  }

  /** Scalars and whole lists: the last layer that has the key wins. */
  pick<Complete extends object>(
    group: string,
    defaults: Complete,
    read: (settings: SandboxSettings) => { [Key in keyof Complete]?: unknown } | undefined,
  ): Complete {
    const prefix = group === "" ? "" : `${group}.`;
    const result = { ...defaults };
    for (const key of Object.keys(defaults)) this.found.set(`${prefix}${key}`, FROM_TABLE);
    for (const layer of this.#layers) {
      for (const [key, value] of Object.entries(read(layer.settings) ?? {})) {
        if (value === undefined) continue;
        Object.assign(result, { [key]: value });
        this.found.set(`${prefix}${key}`, this.#sourceOver(`${layer.path}.${prefix}${key}`, this.found.get(`${prefix}${key}`)));
      }
    }
    return result;
  }

  /** Records: key by key, null removes. */
  mergeByKey<Value>(
    group: string,
    defaults: Readonly<Record<string, Value | null>>,
    read: (settings: SandboxSettings) => Readonly<Record<string, Value | null | undefined>> | undefined,
  ): ReadonlyMap<string, Value> {
    const result = new Map<string, Value>();
    for (const [name, value] of Object.entries(defaults)) {
      if (value === null) continue;
      result.set(name, value);
      this.found.set(`${group}.${name}`, FROM_TABLE);
    }
    for (const layer of this.#layers) {
      for (const [name, value] of Object.entries(read(layer.settings) ?? {})) {
        if (value === undefined) continue;
        const key = `${group}.${name}`;
        this.found.set(key, this.#sourceOver(`${layer.path}.${key}`, this.found.get(key)));
        if (value === null) {
          result.delete(name);
          this.#removed.add(key);
        } else {
          result.set(name, value);
          this.#removed.delete(key);
        }
      }
    }
    return result;
  }

  /** The layers from the last one on that takes the block away (null), without it. null: no layer after that has one. */
  since(read: (settings: SandboxSettings) => object | null | undefined): Sources | null {
    const taken = this.#layers.findLastIndex(({ settings }) => read(settings) === null);
    const layers = this.#layers.slice(taken + 1);
    return layers.some(({ settings }) => read(settings) !== undefined) ? new Sources(this.#config, layers, this.found) : null;
  }

  /** Texts without repetition, each with its own place: the last list that there is, or those of all layers. */
  list(group: string, how: "replace" | "add", read: (settings: SandboxSettings) => readonly string[] | undefined): readonly string[] {
    const written = this.#layers.filter(({ settings }) => read(settings) !== undefined);
    const byText = new Map<string, ValueSource>();
    for (const { path, settings } of how === "add" ? written : written.slice(-1))
      for (const [index, text] of (read(settings) ?? []).entries())
        if (!byText.has(text)) byText.set(text, this.#sourceOf(`${path}.${group}[${index}]`));
    for (const [index, source] of [...byText.values()].entries()) this.found.set(`${group}[${index}]`, source);
    return [...byText.keys()];
  }

  /** Binds add up; a later one with the same target replaces the earlier one in its place. */
  concatenateBinds(): readonly BindMount[] {
    const byTarget = new Map<string, { bind: BindMount; source: ValueSource }>();
    for (const layer of this.#layers) {
      for (const [index, bind] of (layer.settings.docker?.binds ?? []).entries()) {
        const source = this.#sourceOver(`${layer.path}.docker.binds[${index}]`, byTarget.get(bind.target)?.source);
        byTarget.set(bind.target, { bind, source });
      }
    }
    const kept = [...byTarget.values()];
    for (const [index, { source }] of kept.entries()) this.found.set(`docker.binds[${index}]`, source);
    return kept.map(({ bind }) => bind);
  }
}

/** The value's key path in the file, to be shown or edited; where it is a default, the path in `agents.defaults.sandbox` to set it. */
export function toConfigKey(sandbox: EffectiveSandbox, key: string): string {
  const source = sandbox.provenance.get(key);
  if (source?.kind === "config") return source.path;
  return renderPath([...(parsePath(DEFAULTS_PATH) ?? []), ...(parsePath(key) ?? [])]);
}
