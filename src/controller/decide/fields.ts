// The one table of what a container is made of: which fields need a new container, which change while it runs, which are shown.
// The hash, the drift report and the documentation are made from it.
import { createHash } from "node:crypto";
import { type SpecHash, toSpecHash } from "../../api/brands.ts";
import type { ChangePart, ContainerSpec, FieldDrift, LiveSpec } from "../../api/sandbox.ts";

/**
 * Version of the list below. A change to the list, to an order or to a rendering needs a new version, and the golden test fails until it
 * has one: an upgrade of the controller must never recreate what did not change.
 */
export const HASH_VERSION = "1";

interface RecreateField {
  /** Key as in the config. */
  key: string;
  /** JSON-able value in canonical order; `undefined` is not one. */
  of(spec: Observed): unknown;
}

/** What inspect can show; setupCommand and limits are apart. */
type Observed = Omit<ContainerSpec, "live" | "setupCommand">;

const byKey = ([left]: [string, unknown], [right]: [string, unknown]): number => (left < right ? -1 : 1);
const sortedEntries = (record: Readonly<Record<string, string>>): [string, string][] => Object.entries(record).sort(byKey);

export const RECREATE_FIELDS: readonly RecreateField[] = [
  { key: "docker.image", of: (spec) => spec.image },
  { key: "docker.workdir", of: (spec) => spec.workdir },
  { key: "docker.readOnlyRoot", of: (spec) => spec.readOnlyRoot },
  { key: "docker.tmpfs", of: (spec) => spec.tmpfs.map(({ path, options }) => [path, options]).sort() },
  { key: "docker.network", of: (spec) => spec.network },
  { key: "docker.user", of: (spec) => spec.user },
  { key: "docker.capDrop", of: (spec) => [...spec.capDrop].sort() },
  { key: "docker.env", of: (spec) => sortedEntries(spec.env) },
  { key: "docker.ulimits", of: (spec) => spec.ulimits.map(({ name, soft, hard }) => [name, soft, hard]).sort() },
  { key: "docker.gpus", of: (spec) => spec.gpus },
  { key: "docker.shmSize", of: (spec) => spec.shmSize },
  { key: "docker.runtime", of: (spec) => spec.runtime },
  { key: "docker.seccompProfile", of: (spec) => spec.seccomp },
  { key: "docker.apparmorProfile", of: (spec) => spec.apparmorProfile },
  { key: "docker.dns", of: (spec) => spec.dns },
  { key: "docker.extraHosts", of: (spec) => spec.extraHosts },
  { key: "mounts", of: (spec) => spec.mounts.map(({ source, target, readOnly }) => [target, source, readOnly]).sort() },
];

/** 16 hex of SHA-256 over the versioned list, the setup command included; order of lists that have none does not matter. */
export function hashSpec(spec: ContainerSpec): SpecHash {
  const canonical = JSON.stringify([
    HASH_VERSION,
    ...RECREATE_FIELDS.map((field) => [field.key, field.of(spec)]),
    ["docker.setupCommand", spec.setupCommand],
  ]);
  return toSpecHash(createHash("sha256").update(canonical).digest("hex").slice(0, 16));
}

/** Environment values that are shown; any other may be a secret. */
const SHOWN_VARIABLES = /^(HOME|LANG|LC_[A-Z]+|PATH|TERM|TZ|OPENCLAW_BROWSER_[A-Z_]+)$/;
/** Whether the value of this environment variable may be shown. */
export const isShownVariable = (name: string): boolean => SHOWN_VARIABLES.test(name);

/** Values that no output may show: those of every other variable. */
export const toHidden = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env).flatMap(([name, value]) => (isShownVariable(name) ? [] : [value]));

const SHOWN_LENGTH_MAX = 200;

function show(value: unknown): string {
  const text = typeof value === "string" ? value : value === null || value === undefined ? "unset" : JSON.stringify(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}... (${text.length} characters)` : text;
}

function diffEnvironment(desired: ContainerSpec["env"], actual: ContainerSpec["env"]): FieldDrift[] {
  const names = [...new Set([...Object.keys(desired), ...Object.keys(actual)])].sort();
  return names
    .filter((name) => desired[name] !== actual[name])
    .map((name) => {
      const render = (value: string | undefined): string => (value === undefined ? "unset" : isShownVariable(name) ? value : "(hidden)");
      return { field: `docker.env.${name}`, remedy: "recreate", desired: render(desired[name]), actual: render(actual[name]) };
    });
}

/** Field by field, what a new container is needed for. Empty when inspect shows no difference. */
export function diffRecreate(desired: ContainerSpec, actual: Observed): FieldDrift[] {
  return RECREATE_FIELDS.flatMap((field): FieldDrift[] => {
    const [want, have] = [field.of(desired), field.of(actual)];
    if (JSON.stringify(want) === JSON.stringify(have)) return [];
    if (field.key === "docker.env") return diffEnvironment(desired.env, actual.env);
    if (field.key === "docker.seccompProfile")
      return [{ field: field.key, remedy: "recreate", desired: "(another profile)", actual: "(profile)" }];
    return [{ field: field.key, remedy: "recreate", desired: show(want), actual: show(have) }];
  });
}

export const LIVE_FIELDS: readonly { key: string; name: keyof LiveSpec }[] = [
  { key: "docker.cpus", name: "cpus" },
  { key: "docker.memory", name: "memory" },
  { key: "docker.memorySwap", name: "memorySwap" },
  { key: "docker.pidsLimit", name: "pidsLimit" },
];

export interface LiveDrift extends FieldDrift {
  name: keyof LiveSpec;
  /** Whether the limit would have to be lifted: most engines can't while the container runs. */
  unset: boolean;
}

/** Beside a memory limit no swap limit means the engine's default, twice the memory, which can be set while the container runs. */
function isUnlimited(name: keyof LiveSpec, live: LiveSpec): boolean {
  if (name === "memorySwap") return live.memorySwap === null && live.memory === null;
  return live[name] === null || (name === "pidsLimit" && live[name] === 0);
}

/** Limits in force that differ from the spec. */
export function diffLive(desired: LiveSpec, actual: LiveSpec): LiveDrift[] {
  return LIVE_FIELDS.filter(({ name }) => desired[name] !== actual[name]).map(({ key, name }) => ({
    name,
    field: key,
    remedy: "live",
    desired: show(desired[name]),
    actual: show(actual[name]),
    unset: isUnlimited(name, desired),
  }));
}

/**
 * What makes a change the same for several sandboxes: the key and its new value. Which folders of the host are mounted as workspaces is
 * each sandbox's own and does not count.
 */
export function toChangePart(
  { field, desired: to }: Pick<FieldDrift, "field" | "desired">,
  spec: ContainerSpec,
  imageId: string,
): ChangePart {
  const canonical = JSON.stringify([field, field === "docker.image" ? [spec.image, imageId] : newValue(field, spec)]);
  return { field, to, id: createHash("sha256").update(canonical).digest("hex").slice(0, 16) };
}

const ENVIRONMENT_PREFIX = "docker.env.";

function newValue(field: string, spec: ContainerSpec): unknown {
  if (field.startsWith(ENVIRONMENT_PREFIX)) return spec.env[field.slice(ENVIRONMENT_PREFIX.length)] ?? null;
  if (field === "docker.setupCommand") return spec.setupCommand;
  if (field === "mounts") {
    return spec.mounts.map(({ kind, source, target, readOnly }) => [target, kind === "bind" ? source : kind, readOnly]).sort();
  }
  const live = LIVE_FIELDS.find(({ key }) => key === field);
  return live === undefined ? RECREATE_FIELDS.find(({ key }) => key === field)?.of(spec) : spec.live[live.name];
}
