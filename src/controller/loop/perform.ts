// Performs one action: one call to the engine or the host, with the checks that must happen right before it. Decides nothing.
import { type ContainerId, type EpochMs, renderTime, type SandboxName, toSandboxUid } from "../../api/brands.ts";
import type { HostFolders } from "../../api/config/config.ts";
import type { SandboxFolders } from "../../api/config/sandbox-folders.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { KeyedMutex } from "../../api/keyed-mutex.ts";
import { SETUP_WORDS, toSetupMsMax } from "../decide/browser.ts";
import { HASH_VERSION } from "../decide/fields.ts";
import { type Owner, ownerToBe } from "../decide/spec.ts";
import type { Action, DesiredSandbox, PlanInput } from "../decide/types.ts";
import type { Relays } from "../egress/relays.ts";
import type { Engine, Handle, Identity } from "../engine/engine.ts";
import { prepareWorkspace, type RealPath, refuseMounts } from "../folders/host-folders.ts";
import type { Ledger } from "../records/ledger.ts";
import type { MountCheck } from "./mount-check.ts";
import type { SetupRunner } from "./setup-runner.ts";
import type { Uses } from "./uses.ts";

/** A use began after the plan was made: the stop was given up. */
export class StillInUse extends OperationError {
  constructor(name: SandboxName) {
    super("Aborted", `${name} came into use; not stopped`);
  }
}

export interface PerformerParts {
  now(): EpochMs;
  /** A new UUID. */
  newUid(): string;
  folders: HostFolders;
  /** What the sandboxes of all agents mount now. */
  sandboxFolders(): SandboxFolders;
  controller: Owner;
  engine: Engine;
  ledger: Ledger;
  setups: SetupRunner;
  mounts: MountCheck;
  uses: Uses;
  relays: Pick<Relays, "attach" | "remove">;
  /** Where folders really are when their making begins. */
  lookUp: RealPath;
  /** A container was removed. */
  removed(id: ContainerId): void;
}

export class Performer {
  readonly #parts: PerformerParts;
  /** By a folder that several sandboxes have in common. */
  readonly #preparing = new KeyedMutex<string>();

  constructor(parts: PerformerParts) {
    this.#parts = parts;
  }

  /** @returns the container, when the action was to create one. @throws OperationError as the engine says; `StillInUse` */
  async perform(action: Action, input: PlanInput): Promise<Handle | null> {
    if (action.kind === "create") return await this.#create(input);
    await this.#performOn(action, input);
    return null;
  }

  async #performOn(action: Exclude<Action, { kind: "create" }>, input: PlanInput): Promise<void> {
    const { engine, setups } = this.#parts;
    const { name } = input;
    switch (action.kind) {
      case "prepare-workspace":
        return await this.#prepareWorkspace(input);
      case "start":
        await engine.act(action.handle, { name }, { kind: "start" });
        return setups.markFresh(action.handle.id);
      case "setup": {
        const { desired, spec } = mustWanted(input);
        const { failed } = SETUP_WORDS[desired.kind];
        return await setups.start(name, action.handle, {
          command: spec.container.setupCommand ?? "",
          msMax: toSetupMsMax(desired),
          failed,
        });
      }
      case "compare-mounts":
        return await this.#compareMounts(action.handle, input);
      case "promote":
        await engine.act(action.handle, { name }, { kind: "promote" });
        return setups.forget(action.handle.id);
      case "update":
        return await engine.act(action.handle, { name }, { kind: "update", live: action.live });
      case "unpause":
        return await engine.act(action.handle, { name }, { kind: "unpause" });
      case "attach":
        return await engine.act(action.handle, { name }, { kind: "attach", network: action.network });
      case "detach":
        return await engine.act(action.handle, { name }, { kind: "detach", network: action.network });
      case "attach-relay":
        return await this.#parts.relays.attach({ name, scopeKey: mustWanted(input).desired.scopeKey }, action.handle);
      case "remove-relay":
        return await this.#parts.relays.remove(action.relay);
      case "retire":
        return await this.#retire(action, name);
    }
  }

  async #compareMounts({ id }: Handle, input: PlanInput): Promise<void> {
    const container = input.containers.find(({ observation }) => observation.handle.id === id);
    if (container === undefined) throw new Error("only a container that was looked at is compared");
    await this.#parts.mounts.compare(input.name, container, input.image?.kind === "found" ? input.image.env : null);
  }

  /**
   * Sessions of one agent share its workspace, and a browser that of the sandbox beside it: one that another pass is just making would look like one that
   * was put in its place, so they go one after the other. Those of other sandboxes wait for nobody.
   */
  #prepareWorkspace(input: PlanInput): Promise<void> {
    const { workspace, settings } = mustWanted(input).desired;
    const shared = settings.workspaceAccess === "none" ? workspace.dir : settings.agentWorkspace;
    return this.#preparing.run(shared, () => this.#makeWorkspace(input));
  }

  async #makeWorkspace(input: PlanInput): Promise<void> {
    const { desired } = mustWanted(input);
    const image = input.image ?? { kind: "missing" };
    const createdAt = renderTime(this.#parts.now());
    const marker = {
      instance: input.instance,
      name: desired.workspaceOwner,
      scopeKey: desired.scopeKey,
      path: desired.workspace.dir,
      createdAt,
    };
    const owner = ownerToBe(desired, { image, controller: this.#parts.controller });
    const context = { ...this.#parts.folders, sandboxes: this.#parts.sandboxFolders() };
    await prepareWorkspace({ desired, owner, marker, context, lookUp: this.#parts.lookUp });
  }

  /** The ledger knows of it before the engine does, so that a crash in between leaves nothing unowned. */
  async #create(input: PlanInput): Promise<Handle> {
    const { engine, ledger } = this.#parts;
    const { desired, spec } = mustWanted(input);
    const refused = await refuseMounts(desired, { ...this.#parts.folders, sandboxes: this.#parts.sandboxFolders() });
    if (refused !== null) throw new OperationError("HostRejected", refused);
    const identity: Identity = {
      instance: input.instance,
      name: input.name,
      uid: toSandboxUid(this.#parts.newUid()),
      kind: desired.kind,
      scopeKey: desired.scopeKey,
      hash: spec.hash,
      hashVersion: HASH_VERSION,
      generation: spec.generation,
      createdAt: this.#parts.now(),
      hasSetup: spec.container.setupCommand !== null,
    };
    const { uid, name, kind, scopeKey, createdAt } = identity;
    await ledger.record({ uid, name, kind, scopeKey, createdAt, containerId: null, workspace: desired.workspace.dir });
    try {
      const handle = await engine.create(identity, spec.container);
      await ledger.bind(uid, handle.id);
      return handle;
    } catch (error) {
      if (isRefusal(error)) await ledger.forget(uid);
      throw error;
    }
  }

  async #retire(action: Extract<Action, { kind: "retire" }>, name: SandboxName): Promise<void> {
    const { engine, ledger, setups, mounts, uses } = this.#parts;
    const { handle } = action;
    using _sealed = uses.seal(handle.id);
    if (action.guard === "unless-used" && (await this.#isUsed(handle))) throw new StillInUse(name);
    if (action.guard === "always") uses.revoke(handle.id, `sandbox ${name} is being replaced: ${action.because}`);
    await engine.act(handle, { name }, { kind: "retire" });
    // Before the seal is broken: nobody who waits for it may be let into what is gone.
    this.#parts.removed(handle.id);
    setups.forget(handle.id);
    mounts.forget(handle.id);
    await ledger.forget(handle.uid);
  }

  async #isUsed(handle: Handle): Promise<boolean> {
    return this.#parts.uses.isHeld(handle.id) || (await this.#parts.engine.inUse(handle)) !== "no";
  }
}

/** The engine certainly made nothing. After a timeout or a broken connection it may have: the ledger keeps the entry. */
function isRefusal(error: unknown): boolean {
  return isErrorCode(error, "SpecRejected") || isErrorCode(error, "ImageMissing") || isErrorCode(error, "EngineConflict");
}

interface Mustered {
  desired: DesiredSandbox;
  spec: Extract<NonNullable<PlanInput["spec"]>, { kind: "ready" }>;
}

function mustWanted({ want, spec }: PlanInput): Mustered {
  if (want.kind !== "wanted" || spec?.kind !== "ready") throw new Error("only a wanted sandbox with a ready spec is made");
  return { desired: want.desired, spec };
}
