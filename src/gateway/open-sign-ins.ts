// Sign-ins to model providers of a running gateway: what is done to them, and that one was refused, is written down.
// How they are kept and refreshed is credentials/.
import type { Logger } from "pino";
import type { EpochMs } from "../api/brands.ts";
import type { Config } from "../api/config/config.ts";
import type { Say } from "../api/place.ts";
import type { Credentials } from "./credentials/credentials.ts";
import { openCredentials } from "./credentials/main.ts";

export interface SignIns {
  credentials: Credentials;
  /** @param entry what was done to which profile */
  audit(entry: { action: string; profile: string }): void;
}

export interface OpenSignInsParts {
  /** Absolute. */
  stateDir: string;
  config(): Config;
  log: Logger;
  say: Say;
  now(): EpochMs;
}

export function openSignIns({ stateDir, config, log, say, now }: OpenSignInsParts): SignIns {
  const fix = say("openclaw models auth list");
  const credentials = openCredentials({
    ...{ stateDir, now },
    configured: () => ({ order: config().auth.order, profiles: Object.keys(config().auth.profiles) }),
    refused: (profile, because) => log.warn({ profile, because, fix }, "sign-in refused"),
  });
  return { credentials, audit: ({ action, ...entry }) => log.info(entry, action) };
}
