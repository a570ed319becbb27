// One spelling for limits that mean the same to an engine, so that what a person wrote and what is read back compare equal. Pure.
// Which limits differ and what that costs is fields.ts.
import type { LiveSpec } from "../../api/sandbox.ts";

/**
 * The limits that a container has in effect: `memorySwap` is null when it is what the engine fills in anyway (twice the memory, or
 * unlimited swap without a memory limit), `pidsLimit` 0 when there is none. Specs and observations hold this form.
 */
export function effectiveLive(live: LiveSpec): LiveSpec {
  const byDefault = live.memory === null ? live.memorySwap === -1 : live.memorySwap === 2 * live.memory;
  return { ...live, pidsLimit: Math.max(0, live.pidsLimit), memorySwap: byDefault ? null : live.memorySwap };
}
