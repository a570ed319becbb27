// What a status file must hold to be believed: the Sandbox of the vocabulary, field by field. A file of another version is junk, and is
// observed again. It does not read files.
import { z } from "zod";
import { toAgentId, toContainerId, toEpochMs, toImageId, toSandboxName, toSandboxUid, toScopeKey, toSpecHash } from "../../api/brands.ts";
import { CONDITION_TYPES } from "../../api/condition.ts";
import { ERROR_CODES, type ErrorCode } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";

const Time = z.number().transform(toEpochMs);
const Hash = z.string().transform(toSpecHash);

const StatusCondition = z.object({
  type: z.enum(CONDITION_TYPES),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  observedGeneration: z.int(),
  lastTransitionTime: Time,
});

const StatusFailedAt = z.object({ container: z.string().transform(toContainerId), step: z.string(), times: z.int().min(1) });

const StatusFailure = z.object({
  code: z.enum(["SetupFailed", "CrashLoop", ...(Object.keys(ERROR_CODES) as ErrorCode[])]),
  message: z.string(),
  count: z.int().min(1),
  lastAt: Time,
  retryAt: Time,
  generation: z.int(),
  at: StatusFailedAt.exactOptional(),
});

const StatusFile = z.object({
  apiVersion: z.string(),
  kind: z.literal("Sandbox"),
  metadata: z.object({ name: z.string().transform(toSandboxName), generation: z.int(), createdAt: Time }),
  spec: z.object({
    kind: z.enum(["tools", "browser"]),
    scopeKey: z.string().transform(toScopeKey),
    agentId: z.string().transform(toAgentId).nullable(),
    scope: z.enum(["session", "agent", "shared"]),
    hash: Hash.nullable(),
    live: z
      .object({ cpus: z.number().nullable(), memory: z.number().nullable(), memorySwap: z.number().nullable(), pidsLimit: z.number() })
      .nullable(),
    image: z.string(),
    wanted: z.boolean(),
    because: z.string(),
  }),
  status: z.object({
    observedGeneration: z.int(),
    conditions: z.array(StatusCondition),
    container: z
      .object({
        id: z.string().transform(toContainerId),
        uid: z.string().transform(toSandboxUid),
        hash: Hash,
        imageId: z.string().transform(toImageId),
        createdAt: Time,
        startedAt: Time.nullable(),
      })
      .nullable(),
    drift: z.array(z.object({ field: z.string(), remedy: z.enum(["live", "recreate"]), desired: z.string(), actual: z.string() })),
    deferredUntil: Time.nullable(),
    deferredSince: Time.nullable(),
    // Absent in a file of a controller that did not know of rollouts.
    change: z
      .object({
        parts: z.array(z.object({ field: z.string(), to: z.string(), id: z.string() })),
        since: Time,
        pending: z.boolean(),
      })
      .nullable()
      .default(null),
    lastUsedAt: Time.nullable(),
    failure: StatusFailure.nullable(),
    // Absent in a file of a controller that kept one failure for both.
    servingFailure: StatusFailure.nullable().default(null),
    egressFailure: StatusFailure.exactOptional(),
    next: z.array(z.string()),
  }),
});

/** A controller that kept one failure for both called the ends of what serves by their own code. */
function toRoles(sandbox: Sandbox): Sandbox {
  const { failure, servingFailure } = sandbox.status;
  if (failure?.code !== "CrashLoop") return sandbox;
  return { ...sandbox, status: { ...sandbox.status, failure: null, servingFailure: servingFailure ?? failure } };
}

/** null for anything else than a status file of this version. */
export function parseStatusFile(text: string): Sandbox | null {
  try {
    return toRoles(StatusFile.parse(JSON.parse(text)));
  } catch {
    return null;
  }
}
