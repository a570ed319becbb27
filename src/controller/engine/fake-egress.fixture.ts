// The egress part of the port over the model of an engine: proxies, relays, a volume and a network, and a proxy program that keeps what it is told in
// memory and reports it. It passes no bytes.
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { type SandboxName, toContainerId, toEpochMs, toInstanceId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import type { EgressRecord, EgressSilence } from "../../api/egress/decision.ts";
import { EgressPolicy } from "../../api/egress/policy.ts";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import { EGRESS_IMAGE, EGRESS_VERSION } from "../decide/egress-facts.ts";
import { UNTOUCHED } from "../decide/tuning.ts";
import { toEgressName, toEgressOptions } from "./egress-containers.ts";
import type { EgressContainer, EgressEngine, EgressGround, EgressRequest, ListedRelay, ProtectedBlock } from "./egress-engine.ts";
import { diffHardening } from "./egress-hardening.ts";
import { type InspectedEdit, toInspected } from "./egress-inspected.fixture.ts";
import type { Handle } from "./engine.ts";
import type { FakeProgram } from "./fake-exec.fixture.ts";
import { toIncarnation } from "./fake-view.fixture.ts";
import type { FakeContainer, FakeWorld } from "./fake-world.fixture.ts";

export class FakeEgress implements EgressEngine {
  readonly name: SandboxName;
  readonly image = EGRESS_IMAGE;
  readonly #world: FakeWorld;
  readonly #instance: string;
  remapsUsers = false;
  hasVolume = false;
  hasNetwork = false;
  /** Of the engine's host. */
  blocks: ProtectedBlock[] = [{ cidr: "172.17.0.1/32", what: "the host" }];
  /** What the proxy's program was told last, and by which run of its container. null: nothing. */
  told: { policy: EgressPolicy; run: string } | null = null;
  /** Its program does not answer and gives no sign of life. */
  isFrozen = false;
  tunnels = 0;
  /** Relays of which it hears nothing any more, or heard nothing ever. */
  silent = new Set<string>();
  unheard = new Set<string>();
  /** Sent to who follows it, from the first. */
  readonly records: EgressRecord[] = [];
  readonly #made = new Map<string, { options: Docker.ContainerCreateOptions; edit: InspectedEdit }>();

  constructor(world: FakeWorld, instance: Parameters<typeof toEgressName>[0]) {
    this.#world = world;
    this.#instance = instance;
    this.name = toEgressName(instance);
    const isOurs = ({ labels }: FakeContainer): boolean => labels[LABEL.instance] === instance && labels[LABEL.egress] === "proxy";
    world.onExec(([command], container) => command === "openclaw-egress" && isOurs(container), this.#program);
  }

  /** The list of the sandbox that is in force. null: it reaches nothing. */
  listOf(name: SandboxName): EgressPolicy["sandboxes"][number]["rules"] | null {
    const proxy = this.#all("proxy").find(({ state }) => state === "running");
    if (proxy === undefined || this.told?.run !== runOf(proxy)) return null;
    return this.told.policy.sandboxes.find(({ sandbox }) => sandbox === name)?.rules ?? null;
  }

  readonly #program: FakeProgram = async ({ request, stdin, stdout, stderr, clock }) => {
    const [, command = ""] = request.argv;
    const proxy = this.#all("proxy").find(({ state }) => state === "running");
    if (this.isFrozen || proxy === undefined) return await new Promise(() => undefined);
    if (command === "follow") {
      const since = Number(request.argv[3] ?? 0);
      for (const record of this.records) if (record.seq > since) stdout.write(`${JSON.stringify(record)}\n`);
      const beat = (): void => {
        if (stdout.writableEnded) return;
        if (!this.isFrozen) stdout.write(`${JSON.stringify(this.#silence())}\n\n`);
        clock.setTimer(2_000 as Parameters<typeof clock.setTimer>[0], beat);
      };
      beat();
      return await new Promise(() => undefined);
    }
    const said = await text(stdin);
    if (command === "apply") {
      const parsed = EgressPolicy.safeParse(JSON.parse(said));
      const isOlder = parsed.success && this.told?.run === runOf(proxy) && parsed.data.generation < this.told.policy.generation;
      if (!parsed.success || isOlder) {
        stderr.write(parsed.error?.message ?? "it is older");
        return 2;
      }
      this.told = { policy: parsed.data, run: runOf(proxy) };
    }
    const policy = this.told?.run === runOf(proxy) ? this.told.policy : null;
    const status = { generation: policy?.generation ?? null, sandboxes: policy?.sandboxes.length ?? 0, tunnels: this.tunnels };
    stdout.write(`${JSON.stringify(status)}\n`);
    return 0;
  };

  /** Of the options that it was created with, and of what people changed since. */
  #changesOf(container: FakeContainer): string[] {
    const made = this.#made.get(container.id);
    if (made === undefined) return [];
    const { restartPolicy, ...tuning } = container.tuning;
    const tuned = Object.entries(tuning).map(([name, value]) => [`${name[0]?.toUpperCase()}${name.slice(1)}`, value]);
    const { memory, pidsLimit } = container.live;
    const host = {
      ...made.edit.host,
      ...Object.fromEntries(tuned),
      Memory: memory,
      PidsLimit: pidsLimit,
      RestartPolicy: { Name: restartPolicy },
    };
    const inspected = toInspected({ ...made.options, name: container.name }, { ...made.edit, host });
    return diffHardening(inspected, toInstanceId(this.#instance), []).map(({ message }) => message);
  }

  #silence(): EgressSilence {
    return { kind: "silent", relays: [...this.silent], unheard: [...this.unheard] };
  }

  #all(role: "proxy" | "relay"): FakeContainer[] {
    return [...this.#world.containers.values()].filter(
      ({ labels }) => labels[LABEL.instance] === this.#instance && labels[LABEL.egress] === role,
    );
  }

  async #call<T>(operation: string, work: () => T): Promise<T> {
    this.#world.calls.push(operation);
    const fault = this.#world.takeFault("egress");
    await Promise.resolve();
    if (fault !== null && fault.what !== "hang" && fault.when === "before") throw fault.what;
    const result = work();
    if (fault !== null && fault.what !== "hang") throw fault.what;
    return result;
  }

  async containers(name?: SandboxName): Promise<EgressContainer[]> {
    return await this.#call("egress containers", () =>
      [...this.#all("proxy"), ...this.#all("relay")]
        .filter(({ labels }) => name === undefined || labels[LABEL.name] === name)
        .map((container) => ({ ...toEgress(container), changes: this.#changesOf(container) })),
    );
  }

  async relays(): Promise<ListedRelay[]> {
    return await this.#call("egress relays", () =>
      this.#all("relay").map((one) => {
        const { handle, name, actualName, state } = toEgress(one);
        return { id: handle.id, uid: handle.uid, name, actualName, state };
      }),
    );
  }

  async ground(): Promise<EgressGround> {
    return await this.#call("egress ground", () => ({ hasVolume: this.hasVolume, hasNetwork: this.hasNetwork }));
  }

  async createVolume(): Promise<void> {
    await this.#call("egress create-volume", () => {
      this.hasVolume = true;
      this.#addObject("volume");
    });
  }

  async createNetwork(): Promise<void> {
    await this.#call("egress create-network", () => {
      this.hasNetwork = true;
      this.#addObject("network");
    });
  }

  #addObject(kind: "volume" | "network"): void {
    if (this.#world.objects.some((object) => object.kind === kind && object.ref === this.name)) return;
    const labels = { [LABEL.instance]: this.#instance, [LABEL.name]: this.name as string, [LABEL.egress]: "proxy" };
    this.#world.objects.push({ kind, ref: this.name, name: this.name, createdAt: this.#world.clock.now(), labels });
  }

  async create(request: EgressRequest): Promise<Handle> {
    return await this.#call(`egress create ${request.role}`, () => {
      const image = this.#world.imageOf(request.image);
      if (image === undefined) throw new OperationError("ImageMissing", `no such image: ${request.image}`);
      const options = toEgressOptions(toInstanceId(this.#instance), request);
      const { name = "", Labels = {}, User = "", HostConfig } = options;
      const network = request.role === "proxy" ? this.name : `container:${request.of.id}`;
      const live = { cpus: null, memory: HostConfig?.Memory ?? null, memorySwap: null, pidsLimit: HostConfig?.PidsLimit ?? 0 };
      const container = toFake(this.#world, { name, labels: Labels, user: User, network, image, live });
      this.#world.add(container);
      this.#made.set(container.id, { options, edit: {} });
      return { id: container.id, uid: request.uid, incarnation: "" };
    });
  }

  /** Somebody makes it anew by hand, with these differences. @returns its id */
  remake(id: FakeContainer["id"], edit: InspectedEdit): FakeContainer["id"] {
    const container = { ...this.#world.mustGet(id), id: this.#world.newId() };
    const made = this.#made.get(id);
    if (made !== undefined) this.#made.set(container.id, { ...made, edit });
    this.#world.remove(id);
    this.#world.add(container);
    return container.id;
  }

  async act(handle: Handle, act: "start" | "unpause"): Promise<void> {
    await this.#call(`egress ${act}`, () => {
      const container = this.#world.mustGet(handle.id);
      const joined = /^container:(.*)$/.exec(container.created.network)?.[1];
      if (joined !== undefined && this.#world.containers.get(toContainerId(joined))?.state !== "running")
        throw new OperationError("EngineConflict", `cannot join network of a non running container: ${joined}`);
      if (container.state === "running") return;
      if (act === "start") return this.#world.start(handle.id);
      container.state = "running";
      this.#world.changed(container);
    });
  }

  async retire(handle: Handle): Promise<void> {
    await this.#call("egress retire", () => {
      const labels = this.#world.containers.get(handle.id)?.labels;
      if (labels === undefined || labels[LABEL.instance] !== this.#instance) return;
      if (labels[LABEL.uid] !== handle.uid) throw new OperationError("StaleHandle", `container ${handle.id} is another one`);
      this.#world.remove(handle.id);
    });
  }

  async protectedBlocks(): Promise<ProtectedBlock[]> {
    return await this.#call("egress protected-blocks", () => [...this.blocks]);
  }
}

const runOf = (container: FakeContainer): string => `${container.id} ${toIncarnation(container)}`;

function toEgress(container: FakeContainer): Omit<EgressContainer, "changes"> {
  const { labels } = container;
  const role = labels[LABEL.egress] === "proxy" ? "proxy" : "relay";
  return {
    handle: { id: container.id, uid: toSandboxUid(labels[LABEL.uid] ?? ""), incarnation: toIncarnation(container) },
    role,
    name: toSandboxName(labels[LABEL.name] ?? ""),
    actualName: container.name,
    state: container.state,
    createdAt: toEpochMs(Number(labels[LABEL.createdAtMs])),
    startedAt: container.startedAt,
    exitCode: container.exitCode,
    imageId: container.imageId,
    version: labels[LABEL.egressVersion] ?? EGRESS_VERSION,
    userId: Number.parseInt(container.created.user, 10) || 0,
    of: role === "relay" ? { id: toContainerId(labels[LABEL.egressContainer] ?? ""), incarnation: labels[LABEL.egressRun] ?? "" } : null,
    networks: role === "proxy" ? [...container.networks] : [],
  };
}

interface Made {
  name: string;
  labels: Record<string, string>;
  user: string;
  network: string;
  image: { id: FakeContainer["imageId"] };
  live: LiveSpec;
}

function toFake(world: FakeWorld, { name, labels, user, network, image, live }: Made): FakeContainer {
  return {
    name,
    labels,
    id: world.newId(),
    state: "created",
    startedAt: null,
    finishedAt: null,
    starts: 0,
    exitCode: null,
    oomKilled: false,
    createdAt: world.clock.now(),
    imageId: image.id,
    networks: new Set([network]),
    live,
    tuning: UNTOUCHED,
    created: {
      image: image.id,
      workdir: "/",
      readOnlyRoot: true,
      tmpfs: [],
      network,
      user,
      capDrop: ["ALL"],
      env: {},
      ulimits: [],
      gpus: null,
      shmSize: null,
      runtime: null,
      seccomp: null,
      apparmorProfile: null,
      dns: [],
      extraHosts: [],
      mounts: [],
    },
    execs: new Set(),
    endedMarks: new Set(),
    mounted: new Map(),
    ports: new Map(),
  };
}
