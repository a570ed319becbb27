// The engine port over a model of an engine (fake-world.fixture.ts): the same semantics as Docker's, in memory, on a virtual clock, with faults.
// For tests and for trying plans; it isolates nothing and runs nothing.
import { type ContainerId, type InstanceId, type SandboxName, toDurationMs, toSandboxUid } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import { toPendingName } from "../../api/names.ts";
import type { ContainerSpec, LiveSpec } from "../../api/sandbox.ts";
import type { Usage } from "../../api/usage.ts";
import { effectiveLive } from "../decide/limits.ts";
import { UNTOUCHED } from "../decide/tuning.ts";
import { toLabels } from "./docker-create.ts";
import { toIdentity } from "./docker-observe.ts";
import type {
  Act,
  Capabilities,
  Engine,
  EngineInfo,
  EngineObject,
  ExecRequest,
  ExecStream,
  Handle,
  Hint,
  Identity,
  ImageFact,
  Listed,
  ObjectKind,
  Observation,
  ProbeRequest,
  Surveyed,
  WaitingListener,
} from "./engine.ts";
import { orNotBegun } from "./engine.ts";
import { FakeEgress } from "./fake-egress.fixture.ts";
import { asDial, FakeExec } from "./fake-exec.fixture.ts";
import { toIncarnation, toObservation, toSurveyed } from "./fake-view.fixture.ts";
import type { FakeContainer, FakeOperation, FakeWorld } from "./fake-world.fixture.ts";
import { SHM_SIZE_DEFAULT, toCapDrop, toMountKind } from "./normal-form.ts";
import { DEADLINE_MS } from "./operations.ts";

const HANG_MS: Readonly<Partial<Record<FakeOperation, number>>> = {
  create: DEADLINE_MS.create,
  start: DEADLINE_MS.start,
  retire: DEADLINE_MS.remove,
};
const HANG_MS_DEFAULT = DEADLINE_MS.inspect;

export class FakeEngine implements Engine {
  capabilities: Capabilities = {
    liveFields: new Set(["cpus", "memory", "memorySwap", "pidsLimit"]),
    liveUnset: new Set(["pidsLimit"]),
    ignoredLimits: new Set(),
    appArmor: false,
  };
  readonly world: FakeWorld;
  readonly instance: InstanceId;
  readonly egress: FakeEgress;
  /** Names that `claim` says, of processes that wait for a command: there are none unless a test says so. */
  readonly waiting: string[] = [];
  waitingListener: WaitingListener | null = null;

  constructor(world: FakeWorld, instance: InstanceId) {
    this.world = world;
    this.instance = instance;
    this.egress = new FakeEgress(world, instance);
  }

  /** One call: logged, with the fault that is due, before or after its effect. */
  async #call<T>(operation: FakeOperation, subject: string, work: () => T): Promise<T> {
    this.world.calls.push(subject === "" ? operation : `${operation} ${subject}`);
    const fault = this.world.takeFault(operation);
    await Promise.resolve();
    const begin = async (): Promise<T> => {
      if (fault?.when === "before") await this.#strike(operation, fault.what);
      return work();
    };
    const result = operation === "exec" ? await orNotBegun(begin()) : await begin();
    if (fault?.when === "after") await this.#strike(operation, fault.what);
    return result;
  }

  async #strike(operation: FakeOperation, what: OperationError | "hang"): Promise<void> {
    if (what !== "hang") throw what;
    const deadlineMs = HANG_MS[operation] ?? HANG_MS_DEFAULT;
    await new Promise<void>((resolve) => {
      this.world.clock.setTimer(toDurationMs(deadlineMs), resolve);
    });
    throw new OperationError("EngineTimeout", `engine: ${operation}: no answer within ${deadlineMs / 1000} s`);
  }

  async info(): Promise<EngineInfo> {
    return await this.#call("info", "", () => ({
      product: "fake",
      version: "1",
      apiVersion: "1.41",
      endpoint: "fake://",
      because: "a test",
      securityOptions: this.capabilities.appArmor ? ["seccomp", "apparmor"] : ["seccomp"],
      seccompProfile: "default",
      cgroupVersion: "2",
      cgroupDriver: "systemd",
      runtimes: [...this.world.runtimes].sort(),
      runtimeProgram: null,
      storageDriver: "memory",
      systemTime: this.world.clock.now(),
      subreaper: true,
    }));
  }

  async resolveImage(reference: string): Promise<ImageFact> {
    return await this.#call("resolveImage", reference, () => {
      const image = this.world.images.get(reference);
      return image === undefined ? { kind: "missing" as const } : { kind: "found" as const, ...image };
    });
  }

  async list(): Promise<Listed[]> {
    return await this.#call("list", "", () => {
      const listed: Listed[] = [];
      for (const container of this.world.containers.values()) {
        const identity = container.labels[LABEL.instance] === this.instance ? toIdentity(container.labels) : null;
        if (identity === null) continue;
        const { name, kind, scopeKey, createdAt } = identity;
        listed.push({ id: container.id, name, kind, scopeKey, createdAt, actualName: container.name, state: container.state });
      }
      return listed;
    });
  }

  async observe(name: SandboxName): Promise<Observation[]> {
    return await this.#call("observe", name, () =>
      [...this.world.of(this.instance, name)].map(toObservation).filter((each) => each !== null),
    );
  }

  async watch(hint: (hint: Hint) => void, connected: (up: boolean) => void, signal: AbortSignal): Promise<void> {
    const watcher = { instance: this.instance, hint, connected };
    this.world.watchers.add(watcher);
    connected(true);
    hint({ kind: "relist", cause: "connected" });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.world.watchers.delete(watcher);
    connected(false);
  }

  async create(identity: Identity, spec: ContainerSpec): Promise<Handle> {
    return await this.#call("create", identity.name, () => {
      this.world.checkRefusals("create", null);
      const image = this.world.imageOf(spec.image);
      if (image === undefined) throw new OperationError("ImageMissing", `no such image: ${spec.image}`);
      this.#checkSpec(spec);
      const container = toContainer(this.world, { name: toPendingName(identity.name), labels: toLabels(identity) }, spec, image.id);
      this.world.add(container);
      return { id: container.id, uid: identity.uid, incarnation: "" };
    });
  }

  async probe<T>({ spec }: ProbeRequest, look: (handle: Handle) => Promise<T>): Promise<T> {
    const container = await this.#call("probe", "", () => {
      const image = this.world.imageOf(spec.image);
      if (image === undefined) throw new OperationError("ImageMissing", `no such image: ${spec.image}`);
      this.#checkSpec(spec);
      const labels = { [LABEL.instance]: this.instance, [LABEL.probe]: "1" };
      const made = toContainer(this.world, { name: `probe-${this.world.newId()}`, labels }, spec, image.id);
      this.world.add(made);
      this.world.start(made.id);
      return made;
    });
    try {
      return await look({ id: container.id, uid: toSandboxUid(""), incarnation: toIncarnation(container) });
    } finally {
      this.world.remove(container.id);
    }
  }

  #checkSpec(spec: ContainerSpec): void {
    const missing = spec.mounts.find(({ source }) => this.world.missingSources.has(source));
    if (missing !== undefined) throw new OperationError("SpecRejected", `bind source path does not exist: ${missing.source}`);
    if (spec.runtime !== null && !this.world.runtimes.has(spec.runtime)) {
      throw new OperationError("SpecRejected", `unknown or invalid runtime name: ${spec.runtime}`);
    }
  }

  async act(handle: Handle, identity: Pick<Identity, "name">, act: Act): Promise<void> {
    return await this.#call(act.kind, identity.name, () => {
      this.world.checkRefusals(act.kind, this.world.containers.get(handle.id) ?? null);
      if (act.kind === "retire") return this.#retire(handle, identity.name);
      const container = this.world.mustGet(handle.id);
      switch (act.kind) {
        case "start":
          return this.#start(container);
        case "promote":
          return container.name === identity.name ? undefined : this.world.rename(container.id, identity.name);
        case "update":
          container.tuning = { ...container.tuning, restartPolicy: UNTOUCHED.restartPolicy };
          return this.world.limit(container.id, toUpdated(container.live, act.live));
        case "unpause":
          if (container.state !== "paused") return;
          container.state = "running";
          return this.world.changed(container);
        case "attach":
          if (!this.world.networks.has(act.network)) throw new OperationError("SpecRejected", `network ${act.network} not found`);
          if (!container.networks.has(act.network)) this.world.connect(container.id, act.network);
          return;
        case "detach":
          if (container.networks.delete(act.network)) this.world.changed(container);
          return;
      }
    });
  }

  #start(container: FakeContainer): void {
    if (container.state === "running") return;
    if (container.state === "paused")
      throw new OperationError("NotReady", "cannot start a paused container", { fix: "unpause the container" });
    if (!this.world.networks.has(container.created.network)) {
      throw new OperationError("SpecRejected", `network ${container.created.network} not found`);
    }
    this.world.start(container.id);
  }

  #retire(handle: Handle, name: SandboxName): void {
    const container = this.world.containers.get(handle.id);
    if (container === undefined) return;
    const identity = toIdentity(container.labels);
    if (identity === null || identity.instance !== this.instance || identity.name !== name || identity.uid !== handle.uid) {
      throw new OperationError("StaleHandle", `container ${handle.id} is not the one named ${name}; nothing was removed`);
    }
    this.world.remove(handle.id);
  }

  /** The running container and run that the handle means. */
  #mustRun(handle: Handle): FakeContainer {
    const container = this.world.mustGet(handle.id);
    if (container.state === "paused") throw new OperationError("NotReady", "the container is paused", { fix: "unpause the container" });
    if (container.state !== "running" || toIncarnation(container) !== handle.incarnation) {
      throw new OperationError("StaleHandle", "the container was stopped or restarted");
    }
    return container;
  }

  claim(): string | null {
    return this.waiting.shift() ?? null;
  }

  onWaiting(listener: WaitingListener): void {
    this.waitingListener = listener;
  }

  async exec(handle: Handle, request: ExecRequest): Promise<ExecStream> {
    return await this.#call("exec", request.argv.join(" "), () => {
      const container = this.#mustRun(handle);
      const program = asDial(request.argv, container.ports) ?? this.world.programFor(request.argv, container);
      const exec = new FakeExec(request, program, this.world.clock);
      if (request.mark !== undefined && container.endedMarks.has(request.mark)) exec.end(126);
      container.execs.add(exec);
      const forget = (): void => {
        container.execs.delete(exec);
        this.world.changed(container);
      };
      exec.exit.then(forget, forget);
      this.world.changed(container);
      return exec;
    });
  }

  async endCommands(handle: Handle, marks: readonly string[]): Promise<void> {
    await this.#call("endCommands", handle.id, () => {
      const container = this.#mustRun(handle);
      for (const mark of marks) container.endedMarks.add(mark);
      for (const exec of container.execs) if (marks.includes(exec.request.mark ?? "")) exec.end(137);
    });
  }

  async identify(handle: Handle, paths: readonly string[], by: "image" | "beside"): Promise<(string | null)[]> {
    return await this.#call("identify", `${by} ${paths.join(" ")}`, () => this.world.identify(this.#mustRun(handle), paths));
  }

  async inUse(handle: Handle): Promise<"yes" | "no" | "unknown"> {
    try {
      return await this.#call("inUse", handle.id, () => {
        const container = this.world.containers.get(handle.id);
        return [...(container?.execs ?? [])].some(({ running, request }) => running && request.isLook !== true) ? "yes" : "no";
      });
    } catch (error) {
      if (error instanceof OperationError) return "unknown";
      throw error;
    }
  }

  async objects(kind: ObjectKind): Promise<EngineObject[]> {
    return await this.#call("objects", kind, () => {
      const ofUs = (labels: Readonly<Record<string, string>>): boolean => labels[LABEL.instance] === this.instance;
      if (kind !== "container" && kind !== "probe")
        return this.world.objects.filter((object) => object.kind === kind && ofUs(object.labels));
      return [...this.world.containers.values()]
        .filter(({ labels }) => ofUs(labels) && (kind === "container" || labels[LABEL.probe] === "1"))
        .map(({ id, name, createdAt, labels }) => ({ kind, ref: id, name, createdAt, labels }));
    });
  }

  async survey(): Promise<Surveyed[]> {
    return await this.#call("survey", "", () =>
      [...this.world.containers.values()]
        .filter(({ labels }) => labels[LABEL.sandbox] === "1" || labels[LABEL.egress] !== undefined)
        .map(toSurveyed),
    );
  }

  async writtenBytes(id: ContainerId): Promise<number | null> {
    return await this.#call("writtenBytes", id, () => (this.world.containers.has(id) ? 0 : null));
  }

  async usage(id: ContainerId): Promise<Usage | null> {
    return await this.#call("usage", id, () => {
      const container = this.world.containers.get(id);
      if (container?.state !== "running") return null;
      const { memory, pidsLimit } = container.live;
      const at = this.world.clock.now();
      const cpuSeconds = (at - (container.startedAt ?? at)) / 10_000;
      return { at, cpuSeconds, memoryBytes: 1_048_576, memoryBytesMax: memory, pids: 1 + container.execs.size, pidsMax: pidsLimit || null };
    });
  }

  async removeObject(object: EngineObject): Promise<void> {
    return await this.#call("removeObject", object.name, () => {
      if (object.labels[LABEL.instance] !== this.instance) {
        throw new OperationError("StaleHandle", `${object.kind} ${object.name} does not belong to this instance; nothing was removed`);
      }
      if (object.kind === "container" || object.kind === "probe") return this.world.remove(object.ref as FakeContainer["id"]);
      const at = this.world.objects.findIndex(({ kind, ref }) => kind === object.kind && ref === object.ref);
      if (at >= 0) this.world.objects.splice(at, 1);
    });
  }
}

function toContainer(
  world: FakeWorld,
  named: Pick<FakeContainer, "name" | "labels">,
  spec: ContainerSpec,
  imageId: FakeContainer["imageId"],
): FakeContainer {
  const { live, setupCommand: _, ...created } = spec;
  return {
    ...named,
    id: world.newId(),
    state: "created",
    startedAt: null,
    finishedAt: null,
    starts: 0,
    exitCode: null,
    oomKilled: false,
    createdAt: world.clock.now(),
    imageId,
    networks: new Set([spec.network]),
    live: effectiveLive(live),
    tuning: UNTOUCHED,
    created: {
      ...created,
      capDrop: toCapDrop(created.capDrop),
      shmSize: created.shmSize === SHM_SIZE_DEFAULT ? null : created.shmSize,
      runtime: created.runtime === "runc" ? null : created.runtime,
      tmpfs: [...created.tmpfs].sort((left, right) => (left.path < right.path ? -1 : 1)),
      mounts: created.mounts.map((mount) => ({ ...mount, kind: toMountKind(mount.target, created.workdir) })),
    },
    mounted: new Map(),
    execs: new Set(),
    endedMarks: new Set(),
    ports: new Map(),
  };
}

/** What is null stays as it is, as with Docker. */
function toUpdated(before: LiveSpec, changed: LiveSpec): LiveSpec {
  const memory = changed.memory ?? before.memory;
  const memorySwap = changed.memory === null ? (changed.memorySwap ?? before.memorySwap) : changed.memorySwap;
  return effectiveLive({ cpus: changed.cpus ?? before.cpus, memory, memorySwap, pidsLimit: changed.pidsLimit });
}
