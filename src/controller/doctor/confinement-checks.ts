// Judges what this engine and kernel confine: limits, system calls, mandatory access control, user namespaces, runtimes. Pure.
// It says what is in force for the sandboxes that the config asks for, not what would be best in general.
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { type Finding, fail, ok, warn } from "../../api/finding.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import { parseOwner } from "../decide/spec.ts";
import type { Capabilities, EngineInfo } from "../engine/engine.ts";
import { settingsOf } from "./engine-settings.ts";
import { judgeRunc } from "./runc-escapes.ts";

export interface ConfinementFacts {
  info: EngineInfo;
  ignoredLimits: Capabilities["ignoredLimits"];
  /** Whether this machine's kernel has AppArmor on. */
  kernelAppArmor: boolean;
  /** Of all agents that the config in force has. */
  sandboxes: readonly EffectiveSandbox[];
}

export function judgeConfinement(facts: ConfinementFacts): Finding[] {
  return [
    judgeRunc(facts.info.runtimeProgram),
    ...judgeRuntimes(facts),
    judgeCgroups(facts.info),
    ...judgeLimits(facts),
    judgeSeccomp(facts.info),
    judgeAccessControl(facts),
    judgeUserNamespaces(facts),
  ];
}

const namesOf = (sandboxes: readonly EffectiveSandbox[]): string => [...new Set(sandboxes.map(({ agentId }) => agentId))].join(", ");

/** Runtimes that an engine finds by itself are not in its list. */
const BUILT_IN_RUNTIMES = /^(runc|crun|io\.containerd\..+)$/;

function judgeRuntimes({ info, sandboxes }: ConfinementFacts): Finding[] {
  const wanted = [...new Set(sandboxes.map(({ docker }) => docker.runtime).filter((name) => name !== null))];
  const missing = wanted.filter((name) => !info.runtimes.includes(name) && !BUILT_IN_RUNTIMES.test(name));
  if (wanted.length === 0) return [];
  if (missing.length === 0) return [ok("runtimes", `the engine has ${wanted.join(", ")}`)];
  return missing.map((name) => {
    const users = namesOf(sandboxes.filter(({ docker }) => docker.runtime === name));
    const fix = `install it and add it to ${settingsOf(info).runtimes}, or change docker.runtime`;
    return fail("runtimes", `docker.runtime ${name} of agent ${users} is not among the engine's: ${info.runtimes.join(", ")}`, fix);
  });
}

function judgeCgroups({ cgroupVersion, cgroupDriver }: EngineInfo): Finding {
  if (cgroupDriver === "none") {
    const message = `version ${cgroupVersion}, no driver: this engine enforces no limits`;
    return fail(
      "cgroups",
      message,
      "boot with cgroup v2 (kernel parameter systemd.unified_cgroup_hierarchy=1) and delegate its controllers to the user",
    );
  }
  return ok("cgroups", `version ${cgroupVersion}, driver ${cgroupDriver || "unknown"}`);
}

const CONTROLLERS: Readonly<Record<keyof LiveSpec, string>> = {
  pidsLimit: "pids",
  memory: "memory",
  memorySwap: "swap accounting",
  cpus: "cpu",
};

/** A limit that is asked for and not enforced is a failure; processes are always limited. */
function judgeLimits({ ignoredLimits, sandboxes }: ConfinementFacts): Finding[] {
  const isAsked = (name: keyof LiveSpec): boolean =>
    name === "pidsLimit" || sandboxes.some(({ docker }) => docker[name] !== null && docker[name] !== undefined);
  const fixOf = (name: keyof LiveSpec): string =>
    name === "memorySwap"
      ? "kernel parameters: cgroup_enable=memory swapaccount=1"
      : `turn the ${CONTROLLERS[name]} controller on (rootless engines: systemd delegation, Delegate=cpu cpuset io memory pids)`;
  const ignored = (Object.keys(CONTROLLERS) as (keyof LiveSpec)[]).filter((name) => ignoredLimits.has(name));
  if (ignored.length === 0) return [ok("limits", "processes, memory, swap and cpus are enforced")];
  return ignored.map((name) => {
    const message = `docker.${name} is accepted but not enforced (${CONTROLLERS[name]})`;
    return isAsked(name) ? fail("limits", message, fixOf(name)) : warn("limits", message, fixOf(name));
  });
}

function judgeSeccomp(info: EngineInfo): Finding {
  const { securityOptions, seccompProfile } = info;
  const fix = `use an engine and kernel with seccomp, and no ${settingsOf(info).noSeccomp}`;
  if (!securityOptions.includes("seccomp")) return fail("seccomp", "system calls are not filtered: the engine has no seccomp", fix);
  if (seccompProfile === "unconfined") return fail("seccomp", "system calls are not filtered: the engine's profile is unconfined", fix);
  return ok("seccomp", `system calls are filtered, profile ${seccompProfile ?? "of the engine"}`);
}

function judgeAccessControl({ info, kernelAppArmor, sandboxes }: ConfinementFacts): Finding {
  const named = sandboxes.filter(({ docker }) => docker.apparmorProfile !== null);
  const has = (option: string): boolean => info.securityOptions.includes(option);
  if (named.length > 0 && !has("apparmor")) {
    const message = `docker.apparmorProfile of agent ${namesOf(named)} has no effect: this engine has no AppArmor and silently accepts the name`;
    return fail(
      "access-control",
      message,
      "turn AppArmor on (kernel parameters apparmor=1 security=apparmor) and restart the engine, or remove docker.apparmorProfile",
    );
  }
  if (has("apparmor")) return ok("access-control", "AppArmor, with the engine's profile or the one the config names");
  if (has("selinux")) return ok("access-control", "SELinux; folders are relabelled for their containers");
  const where = kernelAppArmor ? "the kernel has AppArmor, but the engine does not use it" : "neither AppArmor nor SELinux is on";
  const fix = kernelAppArmor
    ? "install apparmor (apparmor_parser) and restart the engine"
    : "kernel parameters apparmor=1 security=apparmor, package apparmor";
  return warn("access-control", `${where}: only seccomp, dropped capabilities and namespaces confine sandboxes`, fix);
}

function judgeUserNamespaces({ info, sandboxes }: ConfinementFacts): Finding {
  if (info.securityOptions.includes("rootless")) return ok("user-namespaces", "the engine is rootless: root inside is a user outside");
  if (info.securityOptions.includes("userns"))
    return ok("user-namespaces", "user ids are remapped: root inside is a user outside, and bound folders must belong to the remapped ids");
  const asRoot = sandboxes.filter(
    ({ docker }) => docker.user !== null && (parseOwner(docker.user)?.uid === 0 || /^root(:|$)/.test(docker.user)),
  );
  if (asRoot.length === 0) return ok("user-namespaces", "none; sandboxes run as users other than root and can't gain privileges");
  const fix = `set docker.user to a user other than root, or use ${settingsOf(info).userNamespaces}`;
  return warn("user-namespaces", `none, and docker.user of agent ${namesOf(asRoot)} is root, which is root outside too`, fix);
}
