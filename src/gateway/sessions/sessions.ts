// All sessions as the gateway keeps them: one Session object and one transcript each, in files. Every change is on disk when it is
// acknowledged, except activity, which is written at most once per 5 s. What sessions mean for sandboxes is the controller's.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import PQueue from "p-queue";
import { type AgentId, type EpochMs, elapsed, MINUTE_MS, renderTime, type SessionKey, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { Issue } from "../../api/issue.ts";
import { KeyedMutex } from "../../api/keyed-mutex.ts";
import { API_VERSION, SESSION_FILE_SUFFIX, type Session, type SessionFile } from "../../api/session.ts";
import { removeFile, sweepTemporaries } from "../../api/store/atomic-file.ts";
import {
  createSessionObjects,
  type ListedAgent,
  SESSION_FILES_MAX,
  type SessionHint,
  type SessionListing,
  type SessionObjects,
  SessionStore,
  sessionsFolder,
} from "../../api/store/session-store.ts";
import type { Message } from "../tools/tool-port.ts";
import type { JsonLines } from "./json-lines.ts";
import { toSessionName } from "./keys.ts";
import { isRunLog, openRunLog, RUN_LOG_SUFFIX } from "./run-log-file.ts";
import { toFile } from "./session-object.ts";
import { Transcript } from "./transcript.ts";

export interface SessionsParts {
  /** Absolute. */
  stateDir: string;
  now(): EpochMs;
  /** A new UUID. */
  newUid(): string;
  /** A change that nobody waits for could not be written: it is tried again with the next one. */
  writeFailed(key: SessionKey, error: unknown): void;
  /** A session began, was used, ended or was removed, or a message was appended. Must not throw. Absent: nobody asks. */
  changed?(key: SessionKey, change: SessionChange): void;
}

export type SessionChange = "changed" | "message" | "deleted";

/** The controller's hot window is minutes: activity that is known 5 s late costs nothing. */
export const ACTIVITY_WRITE_MS = toDurationMs(5_000);
/** Half of what the store reads, so that sessions made by hand have room. */
const SESSIONS_PER_AGENT_MAX = 5_000;
const SESSIONS_MAX = SESSION_FILES_MAX / 2;
/** Their offsets are in memory, 8 bytes per message: what a listing of all sessions counts is counted once. */
const TRANSCRIPTS_OPEN_MAX = 5_000;
/** Each is a file and a buffer of 256 KiB. */
const TRANSCRIPTS_OPENING_MAX = 16;
const TRANSCRIPT_SUFFIX = ".transcript.jsonl";

export type NewSession = Pick<Session["spec"], "key" | "agentId" | "kind" | "parentKey">;

interface Activity {
  at: EpochMs;
  /** null: the file says `at`. */
  timer: NodeJS.Timeout | null;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #store: SessionStore;
  readonly #objects = new Map<AgentId, SessionObjects>();
  #byKey = new Map<SessionKey, Session>();
  /** Removed, but for a file that says so until the controller has seen it. */
  #deleted: readonly Session[] = [];
  /** What of the files could not be read at the last look. */
  #issues: readonly Issue[] = [];
  readonly #activity = new Map<SessionKey, Activity>();
  readonly #transcripts = new Map<string, Promise<Transcript>>();
  readonly #opening = new PQueue({ concurrency: TRANSCRIPTS_OPENING_MAX });
  /** Changes of one session come one after the other. */
  readonly #mutex = new KeyedMutex<SessionKey>();
  #looking: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  private constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#store = new SessionStore(parts);
  }

  /** Reads every session, and from then on those that others write too. */
  static async open(parts: SessionsParts): Promise<Sessions> {
    const sessions = new Sessions(parts);
    const listing = await sessions.#store.list();
    sessions.#listed(listing);
    await sessions.#sweepLeft(listing);
    sessions.#store.watch((hint) => void sessions.#refresh(hint), sessions.#stopping.signal);
    return sessions;
  }

  /** Writes down what is in memory only. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const pending = [...this.#activity].filter(([, { timer }]) => timer !== null).map(([key]) => key);
    await Promise.all(pending.map((key) => this.#writeActivity(key)));
    await this.#mutex.settled();
  }

  /** Whether every session that there is, is known. */
  get isComplete(): boolean {
    return this.#issues.length === 0;
  }

  get count(): number {
    return this.#byKey.size;
  }

  /** In order of key. */
  list(): Session[] {
    return [...this.#byKey.values()]
      .map((session) => this.#current(session))
      .sort((left, right) => (left.spec.key < right.spec.key ? -1 : 1));
  }

  find(key: string): Session | null {
    const session = this.#byKey.get(key as SessionKey);
    return session === undefined ? null : this.#current(session);
  }

  /** @throws OperationError `NotFound` */
  get(key: string): Session {
    const session = this.find(key);
    if (session === null) throw new OperationError("NotFound", `there is no session ${JSON.stringify(key.slice(0, 80))}`);
    return session;
  }

  /** The session with this key: as it is when it is there, else a new one. @throws OperationError `LimitExceeded`, `HostRejected` */
  create({ key, agentId, kind, parentKey }: NewSession): Promise<Session> {
    return this.#mutex.run(key, async () => {
      const known = this.find(key);
      if (known !== null && known.spec.endedAt === undefined) return known;
      if (known !== null) return await this.#beginAnew(known);
      this.#refuseToReplace({ key, agentId });
      const count = [...this.#byKey.values(), ...this.#deleted].filter(({ spec }) => spec.agentId === agentId).length;
      if (count >= SESSIONS_PER_AGENT_MAX) {
        const fix = "delete some: DELETE /v1/sessions/KEY";
        throw new OperationError("LimitExceeded", `the agent ${agentId} already has ${SESSIONS_PER_AGENT_MAX} sessions`, {
          fix,
          retryable: false,
        });
      }
      if (this.#byKey.size + this.#deleted.length >= SESSIONS_MAX)
        throw new OperationError("LimitExceeded", `there are already ${SESSIONS_MAX} sessions`, {
          fix: "delete some: DELETE /v1/sessions/KEY",
          retryable: false,
        });
      return await this.#begin({ key, agentId, kind, ...(parentKey !== undefined && { parentKey }) });
    });
  }

  /** The session is used now; on the disk when this resolves, unless it was already within the last 5 s. */
  async touch(key: SessionKey): Promise<void> {
    const session = this.get(key);
    const now = this.#parts.now();
    const written = this.#byKey.get(key)?.spec.lastActivityAt;
    const known = this.#activity.get(key);
    // A moment after now is a clock that was set back since.
    const waitMs = written === undefined || written > now ? 0 : ACTIVITY_WRITE_MS - elapsed(written, now);
    if (waitMs <= 0) {
      if (known?.timer != null) clearTimeout(known.timer);
      this.#activity.set(key, { at: now, timer: null });
      return await this.#writeActivity(session.spec.key);
    }
    const timer = known?.timer ?? setTimeout(() => void this.#writeLater(key), waitMs).unref();
    this.#activity.set(key, { at: now, timer });
  }

  /** On the disk when it resolves. @param change null: it is as it should be. @throws OperationError `NotFound` */
  edit(key: SessionKey, change: (session: Session, now: EpochMs) => Session | null): Promise<void> {
    return this.#mutex.run(key, async () => {
      const changed = change(this.get(key), this.#parts.now());
      if (changed !== null) await this.#write(toFile(changed));
    });
  }

  async messages(key: string, page: { after: number; limit: number }): Promise<Message[]> {
    return await (await this.#openTranscript(key)).read(page);
  }

  async countMessages(key: string): Promise<number> {
    return (await this.#openTranscript(key)).count;
  }

  /** On the disk when it resolves. */
  append(key: SessionKey, message: Pick<Message, "role" | "text" | "from">): Promise<Message> {
    return this.#mutex.run(key, async () => {
      const appended = await (await this.#transcriptOf(this.get(key))).append({ at: this.#parts.now(), ...message });
      this.#parts.changed?.(key, "message");
      return appended;
    });
  }

  /** What the runs of the session did. Its owner keeps it for as long as the session is not reset. @throws OperationError `NotFound`, `HostRejected` */
  openRunLog(key: SessionKey): Promise<JsonLines> {
    return this.#mutex.run(key, () => openRunLog(this.#runLogPath(this.get(key))));
  }

  /** The same key with a new conversation; the old one is removed. */
  reset(key: SessionKey): Promise<Session> {
    return this.#mutex.run(key, async () => {
      return await this.#beginAnew(this.get(key));
    });
  }

  /** The session is over and its conversation gone. Its file says so for as long as the controller needs to know why its sandbox goes. */
  delete(key: SessionKey): Promise<void> {
    return this.#mutex.run(key, async () => {
      const session = this.get(key);
      const now = this.#parts.now();
      this.#forgetActivity(key);
      await this.#write(
        toFile({
          ...session,
          metadata: { ...session.metadata, deletedAt: now },
          spec: { ...session.spec, endedAt: session.spec.endedAt ?? now },
        }),
      );
      await this.#removeTranscript(session);
    });
  }

  /** Those whose files only say that they are over. */
  get deleted(): readonly Session[] {
    return this.#deleted;
  }

  /** Removes the file of one that is deleted, unless another session has its place by now. */
  forget({ metadata, spec }: Session): Promise<void> {
    return this.#mutex.run(spec.key, async () => {
      if (!this.#deleted.some(({ metadata: { uid } }) => uid === metadata.uid)) return;
      await this.#objectsOf(spec.agentId).remove(metadata.name);
      await this.#refreshFile({ agentId: spec.agentId, name: metadata.name });
    });
  }

  async #beginAnew(old: Session): Promise<Session> {
    const session = await this.#begin(old.spec);
    await this.#removeTranscript(old);
    return session;
  }

  /** A file that can't be read now is a session all the same. @throws OperationError `HostRejected` */
  #refuseToReplace({ key, agentId }: Pick<Session["spec"], "key" | "agentId">): void {
    const folder = sessionsFolder(this.#parts.stateDir, agentId);
    const places = [folder, join(folder, `${toSessionName(key)}${SESSION_FILE_SUFFIX}`)];
    const issue = this.#issues.find(({ file }) => places.includes(file));
    if (issue === undefined) return;
    throw new OperationError("HostRejected", `can't determine whether the session exists: ${issue.file}: ${issue.message}`, {
      fix: "fix the file, or move it away",
    });
  }

  async #begin({ key, agentId, kind, parentKey }: NewSession): Promise<Session> {
    const name = this.#byKey.get(key)?.metadata.name ?? toSessionName(key);
    const metadata = { name, uid: this.#parts.newUid(), createdAt: renderTime(this.#parts.now()) };
    this.#forgetActivity(key);
    await this.#write({
      apiVersion: API_VERSION,
      kind: "Session",
      metadata,
      spec: { key, agentId, kind, ...(parentKey !== undefined && { parentKey }) },
    });
    return this.get(key);
  }

  async #write(file: SessionFile): Promise<void> {
    const agentId = file.spec.agentId as AgentId;
    await this.#objectsOf(agentId).put(file.metadata.name, file);
    await this.#refreshFile({ agentId, name: file.metadata.name });
  }

  #writeActivity(key: SessionKey): Promise<void> {
    return this.#mutex.run(key, async () => {
      const session = this.#byKey.get(key);
      const activity = this.#activity.get(key);
      if (session === undefined || activity === undefined) return;
      if (activity.timer !== null) clearTimeout(activity.timer);
      activity.timer = null;
      await this.#write(toFile({ ...session, spec: { ...session.spec, lastActivityAt: activity.at } }));
    });
  }

  async #writeLater(key: SessionKey): Promise<void> {
    try {
      await this.#writeActivity(key);
    } catch (error) {
      this.#parts.writeFailed(key, error);
    }
  }

  #forgetActivity(key: SessionKey): void {
    const timer = this.#activity.get(key)?.timer;
    if (timer != null) clearTimeout(timer);
    this.#activity.delete(key);
  }

  /** With activity that is not written yet. */
  #current(session: Session): Session {
    const activity = this.#activity.get(session.spec.key);
    return activity === undefined ? session : { ...session, spec: { ...session.spec, lastActivityAt: activity.at } };
  }

  #objectsOf(agentId: AgentId): SessionObjects {
    const objects = this.#objects.get(agentId) ?? createSessionObjects(this.#parts.stateDir, agentId, this.#parts.now);
    this.#objects.set(agentId, objects);
    return objects;
  }

  /** In turn: a look at a file to which a line is being added would take it for a torn one. */
  #openTranscript(key: string): Promise<Transcript> {
    const { spec } = this.get(key);
    return this.#mutex.run(spec.key, () => this.#transcriptOf(this.get(key)));
  }

  #transcriptOf(session: Session): Promise<Transcript> {
    const { uid } = session.metadata;
    const known = this.#transcripts.get(uid);
    const opened = known ?? this.#opening.add(() => Transcript.open(this.#transcriptPath(session)));
    // The one that was used longest ago is the first.
    this.#transcripts.delete(uid);
    this.#transcripts.set(uid, opened);
    if (known === undefined) {
      opened.catch(() => this.#transcripts.delete(uid));
      const [oldest] = this.#transcripts.keys();
      if (this.#transcripts.size > TRANSCRIPTS_OPEN_MAX && oldest !== undefined) this.#transcripts.delete(oldest);
    }
    return opened;
  }

  #transcriptPath({ metadata, spec }: Session): string {
    return join(sessionsFolder(this.#parts.stateDir, spec.agentId), `${metadata.name}.${metadata.uid}${TRANSCRIPT_SUFFIX}`);
  }

  #runLogPath({ metadata, spec }: Session): string {
    return join(sessionsFolder(this.#parts.stateDir, spec.agentId), `${metadata.name}.${metadata.uid}${RUN_LOG_SUFFIX}`);
  }

  async #removeTranscript(session: Session): Promise<void> {
    const transcript = await this.#transcriptOf(session);
    await transcript.remove();
    await removeFile(this.#runLogPath(session));
    this.#transcripts.delete(session.metadata.uid);
  }

  /** Looks take turns: an older one never replaces what a newer one saw. */
  #refresh(hint: SessionHint): Promise<void> {
    this.#looking = this.#looking.then(async () => this.#listed(await this.#store.refresh([hint])));
    return this.#looking;
  }

  #refreshFile({ agentId, name }: { agentId: AgentId; name: string }): Promise<void> {
    return this.#refresh({ kind: "files", agentId, files: new Set([`${name}${SESSION_FILE_SUFFIX}`]) });
  }

  #listed({ agents, issues }: SessionListing): void {
    this.#issues = issues;
    const sessions = [...agents].flatMap(([agentId, agent]) => [...agent.sessions, ...this.#unread(agentId, agent)]);
    this.#deleted = sessions.filter(({ metadata }) => metadata.deletedAt !== undefined);
    const kept = sessions.filter(({ metadata }) => metadata.deletedAt === undefined);
    // Of two files with one key, which only somebody else writes, the first in order counts.
    const before = this.#byKey;
    this.#byKey = new Map(kept.toReversed().map((session) => [session.spec.key, session]));
    this.#tell(before);
  }

  /** A file that did not change is the same object. */
  #tell(before: ReadonlyMap<SessionKey, Session>): void {
    const { changed } = this.#parts;
    if (changed === undefined) return;
    for (const [key, session] of this.#byKey) if (before.get(key) !== session) changed(key, "changed");
    for (const key of before.keys()) if (!this.#byKey.has(key)) changed(key, "deleted");
  }

  /** Sessions that were there, and can't be looked at for now: too many open files, a clock that was set back, a file that somebody broke. */
  #unread(agentId: AgentId, { folder, unreadNames }: ListedAgent): Session[] {
    const isUnread = ({ metadata, spec }: Session): boolean =>
      spec.agentId === agentId && (folder === "unreadable" || unreadNames.includes(metadata.name));
    return folder === "read" && unreadNames.length === 0 ? [] : [...this.#byKey.values()].filter(isUnread);
  }

  /** What a crash left behind: half a file, or a transcript without its session, where it is known which sessions there are. */
  async #sweepLeft({ agents }: SessionListing): Promise<void> {
    for (const [agentId, { folder, sessions, unread }] of agents) {
      const path = sessionsFolder(this.#parts.stateDir, agentId);
      await sweepTemporaries(path, MINUTE_MS, this.#parts.now());
      if (folder !== "read" || unread > 0) continue;
      const kept = sessions.filter(({ metadata }) => metadata.deletedAt === undefined);
      const suffixes = [TRANSCRIPT_SUFFIX, RUN_LOG_SUFFIX];
      const wanted = new Set(kept.flatMap(({ metadata }) => suffixes.map((suffix) => `${metadata.name}.${metadata.uid}${suffix}`)));
      const found = (await readdir(path)).filter((name) => name.endsWith(TRANSCRIPT_SUFFIX) || isRunLog(name));
      for (const name of found) if (!wanted.has(name)) await removeFile(join(path, name));
    }
  }
}
