// Removes the files of sessions that are deleted, each once the controller has confirmed that it saw the end: a file that vanishes says nothing about
// why, and many at once look like a mistake. Without a controller they stay. Deleting is sessions/'s.
import { setInterval as ticks } from "node:timers/promises";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import { SESSION_ENDS_MAX } from "../../api/wire.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { Sessions } from "./sessions.ts";

/** A file that stays a second longer costs nothing; asking costs the controller a look at its memory. */
const ASK_EACH_MS = 1_000;

export interface SessionRemovalParts {
  sessions: Pick<Sessions, "deleted" | "forget">;
  controller: Pick<StreamClient, "seenEnds">;
  /** Told of each attempt that failed. */
  failed(error: unknown): void;
}

export class SessionRemoval {
  readonly #parts: SessionRemovalParts;

  constructor(parts: SessionRemovalParts) {
    this.#parts = parts;
  }

  /** Until the signal aborts: also those that an earlier run left. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of ticks(ASK_EACH_MS, undefined, { signal, ref: false })) await this.attempt();
    } catch (error) {
      if (!signal.aborted) this.#parts.failed(error);
    }
  }

  /** Asks about all of them once. Never rejects. */
  async attempt(): Promise<void> {
    const { sessions, controller, failed } = this.#parts;
    const pending = sessions.deleted.slice(0, SESSION_ENDS_MAX);
    if (pending.length === 0) return;
    try {
      const seen = new Set(await controller.seenEnds({ items: pending.map(toEnd) }));
      for (const session of pending) if (seen.has(session.metadata.uid)) await sessions.forget(session);
    } catch (error) {
      if (!(error instanceof OperationError && error.code === "ControllerUnreachable")) failed(error);
    }
  }
}

const toEnd = ({ metadata: { uid }, spec: { key } }: Session): { key: string; uid: string } => ({ key, uid });
