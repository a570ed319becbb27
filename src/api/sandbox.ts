// The Sandbox: what one isolated container should be (spec), and its last observed state (status). Shapes only, no behaviour.
import type { AgentId, ContainerId, EpochMs, ImageId, SandboxName, SandboxUid, ScopeKey, SpecHash } from "./brands.ts";
import type { Condition } from "./condition.ts";
import type { ErrorCode } from "./errors.ts";

/** `tools` runs an agent's tools; `browser` runs its browser beside them, as a sandbox of its own. */
export type SandboxKind = "tools" | "browser";

/** A folder of the host that the container sees. */
export interface Mount {
  /** `workspace` is writable at `workdir`, `agent` is read-only at `/agent`, `bind` is what `docker.binds` says. */
  kind: "workspace" | "agent" | "bind";
  source: string;
  target: string;
  readOnly: boolean;
}

export interface Ulimit {
  name: string;
  soft: number;
  hard: number;
}

/** What can change while the container runs. */
export interface LiveSpec {
  /** Cores; fractions allowed. null: unlimited. */
  cpus: number | null;
  /** Bytes. null: unlimited. */
  memory: number | null;
  /** Bytes of memory plus swap; -1 is unlimited swap. null: the engine's default (twice the memory). */
  memorySwap: number | null;
  /** Processes and threads. 0: unlimited. */
  pidsLimit: number;
}

/** Everything that is sent to the engine for one container, in its final form: no default is added after this. */
export interface ContainerSpec {
  image: string;
  workdir: string;
  readOnlyRoot: boolean;
  tmpfs: readonly { path: string; options: string }[];
  /** `none` or the name of a network that exists. */
  network: string;
  /** Numeric `uid:gid`, or a user name that the image knows. */
  user: string;
  capDrop: readonly string[];
  env: Readonly<Record<string, string>>;
  ulimits: readonly Ulimit[];
  /** `all`, a count, or device ids. null: none. */
  gpus: string | null;
  /** Bytes. null: the engine's default (64 MiB). */
  shmSize: number | null;
  /** null: the engine's default runtime. */
  runtime: string | null;
  /** Content of the seccomp profile as JSON text. null: the engine's default profile. */
  seccomp: string | null;
  apparmorProfile: string | null;
  dns: readonly string[];
  extraHosts: readonly string[];
  mounts: readonly Mount[];
  /** Run once after creation, by `sh` with `/etc/profile`. null: none. */
  setupCommand: string | null;
  live: LiveSpec;
}

/** Which part of a sandbox differs from its spec, with values fit to be shown (secrets redacted). */
export interface FieldDrift {
  /** Key as in the config, e.g. `docker.memory`. */
  field: string;
  /** `live` is repaired in place, `recreate` needs a new container. */
  remedy: "live" | "recreate";
  desired: string;
  actual: string;
}

/** One key whose new value needs a new container. Two sandboxes that get the same value of a key take part in one rollout. */
export interface ChangePart {
  /** Key as in the config, e.g. `docker.image`. */
  field: string;
  /** The new value, fit to be shown (secrets redacted). */
  to: string;
  /** Digest of the key and the new value: equal for all sandboxes that get it. */
  id: string;
}

/** The newest change that needs a new container, or needed the one that serves. */
export interface SandboxChange {
  /** Empty: the same spec once more (its recreation was requested, or the container is too old). */
  parts: readonly ChangePart[];
  /** Since when a new container has been wanted, without a pause. */
  since: EpochMs;
  /** false: it was made. */
  pending: boolean;
}

/** The newest failed attempt of a kind that is tried again later; kept over restarts so that back-off is. */
export interface Failure {
  code: ErrorCode | "SetupFailed" | "CrashLoop";
  message: string;
  /** Attempts in a row, at least 1. */
  count: number;
  lastAt: EpochMs;
  /** No new attempt before this. */
  retryAt: EpochMs;
  /** The generation that failed; another one is tried at once. */
  generation: number;
  /** Absent: at no container, or it is not known at which. */
  at?: FailedAt;
}

/** A step that keeps failing at the same container. */
export interface FailedAt {
  container: ContainerId;
  /** As plans name it: `start`, `promote`, `unpause` ... */
  step: string;
  /** In a row, at least 1. */
  times: number;
}

export interface SandboxStatus {
  observedGeneration: number;
  conditions: readonly Condition[];
  /** The container that serves. null: there is none. */
  container: {
    id: ContainerId;
    uid: SandboxUid;
    hash: SpecHash;
    imageId: ImageId;
    createdAt: EpochMs;
    startedAt: EpochMs | null;
  } | null;
  drift: readonly FieldDrift[];
  /** When a waiting change is made, if the sandbox stays unused. null: nothing waits, or it waits for live work to end. */
  deferredUntil: EpochMs | null;
  /** Since when a change has been waiting. null: none is. */
  deferredSince: EpochMs | null;
  /** null: it has the container that it was made with. */
  change: SandboxChange | null;
  /** Last exec, file operation, stream or session activity. null: never used. */
  lastUsedAt: EpochMs | null;
  /** Of making the container that the spec asks for. */
  failure: Failure | null;
  /** Of keeping the container that serves: it keeps ending, or can't be put right. It never holds up the making of another one, nor the other way. */
  servingFailure: Failure | null;
  /** Of keeping its relay, by which it reaches what its egress list names. Absent: there is none. */
  egressFailure?: Failure;
  /** What the loop does next and when, in words. Empty: nothing to do. */
  next: readonly string[];
}

/** A Sandbox as the admin endpoint and the status files show it. */
export interface Sandbox {
  apiVersion: string;
  kind: "Sandbox";
  metadata: { name: SandboxName; generation: number; createdAt: EpochMs };
  spec: {
    kind: SandboxKind;
    scopeKey: ScopeKey;
    /** null for the scope `shared`. */
    agentId: AgentId | null;
    scope: "session" | "agent" | "shared";
    /** Hash of the newest spec. null: it could not be made yet (no image, no workspace). */
    hash: SpecHash | null;
    /** Limits of the newest spec. null: as above. */
    live: LiveSpec | null;
    image: string;
    /** Whether anything wants it now; false while it is being released. */
    wanted: boolean;
    /** Why it is wanted or not, in words. */
    because: string;
  };
  status: SandboxStatus;
}
