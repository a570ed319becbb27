// A person's request concerning one sandbox (`openclaw sandbox recreate`, `approve`). One JSON file each, written by the CLI, read by the controller.
import { z } from "zod";
import { toEpochMs } from "./brands.ts";
import { API_VERSION } from "./session.ts";

export const REQUEST_FILE_SUFFIX = ".request.json";

const Time = z.iso.datetime({ offset: true }).transform((text) => toEpochMs(Date.parse(text)));

export const SandboxRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("SandboxRequest"),
  metadata: z.strictObject({ name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/) }),
  spec: z.strictObject({
    /** Recreate the container unless it was created after this moment. Ends the hot window; waits for live work. Absent: no request. */
    recreateAfter: Time.optional(),
    /** Whether the recreation also ends live work. Absent: false. */
    kill: z.boolean().optional(),
    /** Keep the sandbox as it is whatever the config says. Absent: false. */
    pin: z.boolean().optional(),
    /** Let through the removal that has waited for a person since exactly this moment. Absent: no approval. */
    approve: Time.optional(),
  }),
});
export type SandboxRequest = z.output<typeof SandboxRequest>;
export type SandboxRequestFile = z.input<typeof SandboxRequest>;

/** A person's request concerning all rollouts (`openclaw sandbox rollout pause`): one file, `all.rollout.json`. */
export const ROLLOUT_REQUEST_SUFFIX = ".rollout.json";
export const ROLLOUT_REQUEST_NAME = "all";

export const RolloutRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("RolloutRequest"),
  metadata: z.strictObject({ name: z.literal(ROLLOUT_REQUEST_NAME) }),
  spec: z.strictObject({
    /** Since when no working sandbox is replaced. Absent: rollouts go on. */
    pausedSince: Time.optional(),
  }),
});
export type RolloutRequestFile = z.input<typeof RolloutRequest>;
