// What may be done with sessions, by the config in force: which are opened under which key, what a session may see and spawn, how it is shown.
// Files are sessions.ts's; who may ask is the servers'.
import PQueue from "p-queue";
import { type SessionKey, toSessionKey } from "../../api/brands.ts";
import { type Agent, type Config, findAgent, type HostFolders } from "../../api/config/config.ts";
import { resolveSandbox } from "../../api/config/effective.ts";
import { isSandboxed } from "../../api/config/sandboxed.ts";
import { OperationError } from "../../api/errors.ts";
import { isTarget, resolveModel } from "../../api/models/resolve.ts";
import { toAgentOfKey } from "../../api/names.ts";
import { toPlainText } from "../../api/plain-issue.ts";
import { Session, type SessionKind } from "../../api/session.ts";
import { expandSessionKey } from "../../api/session-reference.ts";
import { isChild, toChildSandboxesMax, toSpawnDepth } from "../../api/spawning.ts";
import { toToolPolicy } from "../../api/tool-policy.ts";
import { toToolAccess } from "../tools/access.ts";
import {
  type Message,
  NO_RUN,
  type SessionPort,
  type SessionView,
  type SpawnChoices,
  type SpawnOptions,
  type Speaker,
} from "../tools/tool-port.ts";
import { type Confinement, findLoosening } from "./confinement.ts";
import { toKind, toSubagentKey } from "./keys.ts";
import type { Sessions } from "./sessions.ts";

export interface SessionServiceParts {
  sessions: Sessions;
  config(): Config;
  folders: HostFolders;
  /** A new UUID. */
  newUid(): string;
  /** A session said something to another one, which is in its transcript. Must not throw. Absent: nobody answers. */
  said?(arrival: { from: SessionKey; to: SessionKey; message: Message; speaker: Speaker; choices: SpawnChoices | null }): void;
}

/** As many sessions as one agent may have, twice over; some 200 bytes each. */
const PARENTS_MAX = 10_000;
/** Only the gateway itself makes these. */
const OWN_KINDS: readonly SessionKind[] = ["subagent", "mcp"];

export class SessionService implements SessionPort {
  readonly #parts: SessionServiceParts;
  /** One after the other, whoever the parent: some limits are for all together, so that none may be begun between counting and beginning. */
  readonly #spawns = new PQueue({ concurrency: 1 });
  /** By uid; a parent never changes. The oldest is forgotten, and read again where it is asked for. */
  readonly #parents = new Map<string, SessionKey | null>();

  constructor(parts: SessionServiceParts) {
    this.#parts = parts;
  }

  /** By key, full or short; without one a new conversation. @throws OperationError `InvalidArgument`, `NotFound` (no such agent) */
  async open({ key, agentId }: { key?: string | undefined; agentId?: string | undefined }): Promise<Session> {
    const written = key === undefined || agentId !== undefined ? key : this.expand(key);
    const agent = this.#agent(agentId ?? (written === undefined ? null : toAgentOfKey(toSessionKey(written))));
    const full = written === undefined ? `agent:${agent.id}:direct:${this.#parts.newUid()}` : expandFor(agent, written);
    const sessionKey = parseKey(full);
    if (toAgentOfKey(sessionKey) !== agent.id)
      throw new OperationError("InvalidArgument", `the key ${JSON.stringify(full.slice(0, 80))} is not one of agent ${agent.id}`);
    const kind = toKind(sessionKey, agent.id);
    const known = this.#parts.sessions.find(sessionKey);
    if (known === null && OWN_KINDS.includes(kind))
      throw new OperationError("Forbidden", `sessions of kind ${kind} are created by the gateway itself`, {
        fix: "spawn it from its parent",
      });
    return await this.#parts.sessions.create({ key: sessionKey, agentId: agent.id, kind });
  }

  /** What a client of the MCP endpoint gets: always sandboxed, by itself. @throws OperationError `NotFound` (no such agent) */
  planMcp(agentId: string | null): Pick<Session["spec"], "key" | "agentId" | "kind"> {
    const agent = this.#agent(agentId);
    return { key: toSessionKey(`agent:${agent.id}:mcp:${this.#parts.newUid()}`), agentId: agent.id, kind: "mcp" };
  }

  /** A client's key, full or short, as the full one; the command line's mean the same. */
  expand(key: string): string {
    const { sessions, config } = this.#parts;
    return expandSessionKey(key, { agents: config().agents, hasSession: (full) => sessions.find(toSessionKey(full)) !== null });
  }

  isSandboxed({ spec }: Session): boolean {
    const agent = findAgent(this.#parts.config(), spec.agentId);
    // An agent that is not configured any more has no sandbox, and no tools either.
    return agent !== undefined && isSandboxed(resolveSandbox(this.#parts.config(), agent, this.#parts.folders).mode, spec);
  }

  async view(session: Session): Promise<SessionView> {
    const { key, agentId, kind, lastActivityAt = null, endedAt = null, browserUsedAt = null } = session.spec;
    const messages = await this.#parts.sessions.countMessages(key);
    const { createdAt } = session.metadata;
    return { key, agentId, kind, createdAt, lastActivityAt, endedAt, sandboxed: this.isSandboxed(session), browserUsedAt, messages };
  }

  async list(viewer: Session): Promise<readonly SessionView[]> {
    const seen = await Promise.all(
      this.#parts.sessions.list().map(async (session) => ((await this.#sees(viewer, session)) ? [session] : [])),
    );
    return await Promise.all(seen.flat().map((session) => this.view(session)));
  }

  async get(viewer: Session, key: string): Promise<SessionView> {
    return await this.view(await this.#seen(viewer, key));
  }

  async history(viewer: Session, key: string, page: { after: number; limit: number }): Promise<readonly Message[]> {
    return await this.#parts.sessions.messages((await this.#seen(viewer, key)).spec.key, page);
  }

  async send(viewer: Session, key: string, { text, speaker }: { text: string; speaker: Speaker }): Promise<Message> {
    const { spec } = await this.#seen(viewer, key);
    await this.#parts.sessions.touch(spec.key);
    const message = await this.#parts.sessions.append(spec.key, { role: "user", text, from: viewer.spec.key });
    this.#parts.said?.({ from: viewer.spec.key, to: spec.key, message, speaker, choices: null });
    return message;
  }

  /** @throws OperationError `Forbidden` when the child would be less confined than its parent, `LimitExceeded` when it has too many, or is one itself */
  async spawn(parent: Session, options: SpawnOptions): Promise<SessionView> {
    return await this.#spawns.add(() => this.#spawn(parent, options));
  }

  async #spawn(parent: Session, { agentId, task, choices, speaker = NO_RUN }: SpawnOptions): Promise<SessionView> {
    const model = choices === undefined || choices.model === null ? null : resolveModel(this.#parts.config(), choices.model);
    if (model !== null && !isTarget(model))
      throw new OperationError("InvalidArgument", `the model ${JSON.stringify(model.written)} can't be used: ${model.message}`, {
        fix: model.fix,
      });
    const agent = this.#agent(agentId ?? parent.spec.agentId);
    const key = toSubagentKey(agent.id, this.#parts.newUid());
    // What an MCP session starts is confined as one: always sandboxed, by itself.
    const kind = parent.spec.kind === "mcp" ? "mcp" : "subagent";
    const loosening = findLoosening(this.#confinementOf(parent.spec), this.#confinementOf({ key, agentId: agent.id, kind }));
    if (loosening !== null)
      throw new OperationError("Forbidden", `agent ${agent.id} is less confined than session ${parent.spec.key}: ${loosening}`);
    await this.#boundChildren(parent);
    const child = await this.#parts.sessions.create({ key, agentId: agent.id, kind, parentKey: parent.spec.key });
    this.#know(child, parent.spec.key);
    const message = await this.#parts.sessions.append(key, { role: "system", text: task ?? "", from: parent.spec.key });
    if (message.text !== "" || choices !== undefined)
      this.#parts.said?.({ from: parent.spec.key, to: key, message, speaker, choices: choices ?? null });
    return await this.view(child);
  }

  /** @throws OperationError `LimitExceeded` */
  async #boundChildren(parent: Session): Promise<void> {
    const { sessions, config } = this.#parts;
    const { spawning, gateway } = config();
    const refuse = (message: string, fix: string, options: { retryable?: false } = {}): never => {
      throw new OperationError("LimitExceeded", message, { fix, ...options });
    };
    if (toSpawnDepth(parent.spec, (key) => sessions.find(key) ?? undefined) >= spawning.depthMax)
      refuse(`session ${parent.spec.key} was spawned by another one and may not spawn any`, "agents.defaults.subagents.maxSpawnDepth", {
        retryable: false,
      });
    const live = sessions.list().filter(({ spec }) => spec.endedAt === undefined && isChild(spec));
    const parents = await Promise.all(live.map((child) => this.#parentOf(child)));
    if (parents.filter((key) => key === parent.spec.key).length >= spawning.childrenMax)
      refuse(
        `session ${parent.spec.key} already has ${spawning.childrenMax} children`,
        "end some (DELETE /v1/sessions/KEY), or raise agents.defaults.subagents.maxChildrenPerAgent",
      );
    const most = toChildSandboxesMax(gateway.maxSandboxes);
    if (live.filter((child) => this.isSandboxed(child)).length >= most)
      refuse(`there are already ${most} spawned sessions; the rest of gateway.maxSandboxes is reserved for other sessions`, "end some");
  }

  #confinementOf(spec: Pick<Session["spec"], "key" | "agentId" | "kind">): Confinement {
    const config = this.#parts.config();
    const agent = this.#agent(spec.agentId);
    const sandbox = resolveSandbox(config, agent, this.#parts.folders);
    const sandboxed = isSandboxed(sandbox.mode, spec);
    const policy = toToolPolicy(config, { agentId: agent.id, sandbox: sandboxed ? sandbox : null });
    return { sandboxed, sandbox, policy, decide: toToolAccess(config, { spec }, this.#parts.folders).decide };
  }

  /** null: the default agent. @throws OperationError `NotFound` */
  #agent(agentId: string | null): Agent {
    const { agents } = this.#parts.config();
    const agent = agents.find(({ id, isDefault }) => (agentId === null ? isDefault : id === agentId));
    if (agent !== undefined) return agent;
    const fix = `configured agents: ${agents.map(({ id }) => id).join(", ")}`;
    throw new OperationError("NotFound", `the config has no agent ${JSON.stringify((agentId ?? "").slice(0, 64))}`, { fix });
  }

  /** What a session may not see is not there for it. @throws OperationError `NotFound` */
  async #seen(viewer: Session, key: string): Promise<Session> {
    const session = this.#parts.sessions.get(expandFor({ id: viewer.spec.agentId }, key));
    if (await this.#sees(viewer, session)) return session;
    throw new OperationError("NotFound", `there is no session ${JSON.stringify(key.slice(0, 80))}`);
  }

  /** Itself, what it spawned, and, when nothing confines it, every session of its agent. */
  async #sees(viewer: Session, session: Session): Promise<boolean> {
    if (session.spec.key === viewer.spec.key) return true;
    if (!this.isSandboxed(viewer)) return session.spec.agentId === viewer.spec.agentId;
    return (await this.#parentOf(session)) === viewer.spec.key;
  }

  /** The first message of a spawned session tells, so that it is known after a restart too. */
  async #parentOf({ metadata, spec }: Session): Promise<SessionKey | null> {
    const known = this.#parents.get(metadata.uid);
    if (known !== undefined) return known;
    if (spec.parentKey !== undefined) return spec.parentKey;
    if (!spec.key.startsWith(`agent:${spec.agentId}:subagent:`)) return null;
    const [first] = await this.#parts.sessions.messages(spec.key, { after: 0, limit: 1 });
    return this.#know({ metadata }, first?.role === "system" ? first.from : null);
  }

  #know({ metadata }: Pick<Session, "metadata">, parent: SessionKey | null): SessionKey | null {
    this.#parents.set(metadata.uid, parent);
    const [oldest] = this.#parents.keys();
    if (this.#parents.size > PARENTS_MAX && oldest !== undefined) this.#parents.delete(oldest);
    return parent;
  }
}

/** An agent's own short key: for a session, which is of one agent, and where the agent is named beside it. */
const expandFor = ({ id }: Pick<Agent, "id">, key: string): string => (key.startsWith("agent:") ? key : `agent:${id}:${key}`);

/** @throws OperationError `InvalidArgument` */
function parseKey(text: string): SessionKey {
  const parsed = Session.shape.spec.shape.key.safeParse(text, { error: toPlainText });
  if (parsed.success) return parsed.data;
  throw new OperationError("InvalidArgument", `key: ${parsed.error.issues[0]?.message ?? "not a session key"}`);
}
