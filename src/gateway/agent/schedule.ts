// What begins by itself: an agent that looks around every so often, and jobs at times of the clock, as the config in force says. Off where it says nothing.
// One that is due while its session works is left out. When a time is due is croner's; what a run is, run.ts's.
import { Cron } from "croner";
import type { Logger } from "pino";
import { type AgentId, MINUTE_MS, toAgentId, toDurationMs, toSessionKey } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { CronJob, Heartbeat } from "../../api/config/assistant.ts";
import type { Config } from "../../api/config/config.ts";
import { renderError } from "../../api/errors.ts";
import type { SessionKind } from "../../api/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type ChatInput, NO_WISHES } from "./agent-port.ts";
import type { AgentService } from "./agent-service.ts";
import { isActive } from "./decide/active-hours.ts";

export interface ScheduleParts {
  config(): Config;
  agent: Pick<AgentService, "send" | "current">;
  sessions: Pick<Sessions, "create">;
  clock: Clock;
  log: Pick<Logger, "info" | "warn">;
}

/** How late a change of the config is noticed. */
const LOOK_MS = toDurationMs(MINUTE_MS / 6);
const HEARTBEAT_PROMPT =
  "This is a regular look around; nobody is waiting. Read HEARTBEAT.md if there is one and do what it says is due. If nothing needs to be done or said, answer exactly NO_REPLY.";

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

  async #beat(agentId: AgentId, { prompt, activeHours }: Heartbeat): Promise<void> {
    if (activeHours !== null && !isActive(activeHours, this.#parts.clock.now())) return;
    await this.#say({ agentId, rest: "main", kind: "main" }, { id: `heartbeat:${agentId}`, text: prompt ?? HEARTBEAT_PROMPT });
  }

  async #runJob({ id, agentId, message }: CronJob): Promise<void> {
    const agent = agentId ?? this.#parts.config().agents.find(({ isDefault }) => isDefault)?.id;
    if (agent !== undefined)
      await this.#say({ agentId: toAgentId(agent), rest: `cron:${id}`, kind: "cron" }, { id: `cron:${id}`, text: message });
  }

  /** Never rejects: the next one is tried as if this one had been said. */
  async #say(to: { agentId: AgentId; rest: string; kind: SessionKind }, { id, text }: { id: string; text: string }): Promise<void> {
    const { agent, sessions, log } = this.#parts;
    const key = toSessionKey(`agent:${to.agentId}:${to.rest}`);
    try {
      const { spec } = await sessions.create({ key, agentId: to.agentId, kind: to.kind });
      if (agent.current(spec.key) !== null) return log.info({ session: key, by: id }, "not begun: the session is at work");
      // Only who may write the config can make one.
      const requester: ChatInput["requester"] = { kind: "schedule", id, isOwner: true };
      await agent.send({
        session: spec.key,
        text,
        attachments: [],
        requester,
        queueMode: "followup",
        idempotencyKey: null,
        timeoutMs: null,
        wishes: NO_WISHES,
      });
    } catch (error) {
      log.warn({ session: key, by: id, because: renderError(error) }, "not begun");
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
