// Holds desired state as last loaded: config, sessions, requests. Knows whether each was loaded at all, and which sandboxes a change concerns.
// Reading files and noticing changes is file-sources.ts's and config-source.ts's; what is wanted is decided by decide/wanted.ts.
import { isDeepStrictEqual } from "node:util";
import { type EpochMs, type SandboxName, type ScopeKey, type SessionKey, toSessionKey } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { resolveSandbox } from "../../api/config/effective.ts";
import { NO_SANDBOX_FOLDERS, type SandboxFolders, toSandboxFolders } from "../../api/config/sandbox-folders.ts";
import { SANDBOX_DEFAULTS } from "../../api/config/schema-sandbox.ts";
import { toAgentOfKey } from "../../api/names.ts";
import type { SandboxRequest } from "../../api/request.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { whyNoBrowser } from "../decide/browser.ts";
import type { SandboxLimit } from "../decide/sandbox-limits.ts";
import type { DesiredSandbox, Want } from "../decide/types.ts";
import {
  type DesiredIndex,
  type DesiredInputs,
  indexDesired,
  type KnownSandbox,
  lastUseOf,
  type SlugOf,
  toDesiredBrowser,
  type WantedSandbox,
  wantOf,
} from "../decide/wanted.ts";

export type SessionsByAgent = DesiredInputs["sessions"];

export class DesiredState {
  readonly #slugOf: SlugOf;
  readonly #folders: HostFolders;
  #config: Config | null = null;
  #agents: DesiredInputs["agents"] = [];
  #sandboxFolders: SandboxFolders = NO_SANDBOX_FOLDERS;
  #sessions: SessionsByAgent | null = null;
  #requests: ReadonlyMap<SandboxName, SandboxRequest["spec"]> | null = null;
  #index: DesiredIndex | null = null;
  #revision = 0;

  constructor(slugOf: SlugOf, folders: HostFolders) {
    this.#slugOf = slugOf;
    this.#folders = folders;
  }

  /** Whether config, sessions and requests were each loaded completely once. Before that nothing is made or removed. */
  get loaded(): boolean {
    return this.#index !== null && this.#requests !== null;
  }

  /** null: no valid config was ever loaded. */
  get config(): Config | null {
    return this.#config;
  }

  /** Another number whenever an answer may be another one. */
  get revision(): number {
    return this.#revision;
  }

  get agents(): DesiredInputs["agents"] {
    return this.#agents;
  }

  /** What the sandboxes of all agents mount. */
  get sandboxFolders(): SandboxFolders {
    return this.#sandboxFolders;
  }

  get sessions(): SessionsByAgent {
    return this.#sessions ?? new Map();
  }

  /** Each setter answers which sandboxes the change may concern. */
  setConfig(config: Config): SandboxName[] {
    this.#resolve(config);
    return this.#reindex();
  }

  /** Settings that an edit leaves as they are stay the same objects: what was made from them is not made again. */
  #resolve(config: Config): void {
    const before = new Map(this.#agents.map(({ id, sandbox }) => [id, sandbox]));
    this.#config = config;
    this.#agents = config.agents.map((agent) => {
      const [was, is] = [before.get(agent.id), resolveSandbox(config, agent, this.#folders)];
      const sandbox = was !== undefined && isDeepStrictEqual(was, is) ? was : is;
      return { id: agent.id, sandbox, noBrowser: whyNoBrowser(config, sandbox) };
    });
    this.#sandboxFolders = toSandboxFolders(this.#agents.map(({ sandbox }) => sandbox));
  }

  setSessions(sessions: SessionsByAgent): SandboxName[] {
    this.#sessions = sessions;
    return this.#reindex();
  }

  /** As heard last. */
  get requests(): ReadonlyMap<SandboxName, SandboxRequest["spec"]> {
    return this.#requests ?? new Map();
  }

  setRequests(requests: ReadonlyMap<SandboxName, SandboxRequest["spec"]>): SandboxName[] {
    const before = this.#requests ?? new Map<SandboxName, SandboxRequest["spec"]>();
    this.#requests = requests;
    this.#revision += 1;
    return [...new Set([...before.keys(), ...requests.keys()])].filter(
      (name) => JSON.stringify(before.get(name)) !== JSON.stringify(requests.get(name)),
    );
  }

  want(name: SandboxName, known: KnownSandbox | null, now: EpochMs): Want {
    if (this.#index === null || this.#requests === null)
      return { kind: "unknown", because: "config and sessions have not been loaded yet" };
    return wantOf(this.#index, name, known, now);
  }

  requestFor(name: SandboxName): { recreateAfter: EpochMs; kill: boolean } | null {
    const request = this.#requests?.get(name);
    return request?.recreateAfter === undefined ? null : { recreateAfter: request.recreateAfter, kill: request.kill ?? false };
  }

  /** Whether a person keeps the sandbox as it is. */
  isPinned(name: SandboxName): boolean {
    return this.#requests?.get(name)?.pin ?? false;
  }

  /** The wait of a removal that a person let through, as the moment at which it began. null: none. */
  approvalFor(name: SandboxName): EpochMs | null {
    return this.#requests?.get(name)?.approve ?? null;
  }

  /** Why sessions may not cause it. null: they may. */
  limitOn(name: SandboxName): SandboxLimit | null {
    return this.#index?.limited.get(name) ?? null;
  }

  /** How many sandboxes sessions may cause at the same time. null: this one exists because the config says so. */
  creationsMax(name: SandboxName): number | null {
    return this.#index?.byName.get(name)?.eager === false ? this.#index.inputs.maxSandboxes : null;
  }

  /** What the sandbox should be if it is wanted. null: nothing asks for it. */
  desiredOf(name: SandboxName): DesiredSandbox | null {
    return this.#index?.byName.get(name)?.desired ?? null;
  }

  /** The sandbox that a live session has. null: there is no such session, it has ended, it is not sandboxed, or wants no browser. */
  desiredOfSession(key: SessionKey, kind: SandboxKind = "tools"): DesiredSandbox | null {
    const name = this.#index?.bySession[kind].get(key);
    return name === undefined ? null : this.desiredOf(name);
  }

  /** The name of the browser that a live session has or would have. null: there is no such session, or it is not sandboxed. */
  browserBeside(key: SessionKey): SandboxName | null {
    const tools = this.desiredOfSession(key);
    if (tools === null) return null;
    return toDesiredBrowser(this.#slugOf(tools.scopeKey, tools.settings.workspaceRoot), tools).name;
  }

  /** Whether a session file says that it is live. */
  hasSession(key: string): boolean {
    const agentId = toAgentOfKey(toSessionKey(key));
    const sessions = agentId === null ? undefined : this.#sessions?.get(agentId)?.sessions;
    return sessions?.some(({ spec }) => spec.key === key && spec.endedAt === undefined) === true;
  }

  /** Whose name the session's sandbox would have. null: nobody's, the session has its sandbox or none. */
  nameHolderOf(key: SessionKey): ScopeKey | null {
    return this.#index?.refused.get(key) ?? null;
  }

  /** Names were looked up that may be other ones now. @returns as the setters do */
  namesChanged(): SandboxName[] {
    this.#index = null;
    return this.#reindex();
  }

  get slugOf(): SlugOf {
    return this.#slugOf;
  }

  /** Newest activity that the gateway reported of the sandbox's live sessions. null: none was ever used. */
  lastActivityOf(name: SandboxName): EpochMs | null {
    const wanted = this.#index?.byName.get(name);
    const isBrowser = wanted?.desired.kind === "browser";
    const times = (wanted?.sessions ?? []).flatMap(({ spec }) => (isBrowser ? spec.browserUsedAt : spec.lastActivityAt) ?? []);
    return times.length === 0 ? null : (Math.max(...times) as EpochMs);
  }

  /** Whether desired state asks for it now, wanted or idle. */
  has(name: SandboxName): boolean {
    return this.#index?.byName.has(name) ?? false;
  }

  /** Names that desired state asks for now, wanted or idle. */
  names(): SandboxName[] {
    return [...(this.#index?.byName.keys() ?? [])];
  }

  /** The same desired state under another config: for a dry run. null: sessions are not loaded yet. */
  preview(config: Config): DesiredState | null {
    if (this.#sessions === null || this.#requests === null) return null;
    const preview = new DesiredState(this.#slugOf, this.#folders);
    preview.#agents = this.#agents;
    preview.#sessions = this.#sessions;
    preview.#requests = this.#requests;
    preview.#resolve(config);
    preview.#index = preview.#indexFrom(this.#index);
    return preview;
  }

  #reindex(): SandboxName[] {
    this.#revision += 1;
    const before = this.#index;
    const after = this.#indexFrom(before);
    if (after === null) return [];
    this.#index = after;
    return diffIndex(before, after);
  }

  /** null: config or sessions are not loaded yet. */
  #indexFrom(before: DesiredIndex | null): DesiredIndex | null {
    const [config, sessions] = [this.#config, this.#sessions];
    if (config === null || sessions === null) return null;
    const inputs: DesiredInputs = {
      slugOf: this.#slugOf,
      agents: this.#agents,
      sessions,
      maxSandboxes: config.gateway.maxSandboxes,
      spawning: config.spawning,
      hotWindowMs: config.defaults.sandbox.rollout?.hotWindow ?? SANDBOX_DEFAULTS.rollout.hotWindow,
    };
    return indexDesired(inputs, before);
  }
}

/** The same objects: most of ten thousand need no rendering to be compared. */
const isSame = (was: WantedSandbox, is: WantedSandbox): boolean =>
  was.desired === is.desired &&
  was.eager === is.eager &&
  was.sessions.length === is.sessions.length &&
  was.sessions.every((session, at) => session === is.sessions[at]);

/** Names that appeared, went away, or are wanted differently; all of them when there was nothing before. */
function diffIndex(before: DesiredIndex | null, after: DesiredIndex): SandboxName[] {
  if (before === null) return [...after.byName.keys()];
  // Sandboxes of one agent share its settings: each is rendered once.
  const rendered = new WeakMap<object, string>();
  const render = (one: WantedSandbox): string => {
    const { settings, ...rest } = one.desired;
    const text = rendered.get(settings) ?? JSON.stringify(settings);
    rendered.set(settings, text);
    const uses = one.sessions.map((session) => [session.metadata.uid, session.metadata.createdAt, lastUseOf(one.desired.kind, session)]);
    return JSON.stringify([rest, one.eager, uses]) + text;
  };
  const changed = (name: SandboxName): boolean => {
    const [was, is] = [before.byName.get(name), after.byName.get(name)];
    if (was === undefined || is === undefined || before.limited.get(name) !== after.limited.get(name)) return true;
    return !isSame(was, is) && render(was) !== render(is);
  };
  return [...new Set([...before.byName.keys(), ...after.byName.keys()])].filter(changed);
}
