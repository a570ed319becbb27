// The inputs and outputs of the decisions: facts and data, no behaviour. The functions that use them are beside this file.
import {
  type AgentId,
  type EpochMs,
  type InstanceId,
  type SandboxName,
  type SandboxUid,
  type ScopeKey,
  type SessionKey,
  type SpecHash,
  toContainerId,
  toSandboxUid,
} from "../../api/brands.ts";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import type { ErrorCode } from "../../api/errors.ts";
import type { ChangePart, ContainerSpec, Failure, FieldDrift, LiveSpec, SandboxChange, SandboxKind } from "../../api/sandbox.ts";
import type { EgressInput } from "./egress-facts.ts";
import type { Capabilities, Handle, ImageFact, Observation } from "./observation.ts";

/** What one sandbox should be, as far as the config and the sessions say; what depends on the host (owner, image) is not resolved yet. */
export interface DesiredSandbox {
  name: SandboxName;
  kind: SandboxKind;
  scope: "session" | "agent" | "shared";
  scopeKey: ScopeKey;
  /** null for the scope `shared`. */
  agentId: AgentId | null;
  settings: EffectiveSandbox;
  /** The folder at `workdir`: the scope's own, or with access `rw` the agent's. */
  workspace: { dir: string; purpose: "scope" | "agent" };
  /** Whom the workspace's marker names as its owner: a browser shares the workspace of the sandbox beside it. */
  workspaceOwner: SandboxName;
  /** The agent's own folder, seen read-only at `/agent`. null unless the access is `ro`. */
  agentDir: string | null;
}

/** What permits a removal. Absence of data is never among them. */
export type Evidence =
  | { kind: "session-ended"; sessionKey: SessionKey; endedAt: EpochMs }
  /** The agent's session folder was read completely and no live session needs the sandbox. */
  | { kind: "session-gone"; folderOf: AgentId }
  /** The config in force was parsed and does not want it. */
  | { kind: "config"; says: string }
  /** Live sessions share it, and none of them wants a browser any more. */
  | { kind: "browser-stopped"; says: string }
  | { kind: "idle"; since: EpochMs; idleHours: number }
  /** A container that matches the newest spec is there in its place. */
  | { kind: "replaced"; by: string }
  /** It mounts something else than what was judged. */
  | { kind: "mounts"; says: string }
  /** The ledger names it as ours and its creation was interrupted or failed. */
  | { kind: "half-made"; uid: SandboxUid };

export type Want =
  | { kind: "wanted"; desired: DesiredSandbox; because: string; idleAt: EpochMs | null }
  | { kind: "unwanted"; evidence: Evidence; because: string; hotWindowMs: number }
  /** Nobody wants it, and so many others go with it that a person has to agree: it stays as it is. */
  | { kind: "held"; because: string; message: string }
  /** Not known whether anybody wants it: nothing is made and nothing is removed. */
  | { kind: "unknown"; because: string };

/** The spec in its final form, or why there is none yet. */
export type ResolvedSpec =
  | { kind: "ready"; container: ContainerSpec; hash: SpecHash; generation: number }
  | { kind: "blocked"; code: ErrorCode; message: string; generation: number };

/** The folder that is mounted at `workdir`, as last looked at. */
export type WorkspaceFact =
  | { kind: "ready"; uid: number; gid: number; mode: number }
  | { kind: "missing" }
  /** A symlink, a file, a folder that is not ours. */
  | { kind: "refused"; message: string };

/**
 * What this process knows of a container's setup. Nothing is known of one that an earlier process started: `absent` then, and a
 * pending container that ran without a known setup is half made.
 */
export type SetupFact =
  | { kind: "absent" }
  /** Started by this process, setup not begun. */
  | { kind: "fresh" }
  | { kind: "running"; deadline: EpochMs }
  | { kind: "succeeded" }
  | { kind: "failed"; message: string; at: EpochMs };

/** What is known of a container's mounts in this run of it: a start looks every path up anew. */
export type MountsFact =
  /** All of them lie in folders that the product itself made: nothing to compare. */
  | { kind: "own" }
  | { kind: "not-compared" }
  /** Each is what was judged. */
  | { kind: "compared" }
  /** One is something else, or may be. */
  | { kind: "refused"; message: string; at: EpochMs }
  /** What an agent did in it may hide what it mounts; another container shows it. */
  | { kind: "unclear"; message: string };

/** One container of ours with what is known about it beside the engine. */
export interface OwnedContainer {
  observation: Observation;
  setup: SetupFact;
  mounts: MountsFact;
  /** A live exec or an open stream. `unknown` counts as yes. */
  inUse: "yes" | "no" | "unknown";
}

export interface PlanInput {
  instance: InstanceId;
  name: SandboxName;
  now: EpochMs;
  want: Want;
  /** null when it is not wanted. */
  spec: ResolvedSpec | null;
  /** null when it is not wanted. */
  image: ImageFact | null;
  workspace: WorkspaceFact | null;
  containers: readonly OwnedContainer[];
  /** Whether what a new container mounts is compared with what was judged before it serves. */
  comparesMounts: boolean;
  /** A container that was made for this sandbox, and that nobody of ours removed, is not there any more. */
  vanished: boolean;
  lastUsedAt: EpochMs | null;
  /** A person's request. null: none. */
  request: { recreateAfter: EpochMs; kill: boolean } | null;
  /** A person keeps the sandbox as it is, whatever the config says. */
  pinned: boolean;
  /** As the last look left it. */
  change: SandboxChange | null;
  /** Whether the rollout lets a container that works be replaced now. */
  gate: RolloutGate;
  /** The newest failed attempt to make the container that the spec asks for. */
  failure: Failure | null;
  /** The newest failed attempt to keep the one that serves, its ends included. */
  servingFailure: Failure | null;
  capabilities: Capabilities;
  egress: EgressInput;
}

/** Why a change waits, from a closed set: people and programs tell them apart by it. */
export type DeferralReason = "in-use" | "pinned" | "paused" | "canary" | "turn" | "halted";

export type RolloutGate = { kind: "open" } | { kind: "closed"; reason: DeferralReason; until: EpochMs | null; message: string };

/** What made a pass necessary, from a closed set: it becomes a metric's label. */
export type Trigger = "config" | "session" | "crash" | "external" | "resync" | "recreate";

/** Why something is done, from a closed set: it becomes a metric's label. */
export type Cause = "wanted" | "drift" | "image" | "age" | "forced" | "crash" | "external" | "idle" | "released" | "orphan" | "setup";

/** The container that the `create` before it in the same plan makes. */
export const NEW_HANDLE: Handle = { id: toContainerId("planned"), uid: toSandboxUid("planned"), incarnation: "" };

export type ActionBody =
  | { kind: "prepare-workspace"; dir: string }
  | { kind: "create"; hash: SpecHash }
  | { kind: "start"; handle: Handle }
  | { kind: "setup"; handle: Handle }
  /** Looks at what it mounts in this run. */
  | { kind: "compare-mounts"; handle: Handle }
  | { kind: "promote"; handle: Handle }
  | { kind: "update"; handle: Handle; live: LiveSpec; changes: string }
  | { kind: "unpause"; handle: Handle }
  | { kind: "attach"; handle: Handle; network: string }
  | { kind: "detach"; handle: Handle; network: string }
  /** Makes and starts a relay in the network of this run of a container. */
  | { kind: "attach-relay"; handle: Handle }
  | { kind: "remove-relay"; relay: Handle }
  /** `unless-used`: use is checked again right before, and a use stops it. */
  | { kind: "retire"; handle: Handle; evidence: Evidence; guard: "unless-used" | "always" };

/** One call, and why it is made. */
export type Action = ActionBody & { cause: Cause; because: string };
export type ActionKind = Action["kind"];

export type Verdict =
  | { kind: "converged" }
  /** Steps are under way; `message` says which. */
  | { kind: "progressing"; message: string }
  /** It serves, and a change waits. `until` is null when nothing tells when the wait ends; `overdue` when it is longer than it should be. */
  | { kind: "deferred"; reason: DeferralReason; until: EpochMs | null; overdue: boolean; message: string }
  /** Nothing can be done before `retryAt`, or before a person edits something. */
  | { kind: "blocked"; code: ErrorCode | "SetupFailed" | "CrashLoop" | "EgressUnavailable"; message: string; retryAt: EpochMs | null }
  /** It serves, and its removal waits for a person. */
  | { kind: "held"; message: string }
  | { kind: "unknown"; message: string }
  | { kind: "gone"; message: string };

export interface Plan {
  /** In order; each is safe by itself, and a crash between two leaves what the next plan repairs. */
  actions: readonly Action[];
  /** When to look again even if no event arrives. null: nothing is waited for. */
  requeueAt: EpochMs | null;
  verdict: Verdict;
  /** The container that serves, or will once repaired in place. */
  serving: OwnedContainer | null;
  drift: readonly FieldDrift[];
  /** The container that works and is to be replaced by another one. null: there is none. */
  replacement: Replacement | null;
}

/** A replacement that takes a working container's place, now or later. */
export interface Replacement {
  cause: Cause;
  /** Empty: the same spec once more. */
  parts: readonly ChangePart[];
  /** Work lives in the container that serves, or may. */
  busy: boolean;
}

/** What a server needs to know of a sandbox to run things in it. */
export interface SandboxSpecInForce {
  name: SandboxName;
  workdir: string;
  user: string;
  env: Readonly<Record<string, string>>;
}
