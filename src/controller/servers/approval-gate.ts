// Decides whether what the gateway brings is a person's approval: a registered device's signature over exactly this, made now, and never used before.
// What the gateway says of it counts for nothing. What is done then is routes-approvals.ts's; the keys are records/approval-keys.ts's.
import { type InstanceId, toDeviceId, toDurationMs, toEpochMs, toSandboxName } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { isSignedBy } from "../../api/device-key.ts";
import { OperationError } from "../../api/errors.ts";
import type { SignedBy } from "../../api/gateway-protocol/approvals.ts";
import { type ApprovalSubject, renderApprovalProof } from "../../api/gateway-protocol/device-proof.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { ApprovalKey, ApprovalKeys } from "../records/approval-keys.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { RequestRate } from "./request-rate.ts";

export interface ApprovalGateParts {
  instance: InstanceId;
  keys: ApprovalKeys;
  views: Pick<AdminViews, "sandbox" | "held">;
  clock: Pick<Clock, "now">;
}

/** A person who ends a handful of sandboxes, one after the other; a page that signs by itself gets no further. */
const AT_ONCE_MAX = 6;
const EACH_MS = toDurationMs(20_000);

/** Where a person may always decide. */
const COMMANDS: Readonly<Record<ApprovalSubject["action"], string>> = {
  "recreate-kill": "openclaw sandbox recreate NAME --kill",
  "approve-removal": "openclaw sandbox approve",
  prune: "openclaw sandbox prune",
};

export class ApprovalGate {
  readonly #parts: ApprovalGateParts;
  readonly #rate: RequestRate;

  constructor(parts: ApprovalGateParts) {
    this.#parts = parts;
    this.#rate = new RequestRate({ atOnceMax: AT_ONCE_MAX, each: EACH_MS, now: () => parts.clock.now() });
  }

  /** The signature is used up then. @throws OperationError `Forbidden`, `LimitExceeded`, `HostRejected` */
  async admit(subject: ApprovalSubject, { deviceId, signedAt, nonce, signature }: SignedBy): Promise<ApprovalKey> {
    const { instance, keys } = this.#parts;
    const fix = COMMANDS[subject.action];
    const refuse = (message: string): OperationError => new OperationError("Forbidden", message, { fix });
    const key = keys.find(deviceId);
    if (key === null) throw refuse("the controller does not know this device's key");
    const text = renderApprovalProof({ deviceId, instance, subject, signedAt, nonce });
    if (!isSignedBy(key.publicKey, text, signature)) throw refuse("the signature is not this device's over this request");
    if (subject.action === "approve-removal" && key.kind === "browser")
      throw refuse("a browser's signature lets no held removal through: it signs what the gateway's page asks");
    const mismatch = this.#findMismatch(subject);
    if (mismatch !== null) throw refuse(mismatch);
    if (!this.#rate.take())
      throw new OperationError("LimitExceeded", `more than ${AT_ONCE_MAX} approvals came at once over the gateway`, { fix });
    const unusable = await keys.use({ deviceId: toDeviceId(deviceId), nonce, signedAt: toEpochMs(signedAt) });
    if (unusable !== null) throw refuse(unusable);
    return key;
  }

  /** Why what was signed is not what there is. null: it is. */
  #findMismatch(subject: ApprovalSubject): string | null {
    if (subject.action === "prune") return null;
    const { views } = this.#parts;
    if (toUid(views.sandbox(toSandboxName(subject.name))) !== subject.uid)
      return "the sandbox has another container than the one that was signed for";
    if (subject.action === "recreate-kill") return null;
    const held = views.held().items.find(({ name }) => name === subject.name);
    return held?.since === subject.since ? null : "this removal is not awaiting approval";
  }
}

/** null: there is none, or it has no container. */
export const toUid = (sandbox: Sandbox | null): string | null => sandbox?.status.container?.uid ?? null;
