// Decides whether a request carries the gateway's secret, in constant time, and slows down whoever guesses. Pure but for its memory of failures.
// What is behind the door is app.ts's; where the secret comes from, secret.ts's.
import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback, toNetwork } from "../../api/address.ts";
import { type EpochMs, MINUTE_MS } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";

export type Credentials = { kind: "secret"; mode: "token" | "password"; secret: string } | { kind: "none" };

/** Why a request is refused; a metric's label. */
export const AUTH_FAILURES = ["missing", "malformed", "wrong", "limited"] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

/** A quarter of what a request's headers may have. */
export const SECRET_BYTES_MAX = 4_096;

/** Only the header: a secret in a query would be in logs, histories and referrers. null: it is right. */
export function judgeAuthorization(header: string | undefined, credentials: Credentials): Exclude<AuthFailure, "limited"> | null {
  if (credentials.kind === "none") return null;
  if (header === undefined) return "missing";
  const [, given] = /^bearer +(.+)$/i.exec(header) ?? [];
  if (given === undefined || given.length > SECRET_BYTES_MAX) return "malformed";
  return isSame(given, credentials.secret) ? null : "wrong";
}

/** Digests have one length, so that neither length nor content shows in the time that it takes. A header is bytes, which Node shows as Latin-1. */
function isSame(given: string, secret: string): boolean {
  const digest = (text: string, encoding: "latin1" | "utf8"): Buffer => createHash("sha256").update(text, encoding).digest();
  return timingSafeEqual(digest(given, "latin1"), digest(secret, "utf8"));
}

export function toAuthError(failure: AuthFailure): OperationError {
  switch (failure) {
    case "missing":
      return new OperationError("Unauthenticated", "this needs the gateway's token", { fix: "send Authorization: Bearer TOKEN" });
    case "malformed":
      return new OperationError("Unauthenticated", "the Authorization header is not of the form Bearer TOKEN");
    case "wrong":
      return new OperationError("Unauthenticated", "the token is not the gateway's");
    case "limited":
      return new OperationError("LimitExceeded", "too many requests from this address; try again in a minute");
  }
}

/** A person mistypes a few times a minute; ten in a minute is a program. */
const FAILURES_PER_MINUTE_MAX = 10;
/** Answers without a secret (health) are for probes: several a second. */
const OPEN_PER_MINUTE_MAX = 600;
/** Each is some 100 bytes. When there are more, the oldest are forgotten. */
const ADDRESSES_MAX = 10_000;

interface Counted {
  since: EpochMs;
  failures: number;
  open: number;
}

/** Counts, by address, what came without the right secret. Whole minutes: a window that begins with the first of them. */
export class AddressLimits {
  readonly #now: () => EpochMs;
  readonly #counted = new Map<string, Counted>();

  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  /**
   * A local program with an old token must not lock its owner out, and whoever is on this host can read the token's file, if he may: loopback
   * is never locked.
   */
  isLocked(address: string): boolean {
    return !isLoopback(address) && this.#of(address).failures >= FAILURES_PER_MINUTE_MAX;
  }

  failed(address: string): void {
    this.#of(address).failures += 1;
  }

  /** @returns false when there were too many */
  takeOpen(address: string): boolean {
    const counted = this.#of(address);
    counted.open += 1;
    return counted.open <= OPEN_PER_MINUTE_MAX;
  }

  #of(address: string): Counted {
    const key = toNetwork(address);
    const known = this.#counted.get(key);
    const now = this.#now();
    // A clock that was set back must not make a minute of hours.
    if (known !== undefined && known.since <= now && now - known.since < MINUTE_MS) return known;
    this.#counted.delete(key);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size >= ADDRESSES_MAX && oldest !== undefined) this.#counted.delete(oldest);
    const fresh = { since: now, failures: 0, open: 0 };
    this.#counted.set(key, fresh);
    return fresh;
  }
}
