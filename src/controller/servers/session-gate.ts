// Decides what a caller who names a session may do in a sandbox: which sandbox is the session's by the config and its live Session object, and
// whether the agent's policy has the tool. What the caller says of itself counts for nothing. Who may call is the servers' business.
import { posix } from "node:path";
import { type AgentId, type SandboxName, type ScopeKey, type SessionKey, toSessionKey } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { isSandboxed } from "../../api/config/sandboxed.ts";
import { OperationError } from "../../api/errors.ts";
import { isCommandOf } from "../../api/file-scripts.ts";
import { toAgentOfKey } from "../../api/names.ts";
import { isBlocking } from "../../api/readiness.ts";
import type { Sandbox, SandboxKind } from "../../api/sandbox.ts";
import { decideTool, renderRefusal, toToolPolicy } from "../../api/tool-policy.ts";
import type { CommandRequest, SandboxTool, SessionEnds, SessionSandbox } from "../../api/wire.ts";
import { AGENT_MOUNT_TARGET } from "../decide/spec.ts";
import type { DesiredSandbox } from "../decide/types.ts";
import type { DesiredState } from "../sources/desired-state.ts";

export interface SessionGateParts {
  desired: DesiredState;
  statusOf(name: SandboxName): Sandbox | null;
  /** Of every sandbox that there is. */
  statuses(): readonly Sandbox[];
  /** Why nothing more may be written into its workspace by tools. null: it may. */
  fullness(sandbox: DesiredSandbox): string | null;
}

/** A call that may be made. */
export interface Admitted {
  sessionKey: SessionKey;
  agentId: AgentId;
  sandbox: SandboxName;
}

const SESSION_KEY_LENGTH_MAX = 512;
/** What a command writes, no tool policy sees. */
const WRITERS: ReadonlySet<SandboxTool> = new Set(["write", "edit", "apply_patch", "media"]);

export class SessionGate {
  readonly #parts: SessionGateParts;

  constructor(parts: SessionGateParts) {
    this.#parts = parts;
  }

  /** @throws OperationError `NotFound` (no live sandboxed session has this key), `NotReady` (nothing is loaded yet), `Forbidden` (the policy's refusal), `LimitExceeded` (the workspace is full) */
  admit(key: string, tool: SandboxTool): Admitted {
    const { agentId, sandbox } = this.#find(key);
    const { config } = this.#parts.desired;
    if (config === null)
      throw new OperationError("NotReady", "no valid config is loaded", { fix: "openclaw config validate", retryable: false });
    const decision = decideTool(toToolPolicy(config, { agentId, sandbox: sandbox.settings }), tool);
    // What people send to an agent is not the agent's doing; checkCommand sees to it that it is nothing else.
    if (!decision.allowed && tool !== "media") throw new OperationError("Forbidden", renderRefusal(decision));
    const full = WRITERS.has(tool) ? this.#parts.fullness(sandbox) : null;
    if (full !== null)
      throw new OperationError("LimitExceeded", full, { fix: "remove files with exec, or raise docker.workspaceSize", retryable: false });
    return { sessionKey: toSessionKey(key), agentId, sandbox: sandbox.name };
  }

  /** @throws OperationError `Forbidden`: the tool runs no such command, or it would begin outside of what the sandbox is for */
  checkCommand(key: string, tool: SandboxTool, request: CommandRequest): void {
    if (!isCommandOf(tool, request)) throw new OperationError("Forbidden", `the tool ${tool} runs its own scripts only`);
    this.checkWorkdir(key, request);
  }

  /** @throws OperationError `Forbidden` */
  checkWorkdir(key: string, { workdir }: Pick<CommandRequest, "workdir">): void {
    if (workdir === undefined) return;
    const { settings } = this.#find(key).sandbox;
    const roots = [settings.docker.workdir, AGENT_MOUNT_TARGET];
    if (posix.normalize(workdir) === workdir && roots.some((root) => workdir === root || workdir.startsWith(`${root}/`))) return;
    throw new OperationError("Forbidden", `the workdir must be in ${roots[0]}, not ${JSON.stringify(workdir.slice(0, 200))}`, {
      fix: "omit the workdir, and change folders in the command itself",
    });
  }

  /**
   * Where the files are that say how the session's agent works: what people keep for it, then what its sandbox has. @throws OperationError `NotFound` (no live
   * session has this key), `NotReady`
   */
  promptFolders(key: string): { sandbox: SandboxName | null; folders: readonly string[] } {
    const own = this.#workspaceWithoutSandbox(key);
    if (own !== null) return { sandbox: null, folders: [own] };
    const { name, settings, workspace } = this.#find(key).sandbox;
    return { sandbox: name, folders: [settings.agentWorkspace, workspace.dir] };
  }

  /** The sandbox that ends with the session. null: it serves other sessions too. @throws OperationError `NotFound`, `NotReady` */
  ownSandbox(key: string): SandboxName | null {
    const { name, scope } = this.#find(key).sandbox;
    return scope === "session" ? name : null;
  }

  /**
   * The uids of those whose end is known here and of which nothing is left that it releases, so that their files, which are the evidence for that,
   * say nothing more. An agent that the config does not have is evidence by itself.
   */
  seenEnds(items: SessionEnds["items"]): string[] {
    const { desired, statuses } = this.#parts;
    if (!desired.loaded) return [];
    // Each list is gone through once: a gateway asks about thousands at a time.
    const agents = new Set<string>(desired.agents.map(({ id }) => id));
    const ended = new Set<string>();
    for (const [agentId, { sessions }] of desired.sessions)
      for (const { metadata, spec } of sessions) if (spec.endedAt !== undefined) ended.add(`${agentId}:${metadata.uid}`);
    const left = new Set<string>();
    for (const { metadata, spec } of statuses()) if (!desired.has(metadata.name)) left.add(spec.scopeKey);
    const isSeen = ({ key, uid }: SessionEnds["items"][number]): boolean => {
      const agentId = isKey(key) ? toAgentOfKey(toSessionKey(key)) : null;
      if (agentId === null) return false;
      if (!agents.has(agentId)) return true;
      return ended.has(`${agentId}:${uid}`) && ![key, `agent:${agentId}`, "shared"].some((scopeKey) => left.has(scopeKey));
    };
    return items.filter(isSeen).map(({ uid }) => uid);
  }

  /** How the session's sandbox is. Never throws: a session that is not known yet may be a moment later. */
  view(key: string, kind: SandboxKind = "tools"): SessionSandbox {
    const desired = isKey(key) ? this.#parts.desired.desiredOfSession(toSessionKey(key), kind) : null;
    const unready = { sessionKey: key, ready: false, blocked: false };
    const holder = isKey(key) ? this.#parts.desired.nameHolderOf(toSessionKey(key)) : null;
    if (holder !== null) return { ...unready, sandbox: null, reason: "HostRejected", message: renderNameHolder(holder), blocked: true };
    if (desired === null) {
      const message =
        kind === "tools"
          ? "the controller has no live sandboxed session with this key"
          : "the controller has no live sandboxed session with this key that wants a browser";
      return { ...unready, sandbox: null, reason: "SessionUnknown", message };
    }
    const status = this.#parts.statusOf(desired.name);
    const condition = status === null ? undefined : findCondition(status.status.conditions, "Ready");
    if (condition === undefined)
      return { ...unready, sandbox: desired.name, reason: "NotSeen", message: "the sandbox has not been observed yet" };
    const { reason, message } = condition;
    return { sessionKey: key, sandbox: desired.name, ready: condition.status === "True", reason, message, blocked: isBlocking(reason) };
  }

  /** The agent's workspace, of a live session that has no sandbox. null: there is no such session */
  #workspaceWithoutSandbox(key: string): string | null {
    const { agents, sessions, loaded } = this.#parts.desired;
    const agentId = loaded && isKey(key) ? toAgentOfKey(toSessionKey(key)) : null;
    const agent = agents.find(({ id }) => id === agentId);
    if (agentId === null || agent === undefined) return null;
    const session = sessions.get(agentId)?.sessions.find(({ spec }) => spec.key === key && spec.endedAt === undefined);
    return session === undefined || isSandboxed(agent.sandbox.mode, session.spec) ? null : agent.sandbox.agentWorkspace;
  }

  #find(key: string): { agentId: AgentId; sandbox: DesiredSandbox } {
    if (!this.#parts.desired.loaded) throw new OperationError("NotReady", "config and sessions have not been loaded yet");
    const agentId = isKey(key) ? toAgentOfKey(toSessionKey(key)) : null;
    const sandbox = agentId === null ? null : this.#parts.desired.desiredOfSession(toSessionKey(key));
    const holder = isKey(key) ? this.#parts.desired.nameHolderOf(toSessionKey(key)) : null;
    if (holder !== null) throw new OperationError("HostRejected", renderNameHolder(holder), { fix: "use another session key" });
    if (agentId === null || sandbox === null)
      throw new OperationError("NotFound", `there is no live sandboxed session ${JSON.stringify(key.slice(0, 80))}`);
    return { agentId, sandbox };
  }
}

const renderNameHolder = (holder: ScopeKey): string =>
  `the sandbox of ${JSON.stringify(holder)} has the name that this session's would have, but is not shared with it`;

const isKey = (text: string): boolean => text.length <= SESSION_KEY_LENGTH_MAX;
