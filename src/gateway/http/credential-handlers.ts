// What each operation on the secrets of model providers does. Only whoever can read the state folder as the gateway's user gets there: a token of the gateway is
// in many programs, and a device may be lost. Secrets go in and never out; keeping them is credentials/'s.
import { OperationError } from "../../api/errors.ts";
import type { CREDENTIAL_OPERATIONS } from "../../api/gateway-protocol/operations-credentials.ts";
import { ProfileIdText } from "../../api/models/stored-secret.ts";
import { parseValue } from "../../api/parse-value.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Identity } from "../devices/identity.ts";
import type { Handlers } from "./handler.ts";

export interface CredentialHandlerParts {
  credentials: Pick<Credentials, "statuses" | "orders" | "put" | "remove" | "setOrder">;
  /** Written down: what was done to which profile. */
  audit(entry: { action: string; profile: string }): void;
}

export function credentialHandlers({ credentials, audit }: CredentialHandlerParts): Pick<Handlers, keyof typeof CREDENTIAL_OPERATIONS> {
  const toProfile = (params: Readonly<Record<string, string>>): string => parseValue(ProfileIdText, params.profile ?? "");
  return {
    listCredentials: async ({ identity }) => {
      requireOwner(identity);
      const [items, orders] = await Promise.all([credentials.statuses(), credentials.orders()]);
      return { items, orders: Object.fromEntries(Object.entries(orders).map(([provider, order]) => [provider, [...order]])) };
    },
    putCredential: async ({ identity, params, body }) => {
      requireOwner(identity);
      const profile = toProfile(params);
      const status = await credentials.put(profile, body.secret);
      audit({ action: "credential changed", profile });
      return status;
    },
    removeCredential: async ({ identity, params }) => {
      requireOwner(identity);
      const profile = toProfile(params);
      await credentials.remove(profile);
      audit({ action: "credential removed", profile });
      return { removed: profile };
    },
    setCredentialOrder: async ({ identity, params, body }) => {
      requireOwner(identity);
      const provider = params.provider ?? "";
      await credentials.setOrder(provider, body.order);
      audit({ action: "credential order changed", profile: provider });
      return { provider, order: body.order };
    },
  };
}

/** @throws OperationError `Forbidden` */
function requireOwner({ kind }: Identity): void {
  if (kind === "owner") return;
  throw new OperationError("Forbidden", "only the owner of the state folder handles sign-ins to model providers", {
    fix: "run it on the gateway's host: openclaw models auth --help",
  });
}
