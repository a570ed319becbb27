// The parts of credentials put together over a state folder: for the gateway, and for a command where no gateway runs. With what a command needs to sign a
// person in. The one place here that makes chance; the clock is the caller's.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { EpochMs } from "../../api/brands.ts";
import type { ProfileId } from "../../api/models/credential.ts";
import type { SignInServer } from "../../api/models/providers.ts";
import { CredentialStore } from "./credential-store.ts";
import { type ConfiguredProfiles, Credentials } from "./credentials.ts";
import { beginSignIn, finishSignIn, makeVerifier, type OAuthSecret, type SignInBegun } from "./oauth-client.ts";

export interface OpenCredentialsParts {
  /** Absolute. */
  stateDir: string;
  configured(): ConfiguredProfiles;
  now(): EpochMs;
  /** A profile that was refused, once. */
  refused(profile: ProfileId, because: string): void;
}

export const toCredentialsFolder = (stateDir: string): string => join(stateDir, "gateway", "credentials");

export function openCredentials({ stateDir, configured, now, refused }: OpenCredentialsParts): Credentials {
  const store = new CredentialStore({ folder: toCredentialsFolder(stateDir), now });
  return new Credentials({ store, configured, now, refused, newRevision: () => randomBytes(8).toString("hex") });
}

/** A person is to be sent to its URL; what comes back is for `endSignIn`. */
export async function startSignIn(server: SignInServer): Promise<SignInBegun> {
  return await beginSignIn(server, { state: randomBytes(16).toString("hex"), verifier: makeVerifier() });
}

/** @throws OperationError `Unauthenticated`, `NotReady` */
export async function endSignIn(
  server: SignInServer,
  { answer, begun, now }: { answer: URLSearchParams; begun: SignInBegun; now(): EpochMs },
): Promise<OAuthSecret> {
  return await finishSignIn(server, { answer, begun }, { now });
}
