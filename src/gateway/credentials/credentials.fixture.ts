// Credentials over a state folder of their own, with a clock that a test moves, and sign-ins from a real authorization server. It asserts nothing.
import { join } from "node:path";
import { type EpochMs, toEpochMs } from "../../api/brands.ts";
import type { StoredSecret } from "../../api/models/stored-secret.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { CredentialStore } from "./credential-store.ts";
import { type ConfiguredProfiles, Credentials } from "./credentials.ts";
import { toCredentialsFolder } from "./main.ts";
import { beginSignIn, finishSignIn, makeVerifier, type OAuthSecret } from "./oauth-client.ts";
import { EMAIL, type OAuthTestServer } from "./oauth-peer.fixture.ts";

export interface World {
  stateDir: string;
  folder: string;
  store: CredentialStore;
  credentials: Credentials;
  clock: { at: number };
  /** What a person was told of refused profiles. */
  refusals: string[];
}

export interface WorldOptions {
  /** Absent: a new one. */
  stateDir?: string;
  configured?: ConfiguredProfiles;
  fetch?: typeof fetch;
}

export async function openWorld({ stateDir: given, configured = { order: {}, profiles: [] }, fetch }: WorldOptions = {}): Promise<World> {
  const stateDir = given ?? (await createFolder());
  const folder = toCredentialsFolder(stateDir);
  const clock = { at: Date.now() };
  const now = (): EpochMs => toEpochMs(clock.at);
  const refusals: string[] = [];
  const store = new CredentialStore({ folder, now });
  let revisions = 0;
  const credentials = new Credentials({
    ...{ store, now, configured: () => configured, ...(fetch !== undefined && { fetch }) },
    newRevision: () => {
      revisions += 1;
      return revisions.toString(16).padStart(16, "0");
    },
    refused: (profile, because) => refusals.push(`${profile}: ${because}`),
  });
  return { stateDir, folder, store, credentials, clock, refusals };
}

export const apiKey = (text: string): StoredSecret => ({ kind: "api-key", apiKey: text });

/** As a person does with a browser. */
export async function signInAt(server: OAuthTestServer, now: number = Date.now()): Promise<OAuthSecret> {
  const begun = await beginSignIn(server, { state: "0123456789abcdef0123456789abcdef", verifier: makeVerifier() });
  const { searchParams } = await server.browse(begun.url);
  return await finishSignIn(server, { answer: searchParams, begun }, { now: () => toEpochMs(now) });
}

/** One that no server knows of. */
export const madeUpSignIn = ({
  expiresAt,
  obtainedAt = expiresAt - 3_600_000,
}: {
  expiresAt: number;
  obtainedAt?: number;
}): OAuthSecret => ({
  ...{ kind: "oauth", accessToken: "access-token-made-up", refreshToken: "refresh-token-made-up", accountId: "account", email: EMAIL },
  ...{ obtainedAt: toEpochMs(obtainedAt), expiresAt: toEpochMs(expiresAt) },
  server: { issuer: "http://127.0.0.1:9", tokenUrl: "http://127.0.0.1:9/token", clientId: "client" },
});

export const NEVER = new AbortController().signal;
export const fileOf = ({ folder }: Pick<World, "folder">, name: string): string =>
  join(folder, `${encodeURIComponent(name)}.credential.json`);
