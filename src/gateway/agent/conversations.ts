// The conversations that are at hand, each opened once: those with nothing to do are forgotten when there are too many, and read again when they are needed.
// What one is, is conversation.ts's.
import type { SessionKey } from "../../api/brands.ts";
import type { Session } from "../../api/session.ts";
import { Conversation } from "./conversation.ts";
import { RunLog, type RunLogParts } from "./run-log.ts";

/** Some KiB each. */
const KEPT_MAX = 1_000;

interface Opened {
  uid: string;
  opening: Promise<Conversation>;
  /** null: it is still read. */
  conversation: Conversation | null;
}

export class Conversations {
  readonly #parts: RunLogParts;
  readonly #byKey = new Map<SessionKey, Opened>();

  constructor(parts: RunLogParts) {
    this.#parts = parts;
  }

  /** null: not at hand, so that nothing goes on in it. */
  find(key: SessionKey): Conversation | null {
    return this.#byKey.get(key)?.conversation ?? null;
  }

  all(): Conversation[] {
    return [...this.#byKey.values()].flatMap(({ conversation }) => (conversation === null ? [] : [conversation]));
  }

  /** @throws OperationError `NotFound`, `HostRejected` */
  async open(session: Session): Promise<Conversation> {
    const { key } = session.spec;
    const known = this.#byKey.get(key);
    if (known !== undefined && known.uid === session.metadata.uid) return await known.opening;
    const opened: Opened = { uid: session.metadata.uid, opening: this.#read(session), conversation: null };
    this.#byKey.set(key, opened);
    try {
      opened.conversation = await opened.opening;
    } catch (error) {
      if (this.#byKey.get(key) === opened) this.#byKey.delete(key);
      throw error;
    }
    this.#forgetIdle();
    return opened.conversation;
  }

  forget(key: SessionKey): void {
    const conversation = this.find(key);
    if (conversation !== null) conversation.isForgotten = true;
    this.#byKey.delete(key);
  }

  async #read(session: Session): Promise<Conversation> {
    return new Conversation(session, await RunLog.open(session.spec.key, this.#parts));
  }

  #forgetIdle(): void {
    for (const [key, { conversation }] of this.#byKey) {
      if (this.#byKey.size <= KEPT_MAX) return;
      if (conversation?.canBeForgotten === true) this.#byKey.delete(key);
    }
  }
}
