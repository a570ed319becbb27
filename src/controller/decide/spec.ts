// Brings what is desired into its final form: what the config leaves to the host (owner, image's user, profile file) is filled in here. Pure.
// Every value that reaches the engine is in the result; the engine adapter adds no default.
import type { SpecHash } from "../../api/brands.ts";
import { PRIVATE_HOME, PRIVATE_HOME_TMPFS } from "../../api/config/private-home.ts";
import type { ContainerSpec, Mount } from "../../api/sandbox.ts";
import { diffLive, hashSpec } from "./fields.ts";
import { findImageVolumes, toVolumeTmpfs } from "./image-volumes.ts";
import { effectiveLive } from "./limits.ts";
import type { ImageFact } from "./observation.ts";
import type { DesiredSandbox, ResolvedSpec, WorkspaceFact } from "./types.ts";

/** Where `workspaceAccess: "ro"` shows the agent's own workspace. */
export const AGENT_MOUNT_TARGET = "/agent";

/** Used when neither the config, nor the folder, nor the image says who runs in a sandbox. */
const FALLBACK_OWNER = { uid: 1000, gid: 1000 } as const;

export interface Owner {
  uid: number;
  gid: number;
}

export interface SpecFacts {
  workspace: WorkspaceFact;
  image: ImageFact;
  /** Content of `docker.seccompProfile`. */
  seccomp: { kind: "none" } | { kind: "content"; text: string } | { kind: "unreadable"; message: string };
  /** Why workspaces and `docker.binds` may not be mounted as they resolve now. null: they may. */
  refusedMounts: string | null;
  /** Whether the engine confines by AppArmor profiles. */
  appArmor: boolean;
  /** Who the controller runs as. */
  controller: Owner;
}

/** Numeric `uid` or `uid:gid`; null for names and for the empty text. */
export function parseOwner(user: string): Owner | null {
  const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(user);
  if (match === null) return null;
  const uid = Number(match[1]);
  return { uid, gid: match[2] === undefined ? uid : Number(match[2]) };
}

/** Who owns a folder that we create: the configured user, else the controller's own, else (root) the image's numeric user; never root by itself. */
export function ownerToBe(desired: DesiredSandbox, facts: Pick<SpecFacts, "image" | "controller">): Owner {
  const configured = desired.settings.docker.user === null ? null : parseOwner(desired.settings.docker.user);
  if (configured !== null) return configured;
  if (facts.controller.uid !== 0) return facts.controller;
  const image = facts.image.kind === "found" ? parseOwner(facts.image.user) : null;
  return image !== null && image.uid !== 0 ? image : FALLBACK_OWNER;
}

function userOf(desired: DesiredSandbox, facts: SpecFacts): string {
  if (desired.settings.docker.user !== null) return desired.settings.docker.user;
  const { workspace } = facts;
  const owner = workspace.kind === "ready" && workspace.uid !== 0 ? workspace : ownerToBe(desired, facts);
  return `${owner.uid}:${owner.gid}`;
}

/** The limits that were in force at a generation; a change of them, or of the hash, is a new generation. */
export interface KnownGeneration {
  generation: number;
  spec: Pick<ContainerSpec, "live"> & { hash: string };
}

/** A container in its final form, and its hash. */
export interface HashedSpec {
  container: ContainerSpec;
  hash: SpecHash;
}

/** Depends on nothing but its arguments, and costs 50 us: whoever asks ten thousand times remembers the answers. */
export function toHashedSpec(desired: DesiredSandbox, facts: SpecFacts): HashedSpec {
  const container = toContainerSpec(desired, facts);
  return { container, hash: hashSpec(container) };
}

/** @param make `toHashedSpec`, or something that remembers its answers */
export function resolveSpec(
  desired: DesiredSandbox,
  facts: SpecFacts,
  known: KnownGeneration | null,
  make: typeof toHashedSpec = toHashedSpec,
): ResolvedSpec {
  const refused = facts.refusedMounts ?? refusedProfile(desired, facts);
  if (refused !== null) return { kind: "blocked", code: "HostRejected", message: refused, generation: known?.generation ?? 1 };
  const { container, hash } = make(desired, facts);
  const same = known !== null && known.spec.hash === hash && diffLive(container.live, known.spec.live).length === 0;
  return { kind: "ready", container, hash, generation: known === null ? 1 : same ? known.generation : known.generation + 1 };
}

const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** `docker.env.PATH` is written to put a person's folders first: those of the system come after them, or no program would be found. */
function toEnvironment(env: ContainerSpec["env"]): ContainerSpec["env"] {
  if (env.PATH === undefined) return env;
  const folders = env.PATH.split(":");
  return { ...env, PATH: [...folders, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(":") };
}

/** Why a container would not be confined as `docker.seccompProfile` and `docker.apparmorProfile` say. null: it would be. */
function refusedProfile({ settings }: DesiredSandbox, { seccomp, appArmor }: SpecFacts): string | null {
  if (seccomp.kind === "unreadable") return seccomp.message;
  const { apparmorProfile } = settings.docker;
  if (apparmorProfile === null || appArmor) return null;
  return (
    `docker.apparmorProfile: this engine has no AppArmor: it would accept ${apparmorProfile} without confining anything; ` +
    "turn AppArmor on (kernel parameters apparmor=1 security=apparmor, package apparmor), then restart the engine and the controller, or remove the key"
  );
}

function toContainerSpec(desired: DesiredSandbox, facts: SpecFacts): ContainerSpec {
  const { docker } = desired.settings;
  const [tmpfs, mounts] = [toTmpfs(docker), toMounts(desired)];
  const volumes = docker.readOnlyRoot ? findImageVolumes(facts.image, { tmpfs, mounts }) : [];
  return {
    image: docker.image,
    workdir: docker.workdir,
    readOnlyRoot: docker.readOnlyRoot,
    tmpfs: [...tmpfs, ...volumes.map(toVolumeTmpfs)],
    network: docker.network,
    user: userOf(desired, facts),
    capDrop: docker.capDrop,
    env: toEnvironment(docker.env),
    ulimits: docker.ulimits,
    gpus: docker.gpus,
    shmSize: docker.shmSize,
    runtime: docker.runtime,
    seccomp: facts.seccomp.kind === "content" ? facts.seccomp.text : null,
    apparmorProfile: docker.apparmorProfile,
    dns: docker.dns,
    extraHosts: docker.extraHosts,
    mounts,
    setupCommand: docker.setupCommand,
    live: effectiveLive({ cpus: docker.cpus, memory: docker.memory, memorySwap: docker.memorySwap, pidsLimit: docker.pidsLimit }),
  };
}

/** A HOME of its own needs a place to write to. */
function toTmpfs({ tmpfs, binds, env }: DesiredSandbox["settings"]["docker"]): ContainerSpec["tmpfs"] {
  const isTaken = tmpfs.some(({ path }) => path === PRIVATE_HOME) || binds.some(({ target }) => target === PRIVATE_HOME);
  return env.HOME === PRIVATE_HOME && !isTaken ? [...tmpfs, PRIVATE_HOME_TMPFS] : tmpfs;
}

export function toMounts({ settings, workspace, agentDir }: DesiredSandbox): Mount[] {
  const mounts: Mount[] = [{ kind: "workspace", source: workspace.dir, target: settings.docker.workdir, readOnly: false }];
  if (agentDir !== null) mounts.push({ kind: "agent", source: agentDir, target: AGENT_MOUNT_TARGET, readOnly: true });
  return [...mounts, ...settings.docker.binds.map(({ source, target, readOnly }) => ({ kind: "bind" as const, source, target, readOnly }))];
}
