// Turns what happens to files into desired state and names: the sessions, the requests, and a config that its own source has read. Reading is
// the stores'; what a change means for a sandbox is desired-state.ts's.
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { type AgentId, type EpochMs, later, MINUTE_MS, renderTime, type SandboxName, toSandboxName } from "../../api/brands.ts";
import { type Issue, renderIssue } from "../../api/issue.ts";
import { REQUEST_FILE_SUFFIX, ROLLOUT_REQUEST_NAME, ROLLOUT_REQUEST_SUFFIX, RolloutRequest, SandboxRequest } from "../../api/request.ts";
import { watchFolder } from "../../api/store/folder-watch.ts";
import { ObjectStore } from "../../api/store/object-store.ts";
import { type SessionHint, SessionStore } from "../../api/store/session-store.ts";
import type { Trigger } from "../decide/types.ts";
import type { EventLog } from "../records/event-log.ts";
import type { StatePaths } from "../records/state-paths.ts";
import type { StatusStore } from "../records/status-store.ts";
import type { DesiredState } from "./desired-state.ts";

const REQUEST_BYTES_MAX = 16_384;
/** One per sandbox. */
const REQUESTS_MAX = 10_000;

/** A hint each from all agents that there can be. */
const HINTS_MAX = 1_000;

export interface FileSourceParts {
  stateDir: string;
  paths: StatePaths;
  now(): EpochMs;
  log: Logger;
  events: EventLog;
  desired: DesiredState;
  statuses: StatusStore;
  /** Since when a person holds all replacements back, after each read. null: nobody does. */
  rolloutsPaused(since: EpochMs | null): void;
  enqueueFresh(name: SandboxName, trigger: Trigger): void;
}

export class FileSources {
  readonly #parts: FileSourceParts;
  readonly #sessions: SessionStore;
  readonly #requests: ObjectStore<typeof SandboxRequest>;
  readonly #rollout: ObjectStore<typeof RolloutRequest>;
  /** Changes reported since the last read of the sessions began. */
  readonly #hints: SessionHint[] = [];
  #looking: Promise<void> = Promise.resolve();
  /** Whose sessions are read. */
  #agents = "";
  /** Issues that were told: each is told once, for as long as it lasts. */
  readonly #told = new Map<"session" | "request", ReadonlySet<string>>();

  constructor(parts: FileSourceParts) {
    this.#parts = parts;
    const { stateDir, paths, now } = parts;
    // Files of agents that the config does not have say nothing: that it does not have them is evidence enough.
    const isRead = (agentId: AgentId): boolean => parts.desired.agents.some(({ id }) => id === agentId);
    this.#sessions = new SessionStore({ stateDir, now, isRead });
    const common = { folder: paths.requests, bytesMax: REQUEST_BYTES_MAX, now };
    this.#requests = new ObjectStore({
      ...common,
      suffix: REQUEST_FILE_SUFFIX,
      schema: SandboxRequest,
      filesMax: REQUESTS_MAX,
      nameOf: ({ metadata }) => metadata.name,
    });
    this.#rollout = new ObjectStore({
      ...common,
      suffix: ROLLOUT_REQUEST_SUFFIX,
      schema: RolloutRequest,
      filesMax: 1,
      nameOf: ({ metadata }) => metadata.name,
    });
  }

  /** Reads everything once. Of whose sessions the config says: it is read before. */
  async load(): Promise<void> {
    await this.#loadSessions([{ kind: "relist", cause: "start" }]);
    await this.#loadRequests();
  }

  /** Follows every change until the signal aborts. */
  watch(signal: AbortSignal): void {
    const { paths } = this.#parts;
    watchFolder({ folder: paths.requests, changed: () => void this.#loadRequests(), signal });
    this.#sessions.watch((hint) => this.#hearSessions(hint), signal);
  }

  /** Changes reported during a read are handled together by the next one: at the start, and in a flood, that is one read instead of hundreds. */
  #hearSessions(hint: SessionHint): void {
    if (this.#hints.length < HINTS_MAX) this.#hints.push(hint);
    else this.#hints[0] = { kind: "relist", cause: `more than ${HINTS_MAX} changes during one read` };
    if (this.#hints.length > 1) return;
    this.#looking = this.#looking.then(async () => await this.#loadSessions(this.#hints.splice(0)));
  }

  async #loadSessions(hints: readonly SessionHint[]): Promise<void> {
    const listing = await this.#sessions.refresh(hints);
    this.#tell("session", listing.issues);
    this.#changed(this.#parts.desired.setSessions(listing.agents), "session");
  }

  async #loadRequests(): Promise<void> {
    const [listing, rollout] = await Promise.all([this.#requests.list(), this.#rollout.list()]);
    this.#tell("request", [...listing.issues, ...rollout.issues, ...this.#futureRequests(listing.objects)]);
    // Before the requests themselves: with them everything is loaded, and work begins.
    if (rollout.folder !== "unreadable" && rollout.unread.length === 0)
      this.#parts.rolloutsPaused(rollout.objects.get(ROLLOUT_REQUEST_NAME)?.spec.pausedSince ?? null);
    // A missing folder means no requests; one that can't be read keeps the last known ones.
    if (listing.folder === "unreadable") return;
    const requests = new Map([...listing.objects].map(([name, { spec }]) => [toSandboxName(name), spec]));
    for (const name of this.#parts.desired.setRequests(requests)) this.#parts.enqueueFresh(name, "recreate");
  }

  /** Each is fulfilled once its moment has come: a person whose clock is ahead should know why nothing happens. */
  #futureRequests(requests: ReadonlyMap<string, SandboxRequest>): Issue[] {
    const latest = later(this.#parts.now(), MINUTE_MS);
    return [...requests].flatMap(([name, { spec }]) => {
      if (spec.recreateAfter === undefined || spec.recreateAfter <= latest) return [];
      const file = join(this.#parts.paths.requests, `${name}${REQUEST_FILE_SUFFIX}`);
      return [{ severity: "warning", file, path: "spec.recreateAfter", message: `${renderTime(spec.recreateAfter)} is in the future` }];
    });
  }

  async removeRequest(name: SandboxName): Promise<void> {
    await this.#requests.remove(name);
  }

  /** Also those that desired state does not name any more: whether they may go is decided anew. */
  #changed(names: Iterable<SandboxName>, trigger: Trigger): void {
    const { desired, statuses, enqueueFresh } = this.#parts;
    const changed = new Set(names);
    for (const name of statuses.names()) if (!desired.has(name)) changed.add(name);
    for (const name of changed) enqueueFresh(name, trigger);
  }

  /** For the config, whose source calls back. */
  configChanged(names: Iterable<SandboxName>): void {
    this.#changed(names, "config");
    const agents = this.#parts.desired.agents.map(({ id }) => id).join();
    if (agents === this.#agents) return;
    this.#agents = agents;
    this.#hearSessions({ kind: "relist", cause: "the config has other agents" });
  }

  /** For what was found on the engine and is named otherwise than was thought. */
  namesChanged(names: Iterable<SandboxName>): void {
    this.#changed(names, "resync");
  }

  #tell(kind: "session" | "request", issues: readonly Issue[]): void {
    const { log, events } = this.#parts;
    const before = this.#told.get(kind) ?? new Set();
    const lines = new Map(summarize(kind, issues).map((told) => [renderIssue(told.issue), told]));
    for (const [line, { issue, files }] of lines) {
      if (before.has(line)) continue;
      // An issue of the folder itself says nothing about any file in it.
      const isFolder = files === 1 && !issue.file.endsWith(".json");
      const trouble = isFolder
        ? `${kind} folder can't be read; its previous contents stay in force`
        : `${kind} file is invalid; nothing is released because of it`;
      log.warn({ issue: line, files }, issue.severity === "error" ? trouble : `${kind} file has a problem`);
      const reason = `${kind === "session" ? "Session" : "Request"}${isFolder ? "sUnreadable" : "Invalid"}`;
      events.record({ type: "Warning", reason, message: line, object: { kind: "Session", name: issue.file } });
    }
    this.#told.set(kind, new Set(lines.keys()));
  }
}

/** One by one up to here; beyond it a folder is told of as a whole, once: nobody reads thousands of lines, and they push out all others. */
const FILES_TOLD_MAX = 10;

function summarize(kind: "session" | "request", issues: readonly Issue[]): { issue: Issue; files: number }[] {
  return [...Map.groupBy(issues, ({ file }) => dirname(file))].flatMap(([folder, found]) => {
    const files = new Set(found.map(({ file }) => file)).size;
    if (files <= FILES_TOLD_MAX) return found.map((issue) => ({ issue, files: 1 }));
    const message = `more than ${FILES_TOLD_MAX} ${kind} files in it are unusable`;
    return [{ issue: { severity: "error" as const, file: folder, path: "", message }, files }];
  });
}
