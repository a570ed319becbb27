// Hands the events of runs to whoever follows them: text and output that come close together are put together, since a model may say a hundred words a
// second to a hundred readers. The first word after a pause leaves at once. How events look is chat-events.ts's; a reader's pace, its own.
import type { SessionKey } from "../../api/brands.ts";
import type { AgentPort, CurrentRun, RunEvent } from "../agent/agent-port.ts";
import { toWireEvent, type WireEvent } from "./chat-events.ts";

/** Reads as a flow; twenty-five a second and run. */
const GATHER_MS = 40;
/** Of runs that are over: so that whoever sends the same key again does not wait for what has been. */
const ENDED_MAX = 1_000;

type Gathered = Extract<RunEvent, { kind: "text" | "reasoning" | "tool-output" }>;

interface Flow {
  waiting: Gathered | null;
  timer: NodeJS.Timeout | null;
  nextAtMs: number;
}

interface Broadcasting {
  send(event: WireEvent["event"], payload: WireEvent["payload"], options: { isKept: boolean }): void;
}

export type ChatListener = (event: WireEvent) => void;

export class ChatFeed {
  readonly #agent: Pick<AgentPort, "current">;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<ChatListener>();
  readonly #flows = new Map<string, Flow>();
  readonly #ended = new Set<string>();

  /** @param nowMs of a clock that nobody sets */
  constructor(agent: Pick<AgentPort, "current" | "follow">, nowMs: () => number) {
    this.#agent = agent;
    this.#nowMs = nowMs;
    agent.follow(null, (event) => this.#take(event));
  }

  /** One that every connection hears of. @param broadcast of the socket's events */
  static open(agent: Pick<AgentPort, "current" | "follow">, nowMs: () => number, broadcast: Broadcasting): ChatFeed {
    const feed = new ChatFeed(agent, nowMs);
    feed.follow(({ event, payload, isKept }) => broadcast.send(event, payload, { isKept }));
    return feed;
  }

  /** Listeners must not throw, and keep up. @returns it hears no more */
  follow(listener: ChatListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What is under way. Whoever hears events reads those after its `seq` alone. */
  current(session: SessionKey): CurrentRun | null {
    // What waits is in its text: told later it would be told twice.
    for (const flow of this.#flows.values()) if (flow.waiting?.session === session) this.#flush(flow);
    return this.#agent.current(session);
  }

  hasEnded(runId: string): boolean {
    return this.#ended.has(runId);
  }

  #take(event: RunEvent): void {
    const flow = this.#flowOf(event.runId);
    if (event.kind === "text" || event.kind === "reasoning" || event.kind === "tool-output") return this.#gather(flow, event);
    this.#flush(flow);
    this.#tell(event);
    if (event.kind === "ended") this.#end(event.runId);
  }

  #flowOf(runId: string): Flow {
    const known = this.#flows.get(runId);
    if (known !== undefined) return known;
    const flow: Flow = { waiting: null, timer: null, nextAtMs: 0 };
    this.#flows.set(runId, flow);
    return flow;
  }

  #gather(flow: Flow, event: Gathered): void {
    const joined = flow.waiting === null ? event : join(flow.waiting, event);
    if (joined === null) this.#flush(flow);
    flow.waiting = joined ?? event;
    const waitMs = flow.nextAtMs - this.#nowMs();
    if (waitMs <= 0) return this.#flush(flow);
    flow.timer ??= setTimeout(() => this.#flush(flow), waitMs);
  }

  #flush(flow: Flow): void {
    if (flow.timer !== null) clearTimeout(flow.timer);
    flow.timer = null;
    const { waiting } = flow;
    if (waiting === null) return;
    flow.waiting = null;
    flow.nextAtMs = this.#nowMs() + GATHER_MS;
    this.#tell(waiting);
  }

  #tell(event: RunEvent): void {
    const wire = toWireEvent(event);
    for (const listener of this.#listeners) listener(wire);
  }

  #end(runId: string): void {
    this.#flows.delete(runId);
    this.#ended.add(runId);
    const [oldest] = this.#ended;
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) this.#ended.delete(oldest);
  }
}

/** Both as one, with the later number. null: they are of different things. */
function join(first: Gathered, next: Gathered): Gathered | null {
  if (first.kind === "tool-output" && next.kind === "tool-output")
    return first.callId === next.callId && first.stream === next.stream ? { ...next, text: first.text + next.text } : null;
  if (first.kind === "tool-output" || next.kind === "tool-output" || first.kind !== next.kind) return null;
  return { ...next, delta: first.delta + next.delta };
}
