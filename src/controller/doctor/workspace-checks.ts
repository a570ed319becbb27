// Examines the folders that sandboxes write to: who else on this machine can reach them, what in them runs as its owner, and
// how much space they use. It changes nothing; whether a container's user can write there is probe-checks.ts's.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { quotePath } from "../../api/config/sources.ts";
import { type Finding, ok, warn } from "../../api/finding.ts";
import { type FolderSurvey, surveyFolder } from "../folders/folder-size.ts";

/** A sandbox's or an agent's. */
export interface WorkspaceFacts {
  path: string;
  uid: number;
  survey: FolderSurvey;
  /** `docker.workspaceSize` in bytes. null: unlimited. */
  sizeMax: number | null;
}

export interface RootFacts {
  path: string;
  /** Permission bits. */
  mode: number;
}

/** A doctor is waited for: some seconds, whatever lies there. */
const ENTRIES_MAX = 300_000;
const LOOK_MS_MAX = 10_000;
const WORKSPACES_MAX = 1_000;
const REACHED_BY_OTHERS = 0o077;
const BYTES_PER_MIB = 2 ** 20;

export async function examineWorkspaces(sandboxes: readonly EffectiveSandbox[]): Promise<Finding[]> {
  const roots = [...new Set(sandboxes.map(({ workspaceRoot }) => workspaceRoot))];
  const limits = { entries: ENTRIES_MAX, signal: AbortSignal.timeout(LOOK_MS_MAX) };
  const sizes = new Map<string, number | null>();
  for (const { agentWorkspace, docker } of sandboxes) if (!sizes.has(agentWorkspace)) sizes.set(agentWorkspace, docker.workspaceSize);
  for (const root of roots) {
    const size = sandboxes.find(({ workspaceRoot }) => workspaceRoot === root)?.docker.workspaceSize ?? null;
    // What begins with a dot is the controller's.
    const names = (await readdir(root).catch(() => [])).filter((name) => !name.startsWith("."));
    for (const name of names.slice(0, WORKSPACES_MAX)) sizes.set(join(root, name), size);
  }
  const workspaces: WorkspaceFacts[] = [];
  for (const [path, sizeMax] of sizes) {
    const facts = await lstat(path).catch(() => null);
    if (facts?.isDirectory() === true) workspaces.push({ path, uid: facts.uid, survey: await surveyFolder(path, limits), sizeMax });
  }
  return judgeWorkspaceFolders(await observeRoots(roots), workspaces);
}

async function observeRoots(roots: readonly string[]): Promise<RootFacts[]> {
  const found = await Promise.all(roots.map(async (path) => ({ path, facts: await lstat(path).catch(() => null) })));
  return found.flatMap(({ path, facts }) => (facts?.isDirectory() === true ? [{ path, mode: facts.mode & 0o7777 }] : []));
}

export function judgeWorkspaceFolders(roots: readonly RootFacts[], workspaces: readonly WorkspaceFacts[]): Finding[] {
  const findings = [...roots.flatMap(judgeRoot), ...workspaces.flatMap(judgeWorkspace)];
  const bytes = workspaces.reduce((sum, { survey }) => sum + survey.bytes, 0);
  const atLeast = workspaces.every(({ survey }) => survey.complete) ? "" : "at least ";
  const total = `${workspaces.length} ${workspaces.length === 1 ? "workspace uses" : "workspaces use"} ${atLeast}${renderMebibytes(bytes)}`;
  return findings.length > 0 || workspaces.length === 0 ? findings : [ok("workspace-files", total)];
}

function judgeRoot({ path, mode }: RootFacts): Finding[] {
  if ((mode & REACHED_BY_OTHERS) === 0) return [];
  const message = `other users of this machine can reach the sandboxes' files in ${path} (mode ${mode.toString(8).padStart(4, "0")}), and a setuid program that an agent leaves there runs as its owner for whoever starts it`;
  return [warn("workspace-files", message, `chmod 0700 ${quotePath(path)}`)];
}

function judgeWorkspace({ path, uid, survey, sizeMax }: WorkspaceFacts): Finding[] {
  const findings: Finding[] = [];
  if (survey.setuidFiles > 0) {
    const message = `${survey.setuidFiles} ${survey.setuidFiles === 1 ? "file" : "files"} with the setuid or setgid bit in ${path}: whoever can reach and start one runs it as its owner`;
    // As the owner: a link that is put in a file's place meanwhile then leads to nothing that is not theirs.
    findings.push(
      warn("workspace-files", message, `sudo -u '#${uid}' find ${quotePath(path)} -xdev -type f -perm /6000 -exec chmod ug-s {} +`),
    );
  }
  if (sizeMax !== null && survey.bytes > sizeMax) {
    const message = `${path} uses ${renderMebibytes(survey.bytes)}, more than its docker.workspaceSize of ${renderMebibytes(sizeMax)}`;
    findings.push(warn("workspace-files", message, "remove files there, or raise docker.workspaceSize"));
  }
  return findings;
}

const renderMebibytes = (bytes: number): string => `${(bytes / BYTES_PER_MIB).toFixed(1)} MiB`;
