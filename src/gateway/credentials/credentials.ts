// The secrets of model providers, for whoever calls models and for a person who changes them: in which order they are tried, the one that a call is
// signed with, refreshed where it is about to end, and which of them were refused. How files are kept is credential-store.ts's; servers are oauth-client.ts's.
import { DAY_MS, type DurationMs, type EpochMs, MINUTE_MS, toDurationMs, unreachable } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { type CredentialSource, PROFILE_ID, type ProfileId, type ProfileOutcome, type Resolved } from "../../api/models/credential.ts";
import { expiryOf, type ProfileStatus, providerOf, type StoredSecret, toCallSecret } from "../../api/models/stored-secret.ts";
import type { CredentialRead, CredentialStore, HeldProfile } from "./credential-store.ts";
import { type Refreshed, refreshSignIn } from "./oauth-client.ts";
import { type Orders, readOrders, writeOrder } from "./order-file.ts";
import { type Credential, makeCredential, type Refusal } from "./profile-file.ts";
import { orderProfiles } from "./profile-order.ts";

/** What a config says of profiles: names, never secrets. */
export interface ConfiguredProfiles {
  /** By provider. */
  order: Readonly<Record<string, readonly ProfileId[]>>;
  /** As the config lists them. */
  profiles: readonly ProfileId[];
}

export interface CredentialsParts {
  store: CredentialStore;
  configured(): ConfiguredProfiles;
  now(): EpochMs;
  /** 64 bits of chance, hexadecimal. */
  newRevision(): string;
  /** A profile that was refused, once; a person has to look. Names and words, no secret. */
  refused(profile: ProfileId, because: string): void;
  /** Absent: the one of Node.js. */
  fetch?: typeof fetch;
}

/** A call may take minutes, and is signed at its start. */
export const REFRESH_MARGIN_MS = toDurationMs(300_000);
/** A provider that refuses a token so young means it; an older one may have been ended, and is refreshed. */
const YOUNG_MS = MINUTE_MS;
/** A key that was refused is tried again: providers have refused good ones for an hour. */
const REFUSED_MS = toDurationMs(1_800_000);
/** Between two tries to reach a server that refreshes: doubled each time. */
const BACKOFF_MS_MIN = toDurationMs(5_000);
const BACKOFF_MS_MAX = toDurationMs(300_000);

interface Backoff {
  since: EpochMs;
  waitMs: DurationMs;
  because: string;
}

const SIGN_IN_AGAIN = (profile: ProfileId): string =>
  `openclaw models auth login --provider ${providerOf(profile)} --profile-id ${profile}`;

export class Credentials implements CredentialSource {
  readonly #parts: CredentialsParts;
  /** Refreshes under way: whoever else needs the same one waits for it. */
  readonly #refreshing = new Map<ProfileId, Promise<Resolved>>();
  readonly #backoffs = new Map<ProfileId, Backoff>();

  constructor(parts: CredentialsParts) {
    this.#parts = parts;
  }

  async order(provider: string): Promise<readonly ProfileId[]> {
    const { order, profiles } = this.#parts.configured();
    const ids = (await this.#parts.store.list()).filter((id) => providerOf(id) === provider);
    const stored = await Promise.all(ids.map(async (id) => ({ id, isRefused: isRefused(await this.#parts.store.read(id)) })));
    // A damaged choice is said where choices are shown, and no reason to call nobody.
    const { [provider]: chosen = [] }: Orders = await this.orders().catch(() => ({}));
    return orderProfiles({ provider, stored, chosen, configured: order[provider] ?? [], listed: profiles });
  }

  async resolve(profile: ProfileId, signal: AbortSignal): Promise<Resolved> {
    const { store, now } = this.#parts;
    const read = await store.read(profile);
    const resolved = this.#judge(profile, read);
    if (resolved !== null) return resolved;
    const backoff = this.#backoffs.get(profile);
    if (backoff !== undefined && isWithin(backoff.since, backoff.waitMs, now()))
      return unreachableOr(read, profile, { now: now(), because: backoff.because });
    return await untilAborted(this.#refreshOnce(profile), signal);
  }

  async report(profile: ProfileId, outcome: ProfileOutcome): Promise<void> {
    if (outcome.kind === "accepted") await this.#change(profile, (credential) => withoutRefusal(credential));
    else {
      const changed = await this.#change(profile, (credential) =>
        credential.metadata.revision === outcome.revision ? this.#refuse(credential, outcome.because) : null,
      );
      const isNew = changed !== null && changed.before.spec.refused === undefined && changed.after.spec.refused !== undefined;
      if (isNew) this.#parts.refused(profile, outcome.because);
    }
  }

  async statuses(): Promise<ProfileStatus[]> {
    const { store } = this.#parts;
    return await Promise.all((await store.list()).map(async (id) => this.#toStatus(id, await store.read(id))));
  }

  /** A person's act. Clears what was said of the secret before. @throws OperationError `InvalidArgument`, `Aborted`, `HostRejected` */
  async put(profile: ProfileId, secret: StoredSecret): Promise<ProfileStatus> {
    const { store, now, newRevision } = this.#parts;
    if (!PROFILE_ID.test(profile))
      throw new OperationError("InvalidArgument", "that is not the name of a profile", { fix: "PROVIDER:NAME" });
    const credential = makeCredential({ profile, secret, now: now(), revision: newRevision() });
    await store.hold(profile, async (held) => await held.write(credential, "any"));
    this.#backoffs.delete(profile);
    return this.#toStatus(profile, { kind: "found", credential });
  }

  /** @throws OperationError `NotFound`, `Aborted`, `HostRejected` */
  async remove(profile: ProfileId): Promise<void> {
    const wasThere = await this.#parts.store.hold(profile, async (held) => await held.remove());
    this.#backoffs.delete(profile);
    if (!wasThere) throw new OperationError("NotFound", `there is no profile ${profile}`, { fix: "openclaw models auth list" });
  }

  /** What persons chose. @throws OperationError `HostRejected` */
  async orders(): Promise<Orders> {
    return await readOrders(this.#parts.store.folder);
  }

  /** @param order empty: the config's is in force again. @throws OperationError `InvalidArgument`, `HostRejected` */
  async setOrder(provider: string, order: readonly ProfileId[]): Promise<void> {
    const known = new Set(await this.#parts.store.list());
    const unknown = order.find((id) => !known.has(id));
    if (unknown !== undefined) throw new OperationError("NotFound", `there is no profile ${unknown}`, { fix: "openclaw models auth list" });
    await writeOrder(this.#parts.store, provider, order);
  }

  /** null: it must be refreshed first. */
  #judge(profile: ProfileId, read: CredentialRead): Resolved | null {
    if (read.kind !== "found") return toProblem(profile, read);
    const { metadata, spec } = read.credential;
    const { refused, secret } = spec;
    const now = this.#parts.now();
    if (refused !== undefined && (refused.isFinal || isWithin(refused.at, REFUSED_MS, now))) return toRefused(profile, secret, refused);
    const expiry = expiryOf(secret);
    if (expiry !== null && !expiry.refreshes && expiry.at <= now) return toExpired(profile, secret);
    if (expiry?.refreshes === true && expiry.at - now < REFRESH_MARGIN_MS) return null;
    return { kind: "secret", secret: toCallSecret(secret), revision: metadata.revision };
  }

  /** Not ended by who waits: the answer is good once, and must be kept. */
  async #refreshOnce(profile: ProfileId): Promise<Resolved> {
    const underWay = this.#refreshing.get(profile);
    if (underWay !== undefined) return await underWay;
    const refresh = this.#refresh(profile).finally(() => this.#refreshing.delete(profile));
    this.#refreshing.set(profile, refresh);
    return await refresh;
  }

  async #refresh(profile: ProfileId): Promise<Resolved> {
    try {
      return await this.#parts.store.hold(profile, async (held) => {
        // Another process may have done it while this one waited for the lock.
        const read = await held.read();
        const resolved = this.#judge(profile, read);
        if (resolved !== null || read.kind !== "found" || read.credential.spec.secret.kind !== "oauth")
          return resolved ?? toProblem(profile, { kind: "missing" });
        const { credential } = read;
        // The answer is good once: where it could not be kept, it must not be asked for.
        await held.rehearse();
        const refreshed = await refreshSignIn(read.credential.spec.secret, this.#parts);
        return await this.#keep(profile, { held, credential, refreshed });
      });
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      return { kind: "problem", problem: "unreachable", message: error.message, fix: error.fix ?? "try again" };
    }
  }

  async #keep(
    profile: ProfileId,
    { held, credential, refreshed }: { held: HeldProfile; credential: Credential; refreshed: Refreshed },
  ): Promise<Resolved> {
    const { now, newRevision, refused: report } = this.#parts;
    const { metadata, spec } = credential;
    switch (refreshed.kind) {
      case "refreshed": {
        this.#backoffs.delete(profile);
        const next = { ...credential, metadata: { ...metadata, revision: newRevision() }, spec: { secret: refreshed.secret } };
        await held.write(next, metadata.revision);
        break;
      }
      case "refused": {
        const refused = { at: now(), because: refreshed.because, isFinal: true };
        if (await held.write({ ...credential, spec: { ...spec, refused } }, metadata.revision)) report(profile, refreshed.because);
        break;
      }
      case "unreachable": {
        this.#backOff(profile, refreshed.because);
        return unreachableOr({ kind: "found", credential }, profile, { now: now(), because: refreshed.because });
      }
      default:
        return unreachable(refreshed);
    }
    // Whatever is there by now: a person may have signed in meanwhile, where the lock does not hold.
    return this.#judge(profile, await held.read()) ?? toProblem(profile, { kind: "missing" });
  }

  #backOff(profile: ProfileId, because: string): void {
    const before = this.#backoffs.get(profile);
    const waitMs = before === undefined ? BACKOFF_MS_MIN : toDurationMs(Math.min(before.waitMs * 2, BACKOFF_MS_MAX));
    this.#backoffs.set(profile, { since: this.#parts.now(), waitMs, because });
  }

  /** @returns null: nothing was to change */
  async #change(
    profile: ProfileId,
    change: (credential: Credential) => Credential | null,
  ): Promise<{ before: Credential; after: Credential } | null> {
    const { store } = this.#parts;
    const read = await store.read(profile);
    if (read.kind !== "found" || change(read.credential) === null) return null;
    return await store.hold(profile, async (held) => {
      const again = await held.read();
      const after = again.kind === "found" ? change(again.credential) : null;
      if (again.kind !== "found" || after === null) return null;
      const before = again.credential;
      return (await held.write(after, before.metadata.revision)) ? { before, after } : null;
    });
  }

  /** null: it is known. */
  #refuse(credential: Credential, because: string): Credential | null {
    const { secret, refused } = credential.spec;
    const now = this.#parts.now();
    if (secret.kind === "oauth" && secret.refreshToken !== undefined && !isWithin(secret.obtainedAt, YOUNG_MS, now)) {
      return secret.expiresAt <= now ? null : { ...credential, spec: { secret: { ...secret, expiresAt: now } } };
    }
    if (refused?.isFinal === true) return null;
    const isFinal = secret.kind === "oauth";
    return { ...credential, spec: { secret, refused: { at: now, because: because.slice(0, 1_024), isFinal } } };
  }

  #toStatus(id: ProfileId, read: CredentialRead): ProfileStatus {
    const provider = providerOf(id);
    if (read.kind !== "found") {
      const because = read.kind === "unreadable" ? read.message : "it is gone";
      return {
        id,
        provider,
        kind: null,
        state: "unreadable",
        because,
        fix: SIGN_IN_AGAIN(id),
        email: null,
        expiresAt: null,
        clockBehindMs: null,
        updatedAt: null,
      };
    }
    const { metadata, spec } = read.credential;
    const { secret, refused } = spec;
    const { email, clockBehindMs = null } = secret.kind === "oauth" ? secret : { email: null };
    const facts = { id, provider, kind: secret.kind, email, clockBehindMs, updatedAt: metadata.updatedAt };
    const expiry = expiryOf(secret);
    // What refreshes itself ends on a day that nobody knows.
    const expiresAt = expiry === null || expiry.refreshes ? null : expiry.at;
    const now = this.#parts.now();
    if (refused !== undefined) return { ...facts, state: "refused", because: refused.because, fix: toFix(id, secret), expiresAt };
    if (expiresAt === null || expiresAt - now > DAY_MS) return { ...facts, state: "ready", because: null, fix: null, expiresAt };
    const [state, because] =
      expiresAt <= now ? (["expired", "it has expired"] as const) : (["expiring", "it expires within a day"] as const);
    return { ...facts, state, because, fix: toFix(id, secret), expiresAt };
  }
}

/** A clock that was set back makes no span longer. */
const isWithin = (since: EpochMs, span: DurationMs, now: EpochMs): boolean => now >= since && now - since < span;

const isRefused = (read: CredentialRead): boolean =>
  read.kind === "unreadable" || (read.kind === "found" && read.credential.spec.refused !== undefined);

/** null: it has none. */
function withoutRefusal(credential: Credential): Credential | null {
  const { refused, ...spec } = credential.spec;
  return refused === undefined || refused.isFinal ? null : { ...credential, spec };
}

/** How a person replaces it. */
function toFix(profile: ProfileId, { kind }: Pick<StoredSecret, "kind">): string {
  switch (kind) {
    case "api-key":
      return `openclaw models auth paste-api-key --provider ${providerOf(profile)} --profile-id ${profile}`;
    case "token":
      return `openclaw models auth paste-token --provider ${providerOf(profile)} --profile-id ${profile}`;
    case "oauth":
      return SIGN_IN_AGAIN(profile);
  }
}

function toProblem(profile: ProfileId, read: Exclude<CredentialRead, { kind: "found" }>): Resolved {
  if (read.kind === "missing")
    return { kind: "problem", problem: "missing", message: `there is no profile ${profile}`, fix: SIGN_IN_AGAIN(profile) };
  return {
    kind: "problem",
    problem: "unreadable",
    message: `the file of ${profile} can't be used: ${read.message}`,
    fix: SIGN_IN_AGAIN(profile),
  };
}

const toRefused = (profile: ProfileId, secret: StoredSecret, { because }: Refusal): Resolved => ({
  ...{ kind: "problem", problem: "refused" },
  message: `${profile} was refused: ${because}`,
  fix: toFix(profile, secret),
});

const toExpired = (profile: ProfileId, secret: StoredSecret): Resolved => ({
  ...{ kind: "problem", problem: "expired" },
  message: `${profile} has expired`,
  fix: toFix(profile, secret),
});

/** The token that is there still counts for some minutes, as a rule. */
function unreachableOr(read: CredentialRead, profile: ProfileId, { now, because }: { now: EpochMs; because: string }): Resolved {
  if (read.kind === "found" && read.credential.spec.secret.kind === "oauth" && read.credential.spec.secret.expiresAt > now)
    return { kind: "secret", secret: toCallSecret(read.credential.spec.secret), revision: read.credential.metadata.revision };
  return {
    kind: "problem",
    problem: "unreachable",
    message: `${profile} can't be refreshed: ${because}`,
    fix: "check this machine's network",
  };
}

/** Stops waiting, not the work. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const left = (): void => reject(signal.reason);
  signal.addEventListener("abort", left, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", left);
  }
}
