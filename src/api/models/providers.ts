// The model providers that are known without a config: where they are, which protocol they speak, and which variable holds their key.
// What a config adds or replaces is resolve.ts's.

/** Protocols that this product speaks, by upstream's names for `models.providers.<id>.api`. */
export const MODEL_APIS = ["openai-completions", "openai-responses", "anthropic-messages"] as const;
export type ModelApi = (typeof MODEL_APIS)[number];

export interface KnownProvider {
  readonly api: ModelApi;
  readonly baseUrl: string;
  /** Variables of the gateway's process that may hold its key, the first that is set. Empty: it needs none. */
  readonly keyVariables: readonly string[];
}

const completions = (baseUrl: string, ...keyVariables: string[]): KnownProvider => ({ api: "openai-completions", baseUrl, keyVariables });

export const KNOWN_PROVIDERS: Readonly<Record<string, KnownProvider>> = {
  openai: { api: "openai-responses", baseUrl: "https://api.openai.com/v1", keyVariables: ["OPENAI_API_KEY"] },
  anthropic: { api: "anthropic-messages", baseUrl: "https://api.anthropic.com/v1", keyVariables: ["ANTHROPIC_API_KEY"] },
  openrouter: completions("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
  groq: completions("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
  mistral: completions("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
  xai: completions("https://api.x.ai/v1", "XAI_API_KEY"),
  deepseek: completions("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
  cerebras: completions("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
  together: completions("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
  ollama: completions("http://127.0.0.1:11434/v1"),
  lmstudio: completions("http://127.0.0.1:1234/v1"),
  vllm: completions("http://127.0.0.1:8000/v1"),
};

/** Where calls that are signed by a ChatGPT sign-in go, and who gives those. */
export const CODEX_DEFAULTS = {
  authorizeUrl: "https://auth.openai.com/oauth/authorize",
  tokenUrl: "https://auth.openai.com/oauth/token",
  /** The public client that Codex's own command line uses: it has no secret. */
  clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
  issuer: "https://auth.openai.com",
  /** The one that is registered for that client: no other is taken back. */
  redirectUrl: "http://localhost:1455/auth/callback",
  baseUrl: "https://chatgpt.com/backend-api/codex",
} as const;

export interface CodexSettings {
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly issuer: string;
  readonly redirectUrl: string;
  readonly baseUrl: string;
}

/** An authorization server, and what this product is called there. */
export type SignInServer = Omit<CodexSettings, "baseUrl">;

const OLD_NAMES: Readonly<Record<string, string>> = { "openai-codex": "openai" };

/** In lower case, and by the name that is used now. */
export function toProviderId(written: string): string {
  const lower = written.toLowerCase();
  return (Object.hasOwn(OLD_NAMES, lower) ? OLD_NAMES[lower] : undefined) ?? lower;
}

/** `openai-codex:default` is `openai:default`. */
export function toProfileId(written: string): string {
  const colon = written.indexOf(":");
  return colon === -1 ? written : `${toProviderId(written.slice(0, colon))}${written.slice(colon)}`;
}

/** What a person who has no model yet is offered first: a model of each kind of sign-in that answers with it. */
export const SUGGESTED_MODELS = { "openai-codex": "gpt-5.2-codex", openai: "gpt-5.2", anthropic: "claude-opus-4-5" } as const;
