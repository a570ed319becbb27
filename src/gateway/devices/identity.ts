// Who a caller of the gateway is, and what he may do: whoever has the gateway's secret, the owner of the state folder, or a paired device.
// How each shows it is http/identities.ts's, and on the socket ws/device-handshake.ts's.
import type { DeviceId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { allows, type Scope } from "../../api/gateway-protocol/scopes.ts";

export type Identity =
  /** Showed the gateway's token or password, or the config asks for none. */
  | { kind: "secret"; scopes: readonly Scope[] }
  /** Can read the state folder as the gateway's user. */
  | { kind: "owner"; scopes: readonly Scope[] }
  | {
      kind: "device";
      deviceId: DeviceId;
      scopes: readonly Scope[];
      /** Aborts when the device may do so no more. */
      revoked: AbortSignal;
    };

/** @throws OperationError `Forbidden` that names the scope */
export function requireScope(identity: Identity, needed: Scope): void {
  if (allows(identity.scopes, needed)) return;
  const fix =
    identity.kind === "secret"
      ? "the gateway's token does not open this: run it on the gateway's host (openclaw devices --help), or from a paired device that has the scope"
      : `openclaw devices list shows what a device may do; it gets ${needed} by asking for it when it connects, and an approval`;
  throw new OperationError("Forbidden", `missing scope: ${needed}`, { fix });
}

/** How a decision is written down: `owner`, or the device's id. */
export const renderActor = (identity: Identity): string => (identity.kind === "device" ? identity.deviceId : identity.kind);
