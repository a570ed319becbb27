// Which folders and files of the host may never be seen in a sandbox. A pure predicate over paths.
// It resolves no symlinks: the resolved path is checked again right before a container is created.
import type { HostFolders } from "./config.ts";
import { NO_SANDBOX_FOLDERS, type SandboxFolders } from "./sandbox-folders.ts";

/** What a path is judged against. Give it written paths for a written path, and resolved paths for a resolved one. */
export interface BindSourceContext extends HostFolders {
  readonly readOnly: boolean;
  /** Folders from which binds need no permission: the agent's own workspace and the workspace root. */
  readonly workspaces: readonly string[];
  /** `dangerouslyAllowExternalBindSources`. */
  readonly allowExternal: boolean;
  /** What the sandboxes of all agents mount. */
  readonly sandboxes: SandboxFolders;
  /** Sockets that the controller knows of, beyond those recognised by name. */
  readonly engineSockets: readonly string[];
}

/** Why not: a clause for a person, and what to do where there is a way. */
export interface Refusal {
  readonly message: string;
  readonly fix?: string;
}

export const SYSTEM = ["/etc", "/proc", "/sys", "/dev", "/root", "/boot", "/run", "/var/run", "/var/lib", "/var/spool"];
export const SYSTEM_MACOS = [
  "/System",
  "/Library",
  "/private/etc",
  "/private/var/run",
  "/private/var/lib",
  "/private/var/spool",
  "/private/var/root",
  "/private/var/db",
  "/var/db",
  "/var/root",
];
const SYSTEM_REFUSED = [...SYSTEM, ...SYSTEM_MACOS].map(fold);
/** Read-only they show nothing that an image does not have; writable they are the host's programs. */
const PROGRAMS = /^\/(?:usr|bin|sbin|lib[^/]*|opt)(?:\/|$)/;
/** Refused under any parent: homes are not only where one expects them. */
export const CREDENTIALS: readonly string[] = [
  ".ssh",
  ".aws",
  ".docker",
  ".gnupg",
  ".config",
  ".npm",
  ".cargo",
  ".netrc",
  ".kube",
  ".azure",
  ".npmrc",
  ".git-credentials",
  ".password-store",
];
/** Folders in which other engines keep their sockets. */
export const ENGINE_FOLDERS: readonly string[] = [".colima", ".orbstack", ".rd", ".lima"];
/** Where engines without root keep images, containers and volumes; also the folders that hold just that. */
const ENGINE_DATA = /\/\.local(?:\/share(?:\/(?:docker|containers)(?:\/.*)?)?)?$/;
const HOMES = /^\/(?:home|users|var\/home|export\/home|usr\/home)(?:\/[^/]+)?$/;
const MACOS_LIBRARY = /^\/users\/[^/]+\/library(?:\/|$)/;
/** The state folder's own folders that people may bind: workspaces. Everything else there is the product's. */
const STATE_WORKSPACE = /^(?:workspaces?(?:[-_.][^/]*)?|sandboxes)(?:\/|$)/;

/** Case and Unicode form are ignored: on some hosts `/ETC` is `/etc`. */
export function fold(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** Whether a path in normal form is `folder` or lies in it. */
export const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
const overlaps = (left: string, right: string): boolean => isWithin(left, right) || isWithin(right, left);

/** Whether one of two container or host paths equals, contains or lies under the other. */
export const pathsOverlap = overlaps;

/** Why `path` (absolute, in normal form) may not be the source of a bind; null if it may. */
export function refusedBindSource(path: string, context: BindSourceContext): Refusal | null {
  const ours = isStateWorkspace(path, context);
  return (
    refusedAnywhere(path, context) ??
    (ours ? null : refusedSystem(path, context.readOnly)) ??
    (ours ? null : refusedHome(path, context)) ??
    refusedSwappable(path, context) ??
    refusedExternal(path, context)
  );
}

/**
 * Why `path` may not be an agent's workspace or hold scope workspaces; null if it may. Folders of the user's home are allowed
 * wherever the home is (root's too), so that `~/work` works for everybody.
 */
export function refusedWorkspace(path: string, context: HostFolders): Refusal | null {
  const full: BindSourceContext = {
    ...context,
    readOnly: false,
    workspaces: [path],
    allowExternal: true,
    sandboxes: NO_SANDBOX_FOLDERS,
    engineSockets: [],
  };
  const refusal = refusedAnywhere(path, full);
  if (refusal !== null || isStateWorkspace(path, context)) return refusal;
  const inHome = context.home !== "/" && path !== context.home && isWithin(path, context.home);
  return inHome ? null : (refusedSystem(path, false) ?? refusedHome(path, full));
}

function isStateWorkspace(path: string, { stateDir }: HostFolders): boolean {
  return path !== stateDir && isWithin(path, stateDir) && STATE_WORKSPACE.test(path.slice(stateDir.length + 1));
}

function refusedAnywhere(path: string, context: BindSourceContext): Refusal | null {
  const folded = fold(path);
  if (folded === "/") return { message: "the whole host cannot be mounted" };
  if (context.engineSockets.some((socket) => overlaps(folded, fold(socket))))
    return { message: "this is, or contains, the engine's socket: it gives full control of the host" };
  if (/\.sock$/.test(folded)) return { message: "sockets cannot be mounted: an engine's gives full control of the host" };
  const stateDir = fold(context.stateDir);
  const below = isWithin(folded, stateDir) ? folded.slice(stateDir.length + 1) : "";
  const segments = (isStateWorkspace(path, context) ? below : folded).split("/");
  const credential = segments.find((segment) => CREDENTIALS.includes(segment));
  if (credential !== undefined) return { message: `${credential} holds credentials` };
  if (segments.some((segment) => ENGINE_FOLDERS.includes(segment)))
    return { message: "this folder holds an engine's socket: it gives full control of the host" };
  if (ENGINE_DATA.test(folded)) return { message: "an engine of this user keeps its data here: every container's files" };
  if (overlaps(folded, stateDir) && !isStateWorkspace(path, context)) return { message: "this is, contains or lies in the state folder" };
  return null;
}

function refusedSystem(path: string, readOnly: boolean): Refusal | null {
  const folded = fold(path);
  const hit = SYSTEM_REFUSED.find((system) => overlaps(folded, system));
  if (hit !== undefined)
    return { message: isWithin(folded, hit) ? `${hit} belongs to the host` : `this contains ${hit}, which belongs to the host` };
  if (!readOnly && PROGRAMS.test(folded)) return { message: "these are the host's programs", fix: "append :ro" };
  return null;
}

function refusedHome(path: string, context: BindSourceContext): Refusal | null {
  const folded = fold(path);
  const isHome = HOMES.test(folded) || isWithin(fold(context.home), folded);
  if (isHome) return { message: "this contains a home with its credentials", fix: "mount a folder inside it" };
  return MACOS_LIBRARY.test(folded) ? { message: "a home's Library holds credentials" } : null;
}

/**
 * The engine looks a path up anew at each start, and whoever may write a folder decides what is found in it by then: no source lies in what
 * a sandbox may write, and nothing that a sandbox may write has a workspace in it.
 */
function refusedSwappable(path: string, { sandboxes, readOnly }: BindSourceContext): Refusal | null {
  const folded = fold(path);
  const root = sandboxes.roots.find((folder) => isWithin(folded, fold(folder.path)));
  if (root !== undefined) return { message: `this is or lies in ${root.path}, ${root.name}`, fix: "mount a folder outside of it" };
  const outer = refusedInside(path, sandboxes);
  if (outer !== null) return outer;
  const inner = readOnly
    ? undefined
    : [...sandboxes.roots, ...sandboxes.workspaces].find((folder) => fold(folder.path) !== folded && isWithin(fold(folder.path), folded));
  if (inner === undefined) return null;
  return {
    message: `this contains ${inner.path}, ${inner.name}: a sandbox could replace it with a symlink, and the engine would mount the symlink's target`,
    fix: "append :ro, or mount another folder",
  };
}

/** Why `path` may not be mounted, whatever for: it lies in what a sandbox may write. null: it does not. */
export function refusedInside(path: string, { writable }: SandboxFolders): Refusal | null {
  const folded = fold(path);
  const outer = writable.find((folder) => fold(folder.path) !== folded && isWithin(folded, fold(folder.path)));
  if (outer === undefined) return null;
  return {
    message: `this lies in ${outer.path}, ${outer.name}: a sandbox could replace it with a symlink, and the engine would mount the symlink's target`,
    fix: `mount the whole of ${outer.path}, or a folder outside of it`,
  };
}

function refusedExternal(path: string, context: BindSourceContext): Refusal | null {
  if (context.allowExternal || context.workspaces.some((workspace) => isWithin(path, workspace))) return null;
  return { message: "this lies outside the workspaces", fix: "set docker.dangerouslyAllowExternalBindSources: true if you mean it" };
}
