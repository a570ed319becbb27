// Ends what goes on in a session: what waits, the run, the commands that it left in the background, and the same of the sessions that it began. What it may
// take, and who may ask for it, is agent-service.ts's.
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { AbortReport, RunId } from "./agent-port.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { Input } from "./run-log.ts";

export interface SessionStopParts extends Pick<AgentParts, "sessions" | "processesOf"> {
  conversations: Pick<Conversations, "find">;
  /** They will not be answered, and are not to wait. */
  giveUp(conversation: Conversation, inputs: readonly Input[]): Promise<void>;
}

/** What a stop has ended so far, counted as it goes: what is not over in time is told with what is. */
export interface Ending {
  report: { -readonly [Key in Exclude<keyof AbortReport, "unstoppable">]: number };
  unstoppable: string[];
  runsCountAs: "runs" | "children";
}

export class SessionStop {
  readonly #parts: SessionStopParts;

  constructor(parts: SessionStopParts) {
    this.#parts = parts;
  }

  /** @param runId null: whatever goes on or waits */
  async stop(key: SessionKey, runId: RunId | null, ending: Ending): Promise<void> {
    const conversation = this.#parts.conversations.find(key);
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
      ...children.map(({ spec }) => this.stop(spec.key, null, below)),
    ]);
    // What the run began in its last moment.
    if (conversation !== null) await this.#killProcesses(conversation, ending);
  }

  async #drop(conversation: Conversation, runId: RunId | null, { report }: Ending): Promise<void> {
    const late = runId === null ? (conversation.going?.run.takeLate() ?? []) : [];
    const dropped = [...late, ...conversation.waiting.drop((input) => runId === null || input.runId === runId)];
    report.queued += dropped.length;
    await this.#parts.giveUp(conversation, dropped);
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
}
