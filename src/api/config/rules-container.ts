// Rules about one container's isolation, limits and set-up: namespaces, profiles, names, sizes, and what cannot work together.
// Mounts are rules-mounts.ts.
import { CONTAINER_PREFIX_LENGTH_MAX } from "../names.ts";
import { type EffectiveSandbox, toConfigKey } from "./effective.ts";
import type { Reporter } from "./reporter.ts";

/** Docker refuses a lower limit. */
const MEMORY_BYTES_MIN = 6 * 2 ** 20;
const CPUS_MIN = 0.01;

export function checkContainer(sandbox: EffectiveSandbox, reporter: Reporter): void {
  checkNetwork(sandbox, "docker.network", sandbox.docker.network, reporter);
  if (sandbox.browser.network !== null) checkNetwork(sandbox, "browser.network", sandbox.browser.network, reporter);
  checkProfiles(sandbox, reporter);
  checkPrefixes(sandbox, reporter);
  checkLimits(sandbox, reporter);
  checkSetup(sandbox, reporter);
  if (sandbox.start === "eager" && sandbox.scope === "session")
    reporter.addFor(sandbox, "start", {
      severity: "warning",
      message: "eager has no effect with scope session: a session is unknown until it starts",
      fix: `set ${toConfigKey(sandbox, "scope")}: "agent"`,
    });
}

function checkNetwork(sandbox: EffectiveSandbox, key: string, network: string, reporter: Reporter): void {
  const refusal = refusedNetwork(sandbox, network);
  if (refusal !== null) reporter.addFor(sandbox, key, { severity: "error", ...refusal });
}

function refusedNetwork(sandbox: EffectiveSandbox, network: string): { message: string; fix: string } | null {
  const word = network.toLowerCase();
  if (word === "host")
    return {
      message: "the host's network cannot be joined: it removes the network isolation",
      fix: 'write "bridge" for outgoing connections',
    };
  if (/^container\s*:/.test(word)) {
    if (sandbox.docker.dangerouslyAllowContainerNamespaceJoin && /^container:[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(network)) return null;
    const key = toConfigKey(sandbox, "docker.dangerouslyAllowContainerNamespaceJoin");
    return { message: "another container's network cannot be joined", fix: `set ${key}: true if you mean it, and write container:<name>` };
  }
  if (["none", "bridge", "default"].includes(word) && word !== network)
    return { message: `expected "${word}" in lower case`, fix: `write "${word}"` };
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(network)) return null;
  return { message: 'expected "none", "bridge" or the name of a network', fix: 'write "none" or "bridge"' };
}

function checkProfiles(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const { seccompProfile, apparmorProfile } = sandbox.docker;
  const refuse = (key: string) =>
    reporter.addFor(sandbox, key, {
      severity: "error",
      message: "unconfined is refused: it weakens the sandbox's confinement",
      fix: "remove it to get the engine's default profile",
    });
  if (seccompProfile !== null && isUnconfined(seccompProfile)) refuse("docker.seccompProfile");
  else if (seccompProfile !== null && !/^(?:\/|~\/)[^\0\n]+$/.test(seccompProfile))
    reporter.addFor(sandbox, "docker.seccompProfile", {
      severity: "error",
      message: "expected the absolute path of a seccomp profile (a JSON file)",
    });
  if (apparmorProfile === null) return;
  if (isUnconfined(apparmorProfile)) refuse("docker.apparmorProfile");
  else if (!/^[A-Za-z0-9][A-Za-z0-9_.@/-]{0,127}$/.test(apparmorProfile))
    reporter.addFor(sandbox, "docker.apparmorProfile", { severity: "error", message: "expected the name of an AppArmor profile" });
}

/** In any case, with anything around it. */
function isUnconfined(profile: string): boolean {
  return /(?:^|[^a-z])unconfined(?:$|[^a-z])/i.test(profile) && !/^[/~].*\.json$/i.test(profile);
}

function checkPrefixes(sandbox: EffectiveSandbox, reporter: Reporter): void {
  for (const [key, prefix] of [
    ["docker.containerPrefix", sandbox.docker.containerPrefix],
    ["browser.containerPrefix", sandbox.browser.containerPrefix],
  ] as const) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(prefix))
      reporter.addFor(sandbox, key, {
        severity: "error",
        message: "expected letters, digits, _ . and -, beginning with a letter or digit",
      });
    else if (prefix.length > CONTAINER_PREFIX_LENGTH_MAX)
      reporter.addFor(sandbox, key, {
        severity: "error",
        message: `expected at most ${CONTAINER_PREFIX_LENGTH_MAX} characters, so that a container's name is a valid host name`,
      });
  }
  if (sandbox.docker.containerPrefix === sandbox.browser.containerPrefix)
    reporter.addFor(sandbox, "browser.containerPrefix", {
      severity: "error",
      message: "docker.containerPrefix is the same, so both containers would have the same name",
    });
}

function checkLimits(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const { memory, memorySwap, cpus } = sandbox.docker;
  const error = (key: string, message: string, fix?: string) =>
    reporter.addFor(sandbox, key, { severity: "error", message, ...(fix === undefined ? {} : { fix }) });
  if (memory !== null && memory < MEMORY_BYTES_MIN)
    error("docker.memory", `expected at least 6 MiB, got ${memory} bytes`, 'did you forget the unit, as in "512m"?');
  if (cpus !== null && cpus < CPUS_MIN) error("docker.cpus", `expected at least ${CPUS_MIN}, or 0 for unlimited`);
  if (memorySwap === null || memorySwap === -1) return;
  if (memory === null)
    error("docker.memorySwap", "memorySwap is memory plus swap, so it needs memory", `set ${toConfigKey(sandbox, "docker.memory")}`);
  else if (memorySwap < memory)
    error(
      "docker.memorySwap",
      `memorySwap is memory plus swap, so it cannot be below ${toConfigKey(sandbox, "docker.memory")} (${memorySwap} < ${memory} bytes)`,
    );
}

const INSTALLS =
  /(?<![\w-])(?:apt|apt-get|aptitude|apk|dnf|microdnf|yum|zypper|pacman)\s+(?:-\S+\s+)*(?:install|add|update|upgrade|full-upgrade|dist-upgrade|-S\w*)\b/;

/** An install needs a network, a writable root, root itself, and the capabilities to change owners and users. */
function checkSetup(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const { setupCommand, readOnlyRoot, user, capDrop } = sandbox.docker;
  const isOffline = sandbox.docker.network === "none" && sandbox.egress === null;
  if (setupCommand === null || !INSTALLS.test(setupCommand)) return;
  const isRoot = /^(?:0|root)(?::|$)/.test(user ?? "");
  const blockers = [
    ...(isOffline ? [["docker.network", '"bridge"', "no network"]] : []),
    ...(readOnlyRoot ? [["docker.readOnlyRoot", "false", "a read-only root"]] : []),
    ...(isRoot ? [] : [["docker.user", '"0:0"', "a user who is not root"]]),
    ...(capDrop.includes("ALL") ? [["docker.capDrop", "[]", "no capabilities"]] : []),
  ];
  if (blockers.length === 0) return;
  reporter.addFor(sandbox, "docker.setupCommand", {
    severity: "warning",
    message: `packages cannot be installed with ${blockers.map(([, , words]) => words).join(", ")}`,
    fix: `set ${blockers.map(([key = "", value]) => `${toConfigKey(sandbox, key)}: ${value}`).join(", ")}; or build an image that has the packages`,
  });
}
