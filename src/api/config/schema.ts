// The whole config file as zod sees it: agents, tools, gateway. Strict in `sandbox`, `tools.sandbox` and `gateway`, loose elsewhere.
// What upstream has and this product does not use is told apart from a mistake in unused-keys.ts; the parsed result is config.ts.
import { z } from "zod";
import { AgentIdSchema } from "../session.ts";
import {
  CompactionSettings,
  Concurrency,
  CronSettings,
  HeartbeatSettings,
  MAX_CONCURRENT_ABOUT,
  QueueSettings,
  RunSeconds,
  RunSettings,
  THINKING_ABOUT,
  ThinkingWord,
  TIMEOUT_ABOUT,
} from "./schema-assistant.ts";
import {
  AGENT_BUDGET_ABOUT,
  AGENT_MODEL_ABOUT,
  AgentBudgetSettings,
  AuthSettings,
  BudgetSettings,
  MODEL_ABOUT,
  ModelChoiceSettings,
  ModelEntries,
  ModelsSettings,
} from "./schema-models.ts";
import { SandboxSettings } from "./schema-sandbox.ts";
import { HostPath, Port } from "./schema-values.ts";

const TOOL_LIST_LENGTH_MAX = 500;
const AGENTS_MAX = 1_000;

const ToolList = z.array(z.string().trim().min(1).max(128)).max(TOOL_LIST_LENGTH_MAX);

/** Where an exec of an unsandboxed session runs; `sandbox` refuses it there. */
const ExecSettings = z.looseObject({
  host: z
    .enum(["sandbox", "gateway", "node", "auto"])
    .optional()
    .describe("gateway: a session without a sandbox runs its tools on the gateway's host, unconfined; unset: they are refused"),
  timeoutSec: z.number().positive().max(86_400).optional().describe("Seconds after which a command is killed; default 1800"),
  backgroundMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .optional()
    .describe("A command that takes longer continues in the background; unset: exec waits until it exits"),
  loginProfile: z
    .boolean()
    .optional()
    .describe("Whether exec reads ~/.profile, which any session of the same sandbox can write, before a command; unset: only /etc/profile"),
});

export const ToolSettings = z.looseObject({
  allow: ToolList.optional().describe("Tools that may be used; empty or unset: all. Groups (group:fs), wildcards (*) and aliases work"),
  deny: ToolList.optional().describe("Tools that may not be used; deny always wins"),
  sandbox: z
    .strictObject({
      tools: z
        .strictObject({
          allow: ToolList.optional().describe("Tools of sandboxed sessions; empty: all but deny"),
          alsoAllow: ToolList.optional().describe("Added to allow, keeping its default"),
          deny: ToolList.optional().describe("Tools that sandboxed sessions may not use; deny always wins"),
        })
        .optional(),
    })
    .optional(),
  exec: ExecSettings.optional(),
});
export type ToolSettings = z.output<typeof ToolSettings>;

const AGENT_THINKING_ABOUT = "The agent's own, in the same words; unset: agents.defaults.thinkingDefault";

const agentKeys = {
  default: z.boolean().optional().describe("Whether this is the default agent; at most one"),
  name: z.string().optional().describe("Shown to people"),
  workspace: HostPath.optional().describe(
    "Agent workspace, absolute or ~; unset: <state>/workspace for the default agent, else <state>/workspace-<id>",
  ),
  model: ModelChoiceSettings.optional().describe(AGENT_MODEL_ABOUT),
  thinkingDefault: ThinkingWord.optional().describe(AGENT_THINKING_ABOUT),
  heartbeat: HeartbeatSettings.optional(),
  budget: AgentBudgetSettings.optional().describe(AGENT_BUDGET_ABOUT),
  sandbox: SandboxSettings.optional(),
  tools: ToolSettings.optional(),
};

export const AgentEntry = z.looseObject({ id: AgentIdSchema.optional(), ...agentKeys });
export type AgentEntry = z.output<typeof AgentEntry>;
export const AgentListed = z.looseObject({ id: AgentIdSchema, ...agentKeys });

/** Literals of upstream's that config.ts maps and rules.ts reports; anything else is a host name or address. */
const BindText = z.string().regex(/^[A-Za-z0-9:.[\]_-]{1,253}$/, 'expected "loopback", "lan", or an address to listen on');
const SecretText = z.string({ error: `expected text; to keep it out of the file write "\${NAME}"` }).min(1).max(4_096);

export const GatewaySettings = z.strictObject({
  mode: z.enum(["local", "remote"]).optional().describe("local lets the gateway start; otherwise it needs --allow-unconfigured"),
  port: Port.optional().describe("TCP port; default 18789"),
  bind: BindText.optional().describe("loopback (default), lan, or an address to listen on"),
  customBindHost: BindText.optional().describe('The address when bind is "custom"'),
  auth: z
    .strictObject({
      mode: z.enum(["token", "password", "none"]).optional().describe("How clients authenticate; unset: token"),
      token: SecretText.optional().describe(
        "The token that clients send; unset: OPENCLAW_GATEWAY_TOKEN, else the gateway generates one in <state>/gateway/token",
      ),
      password: SecretText.optional().describe("The same for mode password; unset: OPENCLAW_GATEWAY_PASSWORD"),
    })
    .optional(),
  trustedProxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], { error: "expected an IP address or a CIDR" }))
    .max(256)
    .optional()
    .describe("Proxies whose X-Forwarded-For is trusted"),
  controlUi: z
    .strictObject({
      enabled: z.boolean().optional().describe("Show the page at /; default true"),
      allowedOrigins: z
        .array(z.string().regex(/^https?:\/\/[^/?#\s*]+$/i, 'expected an origin such as "https://claw.example.org", without a path'))
        .max(256)
        .optional()
        .describe("Origins, besides the gateway's own, whose pages may call it, such as https://claw.example.org"),
    })
    .optional(),
  http: z
    .looseObject({
      endpoints: z
        .looseObject({
          chatCompletions: z
            .looseObject({ enabled: z.boolean().optional().describe("Answer POST /v1/chat/completions as OpenAI does; default false") })
            .optional(),
          responses: z
            .looseObject({ enabled: z.boolean().optional().describe("Answer POST /v1/responses as OpenAI does; default false") })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  maxSandboxes: z.int().min(1).max(10_000).optional().describe("Sandboxes that sessions may have at the same time; default 100"),
});
export type GatewaySettings = z.output<typeof GatewaySettings>;

/** Ranges are upstream's, so that its files load; rules.ts says where less is in force. */
export const SubagentSettings = z.looseObject({
  maxSpawnDepth: z
    .int()
    .min(1)
    .max(5)
    .optional()
    .describe("How deep sessions_spawn may nest: 1 (default; spawned sessions spawn none) or 2; more counts as 2"),
  maxChildrenPerAgent: z.int().min(1).max(20).optional().describe("Live children that one session may have at the same time; default 5"),
  maxConcurrent: Concurrency.optional().describe("Runs of spawned sessions that go on at the same time; default 8"),
  runTimeoutSeconds: RunSeconds.optional().describe(
    "Seconds that one of their runs may take; unset or 0: as agents.defaults.timeoutSeconds",
  ),
});

export const AgentsSection = z.looseObject({
  defaults: z
    .looseObject({
      workspace: HostPath.optional().describe("Workspace of the default agent; default <state>/workspace"),
      sandbox: SandboxSettings.optional(),
      subagents: SubagentSettings.optional(),
      model: ModelChoiceSettings.optional().describe(MODEL_ABOUT),
      models: ModelEntries.optional(),
      budget: BudgetSettings.optional(),
      timeoutSeconds: RunSeconds.optional().describe(TIMEOUT_ABOUT),
      maxConcurrent: Concurrency.optional().describe(MAX_CONCURRENT_ABOUT),
      thinkingDefault: ThinkingWord.optional().describe(THINKING_ABOUT),
      run: RunSettings.optional(),
      compaction: CompactionSettings.optional(),
      heartbeat: HeartbeatSettings.optional(),
    })
    .optional(),
  list: z.array(AgentListed).max(AGENTS_MAX).optional(),
  // Keys are checked by config.ts, which says which agent is meant.
  entries: z
    .record(z.string(), AgentEntry)
    .refine((entries) => Object.keys(entries).length <= AGENTS_MAX, { error: `expected at most ${AGENTS_MAX} agents` })
    .optional(),
});
export type AgentsSection = z.output<typeof AgentsSection>;

export const ConfigFile = z.looseObject({
  agents: AgentsSection.optional(),
  tools: ToolSettings.optional(),
  models: ModelsSettings.optional(),
  auth: AuthSettings.optional(),
  messages: z.looseObject({ queue: QueueSettings.optional() }).optional(),
  cron: CronSettings.optional(),
  gateway: GatewaySettings.optional(),
});
export type ConfigFile = z.output<typeof ConfigFile>;
