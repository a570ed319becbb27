// Operations that only a person may ask of the controller, each with the device's own signature: a part of the table in operations.ts.
// The gateway carries them; whether a signature counts is the controller's decision (controller/servers/approval-gate.ts).
import { z } from "zod";
import { ApprovalsAnswer, HeldSince, SIGNED_FIELDS, UidText } from "./approvals.ts";
import type { Operation } from "./operation.ts";

const SandboxAnswer = z.object({ sandbox: z.string().meta({ description: "Its full name" }) });

export const APPROVAL_OPERATIONS = {
  getApprovals: {
    method: "get",
    path: "/v1/approvals",
    summary:
      "What a device needs to sign (`instance`, the controller's time), whether its signature counts, and the removals that are held",
    scope: "operator.read",
    socket: "approvals.get",
    answer: ApprovalsAnswer,
  },
  killSandbox: {
    method: "post",
    path: "/v1/sandboxes/{name}/kill",
    summary: "Makes a new container now, whatever runs in the one that is there; the workspace stays. `name` is the full one",
    scope: "operator.approvals",
    socket: "sandbox.kill",
    body: z.strictObject({ uid: UidText, ...SIGNED_FIELDS }),
    answer: SandboxAnswer,
  },
  approveRemoval: {
    method: "post",
    path: "/v1/sandboxes/{name}/removal",
    summary: "Lets the removal through that the mass-removal guard holds; a browser's signature does not",
    scope: "operator.approvals",
    socket: "sandbox.removal.approve",
    body: z.strictObject({ uid: UidText, since: HeldSince, ...SIGNED_FIELDS }),
    answer: SandboxAnswer,
  },
  prune: {
    method: "post",
    path: "/v1/prune",
    summary: "Removes what nothing wants any more and may go now",
    scope: "operator.approvals",
    socket: "sandbox.prune",
    body: z.strictObject(SIGNED_FIELDS),
    answer: z.object({ removed: z.array(z.string()).meta({ description: "`KIND NAME` each" }) }),
  },
} as const satisfies Record<string, Operation>;
