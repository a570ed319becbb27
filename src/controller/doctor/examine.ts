// Examines everything that sandboxes need from this machine: the engine, the host and a probe container, each judged by its own checks.
// It changes nothing that outlives it. Whether a controller runs, and how the findings look, is the caller's.
import { tmpdir } from "node:os";
import type { EpochMs } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveSandbox } from "../../api/config/effective.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import { CHECKS, type Finding, fail, ok, warn } from "../../api/finding.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { ConfigView, ControllerView, UnownedObject } from "../../api/wire.ts";
import type { Owner } from "../decide/spec.ts";
import type { Engine } from "../engine/engine.ts";
import { examineBrowsers } from "./browser-checks.ts";
import { judgeConfig, judgeImages, type NamedImage } from "./config-checks.ts";
import { judgeConfinement } from "./confinement-checks.ts";
import { judgeEgress } from "./egress-checks.ts";
import { judgeEngine, judgeNoEngine } from "./engine-checks.ts";
import { judgeHost } from "./host-checks.ts";
import { type HostFacts, observeHost } from "./host-facts.ts";
import { probe, removeLeftovers } from "./probe.ts";
import { judgeProbes, judgeSkipped } from "./probe-checks.ts";
import { findTargets } from "./probe-targets.ts";
import { examineWorkspaces } from "./workspace-checks.ts";

export interface ExamineParts {
  now(): EpochMs;
  folders: HostFolders;
  /** Who runs containers here. */
  owner: Owner;
  engine(): Promise<Engine>;
  /** In force. null: none was ever valid; the defaults are tried then. */
  config: Config | null;
  configView: Pick<ConfigView, "file" | "ok" | "issues">;
}

/** What a running controller knows beside it. */
export interface ControllerFacts {
  view: ControllerView;
  unowned(): Promise<readonly UnownedObject[]>;
  /** Every sandbox that is spoken of. */
  sandboxes: readonly Pick<Sandbox, "metadata" | "status">[];
  /** About its own files. */
  damaged: readonly Finding[];
}

/** Each costs a container's start: some 0.2 s. */
const PROBES_MAX = 4;

/** Rejects only for bugs: what is wrong with the world is a finding. In the order of the checks. */
export async function examine(parts: ExamineParts, controller: ControllerFacts | null): Promise<Finding[]> {
  const { folders, config, configView } = parts;
  const host = await observeHost(folders.stateDir);
  const judged = config ?? emptyConfig(folders);
  const sandboxes = judged.agents.map((agent) => resolveSandbox(judged, agent, folders));
  const findings = [
    ...judgeConfig(configView),
    ...judgeHost(folders.stateDir, host),
    ...(await examineEngine(parts, sandboxes, host)),
    ...(await examineWorkspaces(sandboxes)),
    ...(controller === null ? [] : await examineController(controller)),
  ];
  const order = Object.keys(CHECKS);
  return findings.toSorted((left, right) => order.indexOf(left.check) - order.indexOf(right.check));
}

/** Without a config the defaults are tried: that is what the first one will be close to. */
function emptyConfig(folders: HostFolders): Config {
  const parsed = parseConfig(toSources("{}"), { ...folders, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error("an empty config is valid");
  return parsed.value;
}

async function examineEngine(parts: ExamineParts, sandboxes: readonly EffectiveSandbox[], host: HostFacts): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const engine = await parts.engine();
    const info = await engine.info();
    findings.push(...judgeEngine(info, parts.now()));
    const { ignoredLimits } = engine.capabilities;
    findings.push(...judgeConfinement({ info, ignoredLimits, kernelAppArmor: host.kernelAppArmor, sandboxes }));
    findings.push(...judgeImages(await observeImages(engine, sandboxes)));
    // The doctor makes no state folder: where there is none yet, the file that a container must see is put elsewhere.
    const folder = host.folders.length > 0 ? parts.folders.stateDir : tmpdir();
    findings.push(...(await examineInside({ ...parts, folder, endpoint: info.endpoint }, engine, sandboxes)));
    findings.push(...(await examineBrowsers({ ...parts, engine }, sandboxes)));
    return findings;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return [...findings, judgeNoEngine(error)];
  }
}

async function observeImages(engine: Engine, sandboxes: readonly EffectiveSandbox[]): Promise<NamedImage[]> {
  const imagesOf = ({ docker, browser, egress }: EffectiveSandbox): string[] => [
    docker.image,
    ...(browser.enabled ? [browser.image] : []),
    ...(egress === null ? [] : [engine.egress.image]),
  ];
  const references = [...new Set(sandboxes.flatMap(imagesOf))];
  return await Promise.all(
    references.map(async (reference) => {
      const users = sandboxes.filter((sandbox) => imagesOf(sandbox).includes(reference));
      const needed = users.some(({ mode }) => mode !== "off");
      const { kind } = await engine.resolveImage(reference);
      return { reference, agents: users.map(({ agentId }) => agentId), needed, present: kind === "found" };
    }),
  );
}

async function examineInside(
  { folders, owner, now, folder, endpoint }: ExamineParts & { folder: string; endpoint: string },
  engine: Engine,
  sandboxes: readonly EffectiveSandbox[],
): Promise<Finding[]> {
  const { targets, findings } = await findTargets({ folders, owner, engine }, sandboxes);
  await removeLeftovers({ engine, folder, now });
  const tried = targets.slice(0, PROBES_MAX);
  const reports = await Promise.all(tried.map((target) => probe({ engine, folder, now }, target)));
  return [...findings, ...judgeProbes(reports, endpoint), ...judgeSkipped(targets.length - tried.length)];
}

async function examineController({ view, unowned, damaged, sandboxes }: ControllerFacts): Promise<Finding[]> {
  const failing = view.checks.filter((check) => !check.ok);
  const findings = failing.map(({ message }) => fail("controller", message, "openclaw status"));
  if (failing.length === 0)
    findings.push(
      ok(
        "controller",
        `version ${view.version} is running and ready, with ${view.sandboxes} ${view.sandboxes === 1 ? "sandbox" : "sandboxes"}`,
      ),
    );
  findings.push(...judgeEgress(sandboxes));
  try {
    findings.push(judgeLeftovers(await unowned()));
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    findings.push(warn("leftovers", `not counted: ${error.message}`, "openclaw sandbox prune --dry-run"));
  }
  findings.push(...(damaged.length === 0 ? [ok("records", "no file of the controller is damaged")] : damaged));
  return findings;
}

function judgeLeftovers(objects: readonly UnownedObject[]): Finding {
  const leaked = objects.filter(({ fate }) => fate === "removable");
  if (leaked.length === 0) return ok("leftovers", "no object of this controller is unowned");
  const names = leaked.slice(0, 3).map(({ kind, name }) => `${kind} ${name}`);
  return warn("leftovers", `${leaked.length} unowned: ${names.join(", ")}${leaked.length > 3 ? " ..." : ""}`, "openclaw sandbox prune");
}
