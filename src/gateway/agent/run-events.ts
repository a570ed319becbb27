// What runs tell, numbered for each run, to whoever follows; and what a run has done so far, for a reader who comes in the middle. In memory, within bounds.
// What is kept of a run is run-log.ts's.
import type { EpochMs, SessionKey } from "../../api/brands.ts";
import { toTail } from "../../api/text/cuts.ts";
import type { CurrentRun, RunEvent, RunEventBody, RunId } from "./agent-port.ts";

export type Listener = (event: RunEvent) => void;

/** Of a call, for a reader who comes in the middle. */
const OUTPUT_KEPT_MAX = 65_536;
const TOOLS_KEPT_MAX = 50;

export class RunEvents {
  readonly #now: () => EpochMs;
  readonly #all = new Set<Listener>();
  readonly #bySession = new Map<SessionKey, Set<Listener>>();

  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  follow(session: SessionKey | null, listen: Listener): () => void {
    const listeners = session === null ? this.#all : (this.#bySession.get(session) ?? new Set());
    if (session !== null) this.#bySession.set(session, listeners);
    listeners.add(listen);
    return () => {
      listeners.delete(listen);
      if (session !== null && listeners.size === 0 && this.#bySession.get(session) === listeners) this.#bySession.delete(session);
    };
  }

  open(session: SessionKey, runId: RunId): RunFeed {
    return new RunFeed({ session, runId, now: this.#now, send: (event) => this.#send(event) });
  }

  #send(event: RunEvent): void {
    for (const listen of this.#all) listen(event);
    for (const listen of this.#bySession.get(event.session) ?? []) listen(event);
  }
}

interface FeedParts {
  session: SessionKey;
  runId: RunId;
  now(): EpochMs;
  send(event: RunEvent): void;
}

type Tool = CurrentRun["tools"][number];

/** What one run tells. */
export class RunFeed {
  readonly #parts: FeedParts;
  readonly #startedAt: EpochMs;
  #seq = 0;
  #text = "";
  readonly #tools = new Map<string, Tool>();

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#startedAt = parts.now();
  }

  get current(): Omit<CurrentRun, "verbose"> {
    return { runId: this.#parts.runId, startedAt: this.#startedAt, seq: this.#seq, text: this.#text, tools: [...this.#tools.values()] };
  }

  tell(body: RunEventBody): void {
    this.#seq += 1;
    this.#note(body);
    const { runId, session, now, send } = this.#parts;
    send({ runId, session, seq: this.#seq, at: now(), ...body });
  }

  #note(body: RunEventBody): void {
    switch (body.kind) {
      case "text":
        this.#text += body.delta;
        return;
      case "restarted":
      case "text-ended":
        this.#text = "";
        return;
      case "tool-started":
        return this.#begin({ callId: body.callId, tool: body.tool, input: body.input, sandbox: null, output: "", isRunning: true });
      case "tool-placed":
        return this.#change(body.callId, { sandbox: body.sandbox });
      case "tool-output":
        return this.#change(body.callId, { output: toTail((this.#tools.get(body.callId)?.output ?? "") + body.text, OUTPUT_KEPT_MAX) });
      case "tool-ended":
        return this.#change(body.callId, { isRunning: false });
      case "started":
      case "reasoning":
      case "steered":
      case "notice":
      case "retrying":
      case "compacted":
      case "ended":
        return;
    }
  }

  #begin(tool: Tool): void {
    this.#tools.set(tool.callId, tool);
    const [oldest] = this.#tools.keys();
    if (this.#tools.size > TOOLS_KEPT_MAX && oldest !== undefined) this.#tools.delete(oldest);
  }

  #change(callId: string, change: Partial<Tool>): void {
    const tool = this.#tools.get(callId);
    if (tool !== undefined) this.#tools.set(callId, { ...tool, ...change });
  }
}
