// Observes, judges and prepares the folders and files of the host that a sandbox is made from: workspaces, owner markers, binds, profiles.
// Who should own a folder is decide/spec.ts's decision; removing workspaces is the sweep's.
import { constants } from "node:fs";
import { lstat, open, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isWithin, type Refusal, refusedBindSource, refusedInside, refusedWorkspace } from "../../api/config/bind-source.ts";
import type { HostFolders } from "../../api/config/config.ts";
import type { MountContext } from "../../api/config/rules-mounts.ts";
import type { NamedFolder, SandboxFolders } from "../../api/config/sandbox-folders.ts";
import { errnoOf } from "../../api/errno.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import { toPackageFile } from "../../api/package-file.ts";
import type { Mount } from "../../api/sandbox.ts";
import { readHandle, replaceFile } from "../../api/store/atomic-file.ts";
import { type Look, lookAside } from "../../api/store/folder-looks.ts";
import { type Owner, parseOwner, type SpecFacts } from "../decide/spec.ts";
import type { DesiredSandbox, WorkspaceFact } from "../decide/types.ts";
import { markerPath, OWNERS_FOLDER, type OwnerMarker } from "../records/owner-marker.ts";
import { isUnfinished, makeFolderFor, openOrMakeFolder, openOrMakeInside } from "./make-folder.ts";
import type { OpenFolder } from "./open-folder.ts";

/** What lies in a workspace may be a program that runs as its owner: other users of the host must not reach the folders of sandboxes. */
const ROOT_MODE = 0o700;
/** Above an agent's own workspace, which people work in too. */
const PARENT_MODE = 0o755;
/** Docker's own default profile is 14 KiB. */
const PROFILE_BYTES_MAX = 262_144;

/** What the host says of the folders and files that a sandbox is made from. Never rejects. */
export async function observeHost(
  desired: DesiredSandbox,
  context: MountContext,
  { look, lookUp }: HostLooks = PLAIN_LOOKS,
): Promise<Pick<SpecFacts, "workspace" | "seccomp" | "refusedMounts">> {
  const [workspace, seccomp, refusedMounts] = await Promise.all([
    observeWorkspace(desired, look),
    readProfile(profileOf(desired)),
    refuseMounts(desired, context, lookUp),
  ]);
  return { workspace, seccomp, refusedMounts };
}

/**
 * Chromium's own sandbox takes namespaces and chroot, which engines' profiles refuse. This one ships with the product, is narrower in everything
 * else, and is at the same place from the sources, the build and the image.
 */
export const BROWSER_SECCOMP_PATH = toPackageFile("images/sandbox-browser/seccomp.json");

const profileOf = ({ kind, settings: { browser, docker } }: DesiredSandbox): string | null =>
  kind === "browser" && !browser.noSandbox ? BROWSER_SECCOMP_PATH : docker.seccompProfile;

/** The state of the folders that the sandbox mounts: `missing` while any of them is not there. Never throws. */
export async function observeWorkspace(
  desired: Pick<DesiredSandbox, "workspace" | "agentDir">,
  look: Look = lookAside,
): Promise<WorkspaceFact> {
  const workspace = await observeFolder(desired.workspace.dir, look);
  if (workspace.kind !== "ready" || desired.agentDir === null) return workspace;
  const agent = await observeFolder(desired.agentDir, look);
  return agent.kind === "ready" ? workspace : agent;
}

async function observeFolder(path: string, look: Look = lookAside): Promise<WorkspaceFact> {
  try {
    const facts = await look(path);
    if (facts === null) return { kind: "missing" };
    if (facts.isSymbolicLink()) return { kind: "refused", message: `workspace ${path} is a symbolic link; use the folder itself` };
    if (!facts.isDirectory()) return { kind: "refused", message: `workspace ${path} is not a folder; move it away` };
    // A crash came between its making and its giving away.
    if (isUnfinished(facts)) return { kind: "missing" };
    return { kind: "ready", uid: facts.uid, gid: facts.gid, mode: facts.mode & 0o7777 };
  } catch (error) {
    return { kind: "refused", message: `workspace ${path} can't be read: ${renderError(error)}` };
  }
}

export interface WorkspaceOrder {
  desired: DesiredSandbox;
  owner: Owner;
  marker: OwnerMarker;
  /** What it is judged by where it may be made. */
  context: MountContext;
  lookUp: RealPath;
}

/**
 * Makes the folders that are missing, with the right owner before the engine could make them as root. Existing folders stay as they are.
 * @throws OperationError `HostRejected` when the host refuses
 */
export async function prepareWorkspace({ desired, owner, marker, ...judged }: WorkspaceOrder): Promise<void> {
  const { dir, purpose } = desired.workspace;
  try {
    await using parent = await openOrMakeParent(dir, purpose, judged);
    // A folder that somebody else put there stays somebody else's.
    const isMissing = (await observeFolder(join(parent.at, basename(dir)))).kind === "missing";
    if (isMissing && purpose === "scope") await writeMarker(parent, dir, marker);
    await makeFolderFor(parent, basename(dir), owner);
    if (desired.agentDir !== null) await makeAgentFolder(desired.agentDir, owner, judged);
  } catch (error) {
    throw new OperationError("HostRejected", `workspace ${dir} can't be created: ${renderError(error)}`, { cause: error });
  }
}

async function makeAgentFolder(dir: string, owner: Owner, judged: JudgedBy): Promise<void> {
  await using parent = await openOrMakeParent(dir, "agent", judged);
  await makeFolderFor(parent, basename(dir), owner);
}

type Purpose = DesiredSandbox["workspace"]["purpose"];
type JudgedBy = Pick<WorkspaceOrder, "context" | "lookUp">;

/** What agents only read is no place where a sandbox could put something: however many do, it is not looked at. */
async function openOrMakeParent(dir: string, purpose: Purpose, { context, lookUp }: JudgedBy): Promise<OpenFolder> {
  const { writable, roots } = await resolveSandboxFolders({ ...context.sandboxes, workspaces: [] }, lookUp);
  const root = await resolveDeepest(dirname(dir), lookUp);
  const others = roots.filter(({ path }) => purpose !== "scope" || path !== root);
  const refusal = refusedWorkspace(join(root, basename(dir)), await resolveFolders(context));
  if (refusal !== null) throw new OperationError("HostRejected", `it is really ${join(root, basename(dir))}: ${refusal.message}`);
  return await openOrMakeFolder(dirname(dir), purpose === "scope" ? ROOT_MODE : PARENT_MODE, async (place) => {
    const holder = [...writable, ...others].find(({ path }) => isWithin(place, path));
    return holder === undefined ? null : `${place} lies in ${holder.path}, ${holder.name}: a sandbox could replace it`;
  });
}

async function writeMarker(root: OpenFolder, workspaceDir: string, marker: OwnerMarker): Promise<void> {
  await using owners = await openOrMakeInside(root, OWNERS_FOLDER, ROOT_MODE);
  await replaceFile(join(owners.at, basename(markerPath(workspaceDir))), `${JSON.stringify(marker)}\n`, { durable: true });
}

/** Where a path leads to as the kernel sees it. null: to nothing. Never rejects. */
export type RealPath = (path: string) => Promise<string | null>;

export const lookUpRealPath: RealPath = (path) => realpath(path).catch(() => null);

/** By which the host's folders are looked at in every pass. */
export interface HostLooks {
  look: Look;
  lookUp: RealPath;
}

const PLAIN_LOOKS: HostLooks = { look: lookAside, lookUp: lookUpRealPath };

/** One look for all who ask while it is under way: passes that go on at the same time look at the few folders in which all workspaces lie. */
export function shareLookUps(lookUp: RealPath): RealPath {
  const underWay = new Map<string, Promise<string | null>>();
  return (path) => {
    const known = underWay.get(path);
    if (known !== undefined) return known;
    const looked = lookUp(path).finally(() => underWay.delete(path));
    underWay.set(path, looked);
    return looked;
  };
}

/**
 * Why the host's folders may not be seen in this sandbox as the config says: symlinks are resolved here, which the text alone can't show,
 * and they move, so it is asked in every pass and once more right before a container is made. null: they may. Never throws.
 */
export async function refuseMounts(
  desired: Pick<DesiredSandbox, "settings" | "workspace" | "agentDir">,
  folders: MountContext,
  lookUp: RealPath = lookUpRealPath,
): Promise<string | null> {
  for (const dir of [desired.workspace.dir, desired.agentDir]) {
    const refusal = dir === null ? null : await refuseWorkspaceDir(dir, folders, lookUp);
    if (refusal !== null) return refusal;
  }
  const [bind] = await refuseBinds(desired, folders, lookUp);
  return bind === undefined ? null : `docker.binds: ${bind.message}${bind.fix === undefined ? "" : ` (${bind.fix})`}`;
}

/** The text was judged when the config was loaded; here it is where a symlink above the folder leads to; the folder itself is none. */
export async function refuseWorkspaceDir(dir: string, folders: HostFolders, lookUp: RealPath = lookUpRealPath): Promise<string | null> {
  const path = join(await resolveDeepest(dirname(dir), lookUp), basename(dir));
  const refusal = path === dir ? null : refusedWorkspace(path, await resolveFolders(folders));
  return refusal === null ? null : `workspace ${dir} is really ${path}: ${refusal.message}`;
}

interface RefusedBind extends Refusal {
  /** Which of `docker.binds`. */
  index: number;
}

/** Each of its binds that is refused, and why; the message begins with the source. */
export async function refuseBinds(
  { settings }: Pick<DesiredSandbox, "settings">,
  folders: MountContext,
  lookUp: RealPath = lookUpRealPath,
): Promise<RefusedBind[]> {
  if (settings.docker.binds.length === 0) return [];
  const judged = await toBindJudge(settings, folders, lookUp);
  const refused: RefusedBind[] = [];
  for (const [index, { source, readOnly }] of settings.docker.binds.entries()) {
    const path = await lookUpRealPath(source);
    if (path === null) {
      refused.push({ index, message: `${source} does not exist; create it, or remove the bind` });
      continue;
    }
    const refusal = judged(path, readOnly);
    const really = path === source ? "" : ` is really ${path}, which`;
    if (refusal !== null) refused.push({ ...refusal, index, message: `${source}${really}: ${refusal.message}` });
  }
  return refused;
}

/** The rules for the sources of binds, with every folder that they speak of as the kernel sees it now. */
async function toBindJudge(
  settings: DesiredSandbox["settings"],
  context: MountContext,
  lookUp: RealPath,
): Promise<(path: string, readOnly: boolean) => Refusal | null> {
  const resolved = {
    ...(await resolveContext(context, lookUp)),
    workspaces: await Promise.all([settings.agentWorkspace, settings.workspaceRoot].map(resolve)),
    allowExternal: settings.docker.dangerouslyAllowExternalBindSources,
    engineSockets: [],
  };
  return (path, readOnly) => refusedBindSource(path, { ...resolved, readOnly });
}

/**
 * The same for what is mounted already, workspaces too: why this may not be. Whether a source may lie outside the workspaces was asked when
 * the config was loaded.
 */
export async function toSourceJudge(context: MountContext): Promise<(mount: Mount, path: string) => Refusal | null> {
  const resolved = await resolveContext(context, lookUpRealPath);
  return ({ kind, readOnly }, path) =>
    kind === "bind"
      ? refusedBindSource(path, { ...resolved, readOnly, workspaces: [], allowExternal: true, engineSockets: [] })
      : (refusedWorkspace(path, resolved) ?? refusedInside(path, resolved.sandboxes));
}

async function resolveContext({ home, stateDir, sandboxes }: MountContext, lookUp: RealPath): Promise<MountContext> {
  return { ...(await resolveFolders({ home, stateDir })), sandboxes: await resolveSandboxFolders(sandboxes, lookUp) };
}

/**
 * Whether no user of a sandbox can put something else in the place of `path` (real): every folder above it is root's, and nobody else may
 * write it. A user that is root, or that only the image knows, can.
 * @param users of sandboxes; null: whoever owns the workspace, never root
 */
export async function isFixedPath(path: string, users: readonly (string | null)[]): Promise<boolean> {
  if (users.some((user) => user !== null && (parseOwner(user)?.uid ?? 0) === 0)) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const facts = await lstat(folder);
    if (facts.uid !== 0 || (facts.mode & 0o022) !== 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function resolveSandboxFolders({ roots, workspaces, writable }: SandboxFolders, lookUp: RealPath): Promise<SandboxFolders> {
  const resolved = async (folders: readonly NamedFolder[]): Promise<NamedFolder[]> =>
    await Promise.all(folders.map(async ({ path, name }) => ({ path: await resolveDeepest(path, lookUp), name })));
  return { roots: await resolved(roots), workspaces: await resolved(workspaces), writable: await resolved(writable) };
}

/** As the kernel will see it; a path that is not there stays as it is written. */
const resolve = async (path: string): Promise<string> => (await lookUpRealPath(path)) ?? path;

async function resolveFolders({ home, stateDir }: HostFolders): Promise<HostFolders> {
  return { home: await resolve(home), stateDir: await resolve(stateDir) };
}

/** A path that is not there yet, by its deepest ancestor that is. */
async function resolveDeepest(path: string, lookUp: RealPath): Promise<string> {
  const real = await lookUp(path);
  if (real !== null || dirname(path) === path) return real ?? path;
  return join(await resolveDeepest(dirname(path), lookUp), basename(path));
}

/** Content of a seccomp profile; a file that is not JSON would confine nothing and say so only at start. */
export async function readProfile(path: string | null): Promise<SpecFacts["seccomp"]> {
  if (path === null) return { kind: "none" };
  const refuse = (why: string): SpecFacts["seccomp"] => ({ kind: "unreadable", message: `docker.seccompProfile ${path} ${why}` });
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return refuse("is not a file");
    // What was looked at is what is read: the name may mean something else by now.
    const read = await readHandle(file, PROFILE_BYTES_MAX);
    if (read.kind !== "read") return refuse(read.kind === "unreadable" ? read.message.replace(/^it /, "") : "does not exist");
    const profile: unknown = JSON.parse(read.text);
    return typeof profile === "object" && profile !== null && !Array.isArray(profile)
      ? { kind: "content", text: JSON.stringify(profile) }
      : refuse("is not a JSON object");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return refuse("does not exist");
    return refuse(error instanceof SyntaxError ? `is not JSON: ${error.message}` : `can't be read: ${renderError(error)}`);
  }
}
