// What this host, as it is now, would refuse of a config that is valid by itself: folders, links and files that a text can't show. Each is a
// warning at its key's place. The judgements are those of a pass; what only the engine knows (images, AppArmor) is the doctor's.
import type { EpochMs } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveSandbox } from "../../api/config/effective.ts";
import { Reporter } from "../../api/config/reporter.ts";
import type { MountContext } from "../../api/config/rules-mounts.ts";
import { toSandboxFolders } from "../../api/config/sandbox-folders.ts";
import type { Issue } from "../../api/issue.ts";
import { toDefaultInstance } from "../../api/names.ts";
import { blockerOf } from "../decide/blocker.ts";
import { type Owner, resolveSpec } from "../decide/spec.ts";
import type { DesiredSandbox, WorkspaceFact } from "../decide/types.ts";
import { toMainSandbox } from "../decide/wanted.ts";
import { observeWorkspace, readProfile, refuseBinds, refuseWorkspaceDir } from "../folders/host-folders.ts";
import { KnownNames } from "../records/known-names.ts";

export interface HostIssueParts {
  folders: HostFolders;
  /** Who the controller would run as. */
  owner: Owner;
  now: EpochMs;
}

/** Also for agents that are not sandboxed yet: their sessions may be, by another mode. Rejects only for bugs. */
export async function findHostIssues(config: Config, parts: HostIssueParts): Promise<Issue[]> {
  const { folders } = parts;
  const { slugOf } = new KnownNames(toDefaultInstance(folders.stateDir), []);
  const reporter = new Reporter(config);
  const sandboxes = config.agents.map((agent) => resolveSandbox(config, agent, folders));
  const context = { ...folders, sandboxes: toSandboxFolders(sandboxes) };
  for (const sandbox of sandboxes) {
    const desired = toMainSandbox(slugOf, sandbox);
    await reportBinds(sandbox, desired, context, reporter);
    await reportProfile(sandbox, reporter);
    await reportFolders(sandbox, desired, parts, reporter);
  }
  return reporter.issues;
}

const warning = (message: string, fix?: string) => ({
  severity: "warning" as const,
  message: `on this host, ${message}`,
  ...(fix === undefined ? {} : { fix }),
});

async function reportBinds(sandbox: EffectiveSandbox, desired: DesiredSandbox, context: MountContext, reporter: Reporter): Promise<void> {
  for (const { index, message, fix } of await refuseBinds(desired, context))
    reporter.addFor(sandbox, `docker.binds[${index}]`, warning(message, fix));
}

async function reportProfile(sandbox: EffectiveSandbox, reporter: Reporter): Promise<void> {
  const profile = await readProfile(sandbox.docker.seccompProfile);
  if (profile.kind !== "unreadable") return;
  // In a condition the key stands before the message; here the place does.
  reporter.addFor(sandbox, "docker.seccompProfile", warning(profile.message.replace(/^docker\.seccompProfile /, "")));
}

/** Folders that are missing are made when they are needed. */
async function reportFolders(sandbox: EffectiveSandbox, desired: DesiredSandbox, parts: HostIssueParts, reporter: Reporter): Promise<void> {
  const { workspace, agentDir } = desired;
  const report = (key: FolderKey, message: string): void => reporter.add(toFolderKey(sandbox, key), warning(message));
  const found = await refusedFolder(workspace.dir, parts.folders);
  const refusal = found.refusal ?? refusedUser(desired, found.fact, parts);
  if (refusal !== null) report(workspace.purpose === "agent" ? "agentWorkspace" : "workspaceRoot", refusal);
  const agent = agentDir === null ? null : (await refusedFolder(agentDir, parts.folders)).refusal;
  if (agent !== null) report("agentWorkspace", agent);
}

async function refusedFolder(dir: string, folders: HostFolders): Promise<{ fact: WorkspaceFact; refusal: string | null }> {
  const fact = await observeWorkspace({ workspace: { dir, purpose: "agent" }, agentDir: null });
  const refusal = (await refuseWorkspaceDir(dir, folders)) ?? (fact.kind === "refused" ? fact.message : null);
  return { fact, refusal };
}

/** Whether the container's user could write there; the image's own user, which only the engine knows, is not judged. */
function refusedUser(desired: DesiredSandbox, workspace: WorkspaceFact, { owner, now }: HostIssueParts): string | null {
  const facts = { workspace, image: { kind: "missing" }, seccomp: { kind: "none" }, refusedMounts: null, appArmor: true } as const;
  const spec = resolveSpec(desired, { ...facts, controller: owner }, null);
  return spec.kind === "blocked" ? spec.message : (blockerOf({ image: null, workspace, want: { desired }, now }, spec)?.message ?? null);
}

type FolderKey = "agentWorkspace" | "workspaceRoot";

/** Where the config says which folder it is. Empty: it is a default, and the whole file is meant. */
function toFolderKey({ provenance }: EffectiveSandbox, key: FolderKey): string {
  const source = provenance.get(key);
  return source?.kind === "config" ? source.path : "";
}
