// One run: from the inputs that it begins with to a final answer, step by step. Everything is written down before what comes after it: an answer before its
// calls, each result before the next call. What comes next is decided in decide/; when runs begin is agent-service.ts's.
import type { EpochMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import type { ThinkingLevel, VerboseWish } from "../../api/thinking.ts";
import type { ModelError, StopReason, TokenUsage } from "../models/model-call.ts";
import { renderModelError } from "../models/model-error.ts";
import type { ModelTurn, StepEvent } from "../models/model-turn.ts";
import type { RunError, RunEventBody, RunId, RunOutcome } from "./agent-port.ts";
import { type Call, type CallParts, callTool, listOffers } from "./call-tool.ts";
import type { Compactor } from "./compactor.ts";
import { type Seen, toSeen } from "./decide/context.ts";
import { Repeats } from "./decide/repeats.ts";
import { decideAfterAnswer, decideAfterFailure, type RunLimits, toRunError, toTimeLimit } from "./decide/run-step.ts";
import { type Entry, MEMORY_FLUSH, type NewEntry, type Numbered } from "./entries.ts";
import type { InputReader } from "./input-reader.ts";
import type { MemoryFlush } from "./memory-flush.ts";
import type { Input, RunLog } from "./run-log.ts";
import { verboseOf } from "./settings.ts";

export interface RunParts extends Omit<CallParts, "emit"> {
  runId: RunId;
  log: RunLog;
  turn: ModelTurn;
  /** The model that is asked first, `provider/model`. */
  model: string;
  limits: RunLimits;
  clock: Clock;
  compactor: Compactor;
  memory: MemoryFlush;
  /** Whether the conversation says that it is made shorter. */
  isCompactionTold: boolean;
  inputs: InputReader;
  /** The system prompt. @param tools names of those that may be used */
  prompt(tools: readonly string[]): Promise<string>;
  isSilenceAllowed: boolean;
  /** How many sessions in a row spoke to each other until it began. */
  hops: number;
  /** Characters beside HEARTBEAT_OK with which nothing is said. */
  remarkLengthMax: number;
  /** How hard the model is to think for these. null: as its provider does */
  thinking(inputs: readonly Input[]): ThinkingLevel | null;
  /** How much of this run clients are to show. null: as the conversation says */
  verbose: VerboseWish | null;
  tell(event: RunEventBody): void;
  /** The session has a background command by the run. */
  began(processId: string): void;
  /** Told of what is no business of the model's. */
  failed(error: unknown): void;
}

export interface RunEnd {
  outcome: RunOutcome;
  text: string;
  error: RunError | null;
  usage: TokenUsage;
  steps: number;
}

interface Answer {
  parts: Extract<StepEvent, { kind: "answered" }>["parts"];
  text: string;
  calls: readonly Call[];
}

export const NOTHING_USED: TokenUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0, isEstimated: false };
const LAST_PASS = "Answer the person now, in a few words, without calling a tool.";
const SKIPPED = "Skipped to process an incoming message.";
const NOT_RUN = "This call was not run: the run was ended first.";

export class Run {
  readonly id: RunId;
  readonly startedAt: EpochMs;
  readonly #parts: RunParts;
  readonly #abort = new AbortController();
  readonly #steers: Input[] = [];
  readonly #repeats: Repeats;
  /** What a model sees, as of its last call. */
  #seen: Seen[] = [];
  /** Lines since then. */
  #fresh: Numbered[] = [];
  #usage = NOTHING_USED;
  #steps = 0;
  /** Of everybody who is part of it. */
  #isOwner = true;
  /** What the model said since its last call of a tool. */
  #text = "";
  #thinking: ThinkingLevel | null = null;
  #isOver = false;
  #timeIsOver = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.id = parts.runId;
    this.startedAt = parts.clock.now();
    this.#repeats = new Repeats(parts.limits.repeatsMax);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Taken in before the next call. false: it is too late for that. */
  steer(input: Input): boolean {
    if (this.#isOver || this.#abort.signal.aborted) return false;
    this.#steers.push(input);
    return true;
  }

  /** What was to steer it and came too late. */
  takeLate(): Input[] {
    return this.#steers.splice(0);
  }

  /** What it has not taken in yet. */
  get steering(): number {
    return this.#steers.length;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** Never rejects for what happens outside. */
  async go(inputs: readonly Input[]): Promise<RunEnd> {
    const { clock, limits, tell, model, log, failed, verbose } = this.#parts;
    const stopTimer = clock.setTimer(limits.timeMsMax, () => {
      this.#timeIsOver = true;
      this.#abort.abort();
    });
    let end: RunEnd;
    try {
      await log.append({ kind: "started", runId: this.id, model });
      tell({ kind: "started", model, verbose: verboseOf(log, verbose) });
      this.#seen = await log.read();
      await this.#adopt(inputs, false);
      end = await this.#loop();
    } catch (error) {
      const isAborted = this.#abort.signal.aborted && error instanceof OperationError;
      if (!isAborted) failed(error);
      end = isAborted ? await this.#toAborted() : this.#toEnd("error", this.#text, toRunError(error));
    } finally {
      stopTimer();
      this.#isOver = true;
    }
    return await this.#close(end);
  }

  async #loop(): Promise<RunEnd> {
    let isLastPass = false;
    for (;;) {
      if (this.#abort.signal.aborted) return this.#toAborted();
      await this.#takeSteers();
      const step = await this.#step(isLastPass);
      if (step.kind === "ended") return step.end;
      const { answer } = step;
      const { limits, isSilenceAllowed, remarkLengthMax } = this.#parts;
      const text = answer.text.trim();
      const facts = { steps: this.#steps, calls: answer.calls.length, text, isSilenceAllowed, remarkLengthMax, isLastPass };
      const next = decideAfterAnswer(facts, limits);
      if (next.kind !== "fail" && (await this.#isRemembering(answer.calls, next.kind === "run-calls"))) continue;
      // Somebody said something while the model answered: that answer is not the last one.
      if (next.kind === "end" && this.#steers.length > 0 && this.#steps < limits.stepsMax) continue;
      if (next.kind === "end") return this.#toEnd("final", next.text, null);
      if (next.kind === "fail") {
        await this.#leave(answer.calls, NOT_RUN);
        return this.#toEnd("error", answer.text, next.error);
      }
      isLastPass = next.kind === "last-pass";
      const error = next.kind === "run-calls" ? await this.#runCalls(answer.calls) : null;
      if (error !== null) return this.#toEnd("error", answer.text, error);
    }
  }

  /** One answer of the model, however often it has to be asked. */
  async #step(isLastPass: boolean): Promise<{ kind: "answered"; answer: Answer } | { kind: "ended"; end: RunEnd }> {
    let hasCompacted = false;
    for (;;) {
      this.#settle();
      const offers = isLastPass ? [] : await listOffers(this.#toCallParts(), this.#isOwner);
      const system = await this.#parts.prompt(offers.map(({ name }) => name));
      const { compactor, log, memory } = this.#parts;
      const told = isLastPass || hasCompacted ? null : memory.begin(this.#seen, system, offers);
      if (told !== null) await this.#tellItself(MEMORY_FLUSH.begun, told);
      if (!memory.isOn && !hasCompacted && compactor.isNeeded(this.#seen, system, offers)) {
        hasCompacted = true;
        await this.#compact("near");
      }
      const messages = this.#seen.map(({ message }) => message);
      const last = isLastPass ? [{ role: "user" as const, parts: [{ kind: "text" as const, text: LAST_PASS }] }] : [];
      const request = { system, messages: [...messages, ...last], tools: offers, cacheKey: log.session, thinking: this.#thinking };
      const asked = await this.#ask(request);
      if ("answer" in asked) return { kind: "answered", answer: asked.answer };
      const next = decideAfterFailure(asked.error, hasCompacted);
      if (next.kind === "abort") return { kind: "ended", end: await this.#toAborted() };
      if (next.kind === "fail") return { kind: "ended", end: this.#toEnd("error", this.#text, next.error) };
      hasCompacted = true;
      if (!(await this.#compact("overflow"))) {
        const error: RunError = { kind: "overflow", message: asked.error.message, fix: "begin a new conversation: /new" };
        return { kind: "ended", end: this.#toEnd("error", this.#text, error) };
      }
    }
  }

  async #ask(request: Parameters<ModelTurn["step"]>[0]): Promise<{ answer: Answer } | { error: ModelError }> {
    const { turn, tell } = this.#parts;
    let model = this.#parts.model;
    this.#text = "";
    for await (const event of turn.step(request, this.#abort.signal)) {
      switch (event.kind) {
        case "calling":
          model = event.model;
          if (this.#text !== "") tell({ kind: "restarted" });
          this.#text = "";
          break;
        case "retrying":
          tell({ kind: "retrying", message: renderModelError(event.error), afterMs: event.afterMs });
          break;
        case "text":
          this.#text += event.text;
          if (!this.#parts.memory.isOn) tell({ kind: "text", delta: event.text });
          break;
        case "reasoning":
          tell({ kind: "reasoning", delta: event.text });
          break;
        case "failed":
          if (event.usage !== null) this.#use(event.usage);
          return { error: event.error };
        case "answered":
          return { answer: await this.#answered(event, model) };
      }
    }
    throw new Error("a step of a model ended without an end");
  }

  async #answered({ parts, stop, usage }: { parts: Answer["parts"]; stop: StopReason; usage: TokenUsage }, model: string): Promise<Answer> {
    const { tell, compactor, verbose } = this.#parts;
    this.#steps += 1;
    this.#use(usage);
    compactor.counted(this.#seen, usage);
    const text = parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("");
    await this.#append({ kind: "assistant", runId: this.id, model, parts: [...parts], stop, usage, isPartial: false, verbose });
    const calls = parts.filter((part) => part.kind === "tool-call");
    if (calls.length > 0 && text !== "" && !this.#parts.memory.isOn) tell({ kind: "text-ended", text });
    return { parts, text, calls };
  }

  /** One after the other. @returns why the run ends here */
  async #runCalls(calls: readonly Call[]): Promise<RunError | null> {
    for (const [at, call] of calls.entries()) {
      if (this.#abort.signal.aborted) {
        await this.#leave(calls.slice(at), NOT_RUN);
        return null;
      }
      if (this.#steers.length > 0) {
        await this.#leave(calls.slice(at), SKIPPED);
        return null;
      }
      await this.#append({ kind: "calling", runId: this.id, callId: call.id, tool: call.tool });
      const speaker = { isOwner: this.#isOwner, hops: this.#parts.hops };
      const result = await callTool(this.#toCallParts(), call, { speaker, signal: this.#abort.signal });
      const { id, state } = result.details;
      if (state === "running" && typeof id === "string") this.#parts.began(id);
      const repeat = this.#repeats.note({ tool: call.tool, input: call.input, result: result.text });
      const text = repeat.kind === "warn" ? `${result.text}\n${repeat.remark}` : result.text;
      await this.#append({ kind: "result", runId: this.id, callId: call.id, tool: call.tool, ...result, text });
      if (repeat.kind !== "stop") continue;
      await this.#leave(calls.slice(at + 1), NOT_RUN);
      return repeat.error;
    }
    return null;
  }

  /** Every call gets its result, also one that never began. */
  async #leave(calls: readonly Call[], text: string): Promise<void> {
    for (const { id, tool } of calls) {
      const result = { state: "skipped" as const, text, images: [], sandbox: null, details: {} };
      await this.#append({ kind: "result", runId: this.id, callId: id, tool, ...result });
      this.#parts.tell({ kind: "tool-ended", callId: id, isError: true, text, details: {}, skipped: true });
    }
  }

  async #takeSteers(): Promise<void> {
    const inputs = this.#steers.splice(0);
    if (inputs.length === 0) return;
    this.#repeats.forget();
    await this.#adopt(inputs, true);
    for (const { text } of inputs) this.#parts.tell({ kind: "steered", text });
  }

  async #adopt(inputs: readonly Input[], isSteered: boolean): Promise<void> {
    if (inputs.length === 0) return;
    this.#isOwner &&= inputs.every(({ requester }) => requester.isOwner);
    const messages = await Promise.all(inputs.map((input) => this.#parts.inputs.read(input, this.#abort.signal)));
    await this.#append({ kind: "adopted", runId: this.id, messages, isSteered });
    // What steers and does not say is thought about as before.
    if (!isSteered || inputs.some(({ thinking }) => thinking !== null)) this.#thinking = this.#parts.thinking(inputs);
  }

  /** @returns whether that was an answer of which nobody is to hear, and which is not the last one */
  async #isRemembering(calls: readonly Call[], wantsCalls: boolean): Promise<boolean> {
    const over = this.#parts.memory.answered(wantsCalls);
    if (over === null) return false;
    await this.#leave(calls, NOT_RUN);
    await this.#tellItself(MEMORY_FLUSH.over, over);
    return true;
  }

  /** What the gateway says to the agent in the midst of the run. It has the run's rights, neither more nor less. */
  async #tellItself(id: string, text: string): Promise<void> {
    const { log, clock } = this.#parts;
    const input = await log.append({
      ...{ kind: "input", runId: this.id, text, attachments: [], mode: "steer", origin: "schedule" },
      requester: { kind: "schedule", id, isOwner: this.#isOwner },
      ...{ idempotencyKey: null, timeoutMs: null, hops: 0, message: null, thinking: null, verbose: null, model: null },
    });
    await this.#adopt([{ ...input, v: 1, at: clock.now() }], true);
    this.#settle();
  }

  /** For people; the model does not see it. */
  async #notice(text: string): Promise<void> {
    if (!this.#parts.isCompactionTold) return;
    await this.#parts.log.append({ kind: "note", text });
    this.#parts.tell({ kind: "notice", text });
  }

  /** @returns whether it is shorter now */
  async #compact(why: "near" | "overflow"): Promise<boolean> {
    const { compactor, log, tell } = this.#parts;
    await this.#notice("Earlier parts of this conversation are put together.");
    const done = await compactor.compact({ runId: this.id, log, seen: this.#seen, why, focus: "", signal: this.#abort.signal });
    const told = done.kind === "failed" ? "They stay as they are." : `That is done: about ${done.before} tokens are ${done.after} now.`;
    await this.#notice(told);
    if (done.kind === "failed") return false;
    this.#seen = await log.read();
    tell({ kind: "compacted", before: done.before, after: done.after });
    return true;
  }

  async #append(entry: NewEntry): Promise<void> {
    const appended = await this.#parts.log.append(entry);
    this.#fresh.push({ ...appended, v: 1, at: this.#parts.clock.now() } as Numbered<Entry>);
  }

  /** All calls have their results here, so that what came since is whole. */
  #settle(): void {
    this.#seen.push(...toSeen(this.#fresh, null));
    this.#fresh = [];
  }

  #use(usage: TokenUsage): void {
    const sum = this.#usage;
    this.#usage = {
      ...{ input: sum.input + usage.input, output: sum.output + usage.output, reasoning: sum.reasoning + usage.reasoning },
      ...{ cacheRead: sum.cacheRead + usage.cacheRead, cacheWrite: sum.cacheWrite + usage.cacheWrite },
      isEstimated: sum.isEstimated || usage.isEstimated,
    };
  }

  #toCallParts(): CallParts {
    return { ...this.#parts, emit: this.#parts.tell };
  }

  async #toAborted(): Promise<RunEnd> {
    if (this.#text !== "") {
      const said = { parts: [{ kind: "text" as const, text: this.#text, opaque: null }], stop: null, usage: null, verbose: null };
      await this.#append({ kind: "assistant", runId: this.id, model: null, ...said, isPartial: true });
    }
    return this.#timeIsOver ? this.#toEnd("error", this.#text, toTimeLimit(this.#parts.limits)) : this.#toEnd("aborted", this.#text, null);
  }

  #toEnd(outcome: RunOutcome, text: string, error: RunError | null): RunEnd {
    return { outcome, text, error, usage: this.#usage, steps: this.#steps };
  }

  /** What was said goes into the transcript too, where whoever reads that alone finds it. */
  async #close(end: RunEnd): Promise<RunEnd> {
    const { log, tell } = this.#parts;
    let told = end;
    try {
      const { outcome, text, error, usage, steps } = end;
      const isSaid = text !== "" && outcome === "final";
      const message = isSaid ? await log.appendMessage({ role: "assistant", text, from: null }) : null;
      await log.append({ kind: "ended", runId: this.id, outcome, message, error, usage, steps });
    } catch (error) {
      told = { ...end, outcome: "error", error: toRunError(error) };
    }
    tell({ kind: "ended", ...told });
    return told;
  }
}
