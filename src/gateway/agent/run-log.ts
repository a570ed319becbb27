// What a session's runs did, as its file has it, and what of that is needed at hand: which inputs wait, which run goes on, what was chosen, where what a model
// sees begins. Every entry is on the disk when it is acknowledged. What a gateway that was killed left open is closed as interrupted on first look.
import type { EpochMs, SessionKey } from "../../api/brands.ts";
import type { JsonLines } from "../sessions/json-lines.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Message } from "../tools/tool-port.ts";
import type { RunId } from "./agent-port.ts";
import { type Seen, toSeen } from "./decide/context.ts";
import { type EntryOf, isMemoryFlush, type NewEntry, type Numbered, parseEntry, toLine } from "./entries.ts";

const PAGE_LINES = 1_000;
/** A client that tries again does so within minutes. */
const KEYS_MAX = 200;
/** Of a transcript that is older than its runs: what a model is shown of it. */
const MESSAGES_MAX = 200;

const LEFT_IN_THE_MIDDLE = "The gateway was stopped before this call ended; how far it got is not known.";
const NEVER_BEGUN = "The gateway was stopped before this call began.";

export type SettingName = EntryOf<"setting">["name"];
export type Input = Numbered<EntryOf<"input">>;

export interface RunLogParts {
  sessions: Pick<Sessions, "openRunLog" | "messages" | "countMessages" | "append">;
  now(): EpochMs;
}

export class RunLog {
  readonly session: SessionKey;
  readonly #parts: RunLogParts;
  readonly #lines: JsonLines;
  readonly #settings = new Map<SettingName, string>();
  /** Runs by idempotency key, the oldest first. */
  readonly #keys = new Map<string, RunId>();
  /** Inputs that no run has yet. */
  readonly #waiting = new Map<number, Input>();
  readonly #openRuns = new Set<RunId>();
  /** The newest that have begun. */
  readonly #begun = new Set<RunId>();
  /** Calls of the newest answer that have no result yet. */
  readonly #openCalls = new Map<string, { runId: RunId; tool: string; hasBegun: boolean }>();
  #compaction: EntryOf<"compaction"> | null = null;
  /** The text of the last answer. */
  #lastAnswer = "";
  #wasInterrupted = false;
  #hasRemembered = false;
  /** The last message of the transcript that is known here. */
  #lastMessage = 0;
  /** What touches both files comes one after the other: else a message that is about to be known here would be taken for one that came without a run. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(session: SessionKey, lines: JsonLines, parts: RunLogParts) {
    this.session = session;
    this.#lines = lines;
    this.#parts = parts;
  }

  /** @throws OperationError `NotFound`, `HostRejected` */
  static async open(session: SessionKey, parts: RunLogParts): Promise<RunLog> {
    const log = new RunLog(session, await parts.sessions.openRunLog(session), parts);
    for await (const entry of log.#all(0)) log.#note(entry);
    await log.#closeLeft();
    return log;
  }

  get count(): number {
    return this.#lines.count;
  }

  /** Whether a gateway that was killed left a run or an input open in it, as it was found. */
  get wasInterrupted(): boolean {
    return this.#wasInterrupted;
  }

  /** Whether the agent was asked to write down what it must not forget, since the last summary. */
  get hasRemembered(): boolean {
    return this.#hasRemembered;
  }

  setting(name: SettingName): string | null {
    return this.#settings.get(name) ?? null;
  }

  runOf(idempotencyKey: string): RunId | null {
    return this.#keys.get(idempotencyKey) ?? null;
  }

  isWaiting(line: number): boolean {
    return this.#waiting.has(line);
  }

  /** Whether a run of that name has begun since the log was opened. */
  isKnownRun(runId: RunId): boolean {
    return this.#begun.has(runId);
  }

  async append<One extends NewEntry>(entry: One): Promise<Numbered<One>> {
    let line = 0;
    const at = this.#parts.now();
    await this.#lines.append((id) => {
      line = id;
      return toLine(entry, at);
    });
    const numbered = { ...entry, id: line };
    this.#note({ ...numbered, v: 1, at } as unknown as Numbered);
    return numbered;
  }

  /** What somebody said: in the transcript, for whoever reads that alone, unless it is there, and here. */
  appendInput(input: Omit<EntryOf<"input">, "v" | "at" | "kind">, said: Pick<Message, "role" | "from" | "text">): Promise<Input> {
    return this.#inTurn(async () => {
      const message = input.message ?? (await this.#parts.sessions.append(this.session, said)).id;
      await this.#takeInMessages(message - 1);
      const at = this.#parts.now();
      return { ...(await this.append({ kind: "input", ...input, message })), v: 1, at };
    });
  }

  /** In the transcript, where others read it. What a run says is here already. @returns its number there, for the end of the run */
  appendMessage(message: Pick<Message, "role" | "text" | "from">): Promise<number> {
    return this.#inTurn(async () => {
      const { id } = await this.#parts.sessions.append(this.session, message);
      await this.#takeInMessages(id - 1);
      this.#lastMessage = Math.max(this.#lastMessage, id);
      return id;
    });
  }

  /** Messages that came without a run are here too, when it resolves. */
  catchUp(): Promise<void> {
    return this.#inTurn(async () => await this.#takeInMessages(await this.#parts.sessions.countMessages(this.session)));
  }

  /** What a model sees now. */
  async read(): Promise<Seen[]> {
    await this.catchUp();
    const entries: Numbered[] = [];
    for await (const entry of this.#all((this.#compaction?.keptFrom ?? 1) - 1)) entries.push(entry);
    return toSeen(entries, this.#compaction?.summary ?? null);
  }

  /**
   * Entries with numbers below `before`, the newest of them, oldest first: `limit`, and what stands between the first result's call and that; `from` is where
   * they begin.
   */
  async page({ before, limit }: { before: number; limit: number }): Promise<{ entries: Numbered[]; from: number }> {
    const from = Math.max(0, before - 1 - limit);
    const entries = await this.#between(from, before);
    const calls = new Set(entries.flatMap(toCallIds));
    if (!entries.some((entry) => entry.kind === "result" && !calls.has(entry.callId))) return { entries, from };
    const earlier = await this.#between(Math.max(0, from - PAGE_LINES), from + 1);
    const at = earlier.findLastIndex(({ kind }) => kind === "assistant");
    const more = at === -1 ? [] : earlier.slice(at);
    return { entries: [...more, ...entries], from: (more[0]?.id ?? from + 1) - 1 };
  }

  async #between(after: number, before: number): Promise<Numbered[]> {
    const entries: Numbered[] = [];
    for await (const entry of this.#all(after)) {
      if (entry.id >= before) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Those that are known, behind so many lines. */
  async *#all(after: number): AsyncGenerator<Numbered> {
    for (let at = after; at < this.#lines.count; ) {
      const texts = await this.#lines.read({ after: at, limit: PAGE_LINES });
      for (const text of texts) {
        at += 1;
        const entry = this.#parse(text, at);
        if (entry !== null) yield entry;
      }
      if (texts.length === 0) return;
    }
  }

  #parse(text: string, id: number): Numbered | null {
    try {
      return parseEntry(text, id);
    } catch (error) {
      throw this.#lines.toChanged(error);
    }
  }

  #note(entry: Numbered): void {
    switch (entry.kind) {
      case "input":
        this.#waiting.set(entry.id, entry);
        if (isMemoryFlush(entry)) this.#hasRemembered = true;
        this.#lastMessage = Math.max(this.#lastMessage, entry.message ?? 0);
        if (entry.idempotencyKey !== null) this.#keep(entry.idempotencyKey, entry.runId);
        return;
      case "adopted":
        for (const { input } of entry.messages) this.#waiting.delete(input);
        return;
      case "started":
        return this.#begin(entry.runId);
      case "calling":
        return void this.#openCalls.set(entry.callId, { runId: entry.runId, tool: entry.tool, hasBegun: true });
      case "result":
        return void this.#openCalls.delete(entry.callId);
      case "ended":
        this.#lastMessage = Math.max(this.#lastMessage, entry.message ?? 0);
        return void this.#openRuns.delete(entry.runId);
      case "interrupted":
        for (const input of entry.inputs) this.#waiting.delete(input);
        if (entry.runId !== null) this.#openRuns.delete(entry.runId);
        return;
      case "compaction":
        this.#compaction = entry;
        this.#hasRemembered = false;
        return;
      case "message":
        this.#lastMessage = Math.max(this.#lastMessage, entry.message);
        return;
      case "setting":
        if (entry.value === null) this.#settings.delete(entry.name);
        else this.#settings.set(entry.name, entry.value);
        return;
      case "assistant":
        return this.#open(entry);
      case "note":
        return;
    }
  }

  #open({ runId, parts }: EntryOf<"assistant">): void {
    this.#lastAnswer = parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("");
    if (runId === null) return;
    for (const part of parts) if (part.kind === "tool-call") this.#openCalls.set(part.id, { runId, tool: part.tool, hasBegun: false });
  }

  #begin(runId: RunId): void {
    this.#openRuns.add(runId);
    this.#begun.add(runId);
    const [oldest] = this.#begun;
    if (this.#begun.size > KEYS_MAX && oldest !== undefined) this.#begun.delete(oldest);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #keep(key: string, runId: RunId): void {
    this.#keys.set(key, runId);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > KEYS_MAX && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Nothing goes on now: what is open was left by a gateway that ended in the middle. It is not done again. */
  async #closeLeft(): Promise<void> {
    for (const [callId, { runId, tool, hasBegun }] of [...this.#openCalls]) {
      const left = hasBegun
        ? ({ state: "interrupted", text: LEFT_IN_THE_MIDDLE } as const)
        : ({ state: "skipped", text: NEVER_BEGUN } as const);
      await this.append({ kind: "result", runId, callId, tool, ...left, images: [], sandbox: null, details: {} });
    }
    const inputs = [...this.#waiting.keys()];
    const [runId = null, ...others] = [...this.#openRuns];
    this.#wasInterrupted = runId !== null || inputs.length > 0;
    if (runId !== null || inputs.length > 0) await this.append({ kind: "interrupted", runId, inputs });
    for (const other of others) await this.append({ kind: "interrupted", runId: other, inputs: [] });
  }

  /** Messages that came without a run, up to that one: the newest of them, since those of before are in no model's window anyway. */
  async #takeInMessages(last: number): Promise<void> {
    if (last <= this.#lastMessage) return;
    for (let after = Math.max(this.#lastMessage, last - MESSAGES_MAX); after < last; ) {
      const messages = await this.#parts.sessions.messages(this.session, { after, limit: Math.min(MESSAGES_MAX, last - after) });
      if (messages.length === 0) return;
      for (const message of messages) await this.#takeIn(message);
      after += messages.length;
    }
  }

  async #takeIn({ id, role, text, from }: Message): Promise<void> {
    // A gateway that was killed between an answer and the end of its run left it in both files, and nothing that says so.
    if (role === "assistant" && text === this.#lastAnswer) this.#lastMessage = Math.max(this.#lastMessage, id);
    else await this.append({ kind: "message", message: id, role, text, from });
  }
}

const toCallIds = (entry: Numbered): string[] =>
  entry.kind === "assistant" ? entry.parts.flatMap((part) => (part.kind === "tool-call" ? [part.id] : [])) : [];
