// All Session objects of all agents, and whether each folder was read completely: what could not be read never counts as missing.
// What sessions mean for sandboxes is the controller's. It never writes: the gateway does, through an ObjectStore of its own.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AgentId, type EpochMs, later, MINUTE_MS, renderTime, toAgentId } from "../brands.ts";
import { errnoOf } from "../errno.ts";
import type { Issue } from "../issue.ts";
import { AgentIdSchema, SESSION_FILE_BYTES_MAX, SESSION_FILE_SUFFIX, Session } from "../session.ts";
import { explainErrno } from "./atomic-file.ts";
import { watchFolder } from "./folder-watch.ts";
import { type ObjectListing, ObjectStore } from "./object-store.ts";

/** One hundred times the sessions that one agent can have sandboxes for, and a second of reading. */
const SESSIONS_PER_AGENT_MAX = 10_000;
/** Of all agents together: two agents' worth. */
export const SESSION_FILES_MAX = 20_000;
const AGENTS_MAX = 1_000;
/** Two clocks on one host agree; those of two hosts that share a folder nearly do. */
const SKEW = MINUTE_MS;

export interface ListedAgent {
  /** `missing` and `unreadable`: it is not known which sessions there are. That is not the same as none. */
  folder: "read" | "missing" | "unreadable";
  /** Ended ones too, as long as their file is there. */
  sessions: readonly Session[];
  /** How many files could not be understood. */
  unread: number;
  /** The names those sessions would have. */
  unreadNames: readonly string[];
}

export interface SessionListing {
  /** Every agent that has a folder, or had one at an earlier look. */
  agents: ReadonlyMap<AgentId, ListedAgent>;
  issues: readonly Issue[];
}

/** What may have changed: some files of one agent, anything of one agent, or anything. */
export type SessionHint =
  | { kind: "files"; agentId: AgentId; files: ReadonlySet<string> }
  | { kind: "agent"; agentId: AgentId }
  | { kind: "relist"; cause: string };

/** What one session store of the gateway and one of the controller have in common. */
export function sessionsFolder(stateDir: string, agentId: AgentId): string {
  return join(stateDir, "agents", agentId, "sessions");
}

export type SessionObjects = ObjectStore<typeof Session>;

/** The sessions of one agent: to write them, or to read one. */
export function createSessionObjects(stateDir: string, agentId: AgentId, now: () => EpochMs, room?: () => number): SessionObjects {
  return new ObjectStore({
    ...(room !== undefined && { room }),
    folder: sessionsFolder(stateDir, agentId),
    suffix: SESSION_FILE_SUFFIX,
    schema: Session,
    bytesMax: SESSION_FILE_BYTES_MAX,
    filesMax: SESSIONS_PER_AGENT_MAX,
    nameOf: (session) => session.metadata.name,
    now,
  });
}

export interface SessionStoreParts {
  stateDir: string;
  now(): EpochMs;
  /** Whose sessions matter; no other agent's files are looked at. May change between looks. Absent: everybody's. */
  isRead?(agentId: AgentId): boolean;
}

export class SessionStore {
  readonly #parts: SessionStoreParts;
  readonly #stores = new Map<AgentId, SessionObjects>();
  readonly #listings = new Map<AgentId, ObjectListing<Session>>();
  #agentIssues: Issue[] = [];
  /** Ends the watches of single agents. null: nothing is watched. */
  #watch: { changed(hint: SessionHint): void; signal: AbortSignal } | null = null;
  readonly #watched = new Set<AgentId>();

  constructor(parts: SessionStoreParts) {
    this.#parts = parts;
  }

  /** Looks at every agent's folder; reads only files that changed since the last look. Never rejects for what it finds. */
  async list(): Promise<SessionListing> {
    await this.#findAgents();
    await Promise.all([...this.#stores].map(async ([agentId, store]) => this.#listings.set(agentId, await store.list())));
    return this.#listing();
  }

  /** Looks at what the hints speak of and answers from memory for the rest. */
  async refresh(hints: readonly SessionHint[]): Promise<SessionListing> {
    const files = new Map<AgentId, Set<string>>();
    const agents = new Set<AgentId>();
    for (const hint of hints) {
      if (hint.kind !== "relist" && !this.#isRead(hint.agentId)) continue;
      if (hint.kind === "relist" || !this.#stores.has(hint.agentId)) return await this.list();
      if (hint.kind === "agent") agents.add(hint.agentId);
      else files.set(hint.agentId, new Set([...(files.get(hint.agentId) ?? []), ...hint.files]));
    }
    const look = async (agentId: AgentId, store: SessionObjects): Promise<void> => {
      const changed = files.get(agentId);
      if (agents.has(agentId)) this.#listings.set(agentId, await store.list());
      else if (changed !== undefined) this.#listings.set(agentId, await store.refresh(changed));
    };
    await Promise.all([...this.#stores].map(([agentId, store]) => look(agentId, store)));
    return this.#listing();
  }

  /** Calls back when sessions may have changed, first with a relist, until the signal aborts. To be called once. */
  watch(changed: (hint: SessionHint) => void, signal: AbortSignal): void {
    this.#watch = { changed, signal };
    const relist = (cause: string): void => changed({ kind: "relist", cause });
    const folder = join(this.#parts.stateDir, "agents");
    watchFolder({ folder, changed: (hint) => relist(hint.kind === "relist" ? hint.cause : "an agent's folder came or went"), signal });
    for (const agentId of this.#stores.keys()) this.#watchAgent(agentId);
  }

  #watchAgent(agentId: AgentId): void {
    if (this.#watch === null || this.#watched.has(agentId)) return;
    this.#watched.add(agentId);
    const { changed, signal } = this.#watch;
    watchFolder({
      folder: sessionsFolder(this.#parts.stateDir, agentId),
      changed: (hint) => {
        if (!this.#isRead(agentId)) return;
        if (hint.kind === "relist") return changed({ kind: "agent", agentId });
        // Transcripts beside the sessions are written all the time, and are not ours.
        const files = new Set([...hint.names].filter((name) => name.endsWith(SESSION_FILE_SUFFIX)));
        if (files.size > 0) changed({ kind: "files", agentId, files });
      },
      signal,
    });
  }

  /** Agents that matter are never forgotten: one whose folder vanished is `missing`, which is no evidence of anything. */
  async #findAgents(): Promise<void> {
    const folder = join(this.#parts.stateDir, "agents");
    try {
      for (const agentId of this.#stores.keys()) if (!this.#isRead(agentId)) this.#drop(agentId);
      const names = (await readdir(folder)).filter((name) => AgentIdSchema.safeParse(name).success && this.#isRead(toAgentId(name)));
      this.#agentIssues =
        names.length > AGENTS_MAX ? [toIssue(folder, `it contains more than ${AGENTS_MAX} agents; the rest are ignored`)] : [];
      for (const name of names.sort().slice(0, AGENTS_MAX)) this.#know(toAgentId(name));
    } catch (error) {
      if (errnoOf(error) === "") throw error;
      this.#agentIssues = errnoOf(error) === "ENOENT" ? [] : [toIssue(folder, explainErrno(error))];
    }
  }

  #know(agentId: AgentId): void {
    if (this.#stores.has(agentId)) return;
    const { stateDir, now } = this.#parts;
    const others = (): number => [...this.#stores].reduce((sum, [id, { size }]) => (id === agentId ? sum : sum + size), 0);
    this.#stores.set(
      agentId,
      createSessionObjects(stateDir, agentId, now, () => SESSION_FILES_MAX - others()),
    );
    this.#watchAgent(agentId);
  }

  #isRead(agentId: AgentId): boolean {
    return this.#parts.isRead?.(agentId) ?? true;
  }

  #drop(agentId: AgentId): void {
    this.#stores.delete(agentId);
    this.#listings.delete(agentId);
  }

  #listing(): SessionListing {
    const agents = new Map<AgentId, ListedAgent>();
    const issues = [...this.#agentIssues];
    const latest = later(this.#parts.now(), SKEW);
    for (const [agentId, listing] of this.#listings) {
      const { agent, refused } = toListedAgent(agentId, listing, latest);
      agents.set(agentId, agent);
      const folder = sessionsFolder(this.#parts.stateDir, agentId);
      issues.push(
        ...listing.issues,
        ...refused.map(({ name, message, path }) => toIssue(join(folder, `${name}${SESSION_FILE_SUFFIX}`), message, path)),
      );
    }
    return { agents, issues };
  }
}

interface Refusal {
  name: string;
  path: string;
  message: string;
}

function toListedAgent(agentId: AgentId, listing: ObjectListing<Session>, latest: EpochMs): { agent: ListedAgent; refused: Refusal[] } {
  const sessions: Session[] = [];
  const refused: Refusal[] = [];
  for (const [name, session] of listing.objects) {
    const refusal = refuse(agentId, session, latest);
    if (refusal === null) sessions.push(session);
    else refused.push({ name, ...refusal });
  }
  const unreadNames = [...listing.unread, ...refused.map(({ name }) => name)];
  return { agent: { folder: listing.folder, sessions, unread: unreadNames.length, unreadNames }, refused };
}

/** Why a well-formed Session is not believed where it lies; null when it is. Checked at each look, since time goes on. */
function refuse(agentId: AgentId, { metadata, spec }: Session, latest: EpochMs): Omit<Refusal, "name"> | null {
  if (spec.agentId !== agentId)
    return { path: "spec.agentId", message: `it names agent ${spec.agentId} but is in the folder of ${agentId}` };
  const { createdAt, deletedAt } = metadata;
  const times = {
    "metadata.createdAt": createdAt,
    "metadata.deletedAt": deletedAt,
    "spec.lastActivityAt": spec.lastActivityAt,
    "spec.endedAt": spec.endedAt,
  };
  for (const [path, at] of Object.entries(times)) {
    if (at !== undefined && at > latest) return { path, message: `${renderTime(at)} is in the future` };
  }
  return null;
}

const toIssue = (file: string, message: string, path = ""): Issue => ({ severity: "error", file, path, message });
