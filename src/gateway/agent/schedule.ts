// What begins by itself: an agent that looks around every so often, and jobs at times of the clock, as the config in force says. Off where it says nothing.
// One that is due while its session works is left out. When a time is due is croner's; what a run is, run.ts's.
import { Cron } from "croner";
import type { Logger } from "pino";
import { type AgentId, MINUTE_MS, type SessionKey, toAgentId, toDurationMs, toSessionKey } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { CronJob, Heartbeat } from "../../api/config/assistant.ts";
import type { Config } from "../../api/config/config.ts";
import { renderError } from "../../api/errors.ts";
import type { Session, SessionKind } from "../../api/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type ChatInput, NO_WISHES, type Requester, type RunEvent, type RunId } from "./agent-port.ts";
import type { AgentService } from "./agent-service.ts";
import { isActive } from "./decide/active-hours.ts";
import { toHeartbeatId } from "./entries.ts";

export interface ScheduleParts {
  config(): Config;
  agent: Pick<AgentService, "send" | "current" | "follow" | "inject" | "lastSpokenTo">;
  /** A new conversation under the same key. */
  reset(session: Session): Promise<unknown>;
  sessions: Pick<Sessions, "create">;
  clock: Clock;
  log: Pick<Logger, "info" | "warn">;
}

/** How late a change of the config is noticed. */
const LOOK_MS = toDurationMs(MINUTE_MS / 6);
const HEARTBEAT_PROMPT =
  "This is a regular look around; nobody is waiting. Read HEARTBEAT.md if there is one and do what it says is due. If nothing needs to be done or said, answer exactly NO_REPLY.";

interface Word {
  id: string;
  text: string;
  /** As written. null: the session's. */
  model: string | null;
  /** In a new conversation. */
  isAnew: boolean;
  /** Where what is said to it is told besides. null: nowhere */
  told: SessionKey | null;
}

/** No job has a name with a colon. */
const ISOLATED_HEARTBEAT = "cron:heartbeat:own";

interface Timer {
  /** What it was made from: another one is another timer. */
  written: string;
  stop(): void;
}

export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #timers = new Map<string, Timer>();
  #stopLooking: () => void = () => undefined;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#look();
    this.#stopLooking = this.#parts.clock.setTimer(LOOK_MS, () => this.start());
  }

  stop(): void {
    this.#stopLooking();
    for (const { stop } of this.#timers.values()) stop();
    this.#timers.clear();
  }

  /** Timers are as the config in force says. */
  #look(): void {
    const config = this.#parts.config();
    const wanted = new Map<string, { written: string; begin: () => Timer["stop"] }>();
    for (const job of config.assistant.jobs)
      wanted.set(`job ${job.id}`, { written: JSON.stringify(job), begin: () => this.#beginJob(job) });
    for (const [agentId, heartbeat] of heartbeatsOf(config))
      wanted.set(`heartbeat ${agentId}`, { written: JSON.stringify(heartbeat), begin: () => this.#beginHeartbeat(agentId, heartbeat) });
    for (const [name, { written, stop }] of this.#timers) {
      if (wanted.get(name)?.written === written) continue;
      stop();
      this.#timers.delete(name);
    }
    for (const [name, { written, begin }] of wanted) if (!this.#timers.has(name)) this.#timers.set(name, { written, stop: begin() });
  }

  #beginJob(job: CronJob): () => void {
    try {
      const options = { ...(job.timezone !== null && { timezone: job.timezone }), unref: true, protect: true };
      const cron = new Cron(job.schedule, options, () => void this.#runJob(job));
      return () => cron.stop();
    } catch (error) {
      this.#parts.log.warn({ job: job.id, because: renderError(error) }, "a job of cron.jobs has no schedule that can be read");
      return () => undefined;
    }
  }

  #beginHeartbeat(agentId: AgentId, heartbeat: Heartbeat): () => void {
    let stop = (): void => undefined;
    const wait = (): void => {
      stop = this.#parts.clock.setTimer(toDurationMs(heartbeat.everyMs), () => {
        wait();
        void this.#beat(agentId, heartbeat);
      });
    };
    wait();
    return () => stop();
  }

  async #beat(agentId: AgentId, heartbeat: Heartbeat): Promise<void> {
    const { clock, agent } = this.#parts;
    const { prompt, activeHours, isIsolated, target } = heartbeat;
    if (activeHours !== null && !isActive(activeHours, clock.now())) return;
    const main = toSessionKey(`agent:${agentId}:main`);
    const told = target === "none" ? null : target === "owner" ? main : (agent.lastSpokenTo(agentId) ?? main);
    const own = { agentId, rest: isIsolated ? ISOLATED_HEARTBEAT : "main", kind: isIsolated ? "cron" : "main" } as const;
    const said = { id: toHeartbeatId(agentId), text: prompt ?? HEARTBEAT_PROMPT, model: heartbeat.model };
    await this.#say(own, { ...said, isAnew: isIsolated, told });
  }

  async #runJob({ id, agentId, message }: CronJob): Promise<void> {
    const agent = agentId ?? this.#parts.config().agents.find(({ isDefault }) => isDefault)?.id;
    if (agent !== undefined)
      await this.#say(
        { agentId: toAgentId(agent), rest: `cron:${id}`, kind: "cron" },
        { id: `cron:${id}`, text: message, model: null, isAnew: false, told: null },
      );
  }

  /** Never rejects: the next one is tried as if this one had been said. */
  async #say(to: { agentId: AgentId; rest: string; kind: SessionKind }, word: Word): Promise<void> {
    const { agent, sessions, reset, log } = this.#parts;
    const { id, text, model } = word;
    const key = toSessionKey(`agent:${to.agentId}:${to.rest}`);
    try {
      const session = await sessions.create({ key, agentId: to.agentId, kind: to.kind });
      if (agent.current(key) !== null) return log.info({ session: key, by: id }, "not begun: the session is at work");
      if (word.isAnew) await reset(session);
      // Only who may write the config can make one.
      const requester: Requester = { kind: "schedule", id, isOwner: true };
      const input: ChatInput = {
        ...{ session: key, text, attachments: [], requester },
        ...{ isOwnWord: false, queueMode: "followup", idempotencyKey: null, timeoutMs: null, wishes: { ...NO_WISHES, model } },
      };
      if (word.told === null || word.told === key) await agent.send(input);
      else await this.#sendAndTell(input, word.told);
    } catch (error) {
      log.warn({ session: key, by: id, because: renderError(error) }, "not begun");
    }
  }

  /** What the run says is told in another conversation too. It resolves when the run has begun. */
  async #sendAndTell(input: ChatInput, to: SessionKey): Promise<void> {
    const { agent, log } = this.#parts;
    let wanted: RunId | null = null;
    const ended: Extract<RunEvent, { kind: "ended" }>[] = [];
    const leave = agent.follow(input.session, (event) => {
      if (event.kind === "ended") ended.push(event);
      tell();
    });
    const tell = (): void => {
      const end = wanted === null ? undefined : ended.find(({ runId }) => runId === wanted);
      if (end === undefined) return;
      leave();
      if (end.outcome !== "final" || end.text === "") return;
      const failed = (error: unknown): void => log.warn({ session: to, by: input.requester.id, because: renderError(error) }, "not told");
      agent.inject(to, end.text, input.requester).catch(failed);
    };
    try {
      wanted = (await agent.send(input)).runId;
      tell();
    } catch (error) {
      leave();
      throw error;
    }
  }
}

/** Where any agent has one of its own, only those have one. */
function heartbeatsOf({ agents, assistant }: Config): readonly (readonly [AgentId, Heartbeat])[] {
  const own = agents.flatMap(({ id, heartbeat }) => (heartbeat === null ? [] : [[id, heartbeat] as const]));
  if (own.length > 0) return own;
  const { heartbeat } = assistant;
  const first = agents.find(({ isDefault }) => isDefault);
  return heartbeat === null || first === undefined ? [] : [[first.id, heartbeat]];
}
