// Carries a device's signed approval to the controller as the device that the connection showed, which is all that the gateway adds to it.
// Whether it counts is the controller's decision.
import type { DeviceId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { APPROVAL_OPERATIONS } from "../../api/gateway-protocol/operations-approvals.ts";
import type { Identity } from "../devices/identity.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { Handlers } from "./handler.ts";

export function approvalHandlers(controller: StreamClient): Pick<Handlers, keyof typeof APPROVAL_OPERATIONS> {
  return {
    getApprovals: async ({ identity }) => await controller.approvals(identity.kind === "device" ? identity.deviceId : null),
    killSandbox: async ({ params, body, identity }) =>
      await controller.killSandbox(params.name ?? "", { ...body, deviceId: deviceOf(identity) }),
    approveRemoval: async ({ params, body, identity }) =>
      await controller.approveRemoval(params.name ?? "", { ...body, deviceId: deviceOf(identity) }),
    prune: async ({ body, identity }) => {
      const { removed } = await controller.prune({ ...body, deviceId: deviceOf(identity) });
      return { removed };
    },
  };
}

/** @throws OperationError `Forbidden` */
function deviceOf(identity: Identity): DeviceId {
  if (identity.kind === "device") return identity.deviceId;
  throw new OperationError("Forbidden", "this takes a paired device's signature", {
    fix: "openclaw sandbox recreate, approve and prune need none",
  });
}
