// Finds out, for each way in which browsers would run, whether Chromium's own sandbox works there: it takes what engines' default profiles, and some
// kernels, refuse. A container runs for a moment with the browser's own confinement; nothing is left behind.
import { text } from "node:stream/consumers";
import type { HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, toConfigKey } from "../../api/config/effective.ts";
import { toSandboxFolders } from "../../api/config/sandbox-folders.ts";
import { OperationError } from "../../api/errors.ts";
import { type Finding, fail, ok, warn } from "../../api/finding.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import { type Owner, resolveSpec } from "../decide/spec.ts";
import { toDesiredBrowser, toMainSandbox } from "../decide/wanted.ts";
import type { Engine } from "../engine/engine.ts";
import { observeHost } from "../folders/host-folders.ts";

/** Each costs a container's start. */
const PROBES_MAX = 2;
/** What Chromium's own sandbox begins with (images/sandbox-browser/entrypoint.sh). */
const TRY = "unshare --user --map-root-user --pid --net --fork chroot / true";

export interface BrowserExamination {
  folders: HostFolders;
  owner: Owner;
  engine: Engine;
}

/** Nothing where no agent has a browser, or its image is missing, which is said elsewhere. */
export async function examineBrowsers(parts: BrowserExamination, sandboxes: readonly EffectiveSandbox[]): Promise<Finding[]> {
  const enabled = sandboxes.filter(({ mode, browser }) => mode !== "off" && browser.enabled);
  const without = enabled.filter(({ browser }) => browser.noSandbox);
  const findings = without.map((sandbox) =>
    warn(
      "browsers",
      `agent ${sandbox.agentId}: its browser runs without Chromium's own sandbox: the container alone confines pages`,
      `remove ${toConfigKey(sandbox, "browser.noSandbox")} where this check finds that it works`,
    ),
  );
  const byConfinement = new Map<string, { agentId: string; spec: ContainerSpec }>();
  for (const sandbox of enabled.filter(({ browser }) => !browser.noSandbox)) {
    const spec = await specOf(parts, sandbox, sandboxes);
    if (spec === null) continue;
    const { image, user, runtime, seccomp, apparmorProfile } = spec;
    const key = JSON.stringify([image, user, runtime, seccomp, apparmorProfile]);
    if (!byConfinement.has(key)) byConfinement.set(key, { agentId: sandbox.agentId, spec });
  }
  const tried = [...byConfinement.values()].slice(0, PROBES_MAX);
  return [...findings, ...(await Promise.all(tried.map(({ agentId, spec }) => tryIn(parts.engine, agentId, spec))))];
}

/** null: it can't be made, for a reason that other checks tell. */
async function specOf(
  { folders, owner, engine }: BrowserExamination,
  sandbox: EffectiveSandbox,
  sandboxes: readonly EffectiveSandbox[],
): Promise<ContainerSpec | null> {
  const desired = toDesiredBrowser(
    "probe",
    toMainSandbox(() => "probe", sandbox),
  );
  const image = await engine.resolveImage(desired.settings.docker.image);
  if (image.kind === "missing") return null;
  const host = await observeHost(desired, { ...folders, sandboxes: toSandboxFolders(sandboxes) });
  const spec = resolveSpec(desired, { image, ...host, appArmor: engine.capabilities.appArmor, controller: owner }, null);
  return spec.kind === "ready" ? spec.container : null;
}

async function tryIn(engine: Engine, agentId: string, spec: ContainerSpec): Promise<Finding> {
  const bare = { ...spec, network: "none", env: { HOME: "/" }, mounts: [], setupCommand: null, workdir: "/" };
  try {
    const said = await engine.probe({ spec: bare, script: ":" }, async (handle) => {
      const stream = await engine.exec(handle, { argv: ["sh", "-c", `${TRY} && echo works`], stdin: false });
      const [output] = await Promise.all([text(stream.stdout), text(stream.stderr), stream.exit]);
      return output;
    });
    if (said.trim() === "works") return ok("browsers", `agent ${agentId}: Chromium's own sandbox works in its browser`);
    return fail(
      "browsers",
      `agent ${agentId}: Chromium's own sandbox can't work in its browser: the engine or the kernel refuses user namespaces or chroot`,
      "sysctl -w user.max_user_namespaces=15000 kernel.apparmor_restrict_unprivileged_userns=0; or set browser.noSandbox: true, and the container alone confines pages",
    );
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return fail("browsers", `a container like the browser of agent ${agentId} can't run: ${error.message}`, error.fix ?? "openclaw doctor");
  }
}
