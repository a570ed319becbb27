// What each operation on devices does: asks the pairing rules as the caller who he is.
// The rules are devices/pairing.ts's; the table is operations-devices.ts.
import type { DEVICE_OPERATIONS } from "../../api/gateway-protocol/operations-devices.ts";
import type { Pairing } from "../devices/pairing.ts";
import type { Handlers } from "./handler.ts";

export function deviceHandlers(pairing: Pairing): Pick<Handlers, keyof typeof DEVICE_OPERATIONS> {
  return {
    listDevices: async ({ identity }) => pairing.list(identity),
    approveDevice: async ({ identity, params, body }) => await pairing.approve(identity, params.requestId ?? "", body.scopes),
    rejectDevice: async ({ identity, params }) => await pairing.reject(identity, params.requestId ?? ""),
    revokeDevice: async ({ identity, params }) => await pairing.revoke(identity, params.deviceId ?? ""),
    rotateDevice: async ({ identity, params, body }) => await pairing.rotate(identity, params.deviceId ?? "", body.scopes),
    renameDevice: async ({ identity, params, body }) => await pairing.rename(identity, params.deviceId ?? "", body.label),
    createPairingLink: async ({ identity, body }) => await pairing.createLink(identity, body.scopes),
    removeDevice: async ({ identity, params }) => await pairing.remove(identity, params.deviceId ?? ""),
  };
}
