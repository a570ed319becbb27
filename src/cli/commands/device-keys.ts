// Which devices' signatures the controller counts (docs/pairing.md): registered with an approval, withdrawn with a revocation. The controller is
// asked itself, over the owner's socket: what the gateway says counts for nothing there. Devices are devices.ts's.
import type { ApprovalKeyView } from "../../api/approval-keys.ts";
import { deviceIdOf } from "../../api/device-key.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { KeyKind } from "../../api/gateway-protocol/approvals.ts";
import type { DeviceView } from "../../api/gateway-protocol/devices.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, printNote } from "../context.ts";
import type { OwnerTarget } from "../owner-client.ts";
import { toStateDir } from "../paths.ts";

/** So much of an id nobody makes another key for: 64 bits. */
const ID_LENGTH_MIN = 16;

/**
 * A key counts as a native program's only where a person read its id off the device itself: the gateway could show another key.
 *
 * @param shown what the person read. Absent: a browser's
 * @throws OperationError `InvalidArgument`
 */
export function judgeKind(device: { deviceId: string; publicKey: string }, shown: string | undefined): KeyKind {
  const id = deviceIdOf(device.publicKey);
  if (id !== device.deviceId)
    throw new OperationError("InvalidArgument", "the gateway shows a key that is not this device's; nothing was approved", {
      fix: "look into the gateway's host before you pair anything",
    });
  if (shown === undefined) return "browser";
  const isRead = shown.length >= ID_LENGTH_MIN && /^[0-9a-f]+$/.test(shown);
  if (isRead && id.startsWith(shown)) return "native";
  const message = isRead
    ? `the device that asks is ${id.slice(0, ID_LENGTH_MIN)}..., not ${shown.slice(0, ID_LENGTH_MIN)}...; nothing was approved`
    : `--native takes at least ${ID_LENGTH_MIN} hexadecimal digits of the id that the device shows`;
  throw new OperationError("InvalidArgument", message, { fix: "openclaw devices list shows which devices ask" });
}

/** null: another gateway's, whose controller is not this state folder's. */
const openController = (context: CliContext, options: OwnerTarget): AdminClient | null =>
  options.url === undefined ? new AdminClient(toStateDir(context, options)) : null;

/** @returns whether its signatures count; if not, it said why */
export async function registerKey(context: CliContext, device: DeviceView, kind: KeyKind, options: OwnerTarget): Promise<boolean> {
  const { deviceId, publicKey, label } = device;
  try {
    const controller = openController(context, options);
    if (controller === null) throw new OperationError("InvalidArgument", "the controller is the other gateway's");
    await controller.registerKey(deviceId, { publicKey, kind, label });
    const says = "its signature ends live work and prunes";
    const held = kind === "native" ? "lets held removals through" : "lets no held removal through, as a browser's";
    printNote(context, `${says}, and ${held}`);
    return true;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const native = kind === "native" ? ` --native ${deviceId}` : "";
    const again = `openclaw devices approve ${deviceId}${native}, on the controller's host while it runs`;
    printNote(context, `openclaw: it is paired, but its signature counts for nothing yet: ${renderError(error)}\n  ${again}`);
    return false;
  }
}

/** Before the gateway is asked, which may be away or taken over. @param given as a person names the device */
export async function withdrawKeys(context: CliContext, given: string, options: OwnerTarget): Promise<void> {
  const isMeant = ({ deviceId, label }: ApprovalKeyView): boolean => label === given || (given.length >= 4 && deviceId.startsWith(given));
  const meant = (await findKeys(context, options))?.filter(isMeant) ?? [];
  // Of several the gateway's listing tells which; or a person, who writes more of the id.
  if (meant.length === 1) for (const { deviceId } of meant) await withdrawKey(context, deviceId, options);
}

export async function withdrawKey(context: CliContext, deviceId: string, options: OwnerTarget): Promise<void> {
  const answer = await unlessAway(async () => await openController(context, options)?.removeKey(deviceId));
  if (answer === null)
    printNote(context, "openclaw: no controller answers: if this device's signature counts there, do this again once it runs");
  else if (answer?.removed === true) printNote(context, "its signature counts for nothing any more");
}

/** null: no controller answers, or it is another gateway's. */
export async function findKeys(context: CliContext, options: OwnerTarget): Promise<readonly ApprovalKeyView[] | null> {
  return (await unlessAway(async () => await openController(context, options)?.approvalKeys())) ?? null;
}

/** null: no controller answers. */
async function unlessAway<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof OperationError && error.code === "ControllerUnreachable") return null;
    throw error;
  }
}
