// The server's rules by the config in force: the secret, the gateway's names, pages and proxies. A config whose secret is unavailable leaves those
// before it in force. What they mean for a request is http/.
import type { Logger } from "pino";
import type { ConfigInForce } from "../config/config-in-force.ts";
import type { AccessRules } from "./app.ts";
import { isGuessable } from "./auth.ts";
import { type ListenAddress, refuseUnauthenticated } from "./bind.ts";
import { toBlockList } from "./origin.ts";
import { type GivenSecrets, type OwnToken, toCredentials } from "./secret.ts";

export interface AccessRulesParts {
  config: Pick<ConfigInForce, "current" | "onChange">;
  given: GivenSecrets;
  own: OwnToken;
  address: ListenAddress;
  /** Of this machine. */
  hostName: string;
  log: Logger;
}

export class AccessRulesInForce {
  readonly #parts: AccessRulesParts;
  #rules: AccessRules;
  /** Changes come one after the other: an older one never replaces a newer one. */
  #making: Promise<void> = Promise.resolve();
  #revoked: () => void = () => undefined;

  private constructor(parts: AccessRulesParts, rules: AccessRules) {
    this.#parts = parts;
    this.#rules = rules;
    parts.config.onChange(() => {
      this.#making = this.#making.then(() => this.#change());
    });
  }

  /** @throws OperationError `InvalidConfig`, and `HostRejected`: the gateway's own token can't be read or made */
  static async open(parts: AccessRulesParts): Promise<AccessRulesInForce> {
    return new AccessRulesInForce(parts, await makeRules(parts));
  }

  get current(): AccessRules {
    return this.#rules;
  }

  /** Calls back when another secret is in force: whoever was let in by the one before is to show it anew. One listener. */
  onRevoked(revoked: () => void): void {
    this.#revoked = revoked;
  }

  async #change(): Promise<void> {
    const { log } = this.#parts;
    try {
      const rules = await makeRules(this.#parts);
      const isSame = JSON.stringify(rules.credentials) === JSON.stringify(this.#rules.credentials);
      this.#rules = rules;
      log.info("config in force");
      if (!isSame) this.#revoked();
    } catch (error) {
      log.error({ err: error }, "the config's gateway section is unusable; the previous one stays in force");
    }
  }
}

async function makeRules({ config, given, own, address, hostName, log }: AccessRulesParts): Promise<AccessRules> {
  const { gateway } = config.current;
  const credentials = await toCredentials(gateway, given, own);
  refuseUnauthenticated(credentials, address);
  if (credentials.kind === "secret" && credentials.mode === "token" && isGuessable(credentials))
    log.warn("the gateway's token is as short as a password and is protected like one; generate a longer one with: openssl rand -hex 32");
  const names = [hostName, ...(address.host === undefined ? [] : [address.host])];
  return {
    credentials,
    hosts: names.map((name) => name.toLowerCase()),
    allowedOrigins: gateway.controlUi.allowedOrigins.map((origin) => origin.toLowerCase()),
    proxies: toBlockList(gateway.trustedProxies),
    page: gateway.controlUi.enabled,
  };
}
