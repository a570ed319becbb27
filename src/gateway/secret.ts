// Where the gateway's secret comes from: flag, environment, config, and else a token of its own, made once and kept where only its user can
// read it. It never shows a secret. Comparing is http/auth.ts's.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { GatewayConfig } from "../api/config/config.ts";
import { OperationError } from "../api/errors.ts";
import { replaceFile } from "../api/store/atomic-file.ts";
import { findGatewayToken, toGatewayTokenPath } from "../api/store/gateway-files.ts";
import type { Credentials } from "./http/auth.ts";

export interface GivenSecrets {
  /** `--token`, else `OPENCLAW_GATEWAY_TOKEN`. null: neither. */
  token: string | null;
  /** `OPENCLAW_GATEWAY_PASSWORD`. null: not set. */
  password: string | null;
}

/** A token that was given wins over the config's mode; `makeToken` gives at least 128 bits of chance. @throws OperationError */
export async function toCredentials(
  { auth }: Pick<GatewayConfig, "auth">,
  given: GivenSecrets,
  own: { stateDir: string; makeToken(): string },
): Promise<Credentials> {
  if (given.token !== null) return { kind: "secret", mode: "token", secret: given.token };
  switch (auth.mode) {
    case "none":
      return { kind: "none" };
    case "password": {
      const password = given.password ?? auth.password;
      if (password !== null) return { kind: "secret", mode: "password", secret: password };
      throw new OperationError("InvalidConfig", "gateway.auth.mode is password, and there is none", {
        fix: "set OPENCLAW_GATEWAY_PASSWORD or gateway.auth.password",
      });
    }
    case "token":
      return { kind: "secret", mode: "token", secret: auth.token ?? (await readOwnToken(own)) };
  }
}

async function readOwnToken({ stateDir, makeToken }: { stateDir: string; makeToken(): string }): Promise<string> {
  const path = toGatewayTokenPath(stateDir);
  const known = await findGatewayToken(stateDir);
  if (known !== null) return known;
  const token = makeToken();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, `${token}\n`, { durable: true, mode: 0o600 });
  return token;
}
