// Decides whether a request carries the gateway's secret, in constant time, and slows down guessing: guessing a token costs time, guessing a
// password locks the address out. What is behind it is app.ts's; where the secret comes from, secret.ts's.
import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback, toNetwork } from "../../api/address.ts";
import { type EpochMs, MINUTE_MS } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { estimateBits, TOKEN_BITS_MIN } from "./secret-strength.ts";

export type Credentials = { kind: "secret"; mode: "token" | "password"; secret: string } | { kind: "none" };

/** Why a request is refused; a metric's label. */
export const AUTH_FAILURES = ["missing", "malformed", "wrong", "limited"] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

/** A quarter of what a request's headers may have. */
export const SECRET_BYTES_MAX = 4_096;

/** What an Authorization header shows: bytes, as Latin-1. null: it is not of the form `Bearer SECRET`. */
export function readBearer(header: string): string | null {
  const [, given] = /^bearer +(.+)$/i.exec(header) ?? [];
  return given === undefined || given.length > SECRET_BYTES_MAX ? null : given;
}

/** Only the header: a secret in a query would be in logs, histories and referrers. null: it is right. */
export function judgeAuthorization(header: string | undefined, credentials: Credentials): Exclude<AuthFailure, "limited"> | null {
  if (credentials.kind === "none") return null;
  if (header === undefined) return "missing";
  const given = readBearer(header);
  if (given === null) return "malformed";
  return isSameSecret(given, credentials.secret) ? null : "wrong";
}

/** Whether somebody could find it by trying: a password, and a token that is as short as one. */
export function isGuessable(credentials: Credentials): boolean {
  return credentials.kind === "secret" && (credentials.mode === "password" || estimateBits(credentials.secret) < TOKEN_BITS_MIN);
}

/** Digests have one length, so that neither length nor content shows in the time that it takes. A header is bytes, which Node shows as Latin-1. */
export function isSameSecret(given: string, secret: string): boolean {
  const digest = (text: string, encoding: "latin1" | "utf8"): Buffer => createHash("sha256").update(text, encoding).digest();
  return timingSafeEqual(digest(given, "latin1"), digest(secret, "utf8"));
}

export function toAuthError(failure: AuthFailure): OperationError {
  switch (failure) {
    case "missing":
      return new OperationError("Unauthenticated", "this requires the gateway's token", { fix: "send Authorization: Bearer TOKEN" });
    case "malformed":
      return new OperationError("Unauthenticated", "the Authorization header is not of the form Bearer TOKEN");
    case "wrong":
      return new OperationError("Unauthenticated", "wrong token");
    case "limited":
      return new OperationError("LimitExceeded", "too many requests from this address; try again in a minute");
  }
}

/** A person mistypes a few times a minute; ten in a minute is a program. */
const FAILURES_PER_MINUTE_MAX = 10;
/** What a wrong secret costs: four guesses a second of one address, one after the other. */
const WRONG_ANSWER_MS = 250;
/** Each holds a connection; the last waits for 4 s. */
const WAITING_PER_ADDRESS_MAX = 16;
/** Answers without a secret (health) are for probes: several a second. */
const OPEN_PER_MINUTE_MAX = 600;
/** Each is some 100 bytes. When there are more, the oldest are forgotten. */
const ADDRESSES_MAX = 10_000;

interface Counted {
  since: EpochMs;
  failures: number;
  open: number;
}

/** Where a request comes from. */
export interface Caller {
  address: string;
  /** Of a trusted proxy that did not say for whom: everybody's who comes through it. */
  isProxy: boolean;
}

export interface AddressLimitsParts {
  now(): EpochMs;
  /** Resolves after so many milliseconds. */
  pause(ms: number): Promise<void>;
}

/** Counts, by address, what came without the right secret. Whole minutes: a window that begins with the first of them. */
export class AddressLimits {
  readonly #parts: AddressLimitsParts;
  readonly #counted = new Map<string, Counted>();
  /** By network: answers to wrong secrets that are held back now. */
  readonly #waiting = new Map<string, number>();

  constructor(parts: AddressLimitsParts) {
    this.#parts = parts;
  }

  /**
   * Why the request is refused, told when its time has come; null: it is let in. A token that can't be guessed always lets in, so that nobody
   * can lock its owner out; of a password nothing more is told to an address that has guessed too often.
   */
  async judge({ address, isProxy }: Caller, authorization: string | undefined, credentials: Credentials): Promise<AuthFailure | null> {
    const network = toNetwork(address);
    // Everybody on this host has its address, and everybody behind a proxy the proxy's: those are slowed down together, never locked.
    const isShared = isProxy || isLoopback(address);
    if (isGuessable(credentials) && (isShared ? this.#isBusy(network) : this.#of(network).failures >= FAILURES_PER_MINUTE_MAX))
      return "limited";
    const failure = judgeAuthorization(authorization, credentials);
    // Who shows nothing guesses nothing.
    if (failure === null || failure === "missing") return failure;
    this.#of(network).failures += 1;
    if (this.#isBusy(network)) return "limited";
    await this.#hold(network);
    return failure;
  }

  /** @returns false when there were too many */
  takeOpen(address: string): boolean {
    const counted = this.#of(toNetwork(address));
    counted.open += 1;
    return counted.open <= OPEN_PER_MINUTE_MAX;
  }

  #isBusy(network: string): boolean {
    return (this.#waiting.get(network) ?? 0) >= WAITING_PER_ADDRESS_MAX;
  }

  /** Behind those that are held back already. */
  async #hold(network: string): Promise<void> {
    const waiting = (this.#waiting.get(network) ?? 0) + 1;
    this.#waiting.set(network, waiting);
    try {
      await this.#parts.pause(waiting * WRONG_ANSWER_MS);
    } finally {
      const left = (this.#waiting.get(network) ?? 0) - 1;
      if (left > 0) this.#waiting.set(network, left);
      else this.#waiting.delete(network);
    }
  }

  #of(network: string): Counted {
    const known = this.#counted.get(network);
    const now = this.#parts.now();
    // A clock that was set back must not make a minute of hours.
    if (known !== undefined && known.since <= now && now - known.since < MINUTE_MS) return known;
    this.#counted.delete(network);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size >= ADDRESSES_MAX && oldest !== undefined) this.#counted.delete(oldest);
    const fresh = { since: now, failures: 0, open: 0 };
    this.#counted.set(network, fresh);
    return fresh;
  }
}
