// What Docker is asked for when a proxy or a relay is created, and how what it answers is read back. Pure. A change here is a new EGRESS_VERSION.
// Neither of them has the engine's socket, a capability beyond what it needs, or anything of a sandbox but its network.
import type Docker from "dockerode";
import { z } from "zod";
import { type InstanceId, type SandboxName, toContainerId, toEpochMs, toImageId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { EGRESS_UID_LENGTH, EGRESS_VERSION, type EgressContainer } from "../decide/egress-facts.ts";
import { NO_RESTART, PROCESS_STATE_DIR } from "./docker-create.ts";
import { toIncarnation, toMoment, toState } from "./docker-observe.ts";
import type { EgressRequest } from "./egress-engine.ts";

/** Where proxy and relays have the volume, with a folder for each relay. */
const VOLUME_TARGET = "/run/openclaw-egress";
/** Names that are looked up in it, and the most that all sandboxes together send and have not yet had answered. */
const PROXY_MEMORY_BYTES = 512 * 2 ** 20;
/** A relay of bytes takes 2 MiB with 64 connections. */
const RELAY_MEMORY_BYTES = 96 * 2 ** 20;
const PROXY_PIDS_MAX = 128;
/** A process for each connection at the most, and those that listen. */
const RELAY_PIDS_MAX = 128;

export const toEgressName = (instance: InstanceId): SandboxName => toSandboxName(`openclaw-egress-${instance}`);

export function toEgressOptions(instance: InstanceId, request: EgressRequest): Docker.ContainerCreateOptions {
  const proxy = toEgressName(instance);
  const isProxy = request.role === "proxy";
  const memory = isProxy ? PROXY_MEMORY_BYTES : RELAY_MEMORY_BYTES;
  const user = isProxy ? "0:0" : `${request.userId}:${request.userId}`;
  return {
    name: isProxy ? proxy : `${request.name}-egress-${request.uid.slice(0, EGRESS_UID_LENGTH)}`,
    Image: request.image,
    Entrypoint: ["openclaw-egress"],
    Cmd: isProxy ? ["serve"] : ["relay", request.uid],
    User: user,
    WorkingDir: "/",
    Labels: toEgressLabels(instance, request),
    Healthcheck: { Test: ["NONE"] },
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: false,
    Tty: false,
    HostConfig: {
      Init: true,
      Privileged: false,
      AutoRemove: false,
      RestartPolicy: NO_RESTART,
      LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      // The folder of a relay is the relay's group's to enter.
      CapAdd: isProxy ? ["CHOWN"] : [],
      SecurityOpt: ["no-new-privileges:true"],
      NetworkMode: isProxy ? proxy : `container:${request.of.id}`,
      Memory: memory,
      // Without swap: what takes too much ends at once, and does not make the whole machine slow first.
      MemorySwap: memory,
      PidsLimit: isProxy ? PROXY_PIDS_MAX : RELAY_PIDS_MAX,
      Tmpfs: {
        [PROCESS_STATE_DIR]: `rw,noexec,nosuid,nodev,size=16m,mode=${isProxy ? "0700" : "1777"}`,
        ...(isProxy && { "/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777" }),
      },
      Mounts: [{ Type: "volume", Source: proxy, Target: VOLUME_TARGET, ReadOnly: !isProxy }],
    },
  };
}

function toEgressLabels(instance: InstanceId, request: EgressRequest): Record<string, string> {
  return {
    [LABEL.instance]: instance,
    [LABEL.egress]: request.role,
    [LABEL.egressVersion]: EGRESS_VERSION,
    [LABEL.uid]: request.uid,
    [LABEL.createdAtMs]: String(request.createdAt),
    [LABEL.name]: request.role === "proxy" ? toEgressName(instance) : request.name,
    ...(request.role === "relay" && {
      [LABEL.scopeKey]: request.scopeKey,
      [LABEL.egressContainer]: request.of.id,
      [LABEL.egressRun]: request.of.incarnation,
    }),
  };
}

export const RawEgress = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  State: z.object({ Status: z.string(), StartedAt: z.string().nullish(), ExitCode: z.number().nullish() }),
  Config: z.object({ User: z.string().nullish(), Labels: z.record(z.string(), z.string()).nullish() }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});
export type RawEgress = z.infer<typeof RawEgress>;

/** null: its labels are not those of a container of ours. */
export function toEgressContainer(raw: RawEgress, instance: InstanceId): Omit<EgressContainer, "changes"> | null {
  const labels = raw.Config.Labels ?? {};
  const role = labels[LABEL.egress];
  const [name, uid, createdAt] = [labels[LABEL.name], labels[LABEL.uid], Number(labels[LABEL.createdAtMs])];
  if (labels[LABEL.instance] !== instance || (role !== "proxy" && role !== "relay")) return null;
  if (name === undefined || uid === undefined || !Number.isSafeInteger(createdAt)) return null;
  const [container, run] = [labels[LABEL.egressContainer], labels[LABEL.egressRun]];
  const networks = role === "proxy" ? Object.keys(raw.NetworkSettings?.Networks ?? {}).sort() : [];
  return {
    handle: { id: toContainerId(raw.Id), uid: toSandboxUid(uid), incarnation: toIncarnation(raw) },
    role,
    name: toSandboxName(name),
    actualName: raw.Name.replace(/^\//, ""),
    state: toState(raw.State.Status),
    createdAt: toEpochMs(createdAt),
    startedAt: toMoment(raw.State.StartedAt),
    exitCode: raw.State.ExitCode ?? null,
    imageId: toImageId(raw.Image),
    version: labels[LABEL.egressVersion] ?? "",
    userId: Number.parseInt(raw.Config.User ?? "", 10) || 0,
    of: role === "relay" && container !== undefined ? { id: toContainerId(container), incarnation: run ?? "" } : null,
    networks,
  };
}
