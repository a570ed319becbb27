// A session as the loop has it at hand: its log, the run that goes on, and what waits. One run at a time. Who begins and ends them is agent-service.ts's.
import type { Session } from "../../api/session.ts";
import type { Run } from "./run.ts";
import type { RunFeed } from "./run-events.ts";
import type { Input, RunLog } from "./run-log.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface Going {
  run: Run;
  feed: RunFeed;
  inputs: readonly Input[];
  /** Settles when it is over and written down. */
  ended: Promise<void>;
}

/** Background commands of one session, the newest: as many as a sandbox has at once. */
const PROCESSES_MAX = 64;

export class Conversation {
  readonly session: Session;
  readonly log: RunLog;
  going: Going | null = null;
  readonly waiting = new WaitingLine();
  /** Its session was reset or deleted. */
  isForgotten = false;
  /** Ids of background commands that its runs began, and that may still run. */
  readonly #processes = new Set<string>();

  constructor(session: Session, log: RunLog) {
    this.session = session;
    this.log = log;
  }

  get canBeForgotten(): boolean {
    return this.going === null && this.waiting.length === 0 && this.#processes.size === 0;
  }

  began(processId: string): void {
    this.#processes.add(processId);
    const [oldest] = this.#processes;
    if (this.#processes.size > PROCESSES_MAX && oldest !== undefined) this.#processes.delete(oldest);
  }

  takeProcesses(): string[] {
    const ids = [...this.#processes];
    this.#processes.clear();
    return ids;
  }
}
