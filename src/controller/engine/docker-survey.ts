// Lists every container on the engine that claims to be an OpenClaw sandbox, or to keep the egress of some, including those of other programs. It reads
// only what their confinement depends on, and judges nothing.
import { z } from "zod";
import { toContainerId, toInstanceId } from "../../api/brands.ts";
import { isErrorCode } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import type { DockerClient } from "./docker-client.ts";
import { toMoment, toState } from "./docker-observe.ts";
import { diffHardening, RawHardening } from "./egress-hardening.ts";
import type { Surveyed } from "./engine.ts";

/** An inspect takes a millisecond; the engine serves others too. */
const LOOKS_AT_ONCE = 8;

const text = z.string().nullish();
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);

const RawSurveyed = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: text,
  State: z.object({ Status: z.string() }),
  Config: z.object({ Image: text, User: text, Labels: z.record(z.string(), z.string()).nullish() }),
  HostConfig: z.object({
    Privileged: z.boolean().nullish(),
    ReadonlyRootfs: z.boolean().nullish(),
    SecurityOpt: texts,
    CapAdd: texts,
    NetworkMode: text,
    PidMode: text,
    IpcMode: text,
    UTSMode: text,
    UsernsMode: text,
    CgroupnsMode: text,
    Devices: z.array(z.object({ PathOnHost: text })).nullish(),
    PortBindings: z.record(z.string(), z.array(z.object({ HostIp: text, HostPort: text })).nullish()).nullish(),
    PidsLimit: z.number().nullish(),
    Memory: z.number().nullish(),
  }),
  Mounts: z.array(z.object({ Type: text, Source: text, Destination: text, RW: z.boolean().nullish() })).nullish(),
});
type RawSurveyed = z.infer<typeof RawSurveyed>;

/** Sandboxes, and what keeps their egress. */
export async function surveyDocker(client: DockerClient, ignoredLimits: readonly (keyof LiveSpec)[]): Promise<Surveyed[]> {
  const [sandboxes, egress] = await Promise.all([client.list([`${LABEL.sandbox}=1`]), client.list([LABEL.egress])]);
  const listed = [...sandboxes, ...egress.filter(({ Id }) => sandboxes.every((one) => one.Id !== Id))];
  const surveyed: Surveyed[] = [];
  for (let at = 0; at < listed.length; at += LOOKS_AT_ONCE) {
    const looks = listed.slice(at, at + LOOKS_AT_ONCE).map(({ Id }) => look(client, Id, ignoredLimits));
    surveyed.push(...(await Promise.all(looks)).filter((one) => one !== null));
  }
  return surveyed;
}

/** null: it went meanwhile. */
async function look(client: DockerClient, id: string, ignoredLimits: readonly (keyof LiveSpec)[]): Promise<Surveyed | null> {
  try {
    const surveyed = toSurveyed(await client.inspectAs(id, RawSurveyed));
    const instance = surveyed.labels[LABEL.instance];
    if (surveyed.labels[LABEL.egress] === undefined || instance === undefined) return surveyed;
    const differences = diffHardening(await client.inspectAs(id, RawHardening), toInstanceId(instance), ignoredLimits);
    return { ...surveyed, egressDifferences: differences.map(({ message }) => message) };
  } catch (error) {
    if (isErrorCode(error, "StaleHandle")) return null;
    throw error;
  }
}

export function toSurveyed({ Id, Name, Created, State, Config, HostConfig: host, Mounts }: RawSurveyed): Surveyed {
  return {
    id: toContainerId(Id),
    name: Name.replace(/^\//, ""),
    labels: Config.Labels ?? {},
    image: Config.Image ?? "",
    state: toState(State.Status),
    createdAt: toMoment(Created),
    user: Config.User ?? "",
    privileged: host.Privileged === true,
    readOnlyRoot: host.ReadonlyRootfs === true,
    noNewPrivileges: host.SecurityOpt.some((option) => /^no-new-privileges(?:[:=]true)?$/.test(option)),
    capAdd: host.CapAdd,
    unconfined: host.SecurityOpt.flatMap((option) => toUnconfined(option)),
    sharedNamespaces: toSharedNamespaces(host),
    devices: (host.Devices ?? []).map(({ PathOnHost }) => PathOnHost ?? ""),
    publishedPorts: toPublishedPorts(host.PortBindings ?? {}),
    // Docker says null or -1 for what Podman says 0.
    pidsLimit: Math.max(host.PidsLimit ?? 0, 0),
    memory: host.Memory || null,
    binds: (Mounts ?? [])
      .filter(({ Type }) => Type === "bind")
      .map(({ Source, Destination, RW }) => ({ source: Source ?? "", target: Destination ?? "", readOnly: RW === false })),
    egressDifferences: null,
  };
}

/** `seccomp=unconfined`, `apparmor:unconfined`, `label=disable`. */
function toUnconfined(option: string): string[] {
  const [, name = "", value = ""] = /^([a-z]+)[=:](.*)$/.exec(option) ?? [];
  return value === "unconfined" || (name === "label" && value === "disable") ? [name] : [];
}

function toSharedNamespaces(host: RawSurveyed["HostConfig"]): string[] {
  const modes = {
    network: host.NetworkMode,
    pid: host.PidMode,
    ipc: host.IpcMode,
    uts: host.UTSMode,
    user: host.UsernsMode,
    cgroup: host.CgroupnsMode,
  };
  return Object.entries(modes).flatMap(([name, mode]) => {
    const isShared = mode === "host" || mode?.startsWith("container:") === true;
    // On cgroup v1 the host's cgroup namespace is the default, and shows names only.
    return isShared && !(name === "cgroup" && mode === "host") ? [`${name} ${mode}`] : [];
  });
}

/** Those on loopback are nobody else's. */
function toPublishedPorts(bindings: NonNullable<RawSurveyed["HostConfig"]["PortBindings"]>): string[] {
  return Object.values(bindings).flatMap((all) =>
    (all ?? []).flatMap(({ HostIp, HostPort }) => {
      const ip = HostIp || "0.0.0.0";
      return /^127\.|^::1$/.test(ip) ? [] : [`${ip}:${HostPort || "any"}`];
    }),
  );
}
