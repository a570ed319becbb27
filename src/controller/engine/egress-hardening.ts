// In what a container of the egress is not as this controller makes them: whoever can reach the engine can make one with the right labels and name, or
// change its limits. Pure. What is asked for is egress-containers.ts; what follows from a difference is decided elsewhere.
import type Docker from "dockerode";
import { z } from "zod";
import { type InstanceId, toContainerId, toEpochMs, toSandboxName, toSandboxUid, toScopeKey } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import { EGRESS_VERSION } from "../decide/egress-facts.ts";
import { NO_RESTART } from "./docker-create.ts";
import { toEgressOptions } from "./egress-containers.ts";
import type { EgressRequest } from "./egress-engine.ts";
import { toDockerForm } from "./egress-podman.ts";

const Texts = z.array(z.string()).nullish();
const Restart = z
  .object({ Name: z.string().transform((name) => name || NO_RESTART.Name) })
  .nullish()
  .transform((policy) => policy ?? { Name: NO_RESTART.Name });

export const RawHardening = z.object({
  Name: z.string(),
  Config: z.object({
    Cmd: Texts,
    Entrypoint: Texts,
    User: z.string().nullish(),
    Env: Texts,
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.record(z.string(), z.unknown()),
  Mounts: z.array(z.object({ Type: z.string(), Name: z.string().nullish(), Destination: z.string(), RW: z.boolean().nullish() })).nullish(),
});
export type RawHardening = z.infer<typeof RawHardening>;

/** Engines write nothing and "nothing of it" differently. */
const isUnset = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  value === 0 ||
  (typeof value === "object" && Object.keys(value).length === 0);

/** Options that open something, or hold it up, and that no container of the egress has. */
const NEVER_SET = [
  "NanoCpus",
  "CpuShares",
  "CpuQuota",
  "CpuPeriod",
  "CpusetCpus",
  "CpusetMems",
  "MemoryReservation",
  "BlkioWeight",
  "Binds",
  "Devices",
  "DeviceRequests",
  "PortBindings",
  "VolumesFrom",
  "GroupAdd",
  "Sysctls",
  "ExtraHosts",
  "PidMode",
  "UTSMode",
  "UsernsMode",
];
/** Its own, unless the engine's default says otherwise. */
const IPC_MODES_OWN: readonly unknown[] = ["", "none", "private", "shareable"];
/** Options that are compared as they were asked for. */
const COMPARED = [
  "Privileged",
  "ReadonlyRootfs",
  "CapDrop",
  "CapAdd",
  "SecurityOpt",
  "NetworkMode",
  "Memory",
  "MemorySwap",
  "PidsLimit",
  "Tmpfs",
] as const;

/** What an engine without the means for a limit writes there says nothing of who changed it. */
const OPTIONS_OF_LIMITS: Readonly<Record<keyof LiveSpec, readonly string[]>> = {
  cpus: ["NanoCpus"],
  memory: ["Memory", "MemorySwap"],
  memorySwap: ["MemorySwap"],
  pidsLimit: ["PidsLimit"],
};

/** In one option. `message` is part of a sentence. */
export interface HardeningDifference {
  option: string;
  message: string;
}

/** @param ignored limits that the engine does not enforce. Empty: as it is made, or of another version, which makes them differently */
export function diffHardening(raw: RawHardening, instance: InstanceId, ignored: Iterable<keyof LiveSpec>): HardeningDifference[] {
  const request = toRequest(raw);
  if (request === null) return [];
  const options = toEgressOptions(instance, request);
  const host = toDockerForm(raw.HostConfig, options.HostConfig ?? {});
  const skipped = new Set([...ignored].flatMap((limit) => OPTIONS_OF_LIMITS[limit]));
  const asked: Readonly<Record<string, unknown>> = { ...options.HostConfig };
  const found: HardeningDifference[] = COMPARED.filter((name) => toForm(host[name]) !== toForm(asked[name])).map((name) => {
    return { option: name, message: `${name} is ${render(host[name])}, not ${render(asked[name])}` };
  });
  for (const name of NEVER_SET) if (!isUnset(host[name])) found.push({ option: name, message: `${name} is set: ${render(host[name])}` });
  if (!IPC_MODES_OWN.includes(host.IpcMode ?? "")) found.push({ option: "IpcMode", message: `IpcMode is ${render(host.IpcMode)}` });
  const { Name: restart } = Restart.parse(host.RestartPolicy);
  if (restart !== NO_RESTART.Name) found.push({ option: "RestartPolicy", message: `RestartPolicy is ${restart}, not ${NO_RESTART.Name}` });
  found.push(...diffProgram(raw, options, request), ...diffMounts(raw, options.HostConfig?.Mounts ?? []));
  return found.filter(({ option }) => !skipped.has(option));
}

function diffProgram(
  { Name, Config }: RawHardening,
  options: Docker.ContainerCreateOptions,
  request: EgressRequest,
): HardeningDifference[] {
  const found: HardeningDifference[] = [];
  const name = Name.replace(/^\//, "");
  if (name !== options.name) found.push({ option: "Name", message: `its name is ${name}, not ${options.name}` });
  for (const option of ["Entrypoint", "Cmd"] as const)
    if (toForm(Config[option]) !== toForm(options[option]))
      found.push({ option, message: `${PROGRAM_WORDS[option]} is ${render(Config[option])}, not ${render(options[option])}` });
  if (request.role === "relay" && request.userId === 0) found.push({ option: "User", message: "it runs as root" });
  if (request.role === "proxy" && Config.User !== options.User)
    found.push({ option: "User", message: `its user is ${render(Config.User)}, not ${options.User}` });
  return found;
}

const PROGRAM_WORDS = { Entrypoint: "its program", Cmd: "its command" } as const;

/** null: none of this version. */
function toRequest({ Config }: RawHardening): EgressRequest | null {
  const labels = Config.Labels ?? {};
  if (labels[LABEL.egressVersion] !== EGRESS_VERSION) return null;
  const made = { uid: toSandboxUid(labels[LABEL.uid] ?? ""), createdAt: toEpochMs(0), image: "" };
  if (labels[LABEL.egress] === "proxy") return { role: "proxy", ...made };
  const of = { id: toContainerId(labels[LABEL.egressContainer] ?? ""), incarnation: labels[LABEL.egressRun] ?? "" };
  const userId = Number.parseInt(Config.User ?? "", 10) || 0;
  return {
    role: "relay",
    ...made,
    name: toSandboxName(labels[LABEL.name] ?? ""),
    scopeKey: toScopeKey(labels[LABEL.scopeKey] ?? ""),
    userId,
    of,
  };
}

function diffMounts({ Mounts, HostConfig }: RawHardening, asked: readonly Docker.MountSettings[]): HardeningDifference[] {
  const tmpfs = Object.keys((HostConfig.Tmpfs as object | null | undefined) ?? {});
  const found = (Mounts ?? []).filter(({ Type, Destination }) => !(Type === "tmpfs" && tmpfs.includes(Destination)));
  const isAsked = ({ Type, Name, Destination, RW }: (typeof found)[number]): boolean =>
    asked.some(({ Source, Target, ReadOnly }) => Type === "volume" && Name === Source && Destination === Target && RW !== ReadOnly);
  const others = found.filter((one) => !isAsked(one)).map(({ Type, Destination }) => `it has another mount (${Type}) at ${Destination}`);
  const missing = asked.filter(({ Target }) => !found.some(({ Destination }) => Destination === Target));
  const messages = [...others, ...missing.map(({ Target }) => `it lacks the mount at ${Target}`)];
  return messages.map((message) => ({ option: "Mounts", message }));
}

/** Lists in any order, and names of capabilities with their prefix or without. */
function toForm(value: unknown): string {
  if (isUnset(value)) return "";
  if (Array.isArray(value))
    return value
      .map((item) => String(item).replace(/^CAP_|[:=]true$/g, ""))
      .toSorted()
      .join("\n");
  if (typeof value === "object" && value !== null) return toForm(Object.entries(value).map(([key, item]) => `${key}=${String(item)}`));
  return String(value);
}

const render = (value: unknown): string =>
  isUnset(value) ? "unset" : typeof value === "string" ? value : (JSON.stringify(value) ?? "unset");
