// What Docker is asked for when creating one container: spec and identity in, create options out. Pure; nothing here looks at the engine.
// It fills in no product default (the spec is final), only what every sandbox has and no user can turn off.
import type Docker from "dockerode";
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { toPendingName } from "../../api/names.ts";
import type { ContainerSpec, LiveSpec } from "../../api/sandbox.ts";
import type { Identity, ProbeRequest } from "./engine.ts";

/**
 * Folder inside every sandbox for the product's own process state: a small tmpfs of its own, so that neither a read-only root, a
 * user's tmpfs on `/run` nor an arbitrary uid is in the way. Invisible in specs and observations.
 */
export const PROCESS_STATE_DIR = "/run/openclaw";
/** Records of detached processes and their bounded output; nothing in it is ever run. */
const PROCESS_STATE_OPTIONS = "rw,noexec,nosuid,nodev,size=64m,mode=1777";

/** 2^31 - 1 s, 68 years: `sleep infinity` is missing from older BusyBox. Under an init, TERM ends it at once. */
export const AT_REST = "sleep 2147483647";
/** The system's own: a `docker.env.PATH` may begin with a folder that an agent can write to. */
export const MAIN_COMMAND = `PATH=/usr/local/bin:/usr/bin:/bin\${PATH:+:$PATH}; exec ${AT_REST}`;

const NANO_CPUS = 1_000_000_000;

export interface EngineTraits {
  /** Whether the engine labels files with SELinux: mounts are relabelled (`z`) then, or nothing in them could be read. */
  selinux: boolean;
  /** Whether it takes `uid` and `gid` as options of a tmpfs. */
  tmpfsOwner: boolean;
}

export function toCreateOptions(identity: Identity, spec: ContainerSpec, traits: EngineTraits): Docker.ContainerCreateOptions {
  const { Entrypoint, Cmd, ...parts } = toParts(spec, traits);
  // A browser's image brings its main process with it; tools' commands run beside one that only sleeps.
  const main = identity.kind === "browser" ? {} : { Entrypoint, Cmd };
  const labels = { ...toLabels(identity), [LABEL.network]: spec.network };
  return { name: toPendingName(identity.name), Labels: labels, ...parts, ...main };
}

function toParts(spec: ContainerSpec, traits: EngineTraits): Docker.ContainerCreateOptions {
  return {
    Image: spec.image,
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: [MAIN_COMMAND],
    User: spec.user,
    WorkingDir: spec.workdir,
    Env: toEnv(spec.env),
    Healthcheck: { Test: ["NONE"] },
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: false,
    Tty: false,
    HostConfig: toHostConfig(spec, traits),
  };
}

/** Longest life of a probe, seconds: looks take a few hundred milliseconds, deadlines included. */
const PROBE_SECONDS_MAX = 60;

/** The same confinement and no identity, so that it is never taken for a sandbox; it goes when it ends, and it ends by itself. */
export function toProbeOptions(instance: InstanceId, { spec, script }: ProbeRequest, traits: EngineTraits): Docker.ContainerCreateOptions {
  return {
    ...toParts(spec, traits),
    Cmd: [`${script}\nexec sleep ${PROBE_SECONDS_MAX}`],
    Labels: { [LABEL.instance]: instance, [LABEL.probe]: "1" },
    HostConfig: { ...toHostConfig(spec, traits), AutoRemove: true },
  };
}

/** Last of our own variables: the engine appends the image's after it, which is how docker-observe.ts tells them apart. */
export const LAST_OWN_VARIABLE = "HOME";

function toEnv(env: ContainerSpec["env"]): string[] {
  const rank = (key: string): string => (key === LAST_OWN_VARIABLE ? "1" : `0${key}`);
  return Object.keys(env)
    .sort((left, right) => (rank(left) < rank(right) ? -1 : 1))
    .map((key) => `${key}=${env[key]}`);
}

/** The loop starts what ended, with back-off. */
export const NO_RESTART = { Name: "no", MaximumRetryCount: 0 };

function toHostConfig(spec: ContainerSpec, traits: EngineTraits): Docker.HostConfig {
  return {
    Init: true,
    Privileged: false,
    AutoRemove: false,
    RestartPolicy: NO_RESTART,
    // What the main process says, or a process that writes to its output must not fill the host's disk.
    LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
    NetworkMode: spec.network,
    ReadonlyRootfs: spec.readOnlyRoot,
    CapDrop: [...spec.capDrop],
    SecurityOpt: toSecurityOptions(spec),
    Tmpfs: toTmpfs(spec, traits),
    ...toMounts(spec, traits),
    Ulimits: spec.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Dns: [...spec.dns],
    ExtraHosts: [...spec.extraHosts],
    ...(spec.shmSize === null ? {} : { ShmSize: spec.shmSize }),
    ...(spec.runtime === null ? {} : { Runtime: spec.runtime }),
    ...(spec.gpus === null ? {} : { DeviceRequests: [toDeviceRequest(spec.gpus)] }),
    ...toLimits(spec.live),
  };
}

function toTmpfs(spec: ContainerSpec, traits: EngineTraits): Record<string, string> {
  const owner = traits.tmpfsOwner ? toTmpfsOwner(spec.user) : "";
  const entries = [...spec.tmpfs, { path: PROCESS_STATE_DIR, options: PROCESS_STATE_OPTIONS }];
  return Object.fromEntries(entries.map(({ path, options }) => [path, /\b[ug]id=/.test(options) ? options : joinOptions(options, owner)]));
}

const joinOptions = (...options: string[]): string => options.filter((each) => each !== "").join(",");

/**
 * runc before 1.2 gives a tmpfs the mode of the folder that it covers, whatever `mode` says: `/run` would be root's alone. Owned by the
 * container's user it is writable all the same. Empty where that user is root or known by name only.
 */
export function toTmpfsOwner(user: string): string {
  const [, uid, gid] = /^([1-9]\d*):(\d+)$/.exec(user) ?? [];
  return uid === undefined ? "" : `uid=${uid},gid=${gid}`;
}

function toSecurityOptions(spec: ContainerSpec): string[] {
  return [
    "no-new-privileges:true",
    ...(spec.seccomp === null ? [] : [`seccomp=${spec.seccomp}`]),
    ...(spec.apparmorProfile === null ? [] : [`apparmor=${spec.apparmorProfile}`]),
  ];
}

/** `Mounts` fail on a missing source, which `Binds` would create as an empty folder of root's; only `Binds` know SELinux labels. */
function toMounts(spec: ContainerSpec, traits: EngineTraits): Pick<Docker.HostConfig, "Mounts" | "Binds"> {
  if (traits.selinux)
    return { Binds: spec.mounts.map(({ source, target, readOnly }) => `${source}:${target}:${readOnly ? "ro" : "rw"},z`) };
  return {
    Mounts: spec.mounts.map(({ source, target, readOnly }) => ({
      Type: "bind" as const,
      Source: source,
      Target: target,
      ReadOnly: readOnly,
    })),
  };
}

/** Docker's own notation: `all`, a count, `device=0,1` (or the ids alone). */
function toDeviceRequest(gpus: string): Docker.DeviceRequest {
  const capabilities = [["gpu"]];
  if (gpus === "all") return { Driver: "", Count: -1, Capabilities: capabilities };
  if (/^\d+$/.test(gpus)) return { Driver: "", Count: Number(gpus), Capabilities: capabilities };
  return { Driver: "", Count: 0, DeviceIDs: toDeviceIds(gpus), Capabilities: capabilities };
}

/** `"device=0,1"`, `device=0,1` and `0,1` name the same devices. */
export function toDeviceIds(gpus: string): string[] {
  return gpus
    .replace(/^"?(device=)?/, "")
    .replace(/"$/, "")
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "");
}

/** Limits in the form that the engine expects at creation: absent means unlimited. */
export function toLimits(live: LiveSpec): Pick<Docker.HostConfig, "Memory" | "MemorySwap" | "NanoCpus" | "PidsLimit"> {
  return {
    ...(live.memory === null ? {} : { Memory: live.memory }),
    ...toSwap(live),
    ...(live.cpus === null ? {} : { NanoCpus: Math.round(live.cpus * NANO_CPUS) }),
    PidsLimit: toPids(live.pidsLimit),
  };
}

/**
 * The same for a running container: memory and swap always together, because a memory limit above the stored swap limit is refused.
 * What is null stays as it is: no engine can lift memory or cpu limits in place.
 */
export function toUpdate(live: LiveSpec): Pick<Docker.HostConfig, "Memory" | "MemorySwap" | "NanoCpus" | "PidsLimit" | "RestartPolicy"> {
  return {
    ...toLimits(live),
    RestartPolicy: NO_RESTART,
    ...(live.memory === null || live.memorySwap !== null ? {} : { MemorySwap: 2 * live.memory }),
  };
}

function toSwap(live: LiveSpec): { MemorySwap?: number } {
  return live.memorySwap === null ? {} : { MemorySwap: live.memorySwap };
}

/** Unlimited is -1 both at creation and later: 0 would mean "as it is" in an update. */
function toPids(pidsLimit: number): number {
  return pidsLimit === 0 ? -1 : pidsLimit;
}

export function toLabels(identity: Identity): Record<string, string> {
  return {
    [LABEL.sandbox]: "1",
    [LABEL.scopeKey]: identity.scopeKey,
    [LABEL.configHash]: identity.hash,
    [LABEL.createdAtMs]: String(identity.createdAt),
    [LABEL.instance]: identity.instance,
    [LABEL.name]: identity.name,
    [LABEL.uid]: identity.uid,
    [LABEL.kind]: identity.kind,
    [LABEL.generation]: String(identity.generation),
    [LABEL.hashVersion]: identity.hashVersion,
    ...(identity.hasSetup !== null && { [LABEL.setup]: identity.hasSetup ? "1" : "0" }),
  };
}
