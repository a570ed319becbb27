// Keys of providers that no profile has: those in the config or in a file that it names, and in variables of this process, as upstream reads them. Each is a profile of its own,
// `<provider>:config` and `<provider>:env`. Profiles that were signed in are gateway/credentials'; this file keeps nothing on disk.
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { type EpochMs, elapsed, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import type { ProfileId, ProfileOutcome, Resolved } from "../../api/models/credential.ts";
import { keyVariablesOf, listProviders } from "../../api/models/resolve.ts";
import { type ProfileStatus, providerOf, SecretText } from "../../api/models/stored-secret.ts";
import { readBounded } from "../../api/store/atomic-file.ts";
import type { KeySource } from "./joined-credentials.ts";

export interface ConfigKeysParts {
  config(): Config;
  variables: Readonly<Record<string, string | undefined>>;
  now(): EpochMs;
}

/** A key has a few hundred. */
const KEY_FILE_BYTES_MAX = 16_384;
/** Somebody may have paid, or lifted a block: after this a refused key is given once more. */
const REFUSED_MS = toDurationMs(30 * MINUTE_MS);

export class ConfigKeys implements KeySource {
  readonly #parts: ConfigKeysParts;
  /** By profile: two for each provider at most. */
  readonly #refused = new Map<ProfileId, { revision: string; because: string; at: EpochMs }>();

  constructor(parts: ConfigKeysParts) {
    this.#parts = parts;
  }

  async order(provider: string): Promise<readonly ProfileId[]> {
    const ranked: { id: ProfileId; rank: number }[] = [];
    for (const id of [`${provider}:config`, `${provider}:env`]) {
      const found = await this.#find(id);
      // One that can't be read is told of when it is needed, after those that can.
      if (found !== null) ranked.push({ id, rank: found.kind === "unreadable" ? 2 : this.#refusedOf(id, found) === null ? 0 : 1 });
    }
    return ranked.toSorted((left, right) => left.rank - right.rank).map(({ id }) => id);
  }

  async resolve(profile: ProfileId): Promise<Resolved> {
    const found = await this.#find(profile);
    const missing = { kind: "problem", problem: "missing", message: `${profile} has no key`, fix: fixOf(profile) } as const;
    if (found === null) return missing;
    if (found.kind === "unreadable")
      return { ...missing, problem: "unreadable", message: `the key of ${profile} can't be read: ${found.message}` };
    const refused = this.#refusedOf(profile, found);
    if (refused === null) return { kind: "secret", secret: { kind: "api-key", apiKey: found.key }, revision: toRevision(found.key) };
    return { ...missing, problem: "refused", message: `the provider refused the key of ${profile}: ${refused}` };
  }

  async report(profile: ProfileId, outcome: ProfileOutcome): Promise<void> {
    if (outcome.kind === "accepted") this.#refused.delete(profile);
    else this.#refused.set(profile, { revision: outcome.revision, because: outcome.because, at: this.#parts.now() });
  }

  async statuses(): Promise<readonly ProfileStatus[]> {
    const profiles = await Promise.all(listProviders(this.#parts.config()).map((provider) => this.order(provider)));
    return await Promise.all(profiles.flat().map(async (id) => this.#toStatus(id, await this.#find(id))));
  }

  #toStatus(id: ProfileId, found: Found | null): ProfileStatus {
    const because = found?.kind === "unreadable" ? found.message : found === null ? null : this.#refusedOf(id, found);
    const state = found?.kind === "unreadable" ? "unreadable" : because === null ? "ready" : "refused";
    return {
      ...{ id, provider: providerOf(id), kind: "api-key", state, because, fix: because === null ? null : fixOf(id) },
      ...{ expiresAt: null, email: null, clockBehindMs: null, updatedAt: null },
    };
  }

  /** What the provider said of this very key a while ago. null: nothing. */
  #refusedOf(profile: ProfileId, { key }: { key: string }): string | null {
    const refused = this.#refused.get(profile);
    if (refused === undefined || refused.revision !== toRevision(key)) return null;
    return elapsed(refused.at, this.#parts.now()) < REFUSED_MS ? refused.because : null;
  }

  /** null: nothing says that there is one. */
  async #find(profile: ProfileId): Promise<Found | null> {
    const { config, variables } = this.#parts;
    const colon = profile.lastIndexOf(":");
    const [provider, source] = [profile.slice(0, colon), profile.slice(colon + 1)];
    if (source === "config") {
      const { providers } = config().models;
      const written = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
      if (written?.apiKeyFile != null) return await readKeyFile(written.apiKeyFile);
      return toFound(written?.apiKey ?? null);
    }
    const name = keyVariablesOf(config(), provider).find((one) => (variables[one] ?? "") !== "");
    return source !== "env" || name === undefined ? null : toFound(variables[name] ?? null);
  }
}

type Found = { kind: "key"; key: string } | { kind: "unreadable"; message: string; key: "" };

const toFound = (key: string | null): Found | null => (key === null ? null : { kind: "key", key });

/** Looked at anew with each call, so that a key that is changed there counts at once. A mounted secret may be a link, as Kubernetes makes them. */
async function readKeyFile(path: string): Promise<Found> {
  const unreadable = (message: string): Found => ({ kind: "unreadable", message, key: "" });
  const real = await realpath(path).catch(() => path);
  const read = await readBounded(real, KEY_FILE_BYTES_MAX);
  if (read.kind === "missing") return unreadable(`there is no file ${path}`);
  if (read.kind === "unreadable") return unreadable(`${path}: ${read.message}`);
  const parsed = SecretText.safeParse(read.text.trim());
  return parsed.success ? { kind: "key", key: parsed.data } : unreadable(`${path} does not hold a key alone`);
}

/** Tells two keys apart, and says nothing of either. */
const toRevision = (key: string): string => createHash("sha256").update(key).digest("hex").slice(0, 16);

const fixOf = (profile: ProfileId): string => `openclaw models auth paste-api-key --provider ${providerOf(profile)}`;
