// How devices and requests to pair look on a terminal. Pure. What a device says of itself is a stranger's text, which the output escapes.
import type { ApprovalKeyView } from "../../api/approval-keys.ts";
import { type EpochMs, toEpochMs } from "../../api/brands.ts";
import type { DeviceList, DeviceView, PairingRequestView } from "../../api/gateway-protocol/devices.ts";
import { renderTable } from "../table.ts";
import { INDENT, indent, renderAge, renderFields } from "../text.ts";

/** So many digits of an id tell a person's devices apart. */
const ID_LENGTH = 12;

/** @param keys of devices whose signature counts at the controller */
export function renderDevices(
  { pending, paired }: DeviceList,
  { keys, now, width }: { keys: readonly ApprovalKeyView[]; now: EpochMs; width: number },
): string {
  const inner = width - INDENT.length;
  const requests = pending.map((one) => [
    ...[one.requestId, one.code, one.deviceId.slice(0, ID_LENGTH), one.displayName, renderAsked(one)],
    ...[one.remoteIp, renderAge(toEpochMs(one.ts), now)],
  ]);
  const devices = paired.map((one) => [
    ...[one.deviceId.slice(0, ID_LENGTH), one.label, one.scopes.join(", "), `${renderState(one)}${renderKey(one, keys)}`],
    ...[one.lastSeenAt === null ? "-" : renderAge(toEpochMs(one.lastSeenAt), now), renderAge(toEpochMs(one.pairedAt), now)],
  ]);
  const waiting =
    requests.length === 0
      ? "No device is awaiting approval.\n"
      : `Awaiting approval (${requests.length}); compare the code with the one that the device shows, then: openclaw devices approve REQUEST\n${indent(
          renderTable(["REQUEST", "CODE", "DEVICE", "NAME", "ASKS-FOR", "FROM", "AGE"], requests, {
            width: inner,
            optional: ["AGE", "DEVICE"],
          }),
        )}`;
  const known =
    devices.length === 0
      ? "No device is paired.\n"
      : `Paired (${devices.length})\n${indent(renderTable(["DEVICE", "NAME", "SCOPES", "STATE", "SEEN", "AGE"], devices, { width: inner, optional: ["AGE", "SEEN"] }))}`;
  return `${waiting}${known}${keys
    .filter((key) => !paired.some(({ deviceId }) => deviceId === key.deviceId))
    .map(renderStray)
    .join("")}`;
}

function renderKey({ deviceId }: DeviceView, keys: readonly ApprovalKeyView[]): string {
  const key = keys.find((one) => one.deviceId === deviceId);
  return key === undefined ? "" : `, signs (${key.kind})`;
}

/** Removed at the gateway while no controller was there to hear of it. */
const renderStray = ({ deviceId, label, kind }: ApprovalKeyView): string =>
  `The signature of ${label} (${deviceId.slice(0, ID_LENGTH)}, ${kind}) counts at the controller, and the gateway does not know the device; to end that: openclaw devices revoke ${deviceId}\n`;

export function renderRequest(request: PairingRequestView, now: EpochMs): string {
  const { requestId, code, deviceId, displayName, clientId, clientMode, platform, remoteIp, ts } = request;
  return renderFields([
    ["Request", requestId],
    ["Code", code],
    ["Name", displayName],
    ["Device", deviceId],
    ["Client", `${clientId} (${clientMode}) on ${platform}`],
    ["Asks for", renderAsked(request)],
    ["From", remoteIp],
    ["Asked", `${renderAge(toEpochMs(ts), now)} ago`],
  ]);
}

const renderAsked = ({ scopes, reason }: PairingRequestView): string =>
  `${scopes.join(", ")}${reason === "scope-upgrade" ? " (paired already, with less)" : ""}`;

function renderState({ revokedAt, connections }: DeviceView): string {
  if (revokedAt !== null) return "revoked";
  return connections === 0 ? "paired" : `connected${connections === 1 ? "" : ` (${connections})`}`;
}
