// What the controller's sockets say of devices' keys whose signatures count. What is signed is gateway-protocol/approvals.ts's.
import { z } from "zod";
import { KeyKind } from "./gateway-protocol/approvals.ts";
import { DeviceLabel, PublicKeyText } from "./gateway-protocol/devices.ts";

/** The key of a device whose signatures count from now on. */
export const ApprovalKeyPut = z.strictObject({ publicKey: PublicKeyText, kind: KeyKind, label: DeviceLabel });
export type ApprovalKeyPut = z.output<typeof ApprovalKeyPut>;

export interface ApprovalKeyView {
  deviceId: string;
  publicKey: string;
  kind: KeyKind;
  /** What the device was called when a person approved it. */
  label: string;
  /** Milliseconds since 1970. */
  registeredAt: number;
}

/** In the order in which they were registered. */
export interface ApprovalKeyList {
  items: ApprovalKeyView[];
}

export interface ApprovalKeyRemoved {
  /** false: there was none. */
  removed: boolean;
}
