// Which sessions' sandboxes serve, by what the controller has told since: a call in one of them need not ask first. Whether the command may run, and
// whether it waits, the controller decides anew for each. It asks nobody; what is told comes from sandbox-feed.ts.
import type { SessionKey } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import type { SandboxChanged } from "../../api/wire.ts";

/** As many sessions as there can be sandboxes in use, ten times over; 200 bytes each. */
const SESSIONS_MAX = 10_000;

interface Known {
  /** Of the session that it was told of: another one under the same key may have another sandbox, or none yet. */
  uid: string;
  sandbox: string;
}

export class KnownReady {
  readonly #uidOf: (key: SessionKey) => string | null;
  readonly #bySession = new Map<SessionKey, Known>();
  #isFollowed = false;

  /** @param uidOf the session that now has this key. null: none */
  constructor(uidOf: (key: SessionKey) => string | null) {
    this.#uidOf = uidOf;
  }

  /** The sandbox of the session, which served when it was last heard of. null: that is not known. */
  find(key: SessionKey): string | null {
    const known = this.#bySession.get(key);
    if (known === undefined || known.uid !== this.#uidOf(key)) return null;
    return known.sandbox;
  }

  /** The controller says that it serves. */
  learn(key: SessionKey, sandbox: string | null): void {
    const uid = this.#uidOf(key);
    if (!this.#isFollowed || uid === null || sandbox === null) return;
    this.#bySession.delete(key);
    this.#bySession.set(key, { uid, sandbox });
    const [oldest] = this.#bySession.keys();
    if (this.#bySession.size > SESSIONS_MAX && oldest !== undefined) this.#bySession.delete(oldest);
  }

  /** null: anything may have changed, and changes are told from now on. */
  changed(change: SandboxChanged | null): void {
    if (change === null) {
      this.forgetAll();
      this.#isFollowed = true;
      return;
    }
    const { name, sandbox } = change;
    const ready = sandbox === null ? undefined : findCondition(sandbox.status.conditions, "Ready");
    if (ready?.status === "True") return;
    for (const [key, known] of this.#bySession) if (known.sandbox === name) this.#bySession.delete(key);
  }

  /** Changes are not told any more. */
  forgetAll(): void {
    this.#bySession.clear();
    this.#isFollowed = false;
  }
}
