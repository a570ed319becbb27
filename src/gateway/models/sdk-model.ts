// The AI SDK's model for a target and a secret: which protocol, which address, which headers. The SDK is loaded when the first call is made.
// What is asked of it is sdk-call.ts's.
import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Secret } from "../../api/models/credential.ts";
import type { ModelTarget } from "../../api/models/resolve.ts";

export interface SdkModelParts {
  target: ModelTarget;
  secret: Secret | null;
  fetch: typeof fetch;
  /** Where calls go that a ChatGPT sign-in signs. */
  codexBaseUrl: string;
  /** Tells conversations apart, and says nothing of whose they are. */
  conversation: string;
}

/** A header that every client sends, with which ours names itself. */
const ORIGINATOR = "openclaw";
/** The clients look for a key in variables of the process unless they are given one. */
const NO_KEY = "none";

export async function makeSdkModel(parts: SdkModelParts): Promise<LanguageModelV4> {
  const { target } = parts;
  switch (target.api) {
    case "anthropic-messages":
      return await makeAnthropic(parts);
    case "openai-responses":
      return (await makeOpenAi(parts)).responses(target.model);
    case "openai-completions":
      return target.provider === "openai" ? (await makeOpenAi(parts)).chat(target.model) : await makeCompatible(parts);
  }
}

const bearerOf = (secret: Secret | null): string =>
  secret === null ? NO_KEY : secret.kind === "api-key" ? secret.apiKey : secret.kind === "token" ? secret.token : secret.accessToken;

/** Whether the call goes where only a ChatGPT sign-in may call, which is another place than the provider's API. */
export const isCodex = ({ target, secret }: Pick<SdkModelParts, "target" | "secret">): boolean =>
  secret?.kind === "oauth" && target.provider === "openai" && target.api === "openai-responses";

async function makeOpenAi(parts: SdkModelParts) {
  const { createOpenAI } = await import("@ai-sdk/openai");
  const { target, secret, fetch } = parts;
  const base = { apiKey: bearerOf(secret), fetch };
  return isCodex(parts)
    ? createOpenAI({ ...base, baseURL: parts.codexBaseUrl, headers: { ...target.headers, ...codexHeaders(parts) } })
    : createOpenAI({ ...base, baseURL: target.baseUrl, headers: { ...target.headers } });
}

function codexHeaders({ secret, conversation }: SdkModelParts): Record<string, string> {
  const accountId = secret?.kind === "oauth" ? secret.accountId : null;
  return {
    ...(accountId === null ? {} : { "chatgpt-account-id": accountId }),
    ...{ originator: ORIGINATOR, "OpenAI-Beta": "responses=experimental", session_id: conversation },
  };
}

/** Of `claude setup-token`: a bearer token, which the API takes with this header alone. */
const ANTHROPIC_SIGN_IN = /^sk-ant-oat/;

async function makeAnthropic({ target, secret, fetch }: SdkModelParts): Promise<LanguageModelV4> {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  const bearer = bearerOf(secret);
  const isToken = (secret !== null && secret.kind !== "api-key") || ANTHROPIC_SIGN_IN.test(bearer);
  const signIn = ANTHROPIC_SIGN_IN.test(bearer) ? { "anthropic-beta": "oauth-2025-04-20" } : {};
  const base = { baseURL: target.baseUrl, headers: { ...signIn, ...target.headers }, fetch };
  return createAnthropic(isToken ? { ...base, authToken: bearer } : { ...base, apiKey: bearer })(target.model);
}

async function makeCompatible({ target, secret, fetch }: SdkModelParts): Promise<LanguageModelV4> {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const key = secret === null ? {} : { apiKey: bearerOf(secret) };
  const base = { name: target.provider, baseURL: target.baseUrl, headers: { ...target.headers }, fetch, includeUsage: true };
  return createOpenAICompatible({ ...base, ...key })(target.model);
}
