// Ends or resets a conversation with everything that runs for it: its calls are cancelled, its background commands end, its sandbox
// is released unless shared, and then its files are removed. Who may ask for that is the servers' business.
import type { SessionKey } from "../../api/brands.ts";
import type { Session } from "../../api/session.ts";
import type { SessionTools } from "./session-tools.ts";
import type { Sessions } from "./sessions.ts";

export interface SessionEndParts {
  sessions: Pick<Sessions, "delete" | "reset">;
  tools: Pick<SessionTools, "interrupt">;
  /** Ends what its agent does, with the sessions that it began. */
  endRuns(key: SessionKey): Promise<void>;
  /** Ends what runs for the session in the background on this host. */
  endOnHost(key: SessionKey): Promise<void>;
  /** Lets its sandbox go with all that runs in it, unless others use it too. */
  releaseSandbox(session: Session): Promise<void>;
  /** What its conversation used of models no longer counts against its limit. */
  forgetUsage(key: SessionKey): Promise<void>;
}

export class SessionEnd {
  readonly #parts: SessionEndParts;

  constructor(parts: SessionEndParts) {
    this.#parts = parts;
  }

  async delete(session: Session): Promise<void> {
    const { key } = session.spec;
    await this.#end(session, () => this.#parts.sessions.delete(key));
  }

  async reset(session: Session): Promise<Session> {
    const { key } = session.spec;
    return await this.#end(session, () => this.#parts.sessions.reset(key));
  }

  async #end<Result>(session: Session, change: () => Promise<Result>): Promise<Result> {
    const { tools, endRuns, endOnHost, releaseSandbox, forgetUsage } = this.#parts;
    await endRuns(session.spec.key);
    return await tools.interrupt(session.spec.key, async () => {
      await endOnHost(session.spec.key);
      await releaseSandbox(session);
      const changed = await change();
      await forgetUsage(session.spec.key);
      return changed;
    });
  }
}
