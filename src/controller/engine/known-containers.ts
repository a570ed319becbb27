// Remembers which containers the last looks showed of each sandbox, so that the next one need not list them before it inspects them. Every fact is looked at
// again; only what never changes is taken from here: ids are never given twice, and labels never change.
import type { ContainerId, InstanceId, SandboxName, SandboxUid } from "../../api/brands.ts";
import type { Handle, Observation } from "./engine.ts";

export interface KnownContainer {
  readonly id: ContainerId;
  readonly uid: SandboxUid;
  /** It runs, as far as is known, and it is still looked at whether its main process is at rest. */
  readonly isRising: boolean;
}

export class KnownContainers {
  readonly #instance: InstanceId;
  /** Of the containers that there are: a look that finds none of a sandbox forgets it. */
  readonly #byName = new Map<SandboxName, readonly KnownContainer[]>();

  constructor(instance: InstanceId) {
    this.#instance = instance;
  }

  of(name: SandboxName): readonly KnownContainer[] {
    return this.#byName.get(name) ?? [];
  }

  /** Whether this container carries the labels of this instance, sandbox and uid: it was made so, or seen with them. */
  isLabelled(name: SandboxName, { id, uid }: Pick<Handle, "id" | "uid">): boolean {
    return this.of(name).some((one) => one.id === id && one.uid === uid);
  }

  made(name: SandboxName, { id, uid }: Handle): void {
    this.#put(name, { id, uid, isRising: false });
  }

  started(name: SandboxName, { id }: Handle): void {
    const known = this.of(name).find((one) => one.id === id);
    if (known !== undefined) this.#put(name, { ...known, isRising: true });
  }

  gone(name: SandboxName, { id }: Handle): void {
    this.#set(
      name,
      this.of(name).filter((one) => one.id !== id),
    );
  }

  /** All that there are of the sandbox. @param isOpen whether it is still looked at whether this start is at rest */
  seen(name: SandboxName, observations: readonly Observation[], isOpen: (handle: Handle) => boolean): void {
    const ours = observations.filter(({ identity }) => identity.instance === this.#instance);
    const isRising = ({ state, handle }: Observation): boolean => state === "running" && isOpen(handle);
    this.#set(
      name,
      ours.map((one) => ({ id: one.handle.id, uid: one.handle.uid, isRising: isRising(one) })),
    );
  }

  #put(name: SandboxName, container: KnownContainer): void {
    this.#set(name, [...this.of(name).filter(({ id }) => id !== container.id), container]);
  }

  #set(name: SandboxName, known: readonly KnownContainer[]): void {
    if (known.length === 0) this.#byName.delete(name);
    else this.#byName.set(name, known);
  }
}
