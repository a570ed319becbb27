// Finds what probes have to be run for a config: one for all sandboxes that run alike. What can't be created at all is reported at once.
// It asks the engine for images and the host for folders, and makes nothing.
import { toSessionKey } from "../../api/brands.ts";
import type { HostFolders } from "../../api/config/config.ts";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { toSandboxFolders } from "../../api/config/sandbox-folders.ts";
import { type Finding, fail } from "../../api/finding.ts";
import { type Owner, resolveSpec } from "../decide/spec.ts";
import type { DesiredSandbox } from "../decide/types.ts";
import { type SlugOf, toDesired, toScopeKeyOf } from "../decide/wanted.ts";
import type { Engine } from "../engine/engine.ts";
import { observeHostOf } from "../loop/observe.ts";
import { KnownNames } from "../records/known-names.ts";
import type { ProbeTarget } from "./probe.ts";

export interface TargetParts {
  folders: HostFolders;
  owner: Owner;
  engine: Engine;
}

/** The sandbox of the agent's main session; sessions of their own run like it. */
export function toMainSandbox(slugOf: SlugOf, sandbox: EffectiveSandbox): DesiredSandbox {
  const { agentId, scope } = sandbox;
  const key = toSessionKey(`agent:${agentId}:main`);
  return toDesired(slugOf, { id: agentId, sandbox }, scope, toScopeKeyOf(scope, agentId, key));
}

export async function findTargets(
  { folders, owner, engine }: TargetParts,
  sandboxes: readonly EffectiveSandbox[],
): Promise<{ targets: ProbeTarget[]; findings: Finding[] }> {
  const byKind = new Map<string, ProbeTarget>();
  const findings: Finding[] = [];
  const { slugOf } = new KnownNames(engine.instance, []);
  for (const sandbox of sandboxes) {
    const desired = toMainSandbox(slugOf, sandbox);
    const facts = await observeHostOf(desired, { engine, folders, controller: owner, sandboxes: toSandboxFolders(sandboxes) });
    if (facts.image.kind === "missing") continue;
    const spec = resolveSpec(desired, facts, null);
    const why = spec.kind === "blocked" ? spec.message : facts.workspace.kind === "refused" ? facts.workspace.message : null;
    if (spec.kind === "blocked" || why !== null) {
      findings.push(fail("workspaces", `agent ${sandbox.agentId}: ${why}`, "edit the key, or move the folder, named in the message"));
      continue;
    }
    const { image, user, runtime, seccomp, apparmorProfile } = spec.container;
    const kind = JSON.stringify([image, user, runtime, seccomp, apparmorProfile]);
    const known = byKind.get(kind) ?? { agents: [], container: spec.container, workspaces: [], shown: [] };
    const areThere = facts.workspace.kind === "ready";
    byKind.set(kind, {
      ...known,
      agents: [...known.agents, sandbox.agentId],
      workspaces: toDistinct(known.workspaces, areThere ? desired.workspace.dir : null),
      shown: toDistinct(known.shown, areThere ? desired.agentDir : null),
    });
  }
  return { targets: [...byKind.values()], findings };
}

const toDistinct = (folders: readonly string[], folder: string | null): string[] =>
  folder === null || folders.includes(folder) ? [...folders] : [...folders, folder];
