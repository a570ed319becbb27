// Rules about what a container sees of the host, and where: bind sources and targets, tmpfs targets, the workdir.
// The source folders themselves are judged by bind-source.ts.
import { pathsOverlap, refusedBindSource, refusedWorkspace } from "./bind-source.ts";
import type { HostFolders } from "./config.ts";
import { type EffectiveSandbox, toConfigKey } from "./effective.ts";
import type { Reporter } from "./reporter.ts";
import type { BindMount } from "./values.ts";

/** Where the agent workspace is with access `ro`. */
export const AGENT_MOUNT = "/agent";
/** The kernel's; the engine mounts them itself. */
const KERNEL = ["/proc", "/sys", "/dev"];

export function checkMounts(sandbox: EffectiveSandbox, folders: HostFolders, reporter: Reporter): void {
  checkWorkdir(sandbox, reporter);
  checkTmpfs(sandbox, reporter);
  for (const [index, bind] of sandbox.docker.binds.entries())
    checkBind(sandbox, { key: `docker.binds[${index}]`, bind }, folders, reporter);
  if (sandbox.provenance.get("browser.binds")?.kind === "config")
    for (const bind of sandbox.browser.binds) checkBind(sandbox, { key: "browser.binds", bind }, folders, reporter);
  const refusal = sandbox.provenance.get("workspaceRoot")?.kind === "config" ? refusedWorkspace(sandbox.workspaceRoot, folders) : null;
  if (refusal !== null)
    reporter.addFor(sandbox, "workspaceRoot", { severity: "error", ...refusal, message: `cannot hold workspaces: ${refusal.message}` });
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

function checkBind(
  sandbox: EffectiveSandbox,
  { key, bind }: { key: string; bind: BindMount },
  folders: HostFolders,
  reporter: Reporter,
): void {
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
  if (sandbox.docker.tmpfs.some((mount) => mount.path === bind.target))
    report({ message: `docker.tmpfs mounts ${bind.target} too`, fix: "remove one of them" });
}

function checkTmpfs(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const seen = new Set<string>();
  for (const { path, options } of sandbox.docker.tmpfs) {
    const refusal = refusedTarget(sandbox, path);
    if (refusal !== null) reporter.addFor(sandbox, "docker.tmpfs", { severity: "error", ...refusal });
    if (seen.has(path))
      reporter.addFor(sandbox, "docker.tmpfs", { severity: "error", message: `${path} is there twice`, fix: "remove one of them" });
    seen.add(path);
    if (!/(?:^|,)size=/.test(options))
      reporter.addFor(sandbox, "docker.tmpfs", {
        severity: "warning",
        message: `${path} has options without a size, so it may grow to half of the memory`,
        fix: 'add "size=256m"',
      });
  }
}
