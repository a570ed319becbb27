// The part of a config that the gateway works with, as data that can be sent and kept. It is the whole list: what is not named here, such as
// docker.env, setup commands, images and limits, never leaves the controller. How it gets to the gateway is the controller's and the gateway's.
import { z } from "zod";
import { toDurationMs } from "../brands.ts";
import { CREDENTIAL_MODES } from "../models/credential.ts";
import { QUEUE_DROPS, QUEUE_LIMITS, QUEUE_MODES } from "../queue-modes.ts";
import { AgentIdSchema } from "../session.ts";
import { REMARK_LENGTH_MAX } from "../silence.ts";
import { THINKING_LEVELS } from "../thinking.ts";
import { HEARTBEAT_TARGETS, toAssistantConfig } from "./assistant.ts";
import type { Config } from "./config.ts";
import { MASK } from "./masked.ts";
import { toAuthConfig, toModelsConfig } from "./models.ts";

const words = z.array(z.string());
const text = z.string();
const count = z.number();
const flag = z.boolean();

/** Sources are compared where one session starts another: a child may see no folder that its parent does not. */
const Bind = z.object({ source: text, target: text, readOnly: flag });

const Sandbox = z
  .object({
    mode: z.enum(["off", "non-main", "all"]),
    scope: z.enum(["session", "agent", "shared"]),
    workspaceAccess: z.enum(["none", "ro", "rw"]),
    /** Where a tool begins, and what a child is compared by. */
    docker: z
      .object({
        workdir: text,
        readOnlyRoot: flag,
        network: text,
        user: text.nullable(),
        capDrop: words,
        gpus: text.nullable(),
        runtime: text.nullable(),
        seccompProfile: text.nullable(),
        apparmorProfile: text.nullable(),
        binds: z.array(Bind),
      })
      .partial(),
    /** What a child is compared by. */
    egress: z.object({ allow: words, deny: words }).partial().nullable(),
    /** Whether there is the tool, what it may do, and what a child is compared by. */
    browser: z.object({ enabled: flag, autoStart: flag, evaluateEnabled: flag, network: text, noSandbox: flag }).partial(),
  })
  .partial();

const Tools = z
  .object({
    allow: words,
    deny: words,
    sandbox: z.object({ tools: z.object({ allow: words, alsoAllow: words, deny: words }).partial() }).partial(),
    exec: z.object({ host: z.enum(["sandbox", "gateway", "node", "auto"]), timeoutSec: count, backgroundMs: count }).partial(),
  })
  .partial();

const amount = count.nullable();
const Limit = z.object({ tokens: amount, usd: amount });
const UNLIMITED = { tokens: null, usd: null };
const Choice = z.object({ primary: text.nullable(), fallbacks: words });

const Thinking = z.enum(THINKING_LEVELS).nullable().default(null);

const QueueLimits = z.object({ debounceMs: count.transform(toDurationMs), cap: count, drop: z.enum(QUEUE_DROPS) }).default(QUEUE_LIMITS);

/** Absent: of an older controller. */
const Told = z.object({
  ...{ isGuarded: flag.default(true), isTold: flag.default(false) },
  memoryFlush: z.object({ softThresholdTokens: count, prompt: text.nullable() }).nullable().default(null),
});

const Heartbeat = z.object({
  everyMs: count,
  prompt: text.nullable(),
  target: z.enum(HEARTBEAT_TARGETS).default("owner"),
  ...{ isIsolated: flag.default(false), isLight: flag.default(false), model: text.nullable().default(null) },
  remarkLengthMax: count.default(REMARK_LENGTH_MAX),
  activeHours: z.object({ start: text, end: text, timezone: text.nullable() }).nullable(),
});

const Assistant = z.object({
  ...{ runMsMax: count, stepsMax: count, repeatsMax: count, resultCharactersMax: count },
  ...{ runsMax: count.nullable(), childRunsMax: count, childRunMsMax: count.nullable(), queueMode: z.enum(QUEUE_MODES) },
  thinking: Thinking,
  queueLimits: QueueLimits,
  compaction: z.object({ model: text.nullable(), keepRecentTokens: count, reserveTokens: count, keepsNames: flag }).extend(Told.shape),
  heartbeat: Heartbeat.nullable(),
  jobs: z.array(z.object({ id: text, schedule: text, timezone: text.nullable(), agentId: text.nullable(), message: text })),
});

const Agent = z.object({
  id: AgentIdSchema,
  isDefault: flag,
  path: text.nullable(),
  name: text,
  workspace: text.nullable(),
  sandbox: Sandbox,
  tools: Tools,
  model: Choice.nullable().default(null),
  heartbeat: Heartbeat.nullable().default(null),
  thinking: Thinking,
  /** Absent: of an older controller. */
  budget: z.object({ session: Limit, agentDay: Limit }).default({ session: UNLIMITED, agentDay: UNLIMITED }),
});

const Price = z.object({ input: amount, output: amount, cacheRead: amount, cacheWrite: amount });
const Provider = z.object({
  baseUrl: text.nullable(),
  api: text.nullable(),
  /** Secret, and so may be what headers hold. */
  apiKey: text.nullable(),
  apiKeyVariable: text.nullable(),
  /** Absent: of an older controller. */
  apiKeyFile: text.nullable().default(null),
  timeoutSeconds: amount,
  headers: z.record(text, text),
  models: z.array(
    z.object({
      ...{ id: text, name: text.nullable(), contextWindow: amount, maxTokens: amount, input: words },
      cost: Price.nullable(),
    }),
  ),
});
const Models = z.object({
  mode: z.enum(["merge", "replace"]),
  providers: z.record(text, Provider),
  choice: Choice,
  entries: z.record(text, z.object({ alias: text.nullable(), temperature: amount, maxTokens: amount })),
  budget: z.object({ session: Limit, agentDay: Limit, day: Limit }),
});

const Auth = z.object({
  profiles: z.record(text, z.object({ provider: text, mode: z.enum(CREDENTIAL_MODES) })),
  order: z.record(text, words),
  codex: z.object({ authorizeUrl: text, tokenUrl: text, clientId: text, issuer: text, redirectUrl: text, baseUrl: text }),
});

const Gateway = z.object({
  mode: z.enum(["local", "remote"]).nullable(),
  port: count,
  bind: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("loopback") }),
    z.object({ kind: z.literal("lan") }),
    z.object({ kind: z.literal("host"), host: text }),
  ]),
  bindWritten: text.nullable(),
  /** The gateway's own secrets. */
  auth: z.object({ mode: z.enum(["token", "password", "none"]), token: text.nullable(), password: text.nullable() }),
  trustedProxies: words,
  controlUi: z.object({ enabled: flag, allowedOrigins: words }),
  http: z.object({ chatCompletions: flag, responses: flag }).default({ chatCompletions: false, responses: false }),
  maxSandboxes: count,
});

/** Parsing leaves out whatever it does not name; what a program of before did not send or keep is as in a config that says nothing of it. */
export const GatewayPart = z.object({
  file: text,
  defaults: z.object({ workspace: text.nullable(), sandbox: Sandbox }),
  agents: z.array(Agent).min(1),
  tools: Tools,
  spawning: z.object({ depthWritten: count.nullable(), depthMax: count, childrenMax: count }),
  models: Models.default(() => Models.parse(toModelsConfig({}))),
  auth: Auth.default(() => Auth.parse(toAuthConfig())),
  assistant: Assistant.default(() => Assistant.parse(toAssistantConfig({}))),
  gateway: Gateway,
});
export type GatewayPart = z.output<typeof GatewayPart>;

export const toGatewayPart = (config: Config): GatewayPart => GatewayPart.parse(config);

/** The part as it may be shown. */
export function toShownPart({ gateway, models, ...part }: GatewayPart): GatewayPart {
  const mask = (secret: string | null): string | null => (secret === null ? null : MASK);
  const auth = { ...gateway.auth, token: mask(gateway.auth.token), password: mask(gateway.auth.password) };
  const masked = changeProviders(models, (provider) => ({
    ...{ ...provider, apiKey: mask(provider.apiKey) },
    headers: Object.fromEntries(Object.keys(provider.headers).map((name) => [name, MASK])),
  }));
  return { ...part, models: masked, gateway: { ...gateway, auth } };
}

/** The part as it may be kept in a file: what signs calls of models is in the store of secrets, and nowhere else. */
export const toKeptPart = (part: GatewayPart): GatewayPart => ({
  ...part,
  models: changeProviders(part.models, (provider) => ({ ...provider, apiKey: null, headers: {} })),
});

type ModelsPart = GatewayPart["models"];
type ProviderPart = z.output<typeof Provider>;

function changeProviders(models: ModelsPart, change: (provider: ProviderPart) => ProviderPart): ModelsPart {
  return { ...models, providers: Object.fromEntries(Object.entries(models.providers).map(([id, provider]) => [id, change(provider)])) };
}

/** For the gateway alone: what the part does not have reads as its default. It was read from no file, so nothing is to be watched. */
export const toConfigOfPart = (part: GatewayPart): Config => ({ ...part, files: [], locations: new Map() });

/** What the controller says to the gateway, at once and whenever it is something else. */
export const GatewayConfigView = z.object({
  /** The part of the config in force. null: no valid one was ever there. */
  config: GatewayPart.nullable(),
  /** Whether there is no config file at all. */
  isMissing: flag,
  /** Why the file as it is now is not in force, a line each. Empty: it is. */
  issues: words,
  /** The database of another OpenClaw gateway in the state folder. null: there is none. */
  upstreamDatabase: text.nullable(),
});
export type GatewayConfigView = z.output<typeof GatewayConfigView>;
