// The loop as the servers see it: takes messages in, begins a run for them or gives them to the one that goes on, and ends what goes on. What a message does is
// decided in decide/, a run is run.ts, what is kept is run-log.ts.
import type { AgentId, DurationMs, SessionKey } from "../../api/brands.ts";
import { toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { KeyedMutex } from "../../api/keyed-mutex.ts";
import { isTarget, resolveModel } from "../../api/models/resolve.ts";
import type { QueueMode } from "../../api/queue-modes.ts";
import type { Session } from "../../api/session.ts";
import type { AgentParts } from "./agent-parts.ts";
import {
  type AbortReport,
  type AgentPort,
  type ChatAccepted,
  type ChatHistory,
  type ChatInput,
  type CurrentRun,
  NO_WISHES,
  type Requester,
  type RunError,
  type RunEvent,
  type RunId,
} from "./agent-port.ts";
import type { Arrival } from "./arrivals.ts";
import { checkInput } from "./check-input.ts";
import { isByParent, renderInterrupted, toAnnouncement, toRecovered } from "./children.ts";
import { CommandRunner } from "./command-runner.ts";
import type { Conversation } from "./conversation.ts";
import { Conversations } from "./conversations.ts";
import { type Reading, readMessage } from "./decide/commands.ts";
import { NO_DIRECTIVES } from "./decide/directives.ts";
import { decideArrival } from "./decide/queue.ts";
import { type EntryOf, toRunId } from "./entries.ts";
import { toHistory } from "./history.ts";
import { Lane } from "./lane.ts";
import { makeRun } from "./make-run.ts";
import { NOTHING_USED, type Run, type RunEnd } from "./run.ts";
import { RunEvents, type RunFeed } from "./run-events.ts";
import type { Input } from "./run-log.ts";
import { SessionStop } from "./session-stop.ts";
import { keepSpawnChoices, queueLimitsOf, queueModeOf, verboseOf, wishOf } from "./settings.ts";

/** What somebody says to a session, whoever it is. */
export interface Said extends Omit<ChatInput, "attachments"> {
  attachments: ChatInput["attachments"];
  origin: EntryOf<"input">["origin"];
  hops: number;
  /** Its line in the transcript. null: it is to be written there. */
  message: number | null;
}

/** What a stop may take. */
export const STOP_MS_MAX = toDurationMs(2_000);
/** Sessions that only speak to each other go on for this long: each turn of theirs costs as much as a person's. */
const HOPS_MAX = 12;

export class AgentService implements AgentPort {
  readonly #parts: AgentParts;
  readonly #conversations: Conversations;
  readonly #events: RunEvents;
  readonly #mutex = new KeyedMutex<SessionKey>();
  readonly #lanes: { main: Lane; child: Lane };
  readonly #commands: CommandRunner;
  readonly #stops: SessionStop;
  readonly #atStop: (() => void)[] = [];
  /** Of each agent. */
  readonly #spokenTo = new Map<AgentId, SessionKey>();
  #isStopping = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#events = new RunEvents(parts.clock.now);
    this.#conversations = new Conversations({ sessions: parts.sessions, now: parts.clock.now });
    this.#lanes = {
      main: new Lane(() => parts.config().assistant.runsMax ?? parts.runsMaxDefault),
      child: new Lane(() => parts.config().assistant.childRunsMax),
    };
    this.#stops = new SessionStop({
      ...parts,
      conversations: this.#conversations,
      giveUp: (conversation, inputs) => this.#giveUp(conversation, inputs, null),
    });
    this.#commands = new CommandRunner({
      ...parts,
      stop: (session) => this.abort(session, null),
      isRunning: (key) => this.#conversations.find(key)?.going != null,
      modelOf: (conversation) => this.#modelOf(conversation),
      open: (session) => this.#conversations.open(session),
    });
  }

  async send(input: ChatInput): Promise<ChatAccepted> {
    checkInput(input);
    return await this.say({ ...input, origin: input.requester.kind === "schedule" ? "schedule" : "chat", hops: 0, message: null });
  }

  /** @throws OperationError as `send` */
  say(said: Said): Promise<ChatAccepted> {
    return this.#mutex.run(said.session, () => this.#say(said));
  }

  async abort(key: SessionKey, runId: RunId | null): Promise<AbortReport> {
    const report = { runs: 0, queued: 0, children: 0, processes: 0 };
    const unstoppable: string[] = [];
    const work = this.#stops.stop(key, runId, { report, unstoppable, runsCountAs: "runs" });
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
    const { log, going } = this.#conversations.find(session) ?? { going: null };
    return going === null ? null : { ...going.feed.current, verbose: verboseOf(log, wishOf(going.inputs, "verbose")) };
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

  /** Where a person last spoke to the agent, but for groups, since the gateway began. null: nowhere */
  lastSpokenTo(agentId: AgentId): SessionKey | null {
    const key = this.#spokenTo.get(agentId) ?? null;
    const session = key === null ? null : this.#parts.sessions.find(key);
    return session?.spec.endedAt === undefined ? (session?.spec.key ?? null) : null;
  }

  /** The session is about to be reset or deleted: nothing of it goes on. */
  async endRuns(key: SessionKey): Promise<void> {
    await this.abort(key, null);
    this.#conversations.forget(key);
  }

  /** What another session said, which has no more rights than the run that said it. Where no model answers it is only kept. */
  async arrive({ from, to, message, speaker, choices }: Arrival): Promise<void> {
    const hops = speaker.hops + 1;
    const requester: Requester = { kind: "session", id: from, isOwner: speaker.isOwner };
    if (choices !== null) await keepSpawnChoices((await this.#conversations.open(this.#live(to))).log, choices);
    if (message.text === "" || "fix" in this.isAvailable(to)) return;
    if (hops > HOPS_MAX)
      return this.#parts.log.warn({ session: to, from, hops }, "message of a session not answered: they speak to each other alone");
    const chat = { session: to, text: message.text, attachments: [], requester, ...SAID_BY_ITSELF };
    await this.say({ ...chat, origin: "session", hops, message: message.id });
  }

  /** At the start: sessions that others began and whose run was interrupted with the gateway say so. No run begins for that. */
  async recover(): Promise<void> {
    const { sessions } = this.#parts;
    for (const child of toRecovered(sessions.list())) {
      const { log } = await this.#conversations.open(child);
      const parent = child.spec.parentKey === undefined ? null : sessions.find(child.spec.parentKey);
      if (!log.wasInterrupted || parent === null) continue;
      await sessions.append(parent.spec.key, { role: "system", text: renderInterrupted(child), from: child.spec.key });
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
    for (const { waiting } of this.#conversations.all()) waiting.endPause();
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
    const reading = this.#read(said);
    const command = reading.kind === "command" ? reading.command : null;
    if (command !== null && command.kind !== "steer") {
      const reply = await this.#commands.run(conversation, command, said.requester);
      return { runId: toRunId(this.#parts.newUid()), acceptedAt, status: "answered", reply };
    }
    const available = this.isAvailable(said.session);
    if ("fix" in available)
      throw new OperationError("NotReady", "no model can answer in this session", { fix: available.fix, retryable: false });
    if (reading.kind === "command")
      return await this.#take(conversation, { ...said, text: command?.text ?? said.text }, { mode: "steer", written: said.text });
    const { thinking, verbose, model, queue } = reading.directives;
    const wishes = {
      thinking: thinking ?? said.wishes.thinking,
      verbose: verbose ?? said.wishes.verbose,
      model: model ?? said.wishes.model,
    };
    const queueMode = queue?.mode === "default" ? this.#parts.config().assistant.queueMode : (queue?.mode ?? said.queueMode);
    const read: Said = { ...said, text: reading.text, wishes, queueMode };
    return await this.#take(conversation, read, { mode: this.#modeOf(read, conversation), written: said.text });
  }

  /** Commands and directives are a person's; in what others say they are text. */
  #read({ requester, origin, text, isOwnWord }: Said): Reading {
    if (!isPerson(requester) || origin !== "chat" || !isOwnWord) return { kind: "said", text, directives: NO_DIRECTIVES };
    return readMessage(text, (word) => isTarget(resolveModel(this.#parts.config(), word)));
  }

  #modeOf({ queueMode, origin, wishes }: Said, { log }: Conversation): QueueMode {
    const mode = queueMode ?? queueModeOf(log, this.#parts.config());
    // What another session says must not end what a person asked for.
    if (origin !== "chat" && mode === "interrupt") return "followup";
    // The run that goes on has a model already.
    return wishes.model !== null && mode === "steer" ? "followup" : mode;
  }

  /** @param written as it stands in the transcript */
  async #take(conversation: Conversation, said: Said, { mode, written }: { mode: QueueMode; written: string }): Promise<ChatAccepted> {
    const { going, waiting, log } = conversation;
    const limits = queueLimitsOf(log, this.#parts.config());
    const line = { isRunning: going !== null, waiting: waiting.whole.length, steering: going?.run.steering ?? 0 };
    const arrival = decideArrival(mode, line, limits);
    if (arrival === "refuse")
      throw new OperationError("LimitExceeded", "too many messages wait for this session's run", { fix: "/stop, or wait" });
    const last = waiting.whole.at(-1);
    const isJoined = arrival === "wait" && mode === "collect" && last?.mode === "collect";
    const runId = arrival === "steer" && going !== null ? going.run.id : isJoined ? last.runId : toRunId(this.#parts.newUid());
    const input = await this.#keep(conversation, { ...said, runId, mode, written });
    await this.#parts.sessions.touch(said.session);
    const { agentId, key, kind } = conversation.session.spec;
    if (isPerson(said.requester) && said.origin === "chat" && kind !== "group") this.#spokenTo.set(agentId, key);
    const accepted = { runId, acceptedAt: this.#parts.clock.now(), reply: null };
    // It may have ended while the input was written.
    const { going: now } = conversation;
    if (now !== null && arrival === "steer" && now.run.steer(input)) return { ...accepted, runId: now.run.id, status: "steered" };
    if (arrival === "interrupt") waiting.putFirst([input]);
    else if (now !== null || arrival !== "start" || waiting.length > 0) waiting.push(input);
    else this.#start(conversation, [input]);
    if (now === null) this.#next(conversation);
    else if (arrival === "interrupt") now.run.abort();
    const { dropped, shortened } = waiting.bound(limits);
    if (dropped.length + shortened.length > 0) await this.#makeRoom(conversation, { dropped, shortened });
    return { ...accepted, status: conversation.going?.inputs.some(({ id }) => id === input.id) === true ? "started" : "queued" };
  }

  #keep(
    { log }: Conversation,
    { runId, mode, written, ...said }: Said & { runId: RunId; mode: QueueMode; written: string },
  ): Promise<Input> {
    const { text, attachments, requester, origin, hops, idempotencyKey, timeoutMs, message, wishes } = said;
    return log.appendInput(
      { runId, text, attachments: [...attachments], requester, mode, origin, hops, idempotencyKey, timeoutMs, message, ...wishes },
      {
        text: written,
        role: origin === "child" ? "system" : "user",
        from: requester.kind === "session" ? (requester.id as SessionKey) : null,
      },
    );
  }

  /** There are more than may wait: those that came first have no run of their own any more, and that is said. */
  async #makeRoom(conversation: Conversation, { dropped, shortened }: ReturnType<Conversation["waiting"]["bound"]>): Promise<void> {
    if (dropped.length > 0) await this.#giveUp(conversation, dropped, "more came than may wait; the oldest was dropped");
    this.#endRuns(conversation, shortened);
  }

  /** They will not be answered. @param because for people. null: they know */
  async #giveUp(conversation: Conversation, inputs: readonly Input[], because: string | null): Promise<void> {
    if (inputs.length === 0) return;
    await conversation.log.append({ kind: "interrupted", runId: null, inputs: inputs.map(({ id }) => id) });
    if (because !== null) await conversation.log.append({ kind: "note", text: because });
    this.#endRuns(conversation, inputs);
  }

  /** Whoever waits for the runs that these were promised hears that there will be none. */
  #endRuns({ session, log, waiting, going }: Conversation, inputs: readonly Input[]): void {
    const isAlive = (runId: RunId): boolean =>
      log.isKnownRun(runId) || going?.run.id === runId || waiting.whole.some((input) => input.runId === runId);
    for (const runId of new Set(inputs.map((input) => input.runId).filter((one) => !isAlive(one))))
      this.#events
        .open(session.spec.key, runId)
        .tell({ kind: "ended", outcome: "aborted", text: "", error: null, usage: NOTHING_USED, steps: 0 });
  }

  /** Begins the run of those that wait, where none goes on and nothing more is to be waited for. */
  #next(conversation: Conversation): void {
    const { waiting, log, going, isForgotten } = conversation;
    if (this.#isStopping || isForgotten || going !== null) return;
    const { clock, config } = this.#parts;
    const pauseMs = waiting.pauseMs({ now: clock.now(), debounceMs: queueLimitsOf(log, config()).debounceMs });
    if (pauseMs > 0) waiting.pause(clock.setTimer(pauseMs, () => this.#next(conversation)));
    else this.#start(conversation, waiting.take());
  }

  /** Begins a run at once, or as soon as its lane has a place. */
  #start(conversation: Conversation, inputs: readonly Input[]): void {
    const last = inputs.at(-1);
    if (last === undefined) return;
    const runId = conversation.log.isKnownRun(last.runId) ? toRunId(this.#parts.newUid()) : last.runId;
    const feed = this.#events.open(conversation.session.spec.key, runId);
    const run = makeRun({ ...this.#parts, conversation, inputs, runId, feed });
    if (!("go" in run)) {
      const error: RunError = { kind: "model", message: run.message, fix: run.fix };
      return void this.#refuse(conversation, inputs, { error, feed }).catch(this.#parts.failed);
    }
    const ended = this.#go(conversation, run, inputs).catch(this.#parts.failed);
    conversation.going = { run, feed, inputs, ended };
  }

  async #go(conversation: Conversation, run: Run, inputs: readonly Input[]): Promise<void> {
    const { spec } = conversation.session;
    const lane = spec.parentKey === undefined ? this.#lanes.main : this.#lanes.child;
    const leave = await lane.enter(run.signal);
    try {
      const end = await run.go(inputs);
      this.#parts.metrics.runEnded(end);
      this.#announce(conversation, inputs, end);
    } finally {
      leave?.();
      this.#over(conversation, run);
    }
  }

  #over(conversation: Conversation, run: Run): void {
    conversation.going = null;
    conversation.waiting.putFirst(run.takeLate());
    this.#next(conversation);
  }

  /** The model that there was when it was said is gone from the config. */
  async #refuse(conversation: Conversation, inputs: readonly Input[], { error, feed }: { error: RunError; feed: RunFeed }): Promise<void> {
    const { log } = conversation;
    await log.append({ kind: "interrupted", runId: null, inputs: inputs.map(({ id }) => id) });
    await log.append({ kind: "note", text: `not answered: ${error.message}` });
    feed.tell({ kind: "ended", outcome: "error", text: "", error, usage: NOTHING_USED, steps: 0 });
    this.#next(conversation);
  }

  /** A child's whole answer, and how it ended, for the session that began it. Its run must be over before its parent's begins, and never waits for it. */
  #announce({ session, log }: Conversation, inputs: readonly Input[], end: RunEnd): void {
    if (this.#isStopping) return;
    const said = toAnnouncement({ session, label: log.setting("label") }, inputs, end);
    const isHeard = said !== null && said.hops <= HOPS_MAX && !("fix" in this.isAvailable(said.session));
    const told = isHeard ? this.say({ ...said, ...SAID_BY_ITSELF, attachments: [], origin: "child", message: null }) : Promise.resolve();
    const isOver = log.setting("cleanup") === "delete" && end.outcome !== "aborted" && isByParent(session, inputs);
    void told.then(() => (isOver ? this.#parts.remove(session) : undefined)).catch(this.#parts.failed);
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

const SAID_BY_ITSELF = { isOwnWord: false, queueMode: null, idempotencyKey: null, timeoutMs: null, wishes: NO_WISHES };
const isPerson = ({ kind }: Requester): boolean => kind !== "session" && kind !== "schedule";
