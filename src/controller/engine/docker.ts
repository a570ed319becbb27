// Docker (and Podman's compatible API) behind the engine port: each method is a handful of engine calls and no decision.
// Watching is in docker-events.ts, running commands in docker-exec.ts, and what things mean in docker-create.ts and docker-observe.ts.
import { setTimeout as pause } from "node:timers/promises";
import { type ContainerId, type InstanceId, type SandboxName, toContainerId, toImageId } from "../../api/brands.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import type { Usage } from "../../api/usage.ts";
import { type DockerClient, type EngineFacts, toCapabilities } from "./docker-client.ts";
import { DockerCommands } from "./docker-commands.ts";
import { type EngineTraits, toCreateOptions, toUpdate } from "./docker-create.ts";
import { DockerEgress } from "./docker-egress.ts";
import { watchDocker } from "./docker-events.ts";
import { identifyInDocker } from "./docker-identify.ts";
import { readLastOutput } from "./docker-last-output.ts";
import { listObjects, removeObject } from "./docker-objects.ts";
import { type RawInspect, toIdentity, toImageVolumes, toListed, toObservation } from "./docker-observe.ts";
import { probeInDocker } from "./docker-probe.ts";
import { surveyDocker } from "./docker-survey.ts";
import { readUsage, readWrittenBytes } from "./docker-usage.ts";
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
import { hasDependents, isAlreadySo } from "./errors.ts";
import type { HostPaths } from "./host-paths.ts";
import { ImageLooks } from "./image-looks.ts";
import { type KnownContainer, KnownContainers } from "./known-containers.ts";
import type { readMainCommandLines } from "./main-process.ts";
import { DEADLINE_MS, type PrestartResult } from "./operations.ts";
import { RestLooks } from "./rest-looks.ts";

/** Images whose environment is remembered: more than a host runs, 64 x about 1 kB. */
const IMAGE_ENVS_MAX = 64;
const DEFAULT_NETWORK = { docker: "bridge", podman: "podman" } as const;
/** Removal by somebody else takes about 10 ms for each of the steps that follow a kill. */
const GONE_POLL_MS = 50;

export interface DockerEngineOptions {
  client: DockerClient;
  instance: InstanceId;
  /** As found, e.g. `unix:///var/run/docker.sock`. */
  endpoint: string;
  /** Why this engine: `DOCKER_HOST`, `the current context, "colima"`, `socket of Docker`. */
  because: string;
  facts: EngineFacts;
  /** Of the egress proxy and its relays. */
  egressImage: string;
  /** The engine's names for the paths of specs. */
  paths: HostPaths;
  /** Milliseconds that never go back. */
  monotonicMs: () => number;
  commandBegun: (result: PrestartResult) => void;
  /** As `readMainCommandLines`. Absent: the engine's processes are not this host's. */
  readHere?: typeof readMainCommandLines;
}

/** What was asked about a container before the listing said that it is there. */
interface EarlyLook {
  inspected: Promise<RawInspect | null>;
  /** null: not asked. */
  isAtRest: Promise<boolean> | null;
}

export class DockerEngine implements Engine {
  readonly because: string;
  readonly #client: DockerClient;
  readonly #commands: DockerCommands;
  readonly #paths: HostPaths;
  readonly #restLooks: RestLooks;
  readonly #known: KnownContainers;
  readonly #images = new ImageLooks((reference) => this.#lookAtImage(reference));
  readonly instance: InstanceId;
  readonly egress: DockerEgress;
  readonly #endpoint: string;
  readonly #monotonicMs: () => number;
  #facts: EngineFacts;
  /** `KEY=value` by image id, oldest first. */
  readonly #imageEnvs = new Map<string, readonly string[]>();

  constructor(options: DockerEngineOptions) {
    this.#client = options.client;
    const { client, commandBegun: begun } = options;
    this.#commands = new DockerCommands({ client, subreaper: () => this.#facts.subreaper, begun });
    this.#restLooks = new RestLooks({ client, facts: () => this.#facts, readHere: options.readHere ?? null });
    this.#paths = options.paths;
    this.instance = options.instance;
    this.#known = new KnownContainers(options.instance);
    this.#endpoint = options.endpoint;
    this.because = options.because;
    this.#monotonicMs = options.monotonicMs;
    this.#facts = options.facts;
    const remapsUsers = (): boolean => this.#facts.securityOptions.some((option) => option === "userns" || option === "rootless");
    this.egress = new DockerEgress({
      client: options.client,
      instance: options.instance,
      image: options.egressImage,
      remapsUsers,
      ignoredLimits: () => this.#facts.ignoredLimits,
    });
  }

  get capabilities(): Capabilities {
    return toCapabilities(this.#facts);
  }

  get #traits(): EngineTraits {
    return { selinux: this.#facts.securityOptions.includes("selinux"), tmpfsOwner: this.#facts.product === "docker" };
  }

  async info(): Promise<EngineInfo> {
    this.#facts = await this.#client.facts();
    const { defaultRuntime: _, ignoredLimits: __, ...facts } = this.#facts;
    return { ...facts, endpoint: this.#endpoint, because: this.because };
  }

  async resolveImage(reference: string): Promise<ImageFact> {
    return await this.#images.ask(reference);
  }

  async #lookAtImage(reference: string): Promise<ImageFact> {
    try {
      const image = await this.#client.image(reference);
      this.#rememberImage(image.Id, image.Config?.Env ?? []);
      const { User, Env, Volumes } = image.Config ?? {};
      const volumes = toImageVolumes(Object.keys(Volumes ?? {}));
      return { kind: "found", id: toImageId(image.Id), user: User ?? "", env: toRecord(Env ?? []), ...(volumes.length > 0 && { volumes }) };
    } catch (error) {
      if (isErrorCode(error, "ImageMissing")) return { kind: "missing" };
      throw error;
    }
  }

  async list(): Promise<Listed[]> {
    // One that accepts and never answers is found out in 3 s; thousands of containers may take it longer to list.
    await this.#client.ping();
    const listed = await this.#client.list([`${LABEL.sandbox}=1`, `${LABEL.instance}=${this.instance}`]);
    return listed.map(toListed).filter((each) => each !== null);
  }

  async observe(name: SandboxName): Promise<Observation[]> {
    const labels = [`${LABEL.sandbox}=1`, `${LABEL.instance}=${this.instance}`, `${LABEL.name}=${name}`];
    const early = new Map<string, EarlyLook>(this.#known.of(name).map((known) => [known.id, this.#lookEarly(known)]));
    const listed = await this.#client.list(labels);
    const found = await Promise.all(listed.map(async ({ Id }) => await this.#observe(Id, early.get(Id))));
    const observations = found.filter((each) => each !== null);
    this.#known.seen(name, observations, (handle) => this.#restLooks.isOpen(handle));
    return observations;
  }

  /** What is asked beside the listing about a container that was there at the last look; whether it is one of all that there are, the listing says. */
  #lookEarly({ id, isRising }: KnownContainer): EarlyLook {
    const look = { inspected: this.#inspect(id), isAtRest: isRising && !this.#restLooks.isHere ? this.#restLooks.look(id) : null };
    // Nobody waits for it where the listing fails, or does not show it.
    for (const asked of [look.inspected, look.isAtRest]) asked?.catch(() => undefined);
    return look;
  }

  /** null: there is no such container (any more), or it is none of ours. */
  async #observe(id: string, early: EarlyLook | undefined): Promise<Observation | null> {
    const raw = await (early?.inspected ?? this.#inspect(id));
    return raw === null ? null : await this.#toObservation(raw, early?.isAtRest ?? null);
  }

  /** null: there is no such container (any more). */
  async #inspect(id: string): Promise<RawInspect | null> {
    try {
      return await this.#client.inspect(id);
    } catch (error) {
      if (isErrorCode(error, "StaleHandle")) return null;
      throw error;
    }
  }

  async #toObservation(raw: RawInspect, isAtRest: Promise<boolean> | null): Promise<Observation | null> {
    const imageEnv = await this.#imageEnv(raw.Image);
    const uses = { ...raw, ExecIDs: this.#commands.usesAmong(raw.ExecIDs) };
    const observation = toObservation(uses, {
      imageEnv,
      defaultRuntime: this.#facts.defaultRuntime,
      defaultNetwork: DEFAULT_NETWORK[this.#facts.product],
    });
    if (observation === null) return null;
    const own = { ...observation, created: this.#paths.toOwnSpec(observation.created) };
    if (own.state === "exited" || own.state === "dead") return { ...own, ...(await readLastOutput(this.#client, raw.Id)) };
    if (own.state !== "running") return own;
    // The look beside the inspection meant this start if there never was another one.
    const started = { handle: own.handle, pid: raw.State.Pid ?? 0 };
    return { ...own, settled: await this.#restLooks.isAtRest(started, own.restarted ? null : isAtRest) };
  }

  async #imageEnv(imageId: string): Promise<readonly string[]> {
    const known = this.#imageEnvs.get(imageId);
    if (known !== undefined) return known;
    try {
      const image = await this.#client.image(imageId);
      this.#rememberImage(imageId, image.Config?.Env ?? []);
      return image.Config?.Env ?? [];
    } catch (error) {
      // Containers outlive their image.
      if (!isErrorCode(error, "ImageMissing")) throw error;
      this.#rememberImage(imageId, []);
      return [];
    }
  }

  #rememberImage(imageId: string, env: readonly string[]): void {
    const oldest = this.#imageEnvs.size >= IMAGE_ENVS_MAX ? this.#imageEnvs.keys().next().value : undefined;
    if (oldest !== undefined) this.#imageEnvs.delete(oldest);
    this.#imageEnvs.set(imageId, env);
  }

  async watch(hint: (hint: Hint) => void, connected: (up: boolean) => void, signal: AbortSignal): Promise<void> {
    const noted = (one: Hint): void => {
      if (one.kind === "relist") this.#images.changed();
      hint(one);
    };
    await watchDocker({ client: this.#client, instance: this.instance, hint: noted, connected, signal, ends: this.#commands.ends });
  }

  async create(identity: Identity, spec: ContainerSpec): Promise<Handle> {
    const id = await this.#client.create(toCreateOptions(identity, this.#paths.toEngineSpec(spec), this.#traits));
    const handle = { id: toContainerId(id), uid: identity.uid, incarnation: "" };
    this.#known.made(identity.name, handle);
    return handle;
  }

  async act(handle: Handle, { name }: Pick<Identity, "name">, act: Act): Promise<void> {
    const container = this.#client.docker.getContainer(handle.id);
    switch (act.kind) {
      case "start":
        // Started while it shuts down, a container is left half made, and the engine refuses it when it is back.
        await this.#client.ping();
        await this.#perform("start", name, async (abortSignal) => await container.start({ abortSignal }));
        return this.#known.started(name, handle);
      case "promote":
        return await this.#perform("rename", name, async (abortSignal) => await container.rename({ name, abortSignal }));
      case "update":
        return await this.#perform("update", name, async (abortSignal) => await container.update({ ...toUpdate(act.live), abortSignal }));
      case "unpause":
        return await this.#perform("unpause", name, async (abortSignal) => await container.unpause({ abortSignal }));
      case "attach": {
        const network = this.#client.docker.getNetwork(act.network);
        return await this.#perform("attach", name, async (abortSignal) => {
          // The client passes the signal on, which its types do not know.
          const options = { Container: handle.id, abortSignal };
          await network.connect(options);
        });
      }
      case "detach": {
        const network = this.#client.docker.getNetwork(act.network);
        const options = { Container: handle.id, Force: true };
        return await this.#perform("detach", name, async (abortSignal) => await network.disconnect({ ...options, abortSignal }));
      }
      case "retire":
        return await this.#retire(handle, name);
    }
  }

  /** One call; what the engine refuses because it is so already is success. */
  async #perform(
    operation: Parameters<typeof isAlreadySo>[0],
    subject: string,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    await this.#client.run(operation, subject, async (signal) => {
      try {
        await work(signal);
      } catch (error) {
        if (!isAlreadySo(operation, error)) throw error;
      }
    });
  }

  /** Ids are never reused and labels never change, so any look at the container proves that only ours is removed. */
  async #retire(handle: Handle, name: SandboxName): Promise<void> {
    const startedMs = this.#monotonicMs();
    for (let isOurs = this.#known.isLabelled(name, handle); ; isOurs = false) {
      if (!isOurs && !(await this.#isThere(handle, name))) return;
      const leftMs = DEADLINE_MS.remove - (this.#monotonicMs() - startedMs);
      if (leftMs <= 0)
        throw new OperationError("EngineTimeout", `engine: remove ${name}: still there after ${DEADLINE_MS.remove / 1000} s`);
      if (await this.#remove(handle, name, leftMs)) return this.#known.gone(name, handle);
      await pause(GONE_POLL_MS);
    }
  }

  /** @throws OperationError `StaleHandle`: it is another one */
  async #isThere(handle: Handle, name: SandboxName): Promise<boolean> {
    const raw = await this.#inspect(handle.id);
    if (raw === null) return false;
    const identity = toIdentity(raw.Config.Labels);
    if (identity?.instance === this.instance && identity.name === name && identity.uid === handle.uid) return true;
    throw new OperationError("StaleHandle", `container ${handle.id.slice(0, 12)} is not the one named ${name}; nothing was removed`);
  }

  /** False: somebody else is removing it just now. */
  async #remove(handle: Handle, name: SandboxName, deadlineMs: number): Promise<boolean> {
    const container = this.#client.docker.getContainer(handle.id);
    const remove = async (abortSignal: AbortSignal): Promise<boolean> => {
      try {
        await container.remove({ force: true, v: true, abortSignal });
      } catch (error) {
        if (!isAlreadySo("remove", error)) throw error;
      }
      return true;
    };
    try {
      return await this.#client.run("remove", name, remove, { deadlineMs });
    } catch (error) {
      if (isErrorCode(error, "EngineConflict")) return false;
      if (!hasDependents(error)) throw error;
      await this.egress.removeRelaysOf(handle.id);
      return false;
    }
  }

  async inUse(handle: Handle): Promise<"yes" | "no" | "unknown"> {
    try {
      const raw = await this.#inspect(handle.id);
      return (await this.#commands.inUse(raw?.ExecIDs ?? [])) ? "yes" : "no";
    } catch (error) {
      if (error instanceof OperationError) return "unknown";
      throw error;
    }
  }

  claim(handle: Handle, request: ExecRequest): string | null {
    return this.#commands.claim(handle, request);
  }

  onWaiting(listener: WaitingListener): void {
    this.#commands.onWaiting(listener);
  }

  async exec(handle: Handle, request: ExecRequest): Promise<ExecStream> {
    return await this.#commands.exec(handle, request);
  }

  async endCommands(handle: Handle, marks: readonly string[]): Promise<void> {
    await this.#commands.end(handle, marks);
  }

  async identify(handle: Handle, paths: readonly string[], by: "image" | "beside"): Promise<(string | null)[]> {
    return await identifyInDocker({ ...this.#commands.execParts(), instance: this.instance }, handle, { paths, by });
  }

  async probe<T>(request: ProbeRequest, look: (handle: Handle) => Promise<T>): Promise<T> {
    return await probeInDocker(
      { client: this.#client, instance: this.instance, traits: this.#traits },
      { ...request, spec: this.#paths.toEngineSpec(request.spec) },
      look,
    );
  }

  async objects(kind: ObjectKind): Promise<EngineObject[]> {
    return await listObjects(this.#client, this.instance, kind);
  }

  async survey(): Promise<Surveyed[]> {
    return await surveyDocker(this.#client, this.#facts.ignoredLimits);
  }

  async writtenBytes(id: ContainerId): Promise<number | null> {
    return await readWrittenBytes(this.#client, id);
  }

  async usage(id: ContainerId): Promise<Usage | null> {
    return await readUsage(this.#client, id);
  }

  async removeObject(object: EngineObject): Promise<void> {
    await removeObject(this.#client, this.instance, object);
  }
}

const toRecord = (env: readonly string[]): Record<string, string> =>
  Object.fromEntries(env.map((variable) => [variable.slice(0, variable.indexOf("=")), variable.slice(variable.indexOf("=") + 1)]));
