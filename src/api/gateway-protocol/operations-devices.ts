// Operations on paired devices and on those that ask to be: a part of the table in operations.ts. Methods are named as upstream's are.
// Who may decide what is gateway/devices/pairing.ts's.
import { z } from "zod";
import { DeviceIdText, DeviceLabel, DeviceList, DeviceView, RequestIdText, RotationAnswer } from "./devices.ts";
import type { Operation } from "./operation.ts";
import { LinkCode } from "./pair.ts";
import { SCOPES } from "./scopes.ts";

const ScopeList = z.array(z.enum(SCOPES)).max(SCOPES.length);

export const DEVICE_OPERATIONS = {
  listDevices: {
    method: "get",
    path: "/v1/devices",
    summary: "Requests to pair that are awaiting a decision, the newest first, and paired devices",
    scope: "operator.pairing",
    socket: "device.pair.list",
    answer: DeviceList,
  },
  approveDevice: {
    method: "post",
    path: "/v1/devices/{requestId}/approve",
    summary:
      "Pairs the device with what it asked for, or with the part of it that is named: never with more than the caller has, never the caller itself",
    scope: "operator.pairing",
    socket: "device.pair.approve",
    body: z.strictObject({ scopes: ScopeList.min(1).optional().meta({ description: "Absent: all that it asked for" }) }),
    answer: DeviceView,
  },
  rejectDevice: {
    method: "post",
    path: "/v1/devices/{requestId}/reject",
    summary: "Rejects the request; the device is told so for an hour",
    scope: "operator.pairing",
    socket: "device.pair.reject",
    answer: z.object({ requestId: RequestIdText, deviceId: DeviceIdText }),
  },
  revokeDevice: {
    method: "post",
    path: "/v1/devices/{deviceId}/revoke",
    summary: "Ends all that the device has open, within a second, and keeps it out; it stays listed",
    scope: "operator.pairing",
    socket: "device.token.revoke",
    answer: DeviceView,
  },
  rotateDevice: {
    method: "post",
    path: "/v1/devices/{deviceId}/rotate",
    summary: "Voids the device's tokens, and takes scopes away where fewer are named. A device may rotate its own without operator.pairing",
    scope: "operator.read",
    socket: "device.token.rotate",
    body: z.strictObject({ scopes: ScopeList.min(1).optional().meta({ description: "Absent: it keeps what it has" }) }),
    answer: RotationAnswer,
  },
  renameDevice: {
    method: "post",
    path: "/v1/devices/{deviceId}/rename",
    summary: "Gives the device another name",
    scope: "operator.pairing",
    socket: "device.pair.rename",
    body: z.strictObject({ label: DeviceLabel }),
    answer: DeviceView,
  },
  createPairingLink: {
    method: "post",
    path: "/v1/devices/links",
    summary: "A code for one browser, for a minute: `POST /pair` with it pairs the one that comes first, with no more than the caller has",
    scope: "operator.pairing",
    socket: "device.link.create",
    body: z.strictObject({ scopes: ScopeList.min(1).optional().meta({ description: "Absent: `operator.write`" }) }),
    answer: z.object({ code: LinkCode, scopes: ScopeList, expiresAt: z.int().meta({ description: "Milliseconds since 1970" }) }),
  },
  removeDevice: {
    method: "delete",
    path: "/v1/devices/{deviceId}",
    summary: "Ends all that the device has open and forgets it; it may ask to be paired again",
    scope: "operator.pairing",
    socket: "device.pair.remove",
    answer: z.object({ deviceId: DeviceIdText }),
  },
} as const satisfies Record<string, Operation>;
