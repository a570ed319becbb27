// Observes everything that one plan is made from: containers, image, folders, use. It decides nothing; a failed observation throws.
import { type EpochMs, type InstanceId, type SandboxName, type ScopeKey, toScopeKey } from "../../api/brands.ts";
import type { HostFolders } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import { toAgentOfKey } from "../../api/names.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { keepsEnding } from "../decide/backoff.ts";
import { isOurs } from "../decide/ownership.ts";
import { SANDBOX_LIMIT_WORDS } from "../decide/sandbox-limits.ts";
import { type KnownGeneration, type Owner, resolveSpec, type SpecFacts } from "../decide/spec.ts";
import type { Described } from "../decide/status.ts";
import type { DesiredSandbox, OwnedContainer, PlanInput, Want } from "../decide/types.ts";
import type { KnownSandbox } from "../decide/wanted.ts";
import type { Relays } from "../egress/relays.ts";
import type { Engine, Observation } from "../engine/engine.ts";
import { type HostLooks, observeHost } from "../folders/host-folders.ts";
import type { Activity } from "../records/activity.ts";
import type { Ledger } from "../records/ledger.ts";
import type { DesiredState } from "../sources/desired-state.ts";
import type { CreationRate } from "./creation-rate.ts";
import type { MountCheck } from "./mount-check.ts";
import type { RemovalGate, Resident } from "./removal-guard.ts";
import type { SetupRunner } from "./setup-runner.ts";
import { SpecMemo } from "./spec-memo.ts";
import type { Uses } from "./uses.ts";

export interface ObserverParts extends HostLooks {
  now(): EpochMs;
  instance: InstanceId;
  folders: HostFolders;
  /** Who the controller runs as. */
  controller: Owner;
  engine: Engine;
  desired: DesiredState;
  ledger: Ledger;
  setups: SetupRunner;
  mounts: MountCheck;
  uses: Uses;
  activity: Activity;
  removals: RemovalGate;
  creations: Pick<CreationRate, "admit" | "settled">;
  relays: Pick<Relays, "inputFor">;
  /** Told of containers that carry our labels and are not ours. */
  foreign(observation: Observation): void;
  /** Told of containers of ours that could not be written into the ledger. */
  unrecorded(observation: Observation, error: OperationError): void;
}

/** The input of a plan, still without the failures that are remembered, and what the status says of the sandbox beside it. */
export interface SandboxObservation {
  input: Omit<PlanInput, "failure" | "servingFailure">;
  described: Described["spec"];
}

interface FoundContainers {
  containers: OwnedContainer[];
  /** Who has the name, where it is somebody else. */
  holder: ScopeKey | null;
}

const NONE: FoundContainers = { containers: [], holder: null };

export class Observer {
  readonly #parts: ObserverParts;
  readonly #specs: SpecMemo;
  /** Sandboxes in which work was seen at the last look: when none is seen any more, it ended just now. */
  readonly #busy = new Set<SandboxName>();

  constructor(parts: ObserverParts, specs: SpecMemo = new SpecMemo()) {
    this.#parts = parts;
    this.#specs = specs;
  }

  /** The same looks under another desired state, for a dry run: what it has in common with the one in force is made once. */
  under(desired: DesiredState, removals: RemovalGate): Observer {
    const creations = { admit: () => true, settled: () => undefined };
    const parts = { ...this.#parts, desired, removals, creations, foreign: () => undefined, unrecorded: () => undefined };
    return new Observer(parts, this.#specs);
  }

  /** What the engine and the host say of the parts that a sandbox is made from. @throws OperationError when the engine can't be asked */
  async #facts(desired: DesiredSandbox): Promise<SpecFacts> {
    const { engine, controller, folders } = this.#parts;
    const context = { ...folders, sandboxes: this.#parts.desired.sandboxFolders };
    const [image, host] = await Promise.all([
      engine.resolveImage(desired.settings.docker.image),
      observeHost(desired, context, this.#parts),
    ]);
    return { image, ...host, appArmor: engine.capabilities.appArmor, controller };
  }

  /** Why sessions may not cause this sandbox now. null: they may. */
  #limitOn(name: SandboxName): string | null {
    const { desired, creations } = this.#parts;
    const limit = desired.limitOn(name);
    if (limit !== null) return SANDBOX_LIMIT_WORDS[limit];
    const burst = desired.creationsMax(name);
    if (burst === null || creations.admit(name, burst)) return null;
    return "sessions requested too many new sandboxes in a short time; it is created once the rate allows";
  }

  /**
   * @param isBare the look before this one saw no container of it, and nothing was done on the engine since: the engine is not asked again
   * @throws OperationError when the engine can't be asked; nothing may be concluded then
   */
  async observe(name: SandboxName, previous: Sandbox | null, isBare = false): Promise<SandboxObservation> {
    const { engine, desired, instance, ledger } = this.#parts;
    // The host is looked at meanwhile; what it says is only needed if the sandbox is wanted.
    const candidate = desired.desiredOf(name);
    const looking = candidate === null ? null : this.#facts(candidate);
    looking?.catch(() => undefined);
    const { containers, holder } = isBare ? NONE : await this.#containers(name, candidate?.scopeKey ?? null);
    const first = containers[0]?.observation ?? null;
    const lastUsedAt = this.#lastUsedAt(name, containers, previous);
    const scopeKey = first?.identity.scopeKey ?? previous?.spec.scopeKey ?? null;
    const kind = first?.identity.kind ?? previous?.spec.kind ?? "tools";
    const known: KnownSandbox | null =
      scopeKey === null ? null : { name, kind, scopeKey, createdAt: first?.identity.createdAt ?? null, lastUsedAt };
    const now = this.#parts.now();
    const want = await this.#parts.removals.pass(name, desired.want(name, known, now), residentOf(containers));
    const hasList = want.kind === "wanted" && want.desired.settings.egress !== null;
    const egress = await this.#parts.relays.inputFor(name, hasList, previous?.status.egressFailure ?? null);
    const base = {
      instance,
      name,
      now,
      want,
      containers,
      comparesMounts: false,
      vanished: containers.length === 0 && ledger.ofName(name).some(({ containerId }) => containerId !== null),
      lastUsedAt,
      request: desired.requestFor(name),
      pinned: desired.isPinned(name),
      change: previous?.status.change ?? null,
      gate: { kind: "open" } as const,
      capabilities: engine.capabilities,
      egress,
    };
    const described = describe(want, first, previous);
    if (containers.length > 0 || want.kind !== "wanted") this.#parts.creations.settled(name);
    if (want.kind !== "wanted") return { input: { ...base, spec: null, image: null, workspace: null }, described };
    const facts = await (looking ?? this.#facts(want.desired));
    if (holder !== null) {
      const message = `the container ${name} belongs to ${JSON.stringify(holder)} and is not shared with ${JSON.stringify(want.desired.scopeKey)}`;
      const spec = { kind: "blocked" as const, code: "HostRejected" as const, message, generation: previous?.metadata.generation ?? 1 };
      return { input: { ...base, spec, image: facts.image, workspace: facts.workspace }, described };
    }
    const limit = containers.length === 0 && !base.vanished ? this.#limitOn(name) : null;
    const spec =
      limit !== null
        ? { kind: "blocked" as const, code: "LimitExceeded" as const, message: limit, generation: previous?.metadata.generation ?? 1 }
        : resolveSpec(want.desired, facts, knownGeneration(first, previous), this.#specs.make);
    const comparesMounts = spec.kind === "ready" && this.#parts.mounts.outside(spec.container.mounts).length > 0;
    return { input: { ...base, comparesMounts, spec, image: facts.image, workspace: facts.workspace }, described };
  }

  /** How many commands and streams use these containers through our own servers. */
  usesOf(containers: readonly OwnedContainer[]): number {
    return containers.reduce((sum, { observation }) => sum + this.#parts.uses.countOf(observation.handle.id), 0);
  }

  /** One that has the name and is another's is neither adopted nor merged. @param scopeKey whose are looked for. null: whoever's they are */
  async #containers(name: SandboxName, scopeKey: ScopeKey | null): Promise<FoundContainers> {
    const { engine, instance, ledger, setups, mounts, uses, foreign } = this.#parts;
    const containers: OwnedContainer[] = [];
    let holder: ScopeKey | null = null;
    for (const observation of await engine.observe(name)) {
      if (!isOurs(observation, instance, ledger)) {
        foreign(observation);
        continue;
      }
      const { handle, identity } = observation;
      if (scopeKey !== null && identity.scopeKey !== scopeKey) {
        holder = identity.scopeKey;
        continue;
      }
      await this.#adopt(observation);
      const inUse = uses.isHeld(handle.id) ? "yes" : observation.execs === "none" ? "no" : await engine.inUse(handle);
      containers.push({ observation, setup: setups.factOf(handle.id), mounts: mounts.factOf(observation), inUse });
    }
    return { containers, holder };
  }

  /** Labels say whose it is as well: that this can't be written down is no reason not to care for it. */
  async #adopt(observation: Observation): Promise<void> {
    try {
      await this.#parts.ledger.adopt(toEntry(observation));
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#parts.unrecorded(observation, error);
    }
  }

  /**
   * A command that somebody runs in it past our servers is a use too, from when it is seen running to when it is seen no more; a setup is not one.
   * A session's messages are one as long as something is there that serves: what is tried in vain would keep a mended config waiting.
   */
  #lastUsedAt(name: SandboxName, containers: readonly OwnedContainer[], previous: Sandbox | null): EpochMs | null {
    const { activity, desired, now } = this.#parts;
    const busy = containers.some(({ inUse, observation }) => inUse === "yes" && observation.stage !== "pending");
    if (busy) this.#busy.add(name);
    if (busy || this.#busy.delete(name)) activity.touch(name, now());
    const serves = containers.some(({ observation }) => observation.stage !== "pending" && observation.state === "running");
    const messagedAt = serves && !keepsEnding(previous?.status.servingFailure ?? null) ? desired.lastActivityOf(name) : null;
    if (messagedAt !== null) activity.touch(name, messagedAt);
    return activity.lastUsedAt(name, containers[0]?.observation.identity.createdAt ?? null);
  }
}

/** What is half made is nobody's yet. */
function residentOf(containers: readonly OwnedContainer[]): Resident | null {
  return containers.find(({ observation }) => observation.stage !== "pending")?.observation.identity ?? null;
}

function toEntry({ handle, identity, created }: Observation): Parameters<Ledger["adopt"]>[0] {
  const { uid, name, kind, scopeKey, createdAt } = identity;
  const workspace = created.mounts.find((mount) => mount.kind === "workspace")?.source ?? null;
  return { uid, name, kind, scopeKey, createdAt, containerId: handle.id, workspace };
}

function knownGeneration(first: Observation | null, previous: Sandbox | null): KnownGeneration | null {
  if (previous !== null && previous.spec.hash !== null && previous.spec.live !== null) {
    return { generation: previous.metadata.generation, spec: { hash: previous.spec.hash, live: previous.spec.live } };
  }
  return first === null ? null : { generation: first.identity.generation, spec: { hash: first.identity.hash, live: first.live } };
}

function describe(want: Want, first: Observation | null, previous: Sandbox | null): Described["spec"] {
  if (want.kind === "wanted") {
    const { kind, scopeKey, agentId, scope, settings } = want.desired;
    return { kind, scopeKey, agentId, scope, image: settings.docker.image };
  }
  if (previous !== null) {
    const { kind, scopeKey, agentId, scope, image } = previous.spec;
    return { kind, scopeKey, agentId, scope, image };
  }
  return describeFromLabels(first);
}

/** After the loss of the state folder the labels are all there is. */
function describeFromLabels(first: Observation | null): Described["spec"] {
  const scopeKey = first?.identity.scopeKey ?? toScopeKey("");
  const agentId = toAgentOfKey(scopeKey);
  const scope = scopeKey === "shared" ? "shared" : scopeKey === `agent:${agentId}` ? "agent" : "session";
  return { kind: first?.identity.kind ?? "tools", scopeKey, agentId, scope, image: first?.created.image ?? "" };
}
