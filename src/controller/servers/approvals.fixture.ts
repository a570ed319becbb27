// What approvals need, for tests: keys in a folder of their own, a gate over views in memory, and devices that sign. It asserts nothing.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { InstanceId } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { type SigningDevice, signText } from "../../api/device-key.fixture.ts";
import type { SignedBy } from "../../api/gateway-protocol/approvals.ts";
import { type ApprovalSubject, renderApprovalProof } from "../../api/gateway-protocol/device-proof.ts";
import { ApprovalKeys } from "../records/approval-keys.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { ApprovalGate } from "./approval-gate.ts";
import { makeStateDir } from "./server.fixture.ts";

export interface ApprovalsOptions {
  instance: InstanceId;
  views: Pick<AdminViews, "sandbox" | "held">;
  clock: Pick<Clock, "now">;
  /** Of an earlier controller. Absent: a new one. */
  folder?: string;
}

export async function openApprovals({ instance, views, clock, folder = makeStateDir() }: ApprovalsOptions) {
  const keys = await ApprovalKeys.open({ path: join(folder, "approval-keys.json"), now: () => clock.now() });
  return { instance, folder, keys, gate: new ApprovalGate({ instance, keys, views, clock }) };
}

/** As a device that was asked for this signs it. */
export function signApproval(
  device: SigningDevice,
  { instance, subject, signedAt }: { instance: string; subject: ApprovalSubject; signedAt: number },
): SignedBy {
  const nonce = randomBytes(16).toString("base64url");
  const text = renderApprovalProof({ deviceId: device.id, instance, subject, signedAt, nonce });
  return { deviceId: device.id, signedAt, nonce, signature: signText(device, text) };
}
