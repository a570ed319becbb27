// Observations of the engine as this project's own types: the facts that decisions are made from. No engine types, no behaviour.
import type { ContainerId, EpochMs, ImageId, InstanceId, SandboxName, SandboxUid, ScopeKey, SpecHash } from "../../api/brands.ts";
import type { ContainerSpec, LiveSpec, SandboxKind } from "../../api/sandbox.ts";

/** What this engine can do; a plan that would need more chooses another way. */
export interface Capabilities {
  /** Fields of `LiveSpec` that change while a container runs. */
  liveFields: ReadonlySet<keyof LiveSpec>;
  /** Whether a live field can be set back to "unlimited" without a new container (Docker: pids only). */
  liveUnset: ReadonlySet<keyof LiveSpec>;
  /** Limits that it accepts and does not enforce (rootless on cgroup v1, no swap accounting): they read back as unlimited and are not drift. */
  ignoredLimits: ReadonlySet<keyof LiveSpec>;
  /** Whether it confines by AppArmor profiles. Without AppArmor it accepts any name and confines nothing. */
  appArmor: boolean;
}

/** One exact container, and one exact run of it: a restart changes `incarnation`, so whoever holds this is fenced to that run. */
export interface Handle {
  id: ContainerId;
  uid: SandboxUid;
  /** Opaque; changes with each start. Empty: never started. */
  incarnation: string;
}

/** What the labels say. Written once, at creation. */
export interface Identity {
  instance: InstanceId;
  name: SandboxName;
  uid: SandboxUid;
  kind: SandboxKind;
  scopeKey: ScopeKey;
  hash: SpecHash;
  hashVersion: string;
  generation: number;
  createdAt: EpochMs;
  /** Whether it was made with a setup command. null: made by a version that did not say. */
  hasSetup: boolean | null;
}

/** What `docker update` can set and no key of the config does; the engine's own choice is zero or the empty text. */
export interface Tuning {
  /** `no`: the engine starts nothing again by itself. */
  restartPolicy: string;
  cpuShares: number;
  cpusetCpus: string;
  cpusetMems: string;
  /** Bytes. */
  memoryReservation: number;
  blkioWeight: number;
}

export type ContainerState = "created" | "running" | "paused" | "exited" | "dead" | "removing";

/**
 * What one look at one container showed. `stage` compares its actual name with its identity: `pending` until promoted, `current` once
 * promoted, `renamed` when it has any third name.
 */
export interface Observation {
  handle: Handle;
  identity: Identity;
  actualName: string;
  stage: "pending" | "current" | "renamed";
  state: ContainerState;
  startedAt: EpochMs | null;
  /** Whether its main process has ever ended since creation: what lived in its tmpfs is gone then. */
  restarted: boolean;
  exitCode: number | null;
  oomKilled: boolean;
  /** The end of what its main process said, where that has ended. Absent: nothing, or it can't be read. Anything inside may have written it. */
  lastOutput?: string;
  imageId: ImageId;
  /** Names of the networks it is attached to now, sorted; `none` included. */
  networks: readonly string[];
  /** Limits in force now. */
  live: LiveSpec;
  tuning: Tuning;
  /** What else the engine says that it was created with, for showing drift field by field. */
  created: Omit<ContainerSpec, "live" | "setupCommand">;
  /** `none`: certainly no exec runs in it. `some`: `inUse` must tell. */
  execs: "none" | "some";
  /**
   * Whether its main process was seen at rest, so that it stays up: one whose command its image does not have ends a moment after a start
   * that succeeded. false: not seen, and where an engine can't show it, never.
   */
  settled: boolean;
}

/** What a look at a container of anybody's showed that says it is an OpenClaw sandbox: what its confinement hangs on, and no more. */
export interface Surveyed {
  id: ContainerId;
  name: string;
  labels: Readonly<Record<string, string>>;
  image: string;
  state: ContainerState;
  createdAt: EpochMs | null;
  /** Empty: root. */
  user: string;
  privileged: boolean;
  readOnlyRoot: boolean;
  noNewPrivileges: boolean;
  capAdd: readonly string[];
  /** Security profiles that are switched off: `seccomp`, `apparmor`, `label`. */
  unconfined: readonly string[];
  /** Namespaces that it has together with the host or another container: `network host`, `pid container:x`. */
  sharedNamespaces: readonly string[];
  /** Paths of host devices. */
  devices: readonly string[];
  /** Ports that are reachable from other hosts, as `0.0.0.0:9222`. */
  publishedPorts: readonly string[];
  /** 0: unlimited. */
  pidsLimit: number;
  /** Bytes. null: unlimited. */
  memory: number | null;
  /** Folders and files of the host. */
  binds: readonly { source: string; target: string; readOnly: boolean }[];
  /** Of a proxy or a relay of the egress: in what it is not as it is made, each as part of a sentence. null: it is none. */
  egressDifferences: readonly string[] | null;
}

/** `user` is the image's own `USER` (empty: root); `env` its own environment; `volumes` the absolute paths that it declares as volumes, normalised, never the root (absent: none). */
export type ImageFact =
  | { kind: "found"; id: ImageId; user: string; env: Readonly<Record<string, string>>; volumes?: readonly string[] }
  | { kind: "missing" };
