// Finds what probes have to be run for a config: one for all sandboxes that run alike. What can't be created at all is reported at once.
// It asks the engine for images and the host for folders, and makes nothing.
import type { HostFolders } from "../../api/config/config.ts";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { toSandboxFolders } from "../../api/config/sandbox-folders.ts";
import { type Finding, fail } from "../../api/finding.ts";
import { type Owner, resolveSpec } from "../decide/spec.ts";
import { toMainSandbox } from "../decide/wanted.ts";
import type { Engine } from "../engine/engine.ts";
import { observeHost } from "../folders/host-folders.ts";
import { KnownNames } from "../records/known-names.ts";
import type { ProbeTarget } from "./probe.ts";

export interface TargetParts {
  folders: HostFolders;
  owner: Owner;
  engine: Engine;
}

export async function findTargets(
  { folders, owner, engine }: TargetParts,
  sandboxes: readonly EffectiveSandbox[],
): Promise<{ targets: ProbeTarget[]; findings: Finding[] }> {
  const byKind = new Map<string, ProbeTarget>();
  const findings: Finding[] = [];
  const { slugOf } = new KnownNames(engine.instance, []);
  const context = { ...folders, sandboxes: toSandboxFolders(sandboxes) };
  for (const sandbox of sandboxes) {
    const desired = toMainSandbox(slugOf, sandbox);
    const image = await engine.resolveImage(desired.settings.docker.image);
    if (image.kind === "missing") continue;
    const host = await observeHost(desired, context);
    const facts = { image, ...host, appArmor: engine.capabilities.appArmor, controller: owner };
    const spec = resolveSpec(desired, facts, null);
    const why = spec.kind === "blocked" ? spec.message : facts.workspace.kind === "refused" ? facts.workspace.message : null;
    if (spec.kind === "blocked" || why !== null) {
      findings.push(fail("workspaces", `agent ${sandbox.agentId}: ${why}`, "edit the key, or move the folder, named in the message"));
      continue;
    }
    const { user, runtime, seccomp, apparmorProfile } = spec.container;
    const kind = JSON.stringify([spec.container.image, user, runtime, seccomp, apparmorProfile]);
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
