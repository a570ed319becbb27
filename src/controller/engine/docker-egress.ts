// Docker behind the egress part of the port: each method is a handful of engine calls and no decision. What is asked for and how the answers are read
// is egress-containers.ts.
import { z } from "zod";
import { type ContainerId, type InstanceId, type SandboxName, toContainerId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import { ASIDE_CONFINEMENT, runAside } from "./docker-aside.ts";
import type { DockerClient } from "./docker-client.ts";
import { readLastOutput } from "./docker-last-output.ts";
import { toState } from "./docker-observe.ts";
import { RawEgress, toEgressContainer, toEgressName, toEgressOptions } from "./egress-containers.ts";
import type { EgressContainer, EgressEngine, EgressGround, EgressRequest, ListedRelay, ProtectedBlock } from "./egress-engine.ts";
import { diffHardening, type HardeningDifference, RawHardening } from "./egress-hardening.ts";
import type { Handle } from "./engine.ts";
import { isAlreadySo } from "./errors.ts";
import { findAddresses } from "./host-addresses.ts";

const RawAddresses = z.object({
  Id: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
  NetworkSettings: z
    .object({
      Networks: z.record(z.string(), z.object({ IPAddress: z.string().nullish(), GlobalIPv6Address: z.string().nullish() })).nullish(),
    })
    .nullish(),
});

export interface DockerEgressParts {
  client: DockerClient;
  instance: InstanceId;
  /** Of proxies and relays. */
  image: string;
  remapsUsers(): boolean;
  /** Limits that the engine does not enforce. */
  ignoredLimits(): Iterable<keyof LiveSpec>;
}

const RawLook = RawEgress.extend(RawHardening.shape).extend({ Config: RawEgress.shape.Config.extend(RawHardening.shape.Config.shape) });

export class DockerEgress implements EgressEngine {
  readonly name: SandboxName;
  readonly image: string;
  readonly #parts: DockerEgressParts;
  /** Options that this engine shows otherwise than it was asked for, of those that nobody but it had in hand: they say nothing of a change. */
  readonly #shownOtherwise = { proxy: new Set<string>(), relay: new Set<string>() };

  constructor(parts: DockerEgressParts) {
    this.#parts = parts;
    this.name = toEgressName(parts.instance);
    this.image = parts.image;
  }

  get remapsUsers(): boolean {
    return this.#parts.remapsUsers();
  }

  get #labels(): Record<string, string> {
    return { [LABEL.instance]: this.#parts.instance, [LABEL.name]: this.name, [LABEL.egress]: "proxy" };
  }

  async containers(name?: SandboxName): Promise<EgressContainer[]> {
    const { client, instance } = this.#parts;
    const labels = [`${LABEL.instance}=${instance}`, LABEL.egress, ...(name === undefined ? [] : [`${LABEL.name}=${name}`])];
    const listed = await client.list(labels);
    const looks = await Promise.all(listed.map(async ({ Id }) => await this.#look(Id)));
    return looks.filter((one) => one !== null);
  }

  async relays(): Promise<ListedRelay[]> {
    const { client, instance } = this.#parts;
    const listed = await client.list([`${LABEL.instance}=${instance}`, `${LABEL.egress}=relay`]);
    return listed.flatMap(({ Id, Names, State, Labels }) => {
      const [name, uid] = [Labels[LABEL.name], Labels[LABEL.uid]];
      if (name === undefined || uid === undefined) return [];
      const actualName = (Names[0] ?? "").replace(/^\//, "");
      return [{ id: toContainerId(Id), uid: toSandboxUid(uid), name: toSandboxName(name), actualName, state: toState(State) }];
    });
  }

  /** null: it went meanwhile, or is none of ours. */
  async #look(id: string): Promise<EgressContainer | null> {
    const { client, instance } = this.#parts;
    try {
      const raw = await client.inspectAs(id, RawLook);
      const found = toEgressContainer(raw, instance);
      if (found === null) return null;
      const changes = this.#differencesOf(raw).filter(({ option }) => !this.#shownOtherwise[found.role].has(option));
      const container = { ...found, changes: changes.map(({ message }) => message) };
      if (container.state !== "exited" && container.state !== "dead") return container;
      return { ...container, ...(await readLastOutput(client, id)) };
    } catch (error) {
      if (isErrorCode(error, "StaleHandle")) return null;
      throw error;
    }
  }

  async ground(): Promise<EgressGround> {
    const { client, instance } = this.#parts;
    const label = `${LABEL.instance}=${instance}`;
    const [volumes, networks] = await Promise.all([client.volumes(label), client.networks(label)]);
    return {
      hasVolume: volumes.some(({ Name }) => Name === this.name),
      hasNetwork: networks.some(({ Name }) => Name === this.name),
    };
  }

  async createVolume(): Promise<void> {
    const { client } = this.#parts;
    const options = { Name: this.name, Labels: this.#labels };
    await client.run("create-object", this.name, async (abortSignal) => await client.docker.createVolume({ ...options, abortSignal }));
  }

  async createNetwork(): Promise<void> {
    const { client } = this.#parts;
    const options = { Name: this.name, Driver: "bridge", CheckDuplicate: true, Labels: this.#labels };
    await client.run("create-object", this.name, async (abortSignal) => {
      try {
        await client.docker.createNetwork({ ...options, abortSignal });
      } catch (error) {
        // Its own, of a moment ago. One of somebody else would have no label of ours, and is found out by the next look.
        if (!isAlreadySo("create-object", error)) throw error;
      }
    });
  }

  async create(request: EgressRequest): Promise<Handle> {
    const { client, instance } = this.#parts;
    const id = toContainerId(await client.create(toEgressOptions(instance, request)));
    for (const { option } of this.#differencesOf(await client.inspectAs(id, RawHardening))) this.#shownOtherwise[request.role].add(option);
    return { id, uid: request.uid, incarnation: "" };
  }

  #differencesOf(raw: RawHardening): HardeningDifference[] {
    const { instance, ignoredLimits } = this.#parts;
    return diffHardening(raw, instance, ignoredLimits());
  }

  async act(handle: Handle, act: "start" | "unpause"): Promise<void> {
    const { client } = this.#parts;
    const container = client.docker.getContainer(handle.id);
    await client.run(act, handle.id.slice(0, 12), async (abortSignal) => {
      try {
        await (act === "start" ? container.start({ abortSignal }) : container.unpause({ abortSignal }));
      } catch (error) {
        if (!isAlreadySo(act, error)) throw error;
      }
    });
  }

  /** Those in the network of this container, where the engine removes it only after them. */
  async removeRelaysOf(id: ContainerId): Promise<void> {
    const { client, instance } = this.#parts;
    const labels = [`${LABEL.instance}=${instance}`, `${LABEL.egress}=relay`, `${LABEL.egressContainer}=${id}`];
    for (const { Id } of await client.list(labels)) await this.#remove(Id);
  }

  /** Ids are never reused and labels never change: the look right before proves whose it is. */
  async retire(handle: Handle): Promise<void> {
    const short = handle.id.slice(0, 12);
    const found = await this.#look(handle.id);
    if (found === null) return;
    if (found.handle.uid !== handle.uid) throw new OperationError("StaleHandle", `container ${short} is another one; nothing was removed`);
    await this.#remove(handle.id);
  }

  async #remove(id: string): Promise<void> {
    const { client } = this.#parts;
    const container = client.docker.getContainer(id);
    await client.run("remove", id.slice(0, 12), async (abortSignal) => {
      try {
        await container.remove({ force: true, v: true, abortSignal });
      } catch (error) {
        if (!isAlreadySo("remove", error)) throw error;
      }
    });
  }

  async protectedBlocks(image: string): Promise<ProtectedBlock[]> {
    const { client, instance } = this.#parts;
    const { code, said } = await runAside(client, "look", {
      Image: image,
      Entrypoint: ["/bin/cat"],
      Cmd: ["/proc/net/fib_trie", "/proc/net/if_inet6"],
      Labels: { [LABEL.instance]: instance, [LABEL.probe]: "1" },
      User: "65534:65534",
      WorkingDir: "/",
      HostConfig: { ...ASIDE_CONFINEMENT, NetworkMode: "host" },
    });
    const host = findAddresses(said);
    // Every host has loopback: whoever finds none has not looked.
    if (host.length === 0)
      throw new OperationError("EngineFailed", `the host's addresses can't be read: exit code ${code}: ${said.slice(0, 200)}`);
    const containers = [...(await this.#addressesOf(`${LABEL.sandbox}=1`)), ...(await this.#addressesOf(LABEL.part))];
    const blocks = [
      ...host.map((address) => ({ address, what: "the host" })),
      ...containers.map(({ address, isPart }) => ({ address, what: isPart ? "a part of OpenClaw" : "another sandbox" })),
    ];
    return blocks.map(({ address, what }) => ({ cidr: `${address}/${address.includes(":") ? 128 : 32}`, what }));
  }

  async #addressesOf(label: string): Promise<{ id: ContainerId; address: string; isPart: boolean }[]> {
    const listed = await this.#parts.client.listAs([label], RawAddresses);
    return listed.flatMap(({ Id, Labels, NetworkSettings }) =>
      Object.values(NetworkSettings?.Networks ?? {})
        .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress ?? "", GlobalIPv6Address ?? ""])
        .filter((address) => address !== "")
        .map((address) => ({ id: toContainerId(Id), address, isPart: Labels?.[LABEL.part] !== undefined })),
    );
  }
}
