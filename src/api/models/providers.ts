// The model providers that are known without a config, and their old names.
// What a config adds or replaces is its own.

/** Where calls that are signed by a ChatGPT sign-in go, and who gives those. */
export const CODEX_DEFAULTS = {
  authorizeUrl: "https://auth.openai.com/oauth/authorize",
  tokenUrl: "https://auth.openai.com/oauth/token",
  /** The public client that Codex's own command line uses: it has no secret. */
  clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
  issuer: "https://auth.openai.com",
  baseUrl: "https://chatgpt.com/backend-api/codex",
} as const;

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
