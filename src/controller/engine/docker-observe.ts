// Translates Docker's answers: raw inspect and list entries become the product's own facts, each in one pure function.
// Nothing here talks to the engine, and no engine type leaves this file.
import { posix } from "node:path";
import { z } from "zod";
import {
  type EpochMs,
  toContainerId,
  toEpochMs,
  toImageId,
  toInstanceId,
  toSandboxName,
  toSandboxUid,
  toScopeKey,
  toSpecHash,
} from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { toPendingName } from "../../api/names.ts";
import type { ContainerSpec, LiveSpec, Mount } from "../../api/sandbox.ts";
import { effectiveLive } from "../decide/limits.ts";
import type { Tuning } from "../decide/observation.ts";
import { UNTOUCHED } from "../decide/tuning.ts";
import { LAST_OWN_VARIABLE, PROCESS_STATE_DIR, toTmpfsOwner } from "./docker-create.ts";
import type { ContainerState, Identity, Listed, Observation } from "./engine.ts";
import { SHM_SIZE_DEFAULT, toCapDrop, toMountKind } from "./normal-form.ts";

const text = z.string().nullish();
const count = z.number().nullish();
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const record = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const RawMount = z.object({ Type: text, Source: text, Target: text, ReadOnly: z.boolean().nullish() });
const RawUlimit = z.object({ Name: z.string(), Soft: z.number(), Hard: z.number() });
const RawDevices = z.object({ Count: count, DeviceIDs: texts });

/** The part of an inspect answer that is read; everything else is ignored, and what older engines and Podman leave out may be missing. */
export const RawInspect = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  State: z.object({ Status: z.string(), Pid: count, StartedAt: text, FinishedAt: text, ExitCode: count, OOMKilled: z.boolean().nullish() }),
  ExecIDs: texts,
  Config: z.object({ Image: text, User: text, WorkingDir: text, Env: texts, Labels: record }),
  HostConfig: z.object({
    NetworkMode: text,
    ReadonlyRootfs: z.boolean().nullish(),
    CapDrop: texts,
    SecurityOpt: texts,
    Tmpfs: record,
    Mounts: z.array(RawMount).nullish(),
    Binds: texts,
    Ulimits: z.array(RawUlimit).nullish(),
    DeviceRequests: z.array(RawDevices).nullish(),
    ShmSize: count,
    Runtime: text,
    Init: z.boolean().nullish(),
    Dns: texts,
    ExtraHosts: texts,
    Memory: count,
    MemorySwap: count,
    NanoCpus: count,
    CpuQuota: count,
    CpuPeriod: count,
    PidsLimit: count,
    RestartPolicy: z.object({ Name: text }).nullish(),
    CpuShares: count,
    CpusetCpus: text,
    CpusetMems: text,
    MemoryReservation: count,
    BlkioWeight: count,
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});
export type RawInspect = z.infer<typeof RawInspect>;

export const RawListed = z.object({ Id: z.string(), Names: texts, State: z.string(), Labels: record, Created: count });
export type RawListed = z.infer<typeof RawListed>;

export interface ObserveContext {
  /** `KEY=value` as the container's image has them. Empty when the image is gone. */
  imageEnv: readonly string[];
  /** The engine's default runtime; a container that asked for none reads back with it. */
  defaultRuntime: string;
  /** What the engine calls the network that people call `bridge`. */
  defaultNetwork: string;
}

const STATES: Readonly<Record<string, ContainerState>> = {
  created: "created",
  configured: "created",
  initialized: "created",
  running: "running",
  paused: "paused",
  restarting: "exited",
  exited: "exited",
  stopped: "exited",
  stopping: "running",
  removing: "removing",
  dead: "dead",
};

/** An unknown state counts as `dead`: nothing is routed to it and it is replaced. */
export const toState = (status: string): ContainerState => STATES[status.toLowerCase()] ?? "dead";

/** Milliseconds of an engine's timestamp; null for its zero time. Nanoseconds are cut. */
export function toMoment(timestamp: string | null | undefined): EpochMs | null {
  if (timestamp === null || timestamp === undefined || timestamp === "" || timestamp.startsWith("0001-01-01")) return null;
  const milliseconds = Date.parse(timestamp);
  return Number.isNaN(milliseconds) || milliseconds <= 0 ? null : toEpochMs(milliseconds);
}

const DECIMAL = /^\d{1,16}$/;

/** The identity that labels carry; null when any of it is missing or malformed: then it is not a container of ours. */
export function toIdentity(labels: Readonly<Record<string, string>>): Identity | null {
  const [instance, name, uid, kind] = [labels[LABEL.instance], labels[LABEL.name], labels[LABEL.uid], labels[LABEL.kind]];
  const [scopeKey, hash, hashVersion] = [labels[LABEL.scopeKey], labels[LABEL.configHash], labels[LABEL.hashVersion]];
  const [generation, createdAt] = [labels[LABEL.generation] ?? "", labels[LABEL.createdAtMs] ?? ""];
  if (labels[LABEL.sandbox] !== "1" || !instance || !name || !uid || !scopeKey || !hash || !hashVersion) return null;
  if ((kind !== "tools" && kind !== "browser") || !DECIMAL.test(generation) || !DECIMAL.test(createdAt)) return null;
  return {
    instance: toInstanceId(instance),
    name: toSandboxName(name),
    uid: toSandboxUid(uid),
    kind,
    scopeKey: toScopeKey(scopeKey),
    hash: toSpecHash(hash),
    hashVersion,
    generation: Number(generation),
    createdAt: toEpochMs(Number(createdAt)),
    hasSetup: toHasSetup(labels[LABEL.setup]),
  };
}

const toHasSetup = (label: string | undefined): boolean | null => (label === "1" ? true : label === "0" ? false : null);

/** null when the entry carries no name of ours. */
export function toListed(raw: RawListed): Listed | null {
  const identity = toIdentity(raw.Labels);
  if (identity === null) return null;
  const { name, kind, scopeKey, createdAt } = identity;
  return {
    id: toContainerId(raw.Id),
    name,
    kind,
    scopeKey,
    createdAt,
    actualName: toActualName(raw.Names[0] ?? ""),
    state: toState(raw.State),
  };
}

const toActualName = (name: string): string => name.replace(/^\//, "");

/** null when the labels are not an identity of ours. */
export function toObservation(raw: RawInspect, context: ObserveContext): Observation | null {
  const identity = toIdentity(raw.Config.Labels);
  if (identity === null) return null;
  const actualName = toActualName(raw.Name);
  const startedAt = toMoment(raw.State.StartedAt);
  const state = toState(raw.State.Status);
  return {
    handle: { id: toContainerId(raw.Id), uid: identity.uid, incarnation: toIncarnation(raw) },
    identity,
    actualName,
    stage: actualName === identity.name ? "current" : actualName === toPendingName(identity.name) ? "pending" : "renamed",
    state,
    startedAt,
    restarted: toMoment(raw.State.FinishedAt) !== null,
    exitCode: state === "exited" || state === "dead" ? (raw.State.ExitCode ?? null) : null,
    oomKilled: raw.State.OOMKilled === true,
    imageId: toImageId(raw.Image.includes(":") ? raw.Image : `sha256:${raw.Image}`),
    networks: Object.keys(raw.NetworkSettings?.Networks ?? {})
      .map((network) => (network === context.defaultNetwork ? BRIDGE : network))
      .sort(),
    live: toLive(raw.HostConfig),
    tuning: toTuning(raw.HostConfig),
    created: toCreated(raw, context),
    execs: raw.ExecIDs.length === 0 ? "none" : "some",
    settled: false,
  };
}

/** As an image's author wrote them: normalised, each once, and without what is no folder of its own. */
export function toImageVolumes(paths: readonly string[]): string[] {
  const normal = paths.map((path) => posix.normalize(path).replace(/(?<=.)\/$/, ""));
  return [...new Set(normal)].filter((path) => path.startsWith("/") && path !== "/");
}

/** The engine's own spelling of when this run began, with all its digits. Empty: never started. */
export function toIncarnation(raw: { State: Pick<RawInspect["State"], "StartedAt"> }): string {
  return toMoment(raw.State.StartedAt) === null ? "" : (raw.State.StartedAt ?? "");
}

const NANO = 1_000_000_000;

function toLive(host: RawInspect["HostConfig"]): LiveSpec {
  const quota = host.CpuQuota ?? 0;
  const cpus = (host.NanoCpus ?? 0) > 0 ? (host.NanoCpus ?? 0) / NANO : quota > 0 ? quota / (host.CpuPeriod || 100_000) : null;
  return effectiveLive({ cpus, memory: host.Memory || null, memorySwap: host.MemorySwap || null, pidsLimit: host.PidsLimit ?? 0 });
}

function toTuning(host: RawInspect["HostConfig"]): Tuning {
  return {
    restartPolicy: host.RestartPolicy?.Name || UNTOUCHED.restartPolicy,
    cpuShares: host.CpuShares ?? UNTOUCHED.cpuShares,
    cpusetCpus: host.CpusetCpus ?? UNTOUCHED.cpusetCpus,
    cpusetMems: host.CpusetMems ?? UNTOUCHED.cpusetMems,
    memoryReservation: host.MemoryReservation ?? UNTOUCHED.memoryReservation,
    blkioWeight: host.BlkioWeight ?? UNTOUCHED.blkioWeight,
  };
}

const BRIDGE = "bridge";

function toCreated(raw: RawInspect, context: ObserveContext): Observation["created"] {
  const host = raw.HostConfig;
  const workdir = raw.Config.WorkingDir ?? "";
  const option = (name: string): string | null => {
    const found = host.SecurityOpt.find((each) => each.startsWith(`${name}=`) || each.startsWith(`${name}:`));
    return found === undefined ? null : found.slice(name.length + 1);
  };
  const networkMode = host.NetworkMode ?? "";
  return {
    image: raw.Config.Image ?? "",
    workdir,
    readOnlyRoot: host.ReadonlyRootfs === true,
    tmpfs: toTmpfs(host.Tmpfs, raw.Config.User ?? ""),
    network: networkMode === "default" || networkMode === BRIDGE ? (raw.Config.Labels[LABEL.network] ?? BRIDGE) : networkMode,
    user: raw.Config.User ?? "",
    capDrop: toCapDrop(host.CapDrop),
    env: toOwnEnv(raw.Config.Env, context.imageEnv),
    ulimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
      name: Name.replace(/^RLIMIT_/, "").toLowerCase(),
      soft: Soft,
      hard: Hard,
    })),
    gpus: toGpus(host.DeviceRequests?.[0] ?? null),
    shmSize: host.ShmSize === SHM_SIZE_DEFAULT ? null : host.ShmSize || null,
    runtime: !host.Runtime || host.Runtime === context.defaultRuntime || host.Runtime === "oci" ? null : host.Runtime,
    seccomp: option("seccomp"),
    apparmorProfile: option("apparmor"),
    dns: host.Dns,
    extraHosts: host.ExtraHosts,
    mounts: toMounts(host, workdir),
  };
}

/** Without what docker-create.ts adds. */
function toTmpfs(tmpfs: Readonly<Record<string, string>>, user: string): ContainerSpec["tmpfs"] {
  const owner = toTmpfsOwner(user);
  const strip = (options: string): string =>
    owner !== "" && options.endsWith(owner) ? options.slice(0, -owner.length).replace(/,$/, "") : options;
  return Object.entries(tmpfs)
    .filter(([path]) => path !== PROCESS_STATE_DIR)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([path, options]) => ({ path, options: strip(options) }));
}

function toMounts(host: RawInspect["HostConfig"], workdir: string): Mount[] {
  const typed = (host.Mounts ?? [])
    .filter((mount) => mount.Type === "bind")
    .map((mount) => ({ source: mount.Source ?? "", target: mount.Target ?? "", readOnly: mount.ReadOnly === true }));
  return [...typed, ...host.Binds.flatMap(toBind)].map((mount) => ({ kind: toMountKind(mount.target, workdir), ...mount }));
}

function toBind(bind: string): Omit<Mount, "kind">[] {
  const [source, target, options = ""] = bind.split(":");
  if (source === undefined || target === undefined || !source.startsWith("/")) return [];
  return [{ source, target, readOnly: options.split(",").includes("ro") }];
}

function toGpus(devices: z.infer<typeof RawDevices> | null): string | null {
  if (devices === null) return null;
  if (devices.DeviceIDs.length > 0) return `device=${devices.DeviceIDs.join(",")}`;
  return devices.Count === -1 ? "all" : String(devices.Count ?? 0);
}

const keyOf = (variable: string): string => variable.slice(0, Math.max(0, variable.indexOf("=")));

/**
 * Without what only the image brings. Docker lists ours first, `HOME` last of them (docker-create.ts), then the image's; where that
 * mark is missing, a variable with the image's own value counts as the image's.
 */
export function toOwnEnv(variables: readonly string[], imageEnv: readonly string[]): Record<string, string> {
  const ofImage = new Set(imageEnv);
  const mark = variables.findIndex((variable) => keyOf(variable) === LAST_OWN_VARIABLE && !ofImage.has(variable));
  const isOrdered = mark >= 0 && variables.slice(mark + 1).every((variable) => ofImage.has(variable));
  const own = isOrdered ? variables.slice(0, mark + 1) : variables.filter((variable) => !ofImage.has(variable));
  return Object.fromEntries(own.map((variable) => [keyOf(variable), variable.slice(keyOf(variable).length + 1)]));
}
