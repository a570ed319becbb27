// The `sandbox` block: its keys, their types, and what each becomes when parsed. Strict: an unknown key is an error.
// Defaults and descriptions come from keys.ts; which values are unsafe together is rules.ts.
import { z } from "zod";
import { BROWSER_KEYS, DOCKER_KEYS, EGRESS_KEYS, type KeyFacts, PRUNE_KEYS, ROLLOUT_KEYS, SANDBOX_KEYS } from "./keys.ts";
import {
  Address,
  Bind,
  Capability,
  ContainerPath,
  Duration,
  EgressRule,
  EnvName,
  EnvValue,
  ExtraHost,
  HostPath,
  ImageName,
  Port,
  SizeLimit,
  SwapLimit,
  Tmpfs,
  ULIMIT_NAMES,
  Ulimit,
  User,
} from "./schema-values.ts";

const LIST_LENGTH_MAX = 256;
/** An empty folder takes some KiB; less than this holds no work. */
const WORKSPACE_BYTES_MIN = 2 ** 20;
const GPUS_EXPECTED = 'expected "all", a count, or "device=0,1"';
const SETUP_LENGTH_MAX = 65_536;
/** All of them together have to fit the 128 KiB in which a kernel passes one argument list. */
const ENV_NAMES_MAX = 1_000;
const DAYS_MAX = 36_500;

/** Adds each key's description; every key of `Shape` must be in the table, and the other way round. */
function described<Shape extends Record<string, z.ZodType>>(keys: Record<keyof Shape, KeyFacts>, shape: Shape) {
  for (const [key, schema] of Object.entries(shape)) schema.register(z.globalRegistry, { description: keys[key]?.about ?? "" });
  return z.strictObject(shape);
}

/** The table's default of every key, as a person would write the object. */
function toDefaults(keys: Record<string, KeyFacts>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(keys).map(([key, facts]) => [key, facts.default]));
}

const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(LIST_LENGTH_MAX);
const PrefixText = z.string().min(1);
/** `default` is the engine's other word for `bridge`. */
const Network = z
  .string()
  .trim()
  .min(1)
  .max(256)
  .transform((network) => (network === "default" ? "bridge" : network));

const DockerComplete = described(DOCKER_KEYS, {
  image: ImageName.clone(),
  containerPrefix: PrefixText.clone(),
  workdir: ContainerPath.clone(),
  readOnlyRoot: z.boolean(),
  tmpfs: list(Tmpfs),
  network: Network.clone(),
  user: User.nullable(),
  capDrop: list(Capability),
  env: z
    .record(EnvName, EnvValue.nullable())
    .refine((env) => Object.keys(env).length <= ENV_NAMES_MAX, { error: `expected at most ${ENV_NAMES_MAX} names` }),
  setupCommand: z
    .union([z.string(), z.array(z.string()), z.null()], { error: "expected a command, or an array of commands" })
    .transform((command) => (Array.isArray(command) ? command.filter((part) => part.trim() !== "").join(" && ") : command))
    .transform((command) => (command === null || command.trim() === "" ? null : command))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL ends an argument early
    .refine((command) => command === null || !/\u0000/.test(command), { error: "expected a command without NUL" })
    .refine((command) => (command?.length ?? 0) <= SETUP_LENGTH_MAX, { error: `expected at most ${SETUP_LENGTH_MAX} characters` }),
  pidsLimit: z
    .int()
    .min(-1)
    .max(4_194_304)
    .transform((limit) => Math.max(0, limit)),
  memory: SizeLimit.clone(),
  memorySwap: SwapLimit.clone(),
  cpus: z
    .number()
    .min(0)
    .max(4_096)
    .nullable()
    .transform((cores) => (cores === 0 ? null : cores)),
  ulimits: z.partialRecord(z.enum(ULIMIT_NAMES), Ulimit.nullable()),
  gpus: z
    .union(
      [
        z.string().regex(/^(?:all|[1-9]\d{0,2}|device=[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*)$/, GPUS_EXPECTED),
        z.int().min(0).max(999),
        z.null(),
      ],
      {
        error: GPUS_EXPECTED,
      },
    )
    .transform((gpus) => (gpus === null || gpus === 0 ? null : String(gpus))),
  workspaceSize: SizeLimit.clone().refine((bytes) => bytes === null || bytes >= WORKSPACE_BYTES_MIN, {
    error: "expected at least 1 MiB",
  }),
  shmSize: SizeLimit.clone(),
  runtime: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'expected the name of a runtime such as "runsc"')
    .nullable(),
  seccompProfile: z.string().trim().min(1).nullable(),
  apparmorProfile: z.string().trim().min(1).nullable(),
  dns: list(Address),
  extraHosts: list(ExtraHost),
  binds: list(Bind),
  dangerouslyAllowReservedContainerTargets: z.boolean(),
  dangerouslyAllowExternalBindSources: z.boolean(),
  dangerouslyAllowContainerNamespaceJoin: z.boolean(),
});

/** As many as the proxy takes. */
const RULES_MAX = 1_000;
/** Of a relay, each of which is a process (images/egress/entrypoint.sh). */
const CONNECTIONS_MAX = 48;
/** One piece: below that, a connection would stand still for seconds at a time. */
const BANDWIDTH_BYTES_MIN = 65_536;

const EgressComplete = described(EGRESS_KEYS, {
  allow: z.array(EgressRule).max(RULES_MAX),
  deny: z.array(EgressRule).max(RULES_MAX),
  log: z.enum(["all", "refused", "none"]),
  connections: z.int().min(1).max(CONNECTIONS_MAX),
  bandwidth: SizeLimit.clone().refine((bytes) => bytes === null || bytes >= BANDWIDTH_BYTES_MIN, { error: "expected at least 64 KiB" }),
});

const PruneComplete = described(PRUNE_KEYS, {
  idleHours: z
    .number()
    .min(0)
    .max(DAYS_MAX * 24),
  maxAgeDays: z.number().min(0).max(DAYS_MAX),
  workspaces: z.enum(["keep", "delete"]),
});

const RolloutComplete = described(ROLLOUT_KEYS, {
  policy: z.enum(["when-idle", "now", "never"]),
  hotWindow: Duration.clone(),
  maxDriftAge: Duration.clone(),
  afterMaxDriftAge: z.enum(["report", "recreate", "kill"]),
  maxParallel: z.int().min(1).max(10_000).nullable(),
  canary: z.int().min(0).max(10_000),
  progressDeadline: Duration.clone(),
});

const BrowserComplete = described(BROWSER_KEYS, {
  enabled: z.boolean(),
  image: ImageName.clone(),
  containerPrefix: PrefixText.clone(),
  network: Network.nullable(),
  cdpPort: Port.clone(),
  cdpSourceRange: z.union([z.cidrv4(), z.cidrv6(), z.null()], { error: 'expected a CIDR such as "172.21.0.1/32"' }),
  vncPort: Port.clone(),
  noVncPort: Port.clone(),
  headless: z.boolean(),
  enableNoVnc: z.boolean(),
  noSandbox: z.boolean(),
  allowHostControl: z.boolean(),
  autoStart: z.boolean(),
  autoStartTimeoutMs: z.int().min(0).max(600_000),
  binds: list(Bind).nullable(),
  evaluateEnabled: z.boolean(),
});

const ScalarsComplete = described(SANDBOX_KEYS, {
  mode: z.enum(["off", "non-main", "all"]),
  scope: z.enum(["session", "agent", "shared"]),
  workspaceAccess: z.enum(["none", "ro", "rw"]),
  workspaceRoot: HostPath.nullable(),
  start: z.enum(["on-demand", "eager"]),
});

/** A `sandbox` block as parsed: every key optional, every value in normal form. */
export const SandboxSettings = z.strictObject({
  ...ScalarsComplete.partial().shape,
  docker: DockerComplete.partial().optional(),
  egress: EgressComplete.partial().nullable().optional(),
  prune: PruneComplete.partial().optional(),
  rollout: RolloutComplete.partial().optional(),
  browser: BrowserComplete.partial().optional(),
  /** Upstream's choice of backends: `podman` means Podman's socket, where no engine is named otherwise (`toEngineKind`). */
  backend: z.enum(["docker", "podman"]).optional(),
});
export type SandboxSettings = z.output<typeof SandboxSettings>;

export type DockerComplete = z.output<typeof DockerComplete>;
export type EgressComplete = z.output<typeof EgressComplete>;
export type PruneComplete = z.output<typeof PruneComplete>;
export type RolloutComplete = z.output<typeof RolloutComplete>;
export type BrowserComplete = z.output<typeof BrowserComplete>;
export type ScalarsComplete = z.output<typeof ScalarsComplete>;

/** The table's defaults in normal form, made by the same schemas that parse a person's file. */
export const SANDBOX_DEFAULTS: {
  readonly scalars: Readonly<ScalarsComplete>;
  readonly docker: Readonly<DockerComplete>;
  readonly egress: Readonly<EgressComplete>;
  readonly prune: Readonly<PruneComplete>;
  readonly rollout: Readonly<RolloutComplete>;
  readonly browser: Readonly<BrowserComplete>;
} = {
  scalars: ScalarsComplete.parse(toDefaults(SANDBOX_KEYS)),
  docker: DockerComplete.parse(toDefaults(DOCKER_KEYS)),
  egress: EgressComplete.parse(toDefaults(EGRESS_KEYS)),
  prune: PruneComplete.parse(toDefaults(PRUNE_KEYS)),
  rollout: RolloutComplete.parse(toDefaults(ROLLOUT_KEYS)),
  browser: BrowserComplete.parse(toDefaults(BROWSER_KEYS)),
};
