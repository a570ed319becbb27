// The file of one profile: what is in it, and what it is called. Its name says the profile's without losing a character.
// Reading and writing is credential-store.ts's.
import { z } from "zod";
import { type EpochMs, renderTime, toEpochMs } from "../../api/brands.ts";
import type { ProfileId } from "../../api/models/credential.ts";
import { ProfileIdText, StoredSecret, toSecretFile } from "../../api/models/stored-secret.ts";
import { API_VERSION } from "../../api/session.ts";

const Time = z.iso.datetime({ offset: true }).transform((text) => toEpochMs(Date.parse(text)));

/** The provider, or the server that refreshes it, wanted none of it. */
const Refusal = z.strictObject({
  at: Time,
  /** One clause, for people. */
  because: z.string().max(1_024),
  /** true: only another sign-in helps. false: it is tried again after a while. */
  isFinal: z.boolean(),
});
export type Refusal = z.output<typeof Refusal>;

export const CredentialFile = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Credential"),
  metadata: z.strictObject({
    /** The profile. */
    name: ProfileIdText,
    /** When a person gave this secret; a refresh is not a person. */
    updatedAt: Time,
    /** Another one with every change of the secret. */
    revision: z.string().regex(/^[0-9a-f]{16}$/),
  }),
  spec: z.strictObject({
    secret: StoredSecret,
    /** Absent: not that anybody knows. */
    refused: Refusal.optional(),
  }),
});
export type Credential = z.output<typeof CredentialFile>;

/** Three tokens of 16 KiB, and a kilobyte of facts. */
export const FILE_BYTES_MAX = 65_536;
export const FILE_SUFFIX = ".credential.json";

/** A colon is not allowed in file names everywhere. */
export const toFileName = (profile: ProfileId): string => `${encodeURIComponent(profile)}${FILE_SUFFIX}`;
export const toLockName = (profile: ProfileId): string => `${encodeURIComponent(profile)}.lock`;

/** null: a foreign file. */
export function toProfile(fileName: string): ProfileId | null {
  if (!fileName.endsWith(FILE_SUFFIX)) return null;
  try {
    const id = decodeURIComponent(fileName.slice(0, -FILE_SUFFIX.length));
    return ProfileIdText.safeParse(id).success && toFileName(id) === fileName ? id : null;
  } catch {
    return null;
  }
}

export function toFileText({ metadata, spec, ...rest }: Credential): string {
  const { refused } = spec;
  const file: z.input<typeof CredentialFile> = {
    ...rest,
    metadata: { ...metadata, updatedAt: renderTime(metadata.updatedAt) },
    spec: {
      secret: toSecretFile(spec.secret),
      ...(refused !== undefined && { refused: { ...refused, at: renderTime(refused.at) } }),
    },
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

export interface NewCredential {
  profile: ProfileId;
  secret: StoredSecret;
  now: EpochMs;
  revision: string;
}

export const makeCredential = ({ profile, secret, now, revision }: NewCredential): Credential => ({
  apiVersion: API_VERSION,
  kind: "Credential",
  metadata: { name: profile, updatedAt: now, revision },
  spec: { secret },
});
