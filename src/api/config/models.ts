// What the config says about models and sign-in, in one form whichever way it was written: providers by canonical id, references as text, limits complete.
// Which model an agent gets and where that is called is api/models/resolve.ts's.
import type { CredentialMode } from "../models/credential.ts";
import { CODEX_DEFAULTS, type CodexSettings, toProfileId, toProviderId } from "../models/providers.ts";
import type { ConfigFile } from "./schema.ts";
import type { AgentBudgetSettings, AuthSettings, ModelChoiceSettings, ProviderSettings } from "./schema-models.ts";

export interface ModelChoice {
  /** As written: a reference or an alias. null: not configured. */
  readonly primary: string | null;
  readonly fallbacks: readonly string[];
}

/** US dollars per million tokens. null: not known. */
export interface ModelPrice {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
}

export interface ProviderModel {
  readonly id: string;
  readonly name: string | null;
  readonly contextWindow: number | null;
  readonly maxTokens: number | null;
  readonly input: readonly string[];
  readonly cost: ModelPrice | null;
}

export interface ProviderConfig {
  readonly baseUrl: string | null;
  /** As written. */
  readonly api: string | null;
  /** Secret. null: not in the config. */
  readonly apiKey: string | null;
  /** Variable of the gateway's process that holds the key. */
  readonly apiKeyVariable: string | null;
  /** Absolute path of a file that holds the key alone, where the gateway runs. */
  readonly apiKeyFile: string | null;
  readonly timeoutSeconds: number | null;
  /** Values may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly models: readonly ProviderModel[];
}

export interface BudgetLimit {
  /** null: no limit. */
  readonly tokens: number | null;
  readonly usd: number | null;
}
export const BUDGET_SPANS = ["session", "agentDay", "day"] as const;
export type BudgetSpan = (typeof BUDGET_SPANS)[number];
export type Budget = Readonly<Record<BudgetSpan, BudgetLimit>>;
/** Of one agent. */
export type AgentBudget = Pick<Budget, "session" | "agentDay">;

export interface ModelEntry {
  readonly alias: string | null;
  readonly temperature: number | null;
  readonly maxTokens: number | null;
}

export interface ModelsConfig {
  readonly mode: "merge" | "replace";
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  /** Of every agent that has no model of its own. */
  readonly choice: ModelChoice;
  /** `agents.defaults.models`, by reference as written. */
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly budget: Budget;
}

export interface AuthConfig {
  /** By profile id, in the order of the file. */
  readonly profiles: Readonly<Record<string, { readonly provider: string; readonly mode: CredentialMode }>>;
  /** Profile ids by provider. */
  readonly order: Readonly<Record<string, readonly string[]>>;
  readonly codex: CodexSettings;
}

export function toModelChoice(written: ModelChoiceSettings | undefined): ModelChoice | null {
  if (written === undefined) return null;
  if (typeof written === "string") return { primary: written, fallbacks: [] };
  return { primary: written.primary ?? null, fallbacks: written.fallbacks ?? [] };
}

const toLimit = (written: { tokens?: number | undefined; usd?: number | undefined } = {}): BudgetLimit => ({
  tokens: written.tokens ?? null,
  usd: written.usd ?? null,
});

export const toAgentBudget = ({ session, agentDay }: AgentBudgetSettings = {}): AgentBudget => ({
  session: toLimit(session),
  agentDay: toLimit(agentDay),
});

export function toModelsConfig({ agents, models }: ConfigFile): ModelsConfig {
  const { model, models: entries = {}, budget } = agents?.defaults ?? {};
  return {
    mode: models?.mode ?? "merge",
    providers: mapRecord(models?.providers ?? {}, ([id, settings]) => [toProviderId(id), toProviderConfig(settings)]),
    choice: toModelChoice(model) ?? { primary: null, fallbacks: [] },
    entries: mapRecord(entries, ([reference, { alias, params }]) => [
      reference,
      { alias: alias ?? null, temperature: params?.temperature ?? null, maxTokens: params?.maxTokens ?? null },
    ]),
    budget: { ...toAgentBudget(budget), day: toLimit(budget?.day) },
  };
}

/** null: none, or no path. */
export const toKeyFile = (id: string | null): string | null => (id?.startsWith("/") === true ? id : null);

function toProviderConfig({ baseUrl, api, apiKey, timeoutSeconds, headers, models }: ProviderSettings): ProviderConfig {
  const idOf = (source: string): string | null => (typeof apiKey === "object" && apiKey.source === source ? apiKey.id : null);
  return {
    baseUrl: baseUrl ?? null,
    api: api ?? null,
    apiKey: typeof apiKey === "string" ? apiKey : null,
    apiKeyVariable: idOf("env"),
    apiKeyFile: toKeyFile(idOf("file")),
    timeoutSeconds: timeoutSeconds ?? null,
    headers: headers ?? {},
    models: (models ?? []).map(({ id, name, contextWindow, maxTokens, input, cost }) => ({
      ...{ id, name: name ?? null, contextWindow: contextWindow ?? null, maxTokens: maxTokens ?? null, input: input ?? ["text"] },
      cost:
        cost === undefined
          ? null
          : {
              ...{ input: cost.input ?? null, output: cost.output ?? null },
              ...{ cacheRead: cost.cacheRead ?? null, cacheWrite: cost.cacheWrite ?? null },
            },
    })),
  };
}

export function toAuthConfig(auth: AuthSettings = {}): AuthConfig {
  return {
    profiles: mapRecord(auth.profiles ?? {}, ([id, { provider, mode }]) => [toProfileId(id), { provider: toProviderId(provider), mode }]),
    order: mapRecord(auth.order ?? {}, ([provider, ids]) => [toProviderId(provider), ids.map(toProfileId)]),
    codex: {
      authorizeUrl: auth.codex?.authorizeUrl ?? CODEX_DEFAULTS.authorizeUrl,
      tokenUrl: auth.codex?.tokenUrl ?? CODEX_DEFAULTS.tokenUrl,
      clientId: auth.codex?.clientId ?? CODEX_DEFAULTS.clientId,
      issuer: auth.codex?.issuer ?? CODEX_DEFAULTS.issuer,
      redirectUrl: auth.codex?.redirectUrl ?? CODEX_DEFAULTS.redirectUrl,
      baseUrl: auth.codex?.baseUrl ?? CODEX_DEFAULTS.baseUrl,
    },
  };
}

function mapRecord<From, To>(record: Readonly<Record<string, From>>, change: (entry: [string, From]) => [string, To]): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(change));
}
