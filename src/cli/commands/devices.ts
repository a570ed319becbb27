// `openclaw devices ...`: who may use the gateway's socket. Lists requests to pair and paired devices, and decides about them as the owner of the
// state folder. The rules are the gateway's; how a listing looks is devices-text.ts's.
import { OperationError } from "../../api/errors.ts";
import type { DeviceView, PairingRequestView } from "../../api/gateway-protocol/devices.ts";
import { SCOPES, type Scope, toScopes } from "../../api/gateway-protocol/scopes.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote, toWidth } from "../context.ts";
import type { GatewayClient } from "../gateway-client.ts";
import { connectAsOwner, type OwnerTarget } from "../owner-client.ts";
import { findKeys, judgeKind, registerKey, withdrawKey, withdrawKeys } from "./device-keys.ts";
import { renderDevices, renderRequest } from "./devices-text.ts";

export interface DevicesOptions extends OwnerTarget {
  json?: boolean;
  /** Upstream's form of the argument. */
  device?: string;
  role?: string;
  scope?: string[];
  /** What the device shows of its id. */
  native?: string;
  name?: string;
}

export async function listDevices(context: CliContext, options: DevicesOptions): Promise<ExitCode> {
  const list = await (await connectAsOwner(context, options)).ask("listDevices");
  const approvalKeys = await findKeys(context, options);
  if (options.json === true) printJson(context, { ...list, approvalKeys });
  else print(context, renderDevices(list, { keys: approvalKeys ?? [], now: context.now(), width: toWidth(context) }));
  return EXIT.ok;
}

/** @param request id or code; of a paired device whose signature counts for nothing yet, its id. Absent: nothing is approved, the newest is shown */
export async function approveDevice(context: CliContext, request: string | undefined, options: DevicesOptions): Promise<ExitCode> {
  const client = await connectAsOwner(context, options);
  const { pending, paired } = await client.ask("listDevices");
  if (request === undefined) return preview(context, pending[0], options);
  const known = paired.find((device) => device.deviceId === request && mayApprove(device));
  const asked = known ?? findRequest(pending, request);
  const scopes = readScopes(options);
  if (options.native !== undefined && !(scopes ?? asked.scopes).includes("operator.approvals"))
    throw new OperationError("InvalidArgument", "--native is about a device that gets operator.approvals, which this one does not ask for");
  const kind = judgeKind(asked, options.native);
  const device = known ?? (await approve(client, request, { pending, scopes }));
  if (options.json !== true) print(context, `paired ${device.label} (${device.deviceId.slice(0, 12)}) with ${device.scopes.join(", ")}`);
  const isRegistered = mayApprove(device) && (await registerKey(context, device, kind, options));
  if (options.json === true) printJson(context, { ...device, approvalKey: isRegistered ? kind : null });
  return isRegistered || !mayApprove(device) ? EXIT.ok : EXIT.failed;
}

const mayApprove = ({ scopes, revokedAt }: DeviceView): boolean => revokedAt === null && scopes.includes("operator.approvals");

async function approve(
  client: GatewayClient,
  request: string,
  { pending, scopes }: { pending: readonly PairingRequestView[]; scopes: Scope[] | undefined },
): Promise<DeviceView> {
  const { requestId, deviceId, publicKey } = findRequest(pending, request);
  const device = await client.ask("approveDevice", { params: { requestId }, body: scopes === undefined ? {} : { scopes } });
  // What is registered is what was looked at.
  if (device.deviceId === deviceId && device.publicKey === publicKey) return device;
  throw new OperationError("GatewayUnreachable", "the gateway paired another device than the one that was approved", {
    fix: "look into the gateway's host before you pair anything",
  });
}

/** What would be approved; the command that does it names the request, so that it can't be another one by then. */
function preview(context: CliContext, request: PairingRequestView | undefined, options: DevicesOptions): ExitCode {
  if (options.json === true) printJson(context, { request: request ?? null });
  else if (request === undefined) printNote(context, "openclaw: no device is awaiting approval");
  else {
    print(context, renderRequest(request, context.now()));
    printNote(
      context,
      `Nothing was approved. Compare the code with the one that the device shows, then:
  openclaw devices approve ${request.requestId}`,
    );
  }
  return EXIT.failed;
}

export async function rejectDevice(context: CliContext, request: string, options: DevicesOptions): Promise<ExitCode> {
  const client = await connectAsOwner(context, options);
  const { requestId, displayName } = findRequest((await client.ask("listDevices")).pending, request);
  const answer = await client.ask("rejectDevice", { params: { requestId }, body: {} });
  if (options.json === true) printJson(context, answer);
  else print(context, `rejected ${displayName}; it is told so for an hour`);
  return EXIT.ok;
}

export async function revokeDevice(context: CliContext, given: string | undefined, options: DevicesOptions): Promise<ExitCode> {
  await withdrawNamed(context, given, options);
  return await change(context, given, options, async (client, device) => {
    const { deviceId, label } = device;
    const answer = await client.ask("revokeDevice", { params: { deviceId }, body: {} });
    if (mayApprove(device)) await withdrawKey(context, deviceId, options);
    return { answer, said: `revoked ${label}: what it had open is closed, and it can't ask again until it is removed` };
  });
}

export async function removeDevice(context: CliContext, given: string | undefined, options: DevicesOptions): Promise<ExitCode> {
  await withdrawNamed(context, given, options);
  return await change(context, given, options, async (client, device) => {
    const { deviceId, label } = device;
    const answer = await client.ask("removeDevice", { params: { deviceId } });
    if (mayApprove(device)) await withdrawKey(context, deviceId, options);
    return { answer, said: `removed ${label}: what it had open is closed, and it may ask to be paired again` };
  });
}

export async function rotateDevice(context: CliContext, given: string | undefined, options: DevicesOptions): Promise<ExitCode> {
  return await change(context, given, options, async (client, device) => {
    const { deviceId, label } = device;
    const scopes = readScopes(options);
    const answer = await client.ask("rotateDevice", { params: { deviceId }, body: scopes === undefined ? {} : { scopes } });
    if (mayApprove(device) && !answer.scopes.includes("operator.approvals")) await withdrawKey(context, deviceId, options);
    return {
      answer,
      said: `rotated ${label}: its tokens are void, and it gets another one when it connects; it has ${answer.scopes.join(", ")}`,
    };
  });
}

export async function renameDevice(
  context: CliContext,
  words: { device: string | undefined; name: string | undefined },
  options: DevicesOptions,
): Promise<ExitCode> {
  // With --device the one word that is left is the name.
  const [given, name] =
    options.device === undefined ? [words.device, options.name ?? words.name] : [undefined, options.name ?? words.device];
  if (name === undefined)
    throw new OperationError("InvalidArgument", "what is it to be called?", { fix: "openclaw devices rename DEVICE NAME" });
  return await change(context, given, options, async (client, { deviceId }) => ({
    answer: await client.ask("renameDevice", { params: { deviceId }, body: { label: name } }),
    said: `${deviceId.slice(0, 12)} is called ${name}`,
  }));
}

async function withdrawNamed(context: CliContext, given: string | undefined, options: DevicesOptions): Promise<void> {
  refuseOtherRole(options);
  const name = options.device ?? given;
  if (name !== undefined) await withdrawKeys(context, name, options);
}

async function change(
  context: CliContext,
  given: string | undefined,
  options: DevicesOptions,
  act: (client: GatewayClient, device: DeviceView) => Promise<{ answer: unknown; said: string }>,
): Promise<ExitCode> {
  const client = await connectAsOwner(context, options);
  const { paired } = await client.ask("listDevices");
  refuseOtherRole(options);
  const device = findDevice(paired, options.device ?? given);
  const { answer, said } = await act(client, device);
  if (options.json === true) printJson(context, answer);
  else print(context, said);
  return EXIT.ok;
}

/** @throws OperationError `NotFound` */
function findRequest(pending: readonly PairingRequestView[], given: string): PairingRequestView {
  const code = given.toUpperCase().replaceAll("-", "");
  const found = pending.find((one) => one.requestId === given || one.code.replaceAll("-", "") === code);
  if (found !== undefined) return found;
  throw new OperationError("NotFound", `no device is awaiting approval under ${JSON.stringify(given)}`, {
    fix: "openclaw devices list; a device that changed what it asks for has another id",
  });
}

/** By id, its beginning, or a name that only one has. @throws OperationError `InvalidArgument`, `NotFound` */
function findDevice(paired: readonly DeviceView[], given: string | undefined): DeviceView {
  if (given === undefined) throw new OperationError("InvalidArgument", "which device?", { fix: "openclaw devices list shows their ids" });
  const found = paired.filter(({ deviceId, label }) => label === given || (given.length >= 4 && deviceId.startsWith(given)));
  const [first] = found;
  if (first === undefined)
    throw new OperationError("NotFound", `no paired device ${JSON.stringify(given)}`, { fix: "openclaw devices list" });
  if (found.length === 1) return first;
  throw new OperationError("InvalidArgument", `${JSON.stringify(given)} is the beginning or the name of ${found.length} devices`, {
    fix: `one of ${found.map(({ deviceId }) => deviceId.slice(0, 16)).join(", ")}`,
  });
}

/** @throws OperationError `InvalidArgument` */
function readScopes({ scope }: DevicesOptions): Scope[] | undefined {
  if (scope === undefined) return undefined;
  const words = scope.flatMap((text) => text.split(",")).map((word) => (word.startsWith("operator.") ? word : `operator.${word}`));
  const scopes = toScopes(words);
  const unknown = words.filter((word) => !SCOPES.some((one) => one === word));
  if (unknown.length > 0)
    throw new OperationError("InvalidArgument", `no scope ${unknown.join(", ")}`, { fix: `scopes are ${SCOPES.join(", ")}` });
  return scopes;
}

/** @throws OperationError `InvalidArgument` */
function refuseOtherRole({ role }: DevicesOptions): void {
  if (role !== undefined && role !== "operator")
    throw new OperationError("InvalidArgument", `no role ${JSON.stringify(role)}: devices are operators`);
}
