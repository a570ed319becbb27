// What signs a call to a model provider, and how whoever makes the call gets it and says how it went: types alone.
// Where secrets lie and how they are refreshed is gateway/credentials; which of them is tried when is gateway/models.
import type { EpochMs } from "../brands.ts";

/** `<provider>:<name>`, such as `openai:default`. */
export type ProfileId = string;

export const PROFILE_ID = /^[a-z0-9][a-z0-9._-]{0,63}:[A-Za-z0-9@._+-]{1,128}$/;

/** As the config's `auth.profiles` names them. */
export const CREDENTIAL_MODES = ["api_key", "token", "oauth"] as const;
export type CredentialMode = (typeof CREDENTIAL_MODES)[number];

export type Secret =
  | { kind: "api-key"; apiKey: string }
  /** A bearer token that is not refreshed. */
  | { kind: "token"; token: string }
  /** @property accountId null: the token names no account */
  | { kind: "oauth"; accessToken: string; accountId: string | null; expiresAt: EpochMs };

/**
 * Why a profile gives no secret: `missing` (there is none), `expired` (and nothing refreshes it), `refused` (its provider did, and it is the same
 * still), `unreadable` (its file), `unreachable` (the server that refreshes it, which may be there in a moment).
 */
export type CredentialProblem = "missing" | "expired" | "refused" | "unreadable" | "unreachable";

export type Resolved =
  /** `revision`: which writing of the profile this is. */
  { kind: "secret"; secret: Secret; revision: string } | { kind: "problem"; problem: CredentialProblem; message: string; fix: string };

export type ProfileOutcome =
  | { kind: "accepted" }
  /** Counts if the profile is still at that revision: whoever wrote a new secret meanwhile is not blamed for the old one. */
  | { kind: "refused"; revision: string; because: string };

export interface CredentialSource {
  /** Profiles of a provider in the order in which they are tried. */
  order(provider: string): Promise<readonly ProfileId[]>;
  /** Refreshes first what is about to expire. Never throws for what is wrong with a profile. */
  resolve(profile: ProfileId, signal: AbortSignal): Promise<Resolved>;
  /** Told when something changed, not for each call. */
  report(profile: ProfileId, outcome: ProfileOutcome): Promise<void>;
}
