// Where the gateway's secret comes from: flag, environment, config, and else a token of its own, made once and kept where only its user can
// read it. It never shows a secret. Comparing is http/auth.ts's.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { GatewayConfig } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import { replaceFile } from "../../api/store/atomic-file.ts";
import {
  findDeviceSecret,
  findGatewayToken,
  findOwnerKey,
  toDeviceSecretPath,
  toGatewayTokenPath,
  toOwnerKeyPath,
} from "../../api/store/gateway-files.ts";
import { type Credentials, SECRET_BYTES_MAX } from "./auth.ts";

export interface GivenSecrets {
  /** `--token`, else `OPENCLAW_GATEWAY_TOKEN`. null: neither. */
  token: string | null;
  /** `OPENCLAW_GATEWAY_PASSWORD`. null: not set. */
  password: string | null;
}

/** Where the gateway keeps the token that it makes for itself. */
export interface OwnToken {
  /** Absolute. */
  stateDir: string;
  /** At least 128 bits of chance. */
  makeToken(): string;
}

/** A token that was given wins over the config's mode. @throws OperationError */
export async function toCredentials(config: Pick<GatewayConfig, "auth">, given: GivenSecrets, own: OwnToken): Promise<Credentials> {
  const credentials = await choose(config, given, own);
  if (credentials.kind === "secret") refuseUnsendable(credentials);
  return credentials;
}

/** A header's white space at either end is lost, and a control character ends it: nobody could ever show such a secret. */
function refuseUnsendable({ mode, secret }: Extract<Credentials, { kind: "secret" }>): void {
  if (secret === secret.trim() && !/\p{Cc}/u.test(secret) && Buffer.byteLength(secret) <= SECRET_BYTES_MAX) return;
  const message = `the gateway's ${mode} starts or ends with white space, contains a control character, or is longer than ${SECRET_BYTES_MAX} bytes`;
  throw new OperationError("InvalidConfig", `${message}: it can't be sent in a header`, { fix: "choose another one" });
}

async function choose({ auth }: Pick<GatewayConfig, "auth">, given: GivenSecrets, own: OwnToken): Promise<Credentials> {
  if (given.token !== null) return { kind: "secret", mode: "token", secret: given.token };
  switch (auth.mode) {
    case "none":
      return { kind: "none" };
    case "password": {
      const password = given.password ?? auth.password;
      if (password !== null) return { kind: "secret", mode: "password", secret: password };
      throw new OperationError("InvalidConfig", "gateway.auth.mode is password, but no password is set", {
        fix: "set OPENCLAW_GATEWAY_PASSWORD or gateway.auth.password",
      });
    }
    case "token":
      return { kind: "secret", mode: "token", secret: auth.token ?? (await readOwnToken(own)) };
  }
}

/** Who shows it can read the state folder as the gateway's user: it opens everything. @throws OperationError `HostRejected` */
export async function openOwnerKey({ stateDir, makeToken }: OwnToken): Promise<string> {
  const known = await findOwnerKey(stateDir);
  return known ?? (await keep(toOwnerKeyPath(stateDir), makeToken()));
}

/** What devices' tokens and the ids of their requests are made with. Nobody is ever shown it. @throws OperationError `HostRejected` */
export async function openDeviceSecret({ stateDir, makeToken }: OwnToken): Promise<string> {
  const known = await findDeviceSecret(stateDir);
  return known ?? (await keep(toDeviceSecretPath(stateDir), makeToken()));
}

async function readOwnToken({ stateDir, makeToken }: OwnToken): Promise<string> {
  const known = await findGatewayToken(stateDir);
  return known ?? (await keep(toGatewayTokenPath(stateDir), makeToken()));
}

async function keep(path: string, secret: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, `${secret}\n`, { durable: true, mode: 0o600 });
  return secret;
}
