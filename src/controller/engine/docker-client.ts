// The client library behind one typed surface: every method is one engine call with the deadline of its operation, and what comes back
// is parsed. It keeps no state, and it does not know what a sandbox is.
import type Docker from "dockerode";
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import type { Call, CallOptions } from "./call.ts";
import { RawInspect, RawListed, toMoment } from "./docker-observe.ts";
import type { Capabilities, EngineInfo } from "./engine.ts";
import type { EngineOperation } from "./operations.ts";

/** What the engine says about itself, as far as anything depends on it. */
export interface EngineFacts extends Omit<EngineInfo, "endpoint" | "because"> {
  product: "docker" | "podman";
  defaultRuntime: string;
  /** Limits that it accepts and does not enforce. */
  ignoredLimits: readonly (keyof LiveSpec)[];
}

const optionalText = z.string().nullish();
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value !== false);
const names = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);

const RawInfo = z.object({
  SecurityOptions: names,
  CgroupVersion: optionalText,
  CgroupDriver: optionalText,
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  DefaultRuntime: optionalText,
  MemoryLimit: flag,
  SwapLimit: flag,
  CpuCfsQuota: flag,
  PidsLimit: flag,
  Driver: optionalText,
  SystemTime: optionalText,
  InitBinary: optionalText,
});
const RawComponent = z.object({ Name: z.string(), Version: optionalText, Details: z.object({ GitCommit: optionalText }).nullish() });
const RawVersion = z.object({ Version: z.string(), ApiVersion: optionalText, Components: z.array(RawComponent).nullish() });
const RawImage = z.object({
  Id: z.string(),
  Config: z.object({ User: optionalText, Env: names, Volumes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});
const RawExec = z.object({ Running: z.boolean(), ExitCode: z.number().nullish(), Pid: z.number().nullish() });
const RawTop = z.object({ Processes: z.array(z.array(z.string())) });
const RawCreated = z.object({ id: z.string() });
const RawNetwork = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: optionalText,
  Labels: z.record(z.string(), z.string()).nullish(),
});
const RawVolumes = z.object({
  Volumes: z.array(z.object({ Name: z.string(), CreatedAt: optionalText, Labels: z.record(z.string(), z.string()).nullish() })).nullish(),
});

/** Of a main process that only sleeps: all that it ever says. */
const LAST_LINES = 5;

export type RawImage = z.infer<typeof RawImage>;
export type RawExec = z.infer<typeof RawExec>;

/** `name=seccomp,profile=default` is `seccomp`. */
const toSecurityOption = (option: string): string => /(?:^|,)name=([^,]+)/.exec(option)?.[1] ?? option;

/** `default` of `name=seccomp,profile=default`. */
const toSeccompProfile = (options: readonly string[]): string | null =>
  options.map((option) => /(?:^|,)name=seccomp(?:,.*)?,profile=([^,]+)/.exec(option)?.[1]).find((profile) => profile !== undefined) ?? null;

/** Distributions put their whole package version where others have a commit. Podman: `OCI Runtime (crun)`, `crun version 1.8.1`. */
function toRuntimeProgram(components: readonly z.infer<typeof RawComponent>[]): EngineInfo["runtimeProgram"] {
  for (const { Name, Version, Details } of components) {
    const name = /^(?:OCI Runtime \()?(runc|crun)\b/.exec(Name)?.[1];
    if (name === undefined) continue;
    const version = [Details?.GitCommit, Version]
      .map((text) => /\d+\.\d+\.\d+\S*/.exec(text ?? "")?.[0])
      .find((each) => each !== undefined);
    return version === undefined ? null : { name, version };
  }
  return null;
}

/** Without a cgroup driver (rootless on cgroup v1) nothing is limited. */
function toIgnoredLimits(info: z.infer<typeof RawInfo>): (keyof LiveSpec)[] {
  const supported: [keyof LiveSpec, boolean][] = [
    ["cpus", info.CpuCfsQuota],
    ["memory", info.MemoryLimit],
    ["memorySwap", info.MemoryLimit && info.SwapLimit],
    ["pidsLimit", info.PidsLimit],
  ];
  return supported.filter(([, isSupported]) => info.CgroupDriver === "none" || !isSupported).map(([name]) => name);
}

/** tini under Docker's name for it. An engine may be told to take another program, and Podman has one of its own. */
const DOCKER_INIT = "docker-init";

const IMAGE_REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,510}$/;

/** The library takes a signal here too; its types do not say so. */
interface Abortable {
  ping(options: { abortSignal: AbortSignal }): Promise<unknown>;
  info(options: { abortSignal: AbortSignal }): Promise<unknown>;
  version(options: { abortSignal: AbortSignal }): Promise<unknown>;
}

export class DockerClient {
  readonly docker: Docker;
  readonly #abortable: Abortable;
  readonly #pinged: Abortable;
  readonly #call: Call;

  /** @param pinged the same engine, over whichever connections a ping is to take. Default: those of every call */
  constructor(docker: Docker, call: Call, pinged: Docker = docker) {
    this.docker = docker;
    this.#abortable = docker;
    this.#pinged = pinged;
    this.#call = call;
  }

  /** One call whose answer is not parsed. */
  async run<T>(operation: EngineOperation, subject: string, work: (signal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T> {
    return await this.#call(operation, subject, work, options);
  }

  async #read<T>(
    operation: EngineOperation,
    subject: string,
    work: (signal: AbortSignal) => Promise<unknown>,
    schema: z.ZodType<T>,
  ): Promise<T> {
    return await this.#call(operation, subject, async (signal) => {
      const parsed = schema.safeParse(await work(signal));
      if (parsed.success) return parsed.data;
      const issue = parsed.error.issues[0];
      const where = issue === undefined ? "" : ` at ${issue.path.join(".")}: ${issue.message}`;
      throw new OperationError("EngineFailed", `engine: ${operation} ${subject}: unexpected answer${where}`, { cause: parsed.error });
    });
  }

  /** Whether it lets new calls in: one that is shutting down ends its containers while open connections still work. */
  async ping(options?: CallOptions): Promise<void> {
    await this.#call("ping", "", async (signal) => await this.#pinged.ping({ abortSignal: signal }), options);
  }

  async facts(): Promise<EngineFacts> {
    const version = await this.#read("info", "", async (abortSignal) => await this.#abortable.version({ abortSignal }), RawVersion);
    const info = await this.#read("info", "", async (abortSignal) => await this.#abortable.info({ abortSignal }), RawInfo);
    const isPodman = (version.Components ?? []).some(({ Name }) => /podman/i.test(Name));
    return {
      product: isPodman ? "podman" : "docker",
      version: version.Version,
      apiVersion: version.ApiVersion ?? "",
      securityOptions: info.SecurityOptions.map(toSecurityOption),
      seccompProfile: toSeccompProfile(info.SecurityOptions),
      cgroupVersion: info.CgroupVersion ?? "1",
      cgroupDriver: info.CgroupDriver ?? "",
      runtimes: Object.keys(info.Runtimes ?? {}).sort(),
      runtimeProgram: toRuntimeProgram(version.Components ?? []),
      storageDriver: info.Driver ?? "",
      systemTime: toMoment(info.SystemTime),
      subreaper: !isPodman && info.InitBinary === DOCKER_INIT,
      defaultRuntime: info.DefaultRuntime ?? "runc",
      ignoredLimits: toIgnoredLimits(info),
    };
  }

  /** @param labels `key=value`, all of which must match */
  async list(labels: readonly string[]): Promise<RawListed[]> {
    return await this.listAs(labels, RawListed);
  }

  /** The parts of each line that the schema names. @param labels also `key` alone: with any value */
  async listAs<T>(labels: readonly string[], schema: z.ZodType<T>): Promise<T[]> {
    const filters = { label: [...labels] };
    return await this.#read(
      "list",
      "",
      async (signal) => await this.docker.listContainers({ all: true, filters, abortSignal: signal }),
      z.array(schema),
    );
  }

  async inspect(id: string): Promise<RawInspect> {
    return await this.inspectAs(id, RawInspect);
  }

  /** The parts of the answer that the schema names. */
  async inspectAs<T>(id: string, schema: z.ZodType<T>): Promise<T> {
    return await this.#read(
      "inspect",
      id.slice(0, 12),
      async (signal) => await this.docker.getContainer(id).inspect({ abortSignal: signal }),
      schema,
    );
  }

  /** The engine adds up the container's layer for it: a matter of its files. */
  async writtenBytes(id: string): Promise<number | null> {
    const container: { inspect(options: object): Promise<unknown> } = this.docker.getContainer(id);
    const sized = await this.#read(
      "size",
      id.slice(0, 12),
      async (abortSignal) => await container.inspect({ size: true, abortSignal }),
      z.object({ SizeRw: z.number().nullish() }),
    );
    return sized.SizeRw ?? null;
  }

  /** One look, without the second that the engine would wait for another; the parts that the schema names. */
  async stats<T>(id: string, schema: z.ZodType<T>): Promise<T> {
    const container: { stats(options: object): Promise<unknown> } = this.docker.getContainer(id);
    const stats = async (abortSignal: AbortSignal): Promise<unknown> =>
      await container.stats({ stream: false, "one-shot": true, abortSignal });
    return await this.#read("stats", id.slice(0, 12), stats, schema);
  }

  /** Of every process inside. @param psArguments with the command lines as the last column */
  async commandLines(id: string, psArguments: string): Promise<string[]> {
    const container: { top(options: object): Promise<unknown> } = this.docker.getContainer(id);
    const top = async (abortSignal: AbortSignal): Promise<unknown> => await container.top({ ps_args: psArguments, abortSignal });
    const { Processes } = await this.#read("top", id.slice(0, 12), top, RawTop);
    return Processes.map((fields) => fields.at(-1) ?? "");
  }

  /** The end of what the main process said: both its outputs, as they came. */
  async lastOutput(id: string): Promise<Buffer> {
    const container: { logs(options: object): Promise<unknown> } = this.docker.getContainer(id);
    const options = { stdout: true, stderr: true, follow: false, tail: LAST_LINES };
    const logs = async (abortSignal: AbortSignal): Promise<unknown> => await container.logs({ ...options, abortSignal });
    return await this.#read("logs", id.slice(0, 12), logs, z.instanceof(Buffer));
  }

  async image(reference: string): Promise<RawImage> {
    if (!IMAGE_REFERENCE.test(reference)) {
      throw new OperationError("SpecRejected", `${JSON.stringify(reference)} is not an image reference`, { fix: "change docker.image" });
    }
    const image: { inspect(options: object): Promise<unknown> } = this.docker.getImage(reference);
    return await this.#read("image", reference, async (abortSignal) => await image.inspect({ abortSignal }), RawImage);
  }

  async create(options: Docker.ContainerCreateOptions): Promise<string> {
    const subject = options.name ?? "";
    // The library would put all of it into the URL too: environment and profiles do not belong there.
    const { name, ...body } = options;
    const parts: Docker.ContainerCreateOptions & { _query: object; _body: object } = { _query: { name }, _body: body };
    const create = async (signal: AbortSignal): Promise<unknown> => await this.docker.createContainer({ ...parts, abortSignal: signal });
    return (await this.#read("create", subject, create, RawCreated)).id;
  }

  async inspectExec(id: string): Promise<RawExec> {
    return await this.#read(
      "exec-inspect",
      id.slice(0, 12),
      async (signal) => await this.docker.getExec(id).inspect({ abortSignal: signal }),
      RawExec,
    );
  }

  async networks(label: string): Promise<z.infer<typeof RawNetwork>[]> {
    const work = async (signal: AbortSignal): Promise<unknown> =>
      await this.docker.listNetworks({ filters: { label: [label] }, abortSignal: signal });
    return await this.#read("objects", "network", work, z.array(RawNetwork));
  }

  async volumes(
    label: string,
  ): Promise<{ Name: string; CreatedAt?: string | null | undefined; Labels?: Record<string, string> | null | undefined }[]> {
    const work = async (signal: AbortSignal): Promise<unknown> =>
      await this.docker.listVolumes({ filters: { label: [label] }, abortSignal: signal });
    return (await this.#read("objects", "volume", work, RawVolumes)).Volumes ?? [];
  }
}

const LIVE_FIELDS: readonly (keyof LiveSpec)[] = ["cpus", "memory", "memorySwap", "pidsLimit"];

export function toCapabilities(facts: EngineFacts): Capabilities {
  // Podman 4's compatible API has no update.
  const liveFields = new Set(facts.product === "docker" ? LIVE_FIELDS : []);
  const liveUnset = new Set(facts.product === "docker" ? (["pidsLimit"] as const) : []);
  return { liveFields, liveUnset, ignoredLimits: new Set(facts.ignoredLimits), appArmor: facts.securityOptions.includes("apparmor") };
}
