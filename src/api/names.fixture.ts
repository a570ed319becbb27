// For tests: the whole name of a sandbox that is new, to be looked for on the engine. The product looks each name up among those that are
// known first (records/known-names.ts).
import { type InstanceId, type SandboxName, type ScopeKey, toSandboxName } from "./brands.ts";
import { toSlug } from "./names.ts";

export function toContainerName(prefix: string, instance: InstanceId, scopeKey: ScopeKey): SandboxName {
  return toSandboxName(`${prefix}${toSlug(instance, scopeKey)}`);
}
