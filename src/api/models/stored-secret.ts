// What is kept of a sign-in to a model provider, as it lies in the store and as the command line hands it over; and what may be shown of it.
// Where it lies is gateway/credentials'. No message here repeats a value.
import { z } from "zod";
import { isLoopback } from "../address.ts";
import { type EpochMs, renderTime, toEpochMs } from "../brands.ts";
import { PROFILE_ID, type ProfileId, type Secret } from "./credential.ts";

/** RFC 3339 in, milliseconds since the epoch out. */
const Time = z.iso.datetime({ offset: true, error: "expected a time" }).transform((text) => toEpochMs(Date.parse(text)));

/** A token with claims of a whole organisation is some kilobytes; what fits no header is no token. */
const SECRET_LENGTH_MAX = 16_384;
export const SecretText = z
  .string({ error: "expected text" })
  .min(1, "it is empty")
  .max(SECRET_LENGTH_MAX, `it is longer than ${SECRET_LENGTH_MAX} characters`)
  .regex(/^[\x21-\x7e]+$/, "it contains white space, or a character that fits no header");

export const ProfileIdText = z
  .string({ error: "expected a profile" })
  .regex(PROFILE_ID, 'expected PROVIDER:NAME, such as "openai:default"');

/** Where tokens go: to nobody who can be impersonated by whoever is on the way. */
const TokenUrl = z
  .string({ error: "expected a URL" })
  .max(2_048)
  .refine(isConfidentialUrl, "expected an https URL, or http to this machine itself");

export function isConfidentialUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return url.protocol === "https:" || (url.protocol === "http:" && (host === "localhost" || isLoopback(host)));
}

/** An authorization server, and what this product is called there. */
export const OAuthServer = z.strictObject({
  issuer: z.string({ error: "expected a URL" }).max(2_048),
  tokenUrl: TokenUrl,
  clientId: z.string({ error: "expected text" }).min(1).max(512),
});
export type OAuthServer = z.output<typeof OAuthServer>;

export const StoredSecret = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("api-key"), apiKey: SecretText }),
    z.strictObject({ kind: z.literal("token"), token: SecretText, expiresAt: Time.optional() }),
    z.strictObject({
      kind: z.literal("oauth"),
      accessToken: SecretText,
      /** Absent: the server gave none, and the profile ends with its access token. */
      refreshToken: SecretText.optional(),
      obtainedAt: Time,
      expiresAt: Time,
      accountId: z.string({ error: "expected text or null" }).max(256).nullable(),
      email: z.string({ error: "expected text or null" }).max(320).nullable(),
      /** How far this machine's clock was behind the server's. Absent: the server did not say. */
      clockBehindMs: z.int().optional(),
      /** Refreshed where it was signed in, whatever the config says by then. */
      server: OAuthServer,
    }),
  ],
  { error: "expected an api-key, a token or an oauth sign-in" },
);
export type StoredSecret = z.output<typeof StoredSecret>;
type StoredSecretFile = z.input<typeof StoredSecret>;

/** As it is written down and sent. */
export function toSecretFile(secret: StoredSecret): StoredSecretFile {
  switch (secret.kind) {
    case "api-key":
      return secret;
    case "token": {
      const { expiresAt, ...token } = secret;
      return { ...token, ...(expiresAt !== undefined && { expiresAt: renderTime(expiresAt) }) };
    }
    case "oauth":
      return { ...secret, obtainedAt: renderTime(secret.obtainedAt), expiresAt: renderTime(secret.expiresAt) };
  }
}

/** What a call is signed with: nothing that refreshes it. */
export function toCallSecret(secret: StoredSecret): Secret {
  switch (secret.kind) {
    case "api-key":
      return { kind: "api-key", apiKey: secret.apiKey };
    case "token":
      return { kind: "token", token: secret.token };
    case "oauth":
      return { kind: "oauth", accessToken: secret.accessToken, accountId: secret.accountId, expiresAt: secret.expiresAt };
  }
}

/** `expiring`: within a day, and nothing refreshes it. `refused`: its provider did. `unreadable`: its file. */
export const PROFILE_STATES = ["ready", "expiring", "expired", "refused", "unreadable"] as const;

/** What anybody may see of a profile. */
export const ProfileStatus = z.object({
  id: z.string(),
  provider: z.string(),
  kind: z.enum(["api-key", "token", "oauth"]).nullable().meta({ description: "null: its file can't be read" }),
  state: z.enum(PROFILE_STATES),
  because: z.string().nullable().meta({ description: "Why it is not ready" }),
  fix: z.string().nullable(),
  email: z.string().nullable(),
  expiresAt: z.int().nullable().meta({ description: "When somebody must sign in again, as far as that is known. Milliseconds since 1970" }),
  clockBehindMs: z
    .int()
    .nullable()
    .meta({ description: "How far this machine's clock was behind its server's at the last sign-in or refresh" }),
  updatedAt: z.int().nullable().meta({ description: "When a person last changed it. Milliseconds since 1970" }),
});
export type ProfileStatus = z.output<typeof ProfileStatus>;

/** `openai` of `openai:default`. */
export const providerOf = (profile: ProfileId): string => profile.slice(0, profile.indexOf(":"));

export type Expiry = { at: EpochMs; refreshes: boolean } | null;

/** When it ends by itself. null: nobody knows. */
export function expiryOf(secret: StoredSecret): Expiry {
  switch (secret.kind) {
    case "api-key":
      return null;
    case "token":
      return secret.expiresAt === undefined ? null : { at: secret.expiresAt, refreshes: false };
    case "oauth":
      return { at: secret.expiresAt, refreshes: secret.refreshToken !== undefined };
  }
}
