// Judges what a probe saw: whether the engine and this machine mean the same folders, whether commands run where the container is, and
// whether its user can write where it should. Pure: reports in, findings out.
import { quotePath } from "../../api/config/sources.ts";
import { type Finding, fail, ok, warn } from "../../api/finding.ts";
import { parseOwner } from "../decide/spec.ts";
import { judgeSpace } from "./host-checks.ts";
import type { ProbeReport } from "./probe.ts";

type Looked = Extract<ProbeReport["outcome"], { kind: "looked" }>;

/** @param endpoint where the engine was found */
export function judgeProbes(reports: readonly ProbeReport[], endpoint: string): Finding[] {
  return toDistinct(reports.flatMap((report) => judgeProbe(report, endpoint)));
}

function judgeProbe(report: ProbeReport, endpoint: string): Finding[] {
  const { target, outcome } = report;
  const who = `agent ${target.agents.join(", ")}`;
  if (outcome.kind === "failed") {
    const { message, code, fix } = outcome.error;
    const isMount = code === "SpecRejected" && /bind source path does not exist|invalid mount config/i.test(message);
    if (isMount) return [judgeMapping(false, endpoint)];
    const edit = fix ?? "edit the key that the message names, or see the engine's log: journalctl -u docker";
    return [fail("probe", `a container like those of ${who} can't run: ${message}`, edit)];
  }
  const ran = ok("probe", `a container like those of ${who} runs, as user ${target.container.user}`);
  const mapping = judgeMapping(outcome.mainSees, endpoint);
  const space =
    outcome.space === null
      ? []
      : judgeSpace("storage", "where the engine keeps containers", { ...outcome.space, freeFiles: 0, totalFiles: 0 });
  if (!outcome.mainSees) return [ran, mapping, ...space];
  return [ran, mapping, judgeExecRoot(outcome), ...(outcome.execSees ? judgeWorkspaces(report, outcome) : []), ...space];
}

/** The same folder path must mean the same folder to both. */
function judgeMapping(isSame: boolean, endpoint: string): Finding {
  if (isSame) return ok("path-mapping", "containers see this machine's files, and this machine sees theirs");
  const message = `the engine at ${endpoint} does not see this machine's folders: workspaces would be different folders, or missing`;
  const fix = /^unix:/.test(endpoint)
    ? "run the controller where the engine runs, or share the state folder with it under the same path"
    : "run the controller on the engine's machine; DOCKER_HOST to another machine can't mount folders of this one";
  return fail("path-mapping", message, fix);
}

function judgeExecRoot({ execSees }: Looked): Finding {
  if (execSees) return ok("exec-root", "a command run in a container sees the container's files");
  const message = "a command run in a container sees another root than the container's: tools would read and write outside it";
  return fail("exec-root", message, "don't run the engine in a chroot; scripts/ensure-engine.sh starts one with a root of its own");
}

function judgeWorkspaces({ target }: ProbeReport, { unwritable, unreadable }: Looked): Finding[] {
  const { user } = target.container;
  const hidden = unreadable.map((dir) => {
    const message = `user ${user} can't read ${dir}, which workspaceAccess "ro" mounts at /agent`;
    return fail("workspaces", message, `chmod -R a+rX ${quotePath(dir)}`);
  });
  if (target.workspaces.length === 0) return [ok("workspaces", `agent ${target.agents.join(", ")}: created with the sandbox`)];
  if (unwritable.length === 0) return [...hidden, ok("workspaces", `user ${user} can write to ${renderPaths(target.workspaces)}`)];
  const owner = parseOwner(user);
  const locked = unwritable.map((dir) => {
    const fix = owner === null ? `chown ${dir} to the image's user ${user}` : `chown -R ${owner.uid}:${owner.gid} ${quotePath(dir)}`;
    return fail("workspaces", `user ${user} can't write to ${dir}, which the container's user must be able to do`, fix);
  });
  return [...hidden, ...locked];
}

const PATHS_SHOWN_MAX = 3;

function renderPaths(paths: readonly string[]): string {
  const more = paths.length - PATHS_SHOWN_MAX;
  return `${paths.slice(0, PATHS_SHOWN_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function toDistinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.check} ${finding.message}`, finding])).values()];
}

export function judgeSkipped(count: number): Finding[] {
  return count === 0
    ? []
    : [warn("probe", `${count} more combinations of image and user were not tested`, "none needed: each test starts a container")];
}
