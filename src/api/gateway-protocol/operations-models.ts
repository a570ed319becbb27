// Operations that show which models answer, who is signed in, and what was used: a part of the table in operations.ts. Read only, and without secrets.
// Signing in is operations-credentials.ts's; which model an agent has is the config's, which nothing here changes.
import { z } from "zod";
import { BUDGET_SPANS } from "../config/models.ts";
import { ProfileStatus } from "../models/stored-secret.ts";
import type { Operation } from "./operation.ts";

const DAYS_MAX = 62;
const SESSIONS_MAX = 1_000;

const Problem = z.object({ message: z.string(), fix: z.string() });

const ModelAnswer = z.object({
  reference: z.string().meta({ description: "provider/model; as written where it can't be used" }),
  provider: z.string().nullable(),
  name: z.string().nullable(),
  api: z.string().nullable(),
  contextWindow: z.int().nullable(),
  maxTokens: z.int().nullable(),
  input: z.array(z.string()),
  isPriced: z.boolean().meta({ description: "Whether the config has its price" }),
  isSignedIn: z.boolean().meta({ description: "Whether something can sign a call, or nothing has to" }),
  problem: Problem.nullable(),
});

const ModelsAnswer = z.object({
  object: z.literal("list").default("list").meta({ description: "With `data` the form of OpenAI's list, for its clients" }),
  data: z
    .array(z.object({ id: z.string(), object: z.literal("model"), created: z.int(), owned_by: z.string() }))
    .default([])
    .meta({ description: "What `model` may be of `/v1/chat/completions` and `/v1/responses`: the default agent, then each by name" }),
  agents: z.array(
    z.object({
      agentId: z.string(),
      primary: z.string().nullable().meta({ description: "null: no model is configured" }),
      fallbacks: z.array(z.string()),
    }),
  ),
  models: z.array(ModelAnswer).meta({ description: "Those that agents use and those that the config describes, in order of reference" }),
  providers: z.array(
    z.object({
      id: z.string(),
      baseUrl: z.string(),
      api: z.string(),
      isSelfHosted: z.boolean().meta({ description: "It is called without a key where there is none" }),
      profiles: z.array(ProfileStatus).meta({ description: "In the order in which they are tried" }),
    }),
  ),
});
/** What is known of models, without the names under which agents answer OpenAI's clients. */
export type ModelsView = Omit<z.output<typeof ModelsAnswer>, "object" | "data">;
export type ModelsAnswer = z.output<typeof ModelsAnswer>;

const TotalsAnswer = z.object({
  calls: z.int(),
  input: z.int().meta({ description: "Tokens; those of the cache among them" }),
  output: z.int(),
  cacheRead: z.int(),
  cacheWrite: z.int(),
  usd: z.number().meta({ description: "US dollars by the prices in the config" }),
  unpriced: z.int().meta({ description: "Calls whose price is not known" }),
  estimated: z.int().meta({ description: "Calls whose provider did not count: their tokens are estimated" }),
});

const UsageAnswer = z.object({
  days: z.array(
    z.object({
      day: z.string().meta({ description: "UTC" }),
      total: TotalsAnswer,
      agents: z.array(z.object({ agentId: z.string(), total: TotalsAnswer })),
    }),
  ),
  sessions: z.array(z.object({ key: z.string(), total: TotalsAnswer })).meta({ description: "The last that called a model comes first" }),
  limits: z.array(
    z.object({
      agentId: z.string().nullable().meta({ description: "Whose own limit it is; null: of every agent that has none of its own" }),
      span: z.enum(BUDGET_SPANS),
      tokens: z.number().nullable(),
      usd: z.number().nullable(),
      usedShare: z.number().meta({ description: "0 to 1 and above: of a day, and of the agent that used most; of sessions 0" }),
    }),
  ),
});
export type UsageAnswer = z.output<typeof UsageAnswer>;

export const MODEL_OPERATIONS = {
  getModels: {
    method: "get",
    path: "/v1/models",
    summary: "Which models answer for which agent, what is known of them, and who is signed in at their providers; no secret is in it",
    scope: "operator.read",
    socket: "models.status",
    answer: ModelsAnswer,
  },
  getUsage: {
    method: "get",
    path: "/v1/usage",
    summary: "Tokens and US dollars by day and agent and by session, newest first, and the limits that hold",
    scope: "operator.read",
    socket: "usage.cost",
    query: z.object({
      days: z.int().min(1).max(DAYS_MAX).optional().meta({ description: "Absent: 7" }),
      sessions: z.int().min(0).max(SESSIONS_MAX).optional().meta({ description: "Absent: 20" }),
    }),
    answer: UsageAnswer,
  },
} as const satisfies Record<string, Operation>;
