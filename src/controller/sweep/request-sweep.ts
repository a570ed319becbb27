// Removes requests about sandboxes that are gone: every session that is ended leaves one, and they would fill the folder. A pin is kept for a
// sandbox that may come back. What a request means is decide/'s.
import { DAY_MS, type EpochMs, elapsed, type SandboxName } from "../../api/brands.ts";
import type { SandboxRequest } from "../../api/request.ts";

/** A sandbox that nobody wanted for so long has no use for what was requested then. */
const AGE = DAY_MS;

export interface RequestSweepParts {
  now: EpochMs;
  /** As heard last. */
  requests: ReadonlyMap<SandboxName, SandboxRequest["spec"]>;
  /** Nobody wants it, and no container of it is there. */
  isGone(name: SandboxName): boolean;
  remove(name: SandboxName): Promise<void>;
}

/** @returns whose requests were removed. @throws OperationError `HostRejected` */
export async function sweepRequests({ now, requests, isGone, remove }: RequestSweepParts): Promise<SandboxName[]> {
  const removed: SandboxName[] = [];
  for (const [name, { pin, recreateAfter, approve }] of requests) {
    const requestedAt = [recreateAfter, approve].filter((at) => at !== undefined);
    if (pin === true || !isGone(name) || requestedAt.some((at) => elapsed(at, now) < AGE)) continue;
    await remove(name);
    removed.push(name);
  }
  return removed;
}
