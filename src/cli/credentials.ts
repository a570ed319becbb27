// Where a command keeps and finds the secrets of model providers: it hands them to the gateway of the state folder if one answers, which has them at once; else it
// writes them itself, under the same locks and as the user whose folder it is. What is in them is the commands'.
import type { z } from "zod";
import { isErrorCode } from "../api/errors.ts";
import type { CREDENTIAL_OPERATIONS } from "../api/gateway-protocol/operations-credentials.ts";
import type { ProfileId } from "../api/models/credential.ts";
import { type ProfileStatus, type StoredSecret, toSecretFile } from "../api/models/stored-secret.ts";
import { asOwnerOf } from "../api/store/folder-owner.ts";
import { findOwnerKey } from "../api/store/gateway-files.ts";
import type { CliContext } from "./context.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { findGatewayAddress } from "./gateway-health.ts";
import { connectAsOwner, type OwnerTarget } from "./owner-client.ts";
import { toStateDir } from "./paths.ts";

export type CredentialList = z.output<typeof CREDENTIAL_OPERATIONS.listCredentials.answer>;

export interface CredentialAccess {
  list(): Promise<CredentialList>;
  put(profile: ProfileId, secret: StoredSecret): Promise<ProfileStatus>;
  remove(profile: ProfileId): Promise<void>;
  /** @param order empty: as the config says. */
  setOrder(provider: string, order: readonly ProfileId[]): Promise<void>;
}

/** Each call finds its way anew: a gateway may have started or ended since. */
export function accessCredentials(context: CliContext, options: OwnerTarget): CredentialAccess {
  const way = new Way(context, options);
  return {
    list: async () =>
      await way.go(
        async (gateway) => await gateway.ask("listCredentials"),
        async (local) => {
          const [items, orders] = [await local.statuses(), await local.orders()];
          return { items, orders: Object.fromEntries(Object.entries(orders).map(([provider, order]) => [provider, [...order]])) };
        },
      ),
    put: async (profile, secret) =>
      await way.go(
        async (gateway) => await gateway.ask("putCredential", { params: { profile }, body: { secret: toSecretFile(secret) } }),
        async (local) => await local.put(profile, secret),
      ),
    remove: async (profile) =>
      await way.go(
        async (gateway) => void (await gateway.ask("removeCredential", { params: { profile } })),
        async (local) => await local.remove(profile),
      ),
    setOrder: async (provider, order) =>
      await way.go(
        async (gateway) => void (await gateway.ask("setCredentialOrder", { params: { provider }, body: { order } })),
        async (local) => await local.setOrder(provider, order),
      ),
  };
}

type LocalCredentials = ReturnType<typeof import("../gateway/credentials/main.ts")["openCredentials"]>;

class Way {
  readonly #context: CliContext;
  readonly #options: OwnerTarget;

  constructor(context: CliContext, options: OwnerTarget) {
    this.#context = context;
    this.#options = options;
  }

  /** @throws OperationError as the gateway answers, or the folder allows */
  async go<Result>(
    viaGateway: (gateway: GatewayClient) => Promise<Result>,
    viaFolder: (local: LocalCredentials) => Promise<Result>,
  ): Promise<Result> {
    if ((await this.#mayAskGateway()) && (await findGatewayAddress(this.#context, this.#options)) !== null) {
      try {
        return await viaGateway(await connectAsOwner(this.#context, this.#options));
      } catch (error) {
        // One that a person named is asked, or nobody.
        if (!isErrorCode(error, "GatewayUnreachable") || this.#options.url !== undefined) throw error;
      }
    }
    return await this.#inFolder(viaFolder);
  }

  /** Where the folder has no key of its owner, no gateway was ever started on it, although the place may name one, as Compose does from the beginning. */
  async #mayAskGateway(): Promise<boolean> {
    const { url, token } = this.#options;
    return url !== undefined || token !== undefined || (await findOwnerKey(toStateDir(this.#context, this.#options))) !== null;
  }

  async #inFolder<Result>(work: (local: LocalCredentials) => Promise<Result>): Promise<Result> {
    const stateDir = toStateDir(this.#context, this.#options);
    const { openCredentials, toCredentialsFolder } = await import("../gateway/credentials/main.ts");
    const { now } = this.#context;
    const local = openCredentials({ stateDir, now, configured: () => ({ order: {}, profiles: [] }), refused: () => undefined });
    return await asOwnerOf(toCredentialsFolder(stateDir), async () => await work(local));
  }
}
