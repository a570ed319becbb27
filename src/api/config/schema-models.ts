// The keys that say which models answer, where they are, and who signs in how, as zod sees them; loose as upstream's are, strict in `auth.codex` and `budget`.
// What they mean together is models.ts's; which values make no sense is rules-models.ts's.
import { z } from "zod";
import { CREDENTIAL_MODES } from "../models/credential.ts";
import { REFERENCE_LENGTH_MAX } from "../models/reference.ts";
import { isConfidentialUrl } from "../models/stored-secret.ts";

const FALLBACKS_MAX = 16;
const PROVIDERS_MAX = 100;
const MODELS_PER_PROVIDER_MAX = 500;
const ENTRIES_MAX = 1_000;
const PROFILES_MAX = 200;
const HEADERS_MAX = 64;
const TIMEOUT_SECONDS_MAX = 86_400;

const Reference = z.string().trim().min(1).max(REFERENCE_LENGTH_MAX);
const Tokens = z.int().min(1).max(1_000_000_000_000);
const Usd = z.number().positive().max(1_000_000_000);

const recordOf = <Item extends z.ZodType>(item: Item, max: number, what: string) =>
  z.record(z.string().min(1).max(REFERENCE_LENGTH_MAX), item).refine((all) => Object.keys(all).length <= max, {
    error: `expected at most ${max} ${what}`,
  });

/** Text is the primary model alone. */
export const ModelChoiceSettings = z.union(
  [
    Reference,
    z.looseObject({
      primary: Reference.optional().describe("The model that answers, provider/model"),
      fallbacks: z
        .array(Reference)
        .max(FALLBACKS_MAX)
        .optional()
        .describe("Tried in this order, for one turn, when every profile of the primary model failed"),
    }),
  ],
  { error: 'expected "provider/model", or { primary, fallbacks }' },
);
export type ModelChoiceSettings = z.output<typeof ModelChoiceSettings>;

export const MODEL_ABOUT =
  'The model that answers: "provider/model", or { primary, fallbacks: [...] } where fallbacks are tried in order, for one turn, once every profile of the primary model failed; unset: none answers';
export const AGENT_MODEL_ABOUT = "The agent's own model, in the same form; it has no fallbacks but its own; unset: agents.defaults.model";

/** By reference: another name for it, and what is sent along with each call. */
export const ModelEntrySettings = z.looseObject({
  alias: z.string().trim().min(1).max(64).optional().describe("A short name that may stand for the reference"),
  params: z
    .looseObject({
      temperature: z.number().min(0).max(2).optional().describe("Sent with each call; unset: the provider's default"),
      maxTokens: z.int().min(1).max(10_000_000).optional().describe("Tokens that one answer may have; unset: maxTokens of the model"),
    })
    .optional(),
});

const Budget = (what: string) =>
  z
    .strictObject({
      tokens: Tokens.optional().describe(`Tokens ${what}, in and out; unset: no limit`),
      usd: Usd.optional().describe(`US dollars ${what}, by the prices in models.providers; unset: no limit`),
    })
    .optional();

export const BudgetSettings = z.strictObject({
  session: Budget("that one session may use in all"),
  agentDay: Budget("that one agent may use a day (UTC)"),
  day: Budget("that all agents together may use a day (UTC)"),
});

/** The days of all agents together are no agent's own. */
export const AgentBudgetSettings = BudgetSettings.pick({ session: true, agentDay: true });
export type AgentBudgetSettings = z.output<typeof AgentBudgetSettings>;
export const AGENT_BUDGET_ABOUT = "The agent's own limits; each that is unset is that of agents.defaults.budget";

const HeaderName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const Headers = z
  .record(
    z.string().regex(HeaderName, "expected the name of a header"),
    z
      .string()
      .max(8_192)
      // What fits a header.
      .regex(/^[ -~]*$/, "expected printable ASCII characters"),
  )
  .refine((all) => Object.keys(all).length <= HEADERS_MAX, { error: `expected at most ${HEADERS_MAX} headers` });

/** Upstream's form of a secret that lies elsewhere: a variable of the gateway's process, or a file that holds it alone. A program is not run for one. */
const SecretReference = z.looseObject({ source: z.string(), id: z.string().min(1).max(256) });

const KeyText = z
  .string()
  .trim()
  .min(1)
  .max(4_096)
  .regex(/^[!-~]*$/, "it contains white space, or a character that fits no header");

const price = (of: string, unset = "not counted") =>
  z.number().min(0).max(1_000_000).optional().describe(`US dollars per million tokens ${of}; unset: ${unset}`);

export const ProviderModelSettings = z.looseObject({
  id: z.string().trim().min(1).max(REFERENCE_LENGTH_MAX).describe("As the provider calls it"),
  name: z.string().max(256).optional().describe("Shown to people"),
  contextWindow: z.int().min(1).max(1_000_000_000).optional().describe("Tokens that a request and its answer may have; unset: not known"),
  maxTokens: z.int().min(1).max(10_000_000).optional().describe("Tokens that one answer may have; unset: the provider's default"),
  input: z.array(z.string().max(32)).max(16).optional().describe('What it takes: "text", "image"; unset: text'),
  cost: z
    .looseObject({
      input: price("read"),
      output: price("written"),
      cacheRead: price("read from a cache", "as input"),
      cacheWrite: price("written to a cache", "as input"),
    })
    .optional(),
});

export const ProviderSettings = z.looseObject({
  baseUrl: z
    .string()
    .trim()
    .max(2_048)
    .optional()
    .describe("Where its API is, such as http://127.0.0.1:8000/v1; unset: as known for the provider"),
  apiKey: z
    .union([KeyText, SecretReference], { error: `expected text such as "\${NAME}", or { source: "file", id: "/run/secrets/NAME" }` })
    .optional()
    .describe(
      'Its key, when no profile has one; better kept out of the config: openclaw models auth paste-api-key. { source: "env", id: "NAME" } is a variable of the gateway, { source: "file", id: "/run/secrets/NAME" } a file that holds the key alone',
    ),
  api: z
    .string()
    .max(64)
    .optional()
    .describe(
      "Its protocol: openai-completions, openai-responses or anthropic-messages; unset: as known for the provider, else openai-completions",
    ),
  timeoutSeconds: z.number().positive().max(TIMEOUT_SECONDS_MAX).optional().describe("The longest that one call may take; default 600"),
  headers: Headers.optional().describe("Sent with each call"),
  models: z.array(ProviderModelSettings).max(MODELS_PER_PROVIDER_MAX).optional(),
});
export type ProviderSettings = z.output<typeof ProviderSettings>;

export const ModelsSettings = z.looseObject({
  mode: z
    .enum(["merge", "replace"])
    .optional()
    .describe("merge (default): providers are added to those that are known; replace: there are no others"),
  providers: recordOf(ProviderSettings, PROVIDERS_MAX, "providers").optional(),
});
export type ModelsSettings = z.output<typeof ModelsSettings>;

const SafeUrl = z
  .string()
  .max(2_048)
  .refine(isConfidentialUrl, { error: "expected an https URL, or http to this machine itself: tokens go there" });

/** A listener of this machine alone (RFC 8252). */
const RedirectUrl = z
  .string()
  .max(256)
  .regex(
    /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d{1,5}\/[\w./-]*$/,
    "expected http to this machine itself, with a port: http://localhost:1455/auth/callback",
  );

export const AuthProfileSettings = z.looseObject({
  provider: z.string().min(1).max(64).describe("Whose profile it is"),
  mode: z.enum(CREDENTIAL_MODES).describe("What signs in: api_key, token or oauth"),
});

export const AUTH_ORDER_ABOUT =
  "By provider: ids of profiles in the order in which they are tried; unset: as auth.profiles has them, then the others by name";

export const CodexSignInSettings = z.strictObject({
  authorizeUrl: SafeUrl.optional().describe("Where a ChatGPT sign-in begins"),
  tokenUrl: SafeUrl.optional().describe("Who gives its tokens"),
  clientId: z.string().min(1).max(256).optional().describe("Which client asks; it has no secret"),
  issuer: SafeUrl.optional().describe("Who its id token has to be from"),
  redirectUrl: RedirectUrl.optional().describe(
    "Where the browser brings the answer to, on this machine; as it is registered for the client",
  ),
  baseUrl: SafeUrl.optional().describe("Where calls that it signs go"),
});

export const AuthSettings = z.looseObject({
  profiles: recordOf(AuthProfileSettings, PROFILES_MAX, "profiles").optional(),
  order: recordOf(z.array(z.string().min(1).max(256)).max(PROFILES_MAX), PROVIDERS_MAX, "providers")
    .optional()
    .describe(AUTH_ORDER_ABOUT),
  codex: CodexSignInSettings.optional(),
});
export type AuthSettings = z.output<typeof AuthSettings>;

export const ModelEntries = recordOf(ModelEntrySettings, ENTRIES_MAX, "models");
