// Keys of providers that no profile has: those in the config, and in variables of this process, as upstream reads them. Each is a profile of its own,
// `<provider>:config` and `<provider>:env`. Profiles that were signed in are gateway/credentials'; this file keeps nothing on disk.
import { createHash } from "node:crypto";
import { type EpochMs, elapsed, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import type { ProfileId, ProfileOutcome, Resolved } from "../../api/models/credential.ts";
import { keyVariablesOf, listProviders } from "../../api/models/resolve.ts";
import { type ProfileStatus, providerOf } from "../../api/models/stored-secret.ts";
import type { KeySource } from "./joined-credentials.ts";

export interface ConfigKeysParts {
  config(): Config;
  variables: Readonly<Record<string, string | undefined>>;
  now(): EpochMs;
}

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
    const ids = [`${provider}:config`, `${provider}:env`].filter((id) => this.#find(id) !== null);
    return ids.toSorted((left, right) => Number(this.#isRefused(left)) - Number(this.#isRefused(right)));
  }

  async resolve(profile: ProfileId): Promise<Resolved> {
    const key = this.#find(profile);
    const missing = { kind: "problem", problem: "missing", message: `${profile} has no key`, fix: fixOf(profile) } as const;
    if (key === null) return missing;
    if (!this.#isRefused(profile)) return { kind: "secret", secret: { kind: "api-key", apiKey: key }, revision: toRevision(key) };
    const because = this.#refused.get(profile)?.because ?? "";
    return { ...missing, problem: "refused", message: `the provider refused the key of ${profile}: ${because}` };
  }

  async report(profile: ProfileId, outcome: ProfileOutcome): Promise<void> {
    if (outcome.kind === "accepted") this.#refused.delete(profile);
    else this.#refused.set(profile, { revision: outcome.revision, because: outcome.because, at: this.#parts.now() });
  }

  async statuses(): Promise<readonly ProfileStatus[]> {
    const profiles = await Promise.all(listProviders(this.#parts.config()).map((provider) => this.order(provider)));
    return profiles.flat().map((id) => ({
      ...{ id, provider: providerOf(id), kind: "api-key" },
      ...(this.#isRefused(id)
        ? { state: "refused", because: this.#refused.get(id)?.because ?? null, fix: fixOf(id) }
        : { state: "ready", because: null, fix: null }),
      ...{ expiresAt: null, email: null, clockBehindMs: null, updatedAt: null },
    }));
  }

  #isRefused(profile: ProfileId): boolean {
    const refused = this.#refused.get(profile);
    const key = this.#find(profile);
    return (
      refused !== undefined && key !== null && refused.revision === toRevision(key) && elapsed(refused.at, this.#parts.now()) < REFUSED_MS
    );
  }

  #find(profile: ProfileId): string | null {
    const { config, variables } = this.#parts;
    const colon = profile.lastIndexOf(":");
    const [provider, source] = [profile.slice(0, colon), profile.slice(colon + 1)];
    if (source === "config") {
      const { providers } = config().models;
      return (Object.hasOwn(providers, provider) ? providers[provider]?.apiKey : null) ?? null;
    }
    const name = keyVariablesOf(config(), provider).find((one) => (variables[one] ?? "") !== "");
    return source !== "env" || name === undefined ? null : (variables[name] ?? null);
  }
}

/** Tells two keys apart, and says nothing of either. */
const toRevision = (key: string): string => createHash("sha256").update(key).digest("hex").slice(0, 16);

const fixOf = (profile: ProfileId): string => `openclaw models auth paste-api-key --provider ${providerOf(profile)}`;
