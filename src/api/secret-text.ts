// Takes out of a text what looks like a secret of a model provider: keys, bearer tokens, sign-in codes. For what others wrote, such as a provider's error,
// before it is logged, shown or kept. A secret that looks like nothing is not found: whoever has one must not put it into a text. Pure.

export const REDACTED = "[redacted]";

/** Each with what stays in front of the secret. */
const SECRETS: readonly RegExp[] = [
  // sk-..., sk-ant-..., sk-proj-..., sk-or-...; xai-..., gsk_..., AIza..., ghp_...
  /()\b(?:sk|pk|rk|xai|gsk|csk|tgp|ghp|gho|glpat|hf)[-_][A-Za-z0-9_-]{12,}/g,
  /()\bAIza[A-Za-z0-9_-]{20,}/g,
  // A token with claims: three parts of base64url, the first of which begins with {".
  /()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g,
  /(\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(\bBasic\s+)[A-Za-z0-9+/=]{12,}/g,
  // In a URL or a form.
  /([?&#\s"'`]|^)((?:code|code_verifier|access_token|refresh_token|id_token|client_secret|api_?key|key|token)=)[^&\s"'`\\]{6,}/gim,
  // In JSON, also as a string inside JSON.
  /((?:access|refresh|id)_?token\\*"\s*:\s*\\*")[^"\\]+/gi,
  /(api_?key\\*"\s*:\s*\\*")[^"\\]+/gi,
];

export function redactSecrets(text: string): string {
  return SECRETS.reduce(
    (left, secret) =>
      left.replace(
        secret,
        (_, before: string, name: unknown) => `${before}${typeof name === "string" && name.endsWith("=") ? name : ""}${REDACTED}`,
      ),
    text,
  );
}
