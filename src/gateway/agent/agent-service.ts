// The loop as the servers see it: takes messages in, begins a run for them or gives them to the one that goes on, and ends what goes on. What a message does is
// decided in decide/, a run is run.ts, what is kept is run-log.ts.
import type { DurationMs, SessionKey } from "../../api/brands.ts";
import { toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { MEDIA_FOLDER } from "../../api/file-scripts.ts";
import { KeyedMutex } from "../../api/keyed-mutex.ts";
import type { QueueMode } from "../../api/queue-modes.ts";
import { lastActivityOf, type Session } from "../../api/session.ts";
import type { AgentParts } from "./agent-parts.ts";
import type {
  AbortReport,
  AgentPort,
  ChatAccepted,
  ChatHistory,
  ChatInput,
  CurrentRun,
  Requester,
  RunError,
  RunEvent,
  RunId,
  RunOutcome,
} from "./agent-port.ts";
import type { Arrival } from "./arrivals.ts";
import { CommandRunner } from "./command-runner.ts";
import type { Conversation } from "./conversation.ts";
import { Conversations } from "./conversations.ts";
import { parseCommand } from "./decide/commands.ts";
import { countNext, decideArrival } from "./decide/queue.ts";
import { type EntryOf, toRunId } from "./entries.ts";
import { toHistory } from "./history.ts";
import { Lane } from "./lane.ts";
import { makeRun } from "./make-run.ts";
import { NOTHING_USED, type Run, type RunEnd } from "./run.ts";
import { RunEvents, type RunFeed } from "./run-events.ts";
import type { Input } from "./run-log.ts";

/** What somebody says to a session, whoever it is. */
export interface Said extends Omit<ChatInput, "attachments"> {
  attachments: ChatInput["attachments"];
  origin: EntryOf<"input">["origin"];
  hops: number;
  /** Its line in the transcript. null: it is to be written there. */
  message: number | null;
}

const TEXT_LENGTH_MAX = 1_048_576;
const ATTACHMENTS_MAX = 10;
/** Children that are looked at when the gateway starts, the newest first: twice as many as can have been at work. */
const RECOVERED_MAX = 100;
/** One name in the folder where files that people send lie: no other folder, no address, nothing that a shell or a terminal reads. */
const ATTACHMENT_PATH = /^media\/inbound\/(?!\.{1,2}$)[^/\\\p{Cc}]{1,255}$/u;
/** What a stop may take. */
export const STOP_MS_MAX = toDurationMs(2_000);
/** Sessions that only speak to each other go on for this long: each turn of theirs costs as much as a person's. */
const HOPS_MAX = 12;
const OUTCOMES: Readonly<Record<RunOutcome, string>> = { final: "has finished", aborted: "was stopped", error: "has failed" };
/** A child's whole answer that its parent need not hear. */
const ANNOUNCE_SKIP = "ANNOUNCE_SKIP";

export class AgentService implements AgentPort {
  readonly #parts: AgentParts;
  readonly #conversations: Conversations;
  readonly #events: RunEvents;
  readonly #mutex = new KeyedMutex<SessionKey>();
  readonly #lanes: { main: Lane; child: Lane };
  readonly #commands: CommandRunner;
  readonly #atStop: (() => void)[] = [];
  #isStopping = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#events = new RunEvents(parts.clock.now);
    this.#conversations = new Conversations({ sessions: parts.sessions, now: parts.clock.now });
    this.#lanes = {
      main: new Lane(() => parts.config().assistant.runsMax ?? parts.runsMaxDefault),
      child: new Lane(() => parts.config().assistant.childRunsMax),
    };
    this.#commands = new CommandRunner({
      ...parts,
      stop: (session) => this.abort(session, null),
      isRunning: (key) => this.#conversations.find(key)?.going != null,
      modelOf: (conversation) => this.#modelOf(conversation),
      open: (session) => this.#conversations.open(session),
    });
  }

  async send(input: ChatInput): Promise<ChatAccepted> {
    if (input.text.length === 0 || input.text.length > TEXT_LENGTH_MAX)
      throw new OperationError("InvalidArgument", `expected a message of 1 to ${TEXT_LENGTH_MAX} characters`);
    if (input.attachments.length > ATTACHMENTS_MAX)
      throw new OperationError("InvalidArgument", `expected at most ${ATTACHMENTS_MAX} attachments`);
    const other = input.attachments.find(({ path }) => !ATTACHMENT_PATH.test(path) || !path.isWellFormed());
    if (other !== undefined)
      throw new OperationError(
        "InvalidArgument",
        `an attachment must lie in ${MEDIA_FOLDER}, not at ${JSON.stringify(other.path.slice(0, 80))}`,
      );
    return await this.say({ ...input, origin: input.requester.kind === "schedule" ? "schedule" : "chat", hops: 0, message: null });
  }

  /** @throws OperationError as `send` */
  say(said: Said): Promise<ChatAccepted> {
    return this.#mutex.run(said.session, () => this.#say(said));
  }

  async abort(key: SessionKey, runId: RunId | null): Promise<AbortReport> {
    const report = { runs: 0, queued: 0, children: 0, processes: 0 };
    const unstoppable: string[] = [];
    const work = this.#abort(key, runId, { report, unstoppable, runsCountAs: "runs" });
    const isInTime = await this.#within(STOP_MS_MAX, work);
    return { ...report, unstoppable: isInTime ? unstoppable : [...unstoppable, `what session ${key} runs had not ended after 2 s`] };
  }

  async inject(key: SessionKey, text: string, { kind, id }: Requester): Promise<void> {
    const { log } = await this.#conversations.open(this.#live(key));
    await this.#parts.sessions.append(key, { role: "assistant", text, from: null });
    await log.catchUp();
    this.#parts.log.info({ session: key, by: `${kind}:${id}` }, "assistant message injected");
  }

  follow(session: SessionKey | null, listen: (event: RunEvent) => void): () => void {
    return this.#events.follow(session, listen);
  }

  current(session: SessionKey): CurrentRun | null {
    return this.#conversations.find(session)?.going?.feed.current ?? null;
  }

  async history(key: SessionKey, { limit, before }: { limit: number; before: number | null }): Promise<ChatHistory> {
    const { log } = await this.#conversations.open(this.#live(key));
    await log.catchUp();
    const { entries, from } = await log.page({ before: before ?? log.count + 1, limit });
    return { items: toHistory(entries, log), before: from === 0 ? null : from + 1 };
  }

  isAvailable(key: SessionKey): { model: string } | { fix: string } {
    const session = this.#parts.sessions.find(key);
    if (session?.spec.kind === "mcp") return { fix: "sessions of the MCP endpoint have a model of their own: their client" };
    const agentId = session?.spec.agentId;
    if (agentId === undefined) return { fix: "create the session first" };
    const first = this.#parts.models.first({ agentId }, this.#conversations.find(key)?.log.setting("model") ?? null);
    if ("failure" in first) return { fix: first.fix ?? first.message };
    return { model: `${first.provider}/${first.model}` };
  }

  /** The session is about to be reset or deleted: nothing of it goes on. */
  async endRuns(key: SessionKey): Promise<void> {
    await this.abort(key, null);
    this.#conversations.forget(key);
  }

  /** What another session said, which has no more rights than the run that said it. Where no model answers it is only kept. */
  async arrive({ from, to, message }: Arrival): Promise<void> {
    if ("fix" in this.isAvailable(to)) return;
    const going = this.#conversations.find(from)?.going ?? null;
    const hops = (going?.hops ?? 0) + 1;
    if (hops > HOPS_MAX)
      return this.#parts.log.warn({ session: to, from, hops }, "message of a session not answered: they speak to each other alone");
    const requester: Requester = { kind: "session", id: from, isOwner: going?.run.isOwner ?? false };
    const chat = { session: to, text: message.text, attachments: [], requester, queueMode: null, idempotencyKey: null, timeoutMs: null };
    await this.say({ ...chat, origin: "session", hops, message: message.id });
  }

  /**
   * At the start: sessions that others began and whose run was interrupted with the gateway say so to those, which would wait for an answer that never comes.
   * No run begins for that.
   */
  async recover(): Promise<void> {
    const children = this.#parts.sessions.list().filter(({ spec }) => spec.parentKey !== undefined && spec.endedAt === undefined);
    const newest = children.toSorted((one, other) => lastActivityOf(other) - lastActivityOf(one)).slice(0, RECOVERED_MAX);
    for (const child of newest) {
      const { log } = await this.#conversations.open(child);
      const parent = child.spec.parentKey === undefined ? null : this.#parts.sessions.find(child.spec.parentKey);
      if (!log.wasInterrupted || parent === null) continue;
      const text = `Session ${child.spec.key} was interrupted by a restart of the gateway, and will not answer.`;
      await this.#parts.sessions.append(parent.spec.key, { role: "system", text, from: child.spec.key });
    }
  }

  /** Done first when it stops. */
  atStop(act: () => void): void {
    this.#atStop.push(act);
  }

  /** Ends all runs; what waits stays as interrupted. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const act of this.#atStop) act();
    const going = this.#conversations.all().flatMap(({ going: one }) => (one === null ? [] : [one]));
    for (const { run } of going) run.abort();
    await this.#within(STOP_MS_MAX, Promise.all(going.map(({ ended }) => ended)));
  }

  async #say(said: Said): Promise<ChatAccepted> {
    if (this.#isStopping) throw new OperationError("NotReady", "the gateway is stopping");
    const session = this.#live(said.session);
    const conversation = await this.#conversations.open(session);
    const acceptedAt = this.#parts.clock.now();
    const known = said.idempotencyKey === null ? null : conversation.log.runOf(said.idempotencyKey);
    if (known !== null) return { runId: known, acceptedAt, status: "in_flight", reply: null };
    const command = isPerson(said.requester) && said.origin === "chat" ? parseCommand(said.text) : null;
    if (command !== null && command.kind !== "steer") {
      const reply = await this.#commands.run(conversation, command, said.requester);
      return { runId: toRunId(this.#parts.newUid()), acceptedAt, status: "answered", reply };
    }
    const available = this.isAvailable(said.session);
    if ("fix" in available)
      throw new OperationError("NotReady", "no model can answer in this session", { fix: available.fix, retryable: false });
    const mode: QueueMode = command?.kind === "steer" ? "steer" : this.#modeOf(said, conversation);
    return await this.#take(conversation, { ...said, text: command?.kind === "steer" ? command.text : said.text }, mode);
  }

  #modeOf({ queueMode, origin }: Said, { log }: Conversation): QueueMode {
    const mode = queueMode ?? (log.setting("queue") as QueueMode | null) ?? this.#parts.config().assistant.queueMode;
    // What another session says must not end what a person asked for.
    return origin !== "chat" && mode === "interrupt" ? "followup" : mode;
  }

  async #take(conversation: Conversation, said: Said, mode: QueueMode): Promise<ChatAccepted> {
    const { going, waiting, log } = conversation;
    const arrival = decideArrival(mode, { isRunning: going !== null, waiting: waiting.length });
    if (arrival === "refuse")
      throw new OperationError("LimitExceeded", "too many messages wait for this session's run", { fix: "/stop, or wait" });
    const last = waiting.at(-1);
    const isJoined = arrival === "wait" && mode === "collect" && last?.mode === "collect";
    const runId = arrival === "steer" && going !== null ? going.run.id : isJoined ? last.runId : toRunId(this.#parts.newUid());
    const { text, attachments, requester, origin, hops, idempotencyKey, timeoutMs, message } = said;
    const input = await log.appendInput(
      { runId, text, attachments: [...attachments], requester, mode, origin, hops, idempotencyKey, timeoutMs, message },
      { role: origin === "child" ? "system" : "user", from: requester.kind === "session" ? (requester.id as SessionKey) : null },
    );
    await this.#parts.sessions.touch(said.session);
    const accepted = { runId, acceptedAt: this.#parts.clock.now(), reply: null };
    // It may have ended while the input was written.
    if (conversation.going === null) {
      this.#start(conversation, [input]);
      return { ...accepted, status: "started" };
    }
    const { run } = conversation.going;
    if (arrival === "steer" && run.steer(input)) return { ...accepted, runId: run.id, status: "steered" };
    if (arrival === "interrupt") {
      conversation.waiting.unshift(input);
      run.abort();
    } else conversation.waiting.push(input);
    return { ...accepted, status: "queued" };
  }

  /** Begins a run at once, or as soon as its lane has a place. */
  #start(conversation: Conversation, inputs: readonly Input[]): void {
    const [first] = inputs;
    if (first === undefined) return;
    const runId = conversation.log.isKnownRun(first.runId) ? toRunId(this.#parts.newUid()) : first.runId;
    const feed = this.#events.open(conversation.session.spec.key, runId);
    const run = makeRun({ ...this.#parts, conversation, inputs, runId, feed });
    if (!("go" in run)) {
      const error: RunError = { kind: "model", message: run.message, fix: run.fix };
      return void this.#refuse(conversation, inputs, { error, feed }).catch(this.#parts.failed);
    }
    const hops = Math.max(...inputs.map((input) => input.hops));
    const ended = this.#go(conversation, run, inputs).catch(this.#parts.failed);
    conversation.going = { run, feed, hops, inputs, ended };
  }

  async #go(conversation: Conversation, run: Run, inputs: readonly Input[]): Promise<void> {
    const { spec } = conversation.session;
    const lane = spec.parentKey === undefined ? this.#lanes.main : this.#lanes.child;
    const leave = await lane.enter(run.signal);
    try {
      const end = await run.go(inputs);
      this.#parts.metrics.runEnded(end);
      await this.#announce(conversation, inputs, end);
    } finally {
      leave?.();
      this.#over(conversation, run);
    }
  }

  #over(conversation: Conversation, run: Run): void {
    conversation.going = null;
    conversation.waiting = [...run.takeLate(), ...conversation.waiting];
    if (this.#isStopping || conversation.isForgotten) return;
    this.#start(conversation, conversation.waiting.splice(0, countNext(conversation.waiting)));
  }

  /** The model that there was when it was said is gone from the config. */
  async #refuse(conversation: Conversation, inputs: readonly Input[], { error, feed }: { error: RunError; feed: RunFeed }): Promise<void> {
    const { log } = conversation;
    await log.append({ kind: "interrupted", runId: null, inputs: inputs.map(({ id }) => id) });
    await log.append({ kind: "note", text: `not answered: ${error.message}` });
    feed.tell({ kind: "ended", outcome: "error", text: "", error, usage: NOTHING_USED, steps: 0 });
    if (conversation.going === null) this.#start(conversation, conversation.waiting.splice(0, countNext(conversation.waiting)));
  }

  async #abort(key: SessionKey, runId: RunId | null, ending: Ending): Promise<void> {
    const conversation = this.#conversations.find(key);
    const going = conversation?.going ?? null;
    const isAll = runId === null || going?.run.id === runId;
    if (conversation !== null) await this.#drop(conversation, isAll ? null : runId, ending);
    if (!isAll) return;
    going?.run.abort();
    if (going !== null) ending.report[ending.runsCountAs] += 1;
    const children = this.#parts.sessions.list().filter(({ spec }) => spec.parentKey === key && spec.endedAt === undefined);
    const below: Ending = { ...ending, runsCountAs: "children" };
    await Promise.all([
      going?.ended,
      ...(conversation === null ? [] : [this.#killProcesses(conversation, ending)]),
      ...children.map(({ spec }) => this.#abort(spec.key, null, below)),
    ]);
    // What the run began in its last moment.
    if (conversation !== null) await this.#killProcesses(conversation, ending);
  }

  async #drop(conversation: Conversation, runId: RunId | null, { report }: Ending): Promise<void> {
    const isDropped = (input: Input): boolean => runId === null || input.runId === runId;
    const late = runId === null ? (conversation.going?.run.takeLate() ?? []) : [];
    const dropped = [...late, ...conversation.waiting.filter(isDropped)];
    conversation.waiting = conversation.waiting.filter((input) => !isDropped(input));
    report.queued += dropped.length;
    if (dropped.length > 0) await conversation.log.append({ kind: "interrupted", runId: null, inputs: dropped.map(({ id }) => id) });
  }

  async #killProcesses(conversation: Conversation, { report, unstoppable }: Ending): Promise<void> {
    const { key } = conversation.session.spec;
    await Promise.all(
      conversation.takeProcesses().map(async (id) => {
        try {
          await this.#parts.processesOf(conversation.session).kill(key, id, "KILL");
          report.processes += 1;
        } catch (error) {
          if (!(error instanceof OperationError)) throw error;
          if (error.code !== "NotFound") unstoppable.push(`background command ${id} of ${key}: ${error.message}`);
        }
      }),
    );
  }

  /** A child's whole answer, and how it ended, for the session that began it. */
  async #announce({ session }: Conversation, inputs: readonly Input[], end: RunEnd): Promise<void> {
    const { key, parentKey } = session.spec;
    if (parentKey === undefined || this.#isStopping) return;
    const asked = inputs.find(({ origin, requester }) => origin === "session" && requester.id === parentKey);
    if (asked === undefined || end.text.trim() === ANNOUNCE_SKIP || end.outcome === "aborted") return;
    if (asked.hops >= HOPS_MAX || "fix" in this.isAvailable(parentKey)) return;
    const why = end.error === null ? "" : `: ${end.error.message}`;
    const requester: Requester = { kind: "session", id: key, isOwner: asked.requester.isOwner };
    const text = `Session ${key} ${OUTCOMES[end.outcome]}${why}.\n${end.text}`;
    const chat = { session: parentKey, text, attachments: [], requester, queueMode: null, idempotencyKey: null, timeoutMs: null };
    // Its run must be over before its parent's begins, and never waits for it.
    void this.say({ ...chat, origin: "child", hops: asked.hops + 1, message: null }).catch(this.#parts.failed);
  }

  #live(key: SessionKey): Session {
    const session = this.#parts.sessions.get(key);
    if (session.spec.endedAt !== undefined) throw new OperationError("NotFound", `the session ${key} has ended`);
    return session;
  }

  #modelOf({ session, log }: Conversation): string {
    const first = this.#parts.models.first(session.spec, log.setting("model"));
    return "failure" in first ? first.message : `${first.provider}/${first.model}`;
  }

  #within(duration: DurationMs, work: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const stop = this.#parts.clock.setTimer(duration, () => resolve(false));
      work.then(() => resolve(true), reject).finally(stop);
    });
  }
}

/** What a stop has ended so far, counted as it goes: what is not over in time is told with what is. */
interface Ending {
  report: { -readonly [Key in Exclude<keyof AbortReport, "unstoppable">]: number };
  unstoppable: string[];
  runsCountAs: "runs" | "children";
}

const isPerson = ({ kind }: Requester): boolean => kind !== "session" && kind !== "schedule";
