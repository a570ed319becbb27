// Several sources of credentials as one: the profiles of the first come first. Which source a profile is of is known by who lists it.
// It holds no secret and marks nothing itself.
import type { CredentialSource, ProfileId, ProfileOutcome, Resolved } from "../../api/models/credential.ts";
import { type ProfileStatus, providerOf } from "../../api/models/stored-secret.ts";

/** One that also shows what it has, without a secret. */
export interface KeySource extends CredentialSource {
  statuses(): Promise<readonly ProfileStatus[]>;
}

export class JoinedCredentials implements KeySource {
  readonly #sources: readonly KeySource[];

  constructor(sources: readonly KeySource[]) {
    this.#sources = sources;
  }

  async order(provider: string): Promise<readonly ProfileId[]> {
    const lists = await Promise.all(this.#sources.map((source) => source.order(provider)));
    return [...new Set(lists.flat())];
  }

  async resolve(profile: ProfileId, signal: AbortSignal): Promise<Resolved> {
    const source = await this.#sourceOf(profile);
    if (source !== null) return await source.resolve(profile, signal);
    const fix = "openclaw models auth list";
    return { kind: "problem", problem: "missing", message: `there is no profile ${profile}`, fix };
  }

  async report(profile: ProfileId, outcome: ProfileOutcome): Promise<void> {
    await (await this.#sourceOf(profile))?.report(profile, outcome);
  }

  async statuses(): Promise<readonly ProfileStatus[]> {
    const lists = await Promise.all(this.#sources.map((source) => source.statuses()));
    return lists.flat();
  }

  async #sourceOf(profile: ProfileId): Promise<KeySource | null> {
    const provider = providerOf(profile);
    for (const source of this.#sources) if ((await source.order(provider)).includes(profile)) return source;
    return null;
  }
}
