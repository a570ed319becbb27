// Which models an agent's turn may use and in which order, and how each is reached: the config put together with the providers that are known. Pure.
// Who signs the call is the credentials'; whether it works is found out by calling.
import type { AgentId } from "../brands.ts";
import type { Config } from "../config/config.ts";
import type { ModelPrice, ProviderConfig } from "../config/models.ts";
import { KNOWN_PROVIDERS, type KnownProvider, MODEL_APIS, type ModelApi } from "./providers.ts";
import { type ModelReference, parseReference, renderReference } from "./reference.ts";

/** How one model is called. */
export interface ModelTarget extends ModelReference {
  readonly api: ModelApi;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Values may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Loopback, or an address that is nobody's in public: it may be slow, and needs no key. */
  readonly isSelfHosted: boolean;
  readonly timeoutSeconds: number;
  /** Tokens. null: not known. */
  readonly contextWindow: number | null;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  /** Whether it takes images. */
  readonly takesImages: boolean;
  /** null: not known. */
  readonly price: ModelPrice | null;
}

/** What the config names and nobody can call, and what to write. */
export interface ModelProblem {
  /** As written. */
  readonly written: string;
  readonly message: string;
  readonly fix: string;
}

const TIMEOUT_SECONDS_DEFAULT = 600;

/** Empty: the config names no model for the agent. The first is the primary one, however it turned out. */
export function listModels(config: Config, agentId: AgentId): readonly (ModelTarget | ModelProblem)[] {
  const choice = config.agents.find(({ id }) => id === agentId)?.model ?? config.models.choice;
  const written = choice.primary === null ? choice.fallbacks : [choice.primary, ...choice.fallbacks];
  const found = written.map((text) => resolveModel(config, text));
  return found.filter((one, index) => found.findIndex((other) => isSame(one, other)) === index);
}

export const isTarget = (one: ModelTarget | ModelProblem): one is ModelTarget => "api" in one;

const nameOf = (one: ModelTarget | ModelProblem): string => (isTarget(one) ? renderReference(one) : one.written);
const isSame = (left: ModelTarget | ModelProblem, right: ModelTarget | ModelProblem): boolean => nameOf(left) === nameOf(right);

/** @param written a reference, or an alias of one */
export function resolveModel(config: Config, written: string): ModelTarget | ModelProblem {
  const [aliased] = Object.entries(config.models.entries).find(([, { alias }]) => alias?.toLowerCase() === written.toLowerCase()) ?? [];
  const reference = parseReference(aliased ?? written);
  if (reference === null)
    return {
      written,
      message: "it names no provider",
      fix: `write "provider/model", such as "openai/${written.replaceAll(/[\s/]/g, "")}"`,
    };
  const found = findProvider(config, reference.provider);
  return "message" in found ? { written, ...found } : toTarget(config, reference, found);
}

interface Provider {
  readonly api: ModelApi;
  readonly baseUrl: string;
  /** null: nothing about it in the config. */
  readonly settings: ProviderConfig | null;
}

export function findProvider(config: Config, id: string): Provider | { message: string; fix: string } {
  const settings = own(config.models.providers, id);
  const known = config.models.mode === "replace" && settings === null ? null : own(KNOWN_PROVIDERS, id);
  const baseUrl = settings?.baseUrl ?? known?.baseUrl;
  if (baseUrl === undefined)
    return settings === null
      ? { message: `the provider "${id}" is not known`, fix: `set models.providers.${id}.baseUrl` }
      : { message: `nothing says where the provider "${id}" is`, fix: `set models.providers.${id}.baseUrl` };
  const api = settings?.api ?? known?.api ?? "openai-completions";
  if (!isApi(api)) return { message: `the protocol "${api}" is not spoken here`, fix: `one of ${MODEL_APIS.join(", ")}` };
  return { api, baseUrl: toBaseUrl(baseUrl, api), settings };
}

/** Providers that the config has or that are known, in order of id. */
export function listProviders({ models }: Config): string[] {
  const known = models.mode === "replace" ? [] : Object.keys(KNOWN_PROVIDERS);
  return [...new Set([...known, ...Object.keys(models.providers)])].toSorted();
}

/** Variables of the gateway's process that may hold the provider's key. */
export function keyVariablesOf(config: Config, id: string): readonly string[] {
  const named = own(config.models.providers, id)?.apiKeyVariable ?? null;
  const known: KnownProvider | null = own(KNOWN_PROVIDERS, id);
  return [...(named === null ? [] : [named]), ...(known?.keyVariables ?? [])];
}

function toTarget(config: Config, reference: ModelReference, { api, baseUrl, settings }: Provider): ModelTarget {
  const model = settings?.models.find(({ id }) => id === reference.model) ?? null;
  const [, entry = null] =
    Object.entries(config.models.entries).find(([written]) => renderWritten(written) === renderReference(reference)) ?? [];
  return {
    ...reference,
    ...{ api, baseUrl, headers: settings?.headers ?? {}, isSelfHosted: isSelfHosted(baseUrl) },
    timeoutSeconds: settings?.timeoutSeconds ?? TIMEOUT_SECONDS_DEFAULT,
    contextWindow: model?.contextWindow ?? null,
    maxTokens: entry?.maxTokens ?? model?.maxTokens ?? null,
    temperature: entry?.temperature ?? null,
    // Of a model that the config doesn't describe nothing is known: its provider will say.
    takesImages: model === null || model.input.includes("image"),
    price: model?.cost ?? null,
  };
}

function renderWritten(written: string): string {
  const reference = parseReference(written);
  return reference === null ? written : renderReference(reference);
}

const isApi = (text: string): text is ModelApi => (MODEL_APIS as readonly string[]).includes(text);

/** Anthropic's is written with and without its version. */
function toBaseUrl(written: string, api: ModelApi): string {
  const bare = written.replace(/\/+$/, "");
  return api === "anthropic-messages" && !/\/v\d+$/.test(bare) ? `${bare}/v1` : bare;
}

const PRIVATE_ADDRESS =
  /^(?:localhost|.*\.(?:local|localhost|internal|lan)|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*|169\.254\..*|\[::1\]|\[f[cd][0-9a-f]{2}:.*\]|\[fe80:.*\]|[^.:[\]]+)$/i;

export const isSelfHosted = (baseUrl: string): boolean => PRIVATE_ADDRESS.test(URL.parse(baseUrl)?.hostname ?? "");

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | null {
  return Object.hasOwn(record, key) ? (record[key] ?? null) : null;
}
