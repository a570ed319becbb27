// Requests with a key of the client's are done once: the same one again, on any connection of the same device, gets the answer of the first, also while
// that is under way. What failed is forgotten, and may be tried again. What a request does is calls.ts's.
import { createHash } from "node:crypto";
import { type EpochMs, elapsed, toDurationMs } from "../../api/brands.ts";
import type { SocketAnswer } from "./answer.ts";

export interface KeyedCall {
  /** Whose key it is: `owner`, or the device's id. */
  who: string;
  method: string;
  key: string;
  params: unknown;
}

/** As upstream keeps them. */
const KEPT_MS = toDurationMs(300_000);
/** A client that has none under way sends one after the other. */
const ENTRIES_MAX = 2_000;
/** A larger answer is not kept: the request is known to be done. */
const ANSWER_LENGTH_MAX = 16_384;

interface Entry {
  params: string;
  at: EpochMs;
  answer: Promise<SocketAnswer>;
}

const TOO_LARGE: SocketAnswer = {
  ok: false,
  error: { code: "INVALID_REQUEST", message: "this request was done already; its answer is too large to be repeated" },
};

export class Idempotency {
  readonly #now: () => EpochMs;
  /** In the order in which they began. */
  readonly #entries = new Map<string, Entry>();

  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  async run(call: KeyedCall, work: () => Promise<SocketAnswer>): Promise<SocketAnswer> {
    this.#sweep();
    const name = JSON.stringify([call.who, call.method, call.key]);
    const params = createHash("sha256").update(JSON.stringify(call.params)).digest("hex");
    const known = this.#entries.get(name);
    if (known !== undefined) {
      if (known.params === params) return await known.answer;
      const message = "this idempotencyKey was used for another request within the last five minutes";
      return { ok: false, error: { code: "INVALID_REQUEST", message } };
    }
    const first = work();
    const entry: Entry = { params, at: this.#now(), answer: first };
    this.#entries.set(name, entry);
    const answer = await first;
    if (!answer.ok) this.#entries.delete(name);
    else if (JSON.stringify(answer.payload).length > ANSWER_LENGTH_MAX) entry.answer = Promise.resolve(TOO_LARGE);
    return answer;
  }

  #sweep(): void {
    const now = this.#now();
    for (const [name, { at }] of this.#entries) {
      if (this.#entries.size < ENTRIES_MAX && elapsed(at, now) < KEPT_MS) return;
      this.#entries.delete(name);
    }
  }
}
