// Requests with a key of the client's are done once: the same one again, on any connection of the same device, gets the answer of the first, also while
// that is under way. What failed is forgotten, and may be tried again. Nobody's flood of keys costs another one's. What a request does is calls.ts's.
import { createHash } from "node:crypto";
import { type EpochMs, elapsed, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { IDEMPOTENCY_KEYS_MAX } from "../../api/gateway-protocol/frames.ts";
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
/** Of all: 32 MB of answers. Beyond that it costs whoever has the most. */
const ENTRIES_MAX = 2_000;
/** A larger answer is not kept: the request is known to be done. */
const ANSWER_LENGTH_MAX = 16_384;

interface Entry {
  params: string;
  at: EpochMs;
  /** One that is under way is never forgotten: it would be done twice at once. */
  isDone: boolean;
  answer: Promise<SocketAnswer>;
}

/** By method and key, in the order in which they began. */
type Entries = Map<string, Entry>;

const TOO_LARGE: SocketAnswer = {
  ok: false,
  error: { code: "INVALID_REQUEST", message: "this request was done already; its answer is too large to be repeated" },
};

export class Idempotency {
  readonly #now: () => EpochMs;
  readonly #callers = new Map<string, Entries>();

  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  /** @throws OperationError `LimitExceeded`: as many as are kept are under way */
  async run(call: KeyedCall, work: () => Promise<SocketAnswer>): Promise<SocketAnswer> {
    this.#sweep();
    const own: Entries = this.#callers.get(call.who) ?? new Map();
    const name = JSON.stringify([call.method, call.key]);
    const params = createHash("sha256").update(JSON.stringify(call.params)).digest("hex");
    const known = own.get(name);
    if (known !== undefined) {
      if (known.params === params) return await known.answer;
      const message = "this idempotencyKey was used for another request within the last five minutes";
      return { ok: false, error: { code: "INVALID_REQUEST", message } };
    }
    this.#makeRoom(own);
    const first = work();
    const entry: Entry = { params, at: this.#now(), isDone: false, answer: first };
    this.#callers.set(call.who, own.set(name, entry));
    const answer = await first;
    entry.isDone = true;
    if (!answer.ok) own.delete(name);
    else if (JSON.stringify(answer.payload).length > ANSWER_LENGTH_MAX) entry.answer = Promise.resolve(TOO_LARGE);
    return answer;
  }

  #sweep(): void {
    const now = this.#now();
    for (const [who, entries] of this.#callers) {
      for (const [name, { at, isDone }] of entries) {
        if (elapsed(at, now) < KEPT_MS) break;
        if (isDone) entries.delete(name);
      }
      if (entries.size === 0) this.#callers.delete(who);
    }
  }

  #makeRoom(own: Entries): void {
    if (own.size >= IDEMPOTENCY_KEYS_MAX) return forgetOldest([own]);
    const callers = [...this.#callers.values()];
    const total = callers.reduce((sum, { size }) => sum + size, 0);
    if (total >= ENTRIES_MAX) forgetOldest(callers.toSorted((left, right) => right.size - left.size));
  }
}

/** Of the first of them that has one that is done. */
function forgetOldest(callers: readonly Entries[]): void {
  for (const entries of callers) {
    for (const [name, { isDone }] of entries) if (isDone) return void entries.delete(name);
  }
  throw new OperationError("LimitExceeded", "too many requests with an idempotencyKey are under way", { fix: "wait for their answers" });
}
