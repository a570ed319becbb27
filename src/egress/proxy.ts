// The policy in force, and a listener for each sandbox that it names. Without a policy there are none: nothing can be reached.
// It keeps nothing on disk but sockets. Who hands the policy over is control-server.ts's.
import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type EgressSilence, type EgressTestRequest, type EgressTestResult, SILENT_SHOWN_MAX } from "../api/egress/decision.ts";
import { parseUrlTarget, renderHost } from "../api/egress/host.ts";
import { renderAddress } from "../api/egress/ip-address.ts";
import { CONNECTIONS_USUAL, type EgressPolicy, type EgressSandbox, type EgressStatus } from "../api/egress/policy.ts";
import { OperationError } from "../api/errors.ts";
import { Listener } from "./listener.ts";
import type { Pulse } from "./pulse.ts";
import type { Follower } from "./record-log.ts";
import { Subject, type World } from "./subject.ts";

export class EgressProxy {
  readonly #world: World;
  readonly #root: string;
  readonly #listeners = new Map<string, Listener>();
  #generation: number | null = null;
  /** Policies are taken over one after the other. */
  #applied: Promise<unknown> = Promise.resolve();

  private constructor(world: World, root: string) {
    this.#world = world;
    this.#root = root;
  }

  /** Closed: what an earlier process left in the folder is removed. @param root all of it is the proxy's */
  static async open(world: World, root: string): Promise<EgressProxy> {
    for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
    // Each relay has the whole folder mounted: it may pass through, and list nothing.
    await chmod(root, 0o711);
    return new EgressProxy(world, root);
  }

  /**
   * Resolves once every socket listens and what is refused now is cut.
   * @throws OperationError `Aborted`: a newer policy is in force; `HostRejected`: some sockets could not be made, and those sandboxes reach nothing
   */
  apply(policy: EgressPolicy): Promise<EgressStatus> {
    const applied = this.#applied.then(() => this.#apply(policy));
    this.#applied = applied.catch(() => undefined);
    return applied;
  }

  status(): EgressStatus {
    const subjects = [...this.#listeners.values()].map(({ subject }) => subject);
    const tunnels = subjects.reduce((sum, { connections }) => sum + connections.size, 0);
    return { generation: this.#generation, sandboxes: subjects.length, tunnels };
  }

  /** To be called once in `PULSE_CHECK_MS`. */
  checkPulses(): void {
    for (const { subject } of this.#listeners.values()) subject.pulse.check(subject.clients.size >= CONNECTIONS_USUAL);
  }

  /** Those whose relay should have been heard of and was not. */
  silence(): EgressSilence {
    const idsOf = (isMeant: (pulse: Pulse) => boolean): string[] =>
      [...this.#listeners]
        .filter(([, { subject }]) => isMeant(subject.pulse))
        .map(([id]) => id)
        .slice(0, SILENT_SHOWN_MAX);
    return { kind: "silent", relays: idsOf(({ isSilent }) => isSilent), unheard: idsOf(({ isUnheard }) => isUnheard) };
  }

  /** As a request would be judged, without one. @throws OperationError `NotFound`, `InvalidArgument` */
  async test({ id, url }: EgressTestRequest): Promise<EgressTestResult> {
    const subject = this.#listeners.get(id)?.subject;
    if (subject === undefined) throw new OperationError("NotFound", `no sandbox has the id ${JSON.stringify(id)}`);
    const target = parseUrlTarget(url);
    if (!target.ok) throw new OperationError("InvalidArgument", target.message);
    const admission = await subject.admit(target.value);
    const addresses = admission.kind === "allowed" ? admission.addresses : admission.address === undefined ? [] : [admission.address];
    return {
      host: renderHost(target.value.host),
      port: target.value.port,
      addresses: addresses.map(renderAddress),
      ...admission.judgement,
    };
  }

  follow(since: number): Follower {
    return this.#world.log.follow(since);
  }

  onNextRecord(wake: () => void): () => void {
    return this.#world.log.onNext(wake);
  }

  async #apply(policy: EgressPolicy): Promise<EgressStatus> {
    if (this.#generation !== null && policy.generation < this.#generation)
      throw new OperationError("Aborted", `generation ${this.#generation} is in force, ${policy.generation} is older`);
    this.#generation = policy.generation;
    const wanted = new Map(policy.sandboxes.map((entry) => [entry.id, entry]));
    // What closes comes first, so that no failure of what opens can hold it up.
    for (const [id, listener] of this.#listeners) {
      const entry = wanted.get(id);
      if (entry !== undefined && entry.uid === listener.subject.uid) {
        listener.subject.update(entry, policy);
        listener.update();
      } else {
        this.#listeners.delete(id);
        await listener.close();
      }
    }
    const failures = await Promise.all(
      policy.sandboxes.filter(({ id }) => !this.#listeners.has(id)).map((entry) => this.#open(entry, policy)),
    );
    const failure = failures.find((message) => message !== null);
    if (failure !== undefined) throw new OperationError("HostRejected", failure ?? "");
    return this.status();
  }

  /** @returns what is in the way; null: it listens */
  async #open(entry: EgressSandbox, policy: EgressPolicy): Promise<string | null> {
    const subject = new Subject(this.#world, entry);
    subject.update(entry, policy);
    const listener = new Listener(subject, this.#root);
    try {
      await listener.open();
      this.#listeners.set(entry.id, listener);
      return null;
    } catch (error) {
      await listener.close().catch(() => undefined);
      return `the socket of ${entry.sandbox} could not be made: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
