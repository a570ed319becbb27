// Rules about what a container sees of the host, and where: bind sources and targets, tmpfs targets, the workdir.
// The source folders themselves are judged by bind-source.ts.
import { isWithin, pathsOverlap, refusedBindSource, refusedWorkspace } from "./bind-source.ts";
import type { HostFolders } from "./config.ts";
import { type EffectiveSandbox, toConfigKey } from "./effective.ts";
import type { Reporter } from "./reporter.ts";
import type { SandboxFolders } from "./sandbox-folders.ts";
import type { BindMount } from "./values.ts";

/** Where the agent workspace is with access `ro`. */
export const AGENT_MOUNT = "/agent";
/** The kernel's; the engine mounts them itself. */
const KERNEL = ["/proc", "/sys", "/dev"];

/** What a bind is judged against beside its own text. */
export interface MountContext extends HostFolders {
  /** What the sandboxes of all agents mount. */
  readonly sandboxes: SandboxFolders;
}

export function checkMounts(sandbox: EffectiveSandbox, folders: MountContext, reporter: Reporter): void {
  checkWorkdir(sandbox, reporter);
  checkTmpfs(sandbox, reporter);
  checkBinds(
    sandbox,
    sandbox.docker.binds.map((bind, index) => ({ key: `docker.binds[${index}]`, bind })),
    folders,
    reporter,
  );
  if (sandbox.provenance.get("browser.binds")?.kind === "config")
    checkBinds(
      sandbox,
      sandbox.browser.binds.map((bind) => ({ key: "browser.binds", bind })),
      folders,
      reporter,
    );
  const refusal = sandbox.provenance.get("workspaceRoot")?.kind === "config" ? refusedWorkspace(sandbox.workspaceRoot, folders) : null;
  if (refusal !== null)
    reporter.addFor(sandbox, "workspaceRoot", { severity: "error", ...refusal, message: `cannot contain workspaces: ${refusal.message}` });
}

function checkWorkdir(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const { workdir } = sandbox.docker;
  const error = (message: string) => reporter.addFor(sandbox, "docker.workdir", { severity: "error", message, fix: 'write "/workspace"' });
  if (workdir === "/") error("the workspace cannot be mounted over the container's root");
  else if (pathsOverlap(workdir, AGENT_MOUNT)) error(`${AGENT_MOUNT} is where the agent workspace is mounted`);
  else if (KERNEL.some((path) => pathsOverlap(workdir, path))) error("the kernel's folders cannot be replaced");
}

/** Why nothing may be mounted at `target`; null if it may. */
function refusedTarget(sandbox: EffectiveSandbox, target: string): { message: string; fix?: string } | null {
  if (KERNEL.some((path) => target === path || target.startsWith(`${path}/`)) && target !== "/dev/shm")
    return { message: `${target} is the kernel's and cannot be mounted over` };
  if (sandbox.docker.dangerouslyAllowReservedContainerTargets) return null;
  // A workdir of "/" is an error of its own and would make every target one.
  const reserved = target === "/" ? "/" : [sandbox.docker.workdir, AGENT_MOUNT].find((path) => path !== "/" && pathsOverlap(target, path));
  if (reserved === undefined) return null;
  return {
    message: `the target ${target} is, contains or lies under ${reserved}, which is reserved`,
    fix: `choose another, or set ${toConfigKey(sandbox, "docker.dangerouslyAllowReservedContainerTargets")}: true if you mean it`,
  };
}

interface KeyedBind {
  key: string;
  bind: BindMount;
}

function checkBinds(sandbox: EffectiveSandbox, binds: readonly KeyedBind[], folders: MountContext, reporter: Reporter): void {
  for (const each of binds) checkBind(sandbox, each, folders, reporter);
  const tmpfs = sandbox.docker.tmpfs.map(({ path }) => ({ key: "docker.tmpfs", target: path, bind: null }));
  checkOverlaps(sandbox, [...tmpfs, ...binds.map(({ key, bind }) => ({ key, target: bind.target, bind }))], reporter);
}

interface Placed {
  key: string;
  target: string;
  /** null: a tmpfs. */
  bind: BindMount | null;
}

/** Links that the images people use have: the engine follows them, and two names are one place. */
const LINKED: readonly (readonly [link: string, place: string])[] = [
  ["/var/run", "/run"],
  ["/var/lock", "/run/lock"],
];

function toPlace(target: string): string {
  const linked = LINKED.find(([link]) => isWithin(target, link));
  return linked === undefined ? target : `${linked[1]}${target.slice(linked[0].length)}`;
}

/**
 * The engine mounts outer targets before inner ones, in whatever order they are written, so an inner one is always seen. Of two at one
 * place only one is. For a target inside a bind the engine makes a folder on the host, as root, where it is missing.
 */
function checkOverlaps(sandbox: EffectiveSandbox, all: readonly Placed[], reporter: Reporter): void {
  for (const [index, { key, target, bind }] of all.entries()) {
    const place = toPlace(target);
    const twin = all.slice(0, index).find((other) => toPlace(other.target) === place);
    if (twin !== undefined) {
      const message = `${toConfigKey(sandbox, twin.key)} also mounts ${twin.target}, the same place as ${target}: only one would be visible`;
      reporter.addFor(sandbox, key, { severity: "error", message, fix: "remove one of them" });
    }
    const outer = all.find(
      (other) => other.bind !== null && other.target !== "/" && other.bind !== bind && isBelow(place, toPlace(other.target)),
    );
    if (outer?.bind != null) reporter.addFor(sandbox, key, { severity: "warning", ...insideBind(target, outer.bind) });
  }
}

const isBelow = (path: string, folder: string): boolean => path !== folder && isWithin(path, folder);

function insideBind(target: string, outer: BindMount): { message: string; fix: string } {
  const folder = `${outer.source}${toPlace(target).slice(toPlace(outer.target).length)}`;
  const message = outer.readOnly
    ? `${target} lies inside the read-only bind of ${outer.source}: no container can start unless ${folder} exists`
    : `${target} lies inside the bind of ${outer.source}: the engine creates ${folder} on the host, as root, if it is missing`;
  return { message, fix: "create that folder first, or choose a target outside" };
}

function checkBind(sandbox: EffectiveSandbox, { key, bind }: KeyedBind, folders: MountContext, reporter: Reporter): void {
  const refusal = refusedBindSource(bind.source, {
    ...folders,
    readOnly: bind.readOnly,
    workspaces: [sandbox.agentWorkspace, sandbox.workspaceRoot],
    allowExternal: sandbox.docker.dangerouslyAllowExternalBindSources,
    engineSockets: [],
  });
  const report = (finding: { message: string; fix?: string }) => reporter.addFor(sandbox, key, { severity: "error", ...finding });
  if (refusal !== null) report({ ...refusal, message: `the source ${bind.source} is refused: ${refusal.message}` });
  const target = refusedTarget(sandbox, bind.target);
  if (target !== null) report(target);
}

function checkTmpfs(sandbox: EffectiveSandbox, reporter: Reporter): void {
  for (const { path, options } of sandbox.docker.tmpfs) {
    const refusal = refusedTarget(sandbox, path);
    if (refusal !== null) reporter.addFor(sandbox, "docker.tmpfs", { severity: "error", ...refusal });
    if (!/(?:^|,)size=/.test(options))
      reporter.addFor(sandbox, "docker.tmpfs", {
        severity: "warning",
        message: `${path} has options without a size, so it may grow to half of the host's memory`,
        fix: 'add "size=256m"',
      });
  }
}
