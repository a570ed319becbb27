// Writes the parts of the documentation that a table in the code knows better than a person: docs/config.md and docs/commands.md.
// Run as `node scripts/docs.ts`; test/docs.test.ts fails while the file differs from the tables.
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { BROWSER_KEYS, DOCKER_KEYS, EGRESS_KEYS, type KeyFacts, PRUNE_KEYS, ROLLOUT_KEYS, SANDBOX_KEYS } from "../src/api/config/keys.ts";
import { AgentListed, GatewaySettings, SubagentSettings, ToolSettings } from "../src/api/config/schema.ts";
import {
  CompactionSettings,
  Concurrency,
  CronJobSettings,
  CronSettings,
  HeartbeatSettings,
  MAX_CONCURRENT_ABOUT,
  MemoryFlushSettings,
  QueueSettings,
  RunSeconds,
  RunSettings,
  THINKING_ABOUT,
  ThinkingWord,
  TIMEOUT_ABOUT,
} from "../src/api/config/schema-assistant.ts";
import {
  AUTH_ORDER_ABOUT,
  AuthProfileSettings,
  BudgetSettings,
  CodexSignInSettings,
  MODEL_ABOUT,
  ModelEntrySettings,
  ModelsSettings,
  ProviderModelSettings,
  ProviderSettings,
} from "../src/api/config/schema-models.ts";
import { SANDBOX_ALLOW_DEFAULT, SANDBOX_DENY_DEFAULT, TOOL_GROUPS } from "../src/api/tool-policy.ts";
import { COMPOSE_COMMANDS, KUBECTL_COMMANDS, OPENCLAW_COMMANDS, type OtherCommand } from "../src/cli/other-commands.ts";
import { LIVE_FIELDS, RECREATE_FIELDS } from "../src/controller/decide/fields.ts";
import { renderWebsocketPage, WEBSOCKET_PAGE } from "./websocket-page.ts";

export const CONFIG_PAGE = new URL("../docs/config.md", import.meta.url);

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function renderKeys(title: string, prefix: string, keys: Readonly<Record<string, KeyFacts>>): string {
  const rows = Object.entries(keys).map(([key, facts]) => {
    const value = facts.default === null ? "unset" : `\`${JSON.stringify(facts.default)}\``;
    return `| \`${prefix}${key}\` | ${cell(value)} | ${cell(facts.about)} |`;
  });
  return `## ${title}\n\n| key | default | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

interface Described {
  description?: string;
  properties?: Record<string, Described>;
}

/** A row for each key that says what it means; `sandbox` and `tools` of an agent have tables of their own. */
function toRows(schema: Described, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const own = value.description === undefined ? [] : [`| \`${prefix}${key}\` | ${cell(value.description)} |`];
    return ["sandbox", "tools"].includes(key) && prefix.startsWith("agents") ? [] : [...own, ...toRows(value, `${prefix}${key}.`)];
  });
}

function renderSettings(title: string, tables: readonly (readonly [schema: z.ZodType, prefix: string])[], about: string): string {
  const rows = tables.flatMap(([schema, prefix]) =>
    toRows(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Described, prefix),
  );
  return `## ${title}\n\n${about}\n\n| key | meaning |\n| --- | --- |\n${rows.join("\n")}\n`;
}

const names = (tools: readonly string[]): string => tools.map((tool) => `\`${tool}\``).join(", ");

const TOOLS_ABOUT = `A tool is used when each layer lets it: \`tools\`, the agent's own \`tools\`, and for a sandboxed session \`tools.sandbox.tools\`. Unless you say
otherwise a sandboxed session may use ${names(SANDBOX_ALLOW_DEFAULT)}, and never ${names(SANDBOX_DENY_DEFAULT)}.

| group | tools |
| --- | --- |
${Object.entries(TOOL_GROUPS)
  .map(([group, tools]) => `| \`${group}\` | ${group === "group:openclaw" ? "all of them" : names(tools)} |`)
  .join("\n")}`;

/** One field: what a change of it in the config costs, and what changes it by hand. */
interface FieldRow {
  key: string;
  remedy: "live" | "recreate";
  /** The command that changes it in a container that exists. null: there is none, the engine fixes it at creation. */
  byHand: "docker update" | "docker network" | null;
}

function listFields(): FieldRow[] {
  return [
    ...LIVE_FIELDS.map(({ key }): FieldRow => ({ key, remedy: "live", byHand: "docker update" })),
    ...RECREATE_FIELDS.map(
      ({ key }): FieldRow => ({ key, remedy: "recreate", byHand: key === "docker.network" ? "docker network" : null }),
    ),
    { key: "docker.setupCommand", remedy: "recreate", byHand: null },
  ];
}

function renderDrift(): string {
  const costs = { live: "changes while the container runs", recreate: "needs a new container" } as const;
  const mended = {
    "docker update": "`docker update`: set back in place",
    "docker network": "`docker network connect`, `disconnect`: undone in place",
  } as const;
  const rows = Map.groupBy(
    listFields(),
    ({ remedy, byHand }) => `${costs[remedy]} | ${byHand === null ? "the engine has no way" : mended[byHand]} |`,
  );
  return [
    "## What a change costs",
    "",
    "| field | a change in the config | a change by hand |",
    "| --- | --- | --- |",
    ...[...rows].map(([row, fields]) => `| ${names(fields.map(({ key }) => key))} | ${row}`),
    "",
    "`mounts` are `docker.binds`, `workspaceAccess`, `workspaceRoot` and the agent's `workspace`. A limit that is lifted altogether needs a new",
    "container too, except `docker.pidsLimit`. Keys that are not here (`rollout`, `prune`, `start`) change nothing in a container.",
    "",
    "A change by hand is found at once by the engine's event, and without one at the latest by the look at everything, every 5 minutes. So is",
    "the rest of what people do: a container that was renamed gets its name back, a paused one goes on, a stopped one is started (with a",
    "setup: made anew), a removed one is made anew.",
    "",
  ].join("\n");
}

const INTRODUCTION = `# The config

One JSON5 file, \`~/.openclaw/openclaw.json\` unless \`--config\` or \`OPENCLAW_CONFIG_PATH\` names another. Save it and it counts; nothing needs a restart.

\`\`\`json5
{
  gateway: { mode: "local" },
  agents: {
    defaults: { sandbox: { mode: "all", docker: { memory: "1g" } } }, // for every agent
    list: [
      { id: "main" },
      { id: "web", sandbox: { docker: { network: "bridge" } } }, // this one may reach the network
    ],
  },
}
\`\`\`

- A mistake refuses the file as a whole, with line and column, and the last good one stays in force: \`openclaw config validate\`.
- What only the host can tell (a bind's source that does not exist or is a link to \`/etc\`, a profile that can't be read, a workspace that the
  container's user can't write to) is a warning of \`openclaw config validate\`, run on that host; the sandboxes concerned are not made or replaced
  until it is put right. What only the engine can tell (images, AppArmor) is in \`openclaw doctor\`.
- \`openclaw sandbox explain --agent ID\` says which value is in force and which line says so; \`openclaw sandbox plan --config FILE\` what a
  change would do; \`openclaw config schema\` prints JSON Schema for your editor.
- \`$include\` takes in files of the config's folder, looked for beside the link and beside its target where the config is a link. Their lists add
  up, agents of the same \`id\` become one, and of anything else the later one counts; what stands beside \`$include\` comes last.
- \`\${NAME}\` (upper case) is replaced by a variable: the process's, else that of \`<state>/.env\` (whose owner and mode are judged as the config's
  are), else that of the section \`env\` (\`env.vars.NAME\`, \`env.NAME\`).
- Agents stand in \`agents.list\` or in \`agents.entries.<id>\`. The file of another OpenClaw works: what this product does not use is accepted
  and reported once; what restricts access there and would not here (\`gateway.roles\`, \`gateway.auth.identityScopes\`) is refused.

An agent's own value goes before the default's: scalars replace; \`tmpfs\`, \`capDrop\`, \`dns\`, \`extraHosts\` replace as a whole; \`env\` and
\`ulimits\` merge by key (\`null\` removes one); \`binds\` add up, and a later bind with the same target wins. With scope \`shared\` only the
defaults count. More examples: [manifests/config](../manifests/README.md).

The tables are made from those in the code by \`node scripts/docs.ts\`. Keys of sandboxes lie in \`agents.defaults.sandbox\`, and per agent in
its own \`sandbox\`.
`;

export function renderConfigPage(): string {
  return [
    INTRODUCTION,
    renderKeys("Sandbox", "", SANDBOX_KEYS),
    renderKeys("Container", "docker.", DOCKER_KEYS),
    renderKeys("Egress", "egress.", EGRESS_KEYS),
    renderKeys("Pruning", "prune.", PRUNE_KEYS),
    renderKeys("Rollout", "rollout.", ROLLOUT_KEYS),
    renderKeys("Browser", "browser.", BROWSER_KEYS),
    renderSettings(
      "Agents",
      [
        [AgentListed, "agents.list[]."],
        [SubagentSettings, "agents.defaults.subagents."],
      ],
      "Lower-case letters, digits, `-` and `_` make an `id`. An agent has `sandbox` and `tools` of its own.",
    ),
    renderSettings(
      "Models",
      [
        [z.object({ model: z.unknown().describe(MODEL_ABOUT) }), "agents.defaults."],
        [ModelEntrySettings, 'agents.defaults.models."PROVIDER/MODEL".'],
        [BudgetSettings, "agents.defaults.budget."],
        [ModelsSettings, "models."],
        [ProviderSettings, "models.providers.ID."],
        [ProviderModelSettings, "models.providers.ID.models[]."],
        [AuthProfileSettings, 'auth.profiles."ID:NAME".'],
        [z.object({ order: z.unknown().describe(AUTH_ORDER_ABOUT) }), "auth."],
        [CodexSignInSettings, "auth.codex."],
      ],
      "Which models answer, where they are, and who signs in. Without `agents.defaults.model` nothing answers. See [models.md](models.md).",
    ),
    renderSettings(
      "Assistant",
      [
        [
          z.object({
            timeoutSeconds: RunSeconds.describe(TIMEOUT_ABOUT),
            maxConcurrent: Concurrency.describe(MAX_CONCURRENT_ABOUT),
            thinkingDefault: ThinkingWord.describe(THINKING_ABOUT),
          }),
          "agents.defaults.",
        ],
        [RunSettings, "agents.defaults.run."],
        [CompactionSettings, "agents.defaults.compaction."],
        [MemoryFlushSettings, "agents.defaults.compaction.memoryFlush."],
        [HeartbeatSettings, "agents.defaults.heartbeat."],
        [QueueSettings, "messages.queue."],
        [CronSettings, "cron."],
        [CronJobSettings, "cron.jobs[]."],
      ],
      "How runs go on, what a message does meanwhile, and what begins by itself. See [assistant.md](assistant.md).",
    ),
    renderSettings("Tools", [[ToolSettings, "tools."]], TOOLS_ABOUT),
    renderSettings(
      "Gateway",
      [[GatewaySettings, "gateway."]],
      "Secrets, origins and proxies follow the file; port and address count from the next start. See [gateway.md](gateway.md).",
    ),
    renderDrift(),
  ].join("\n");
}

export const COMMANDS_PAGE = new URL("../docs/commands.md", import.meta.url);

const COMMANDS_INTRODUCTION = `# Commands that you know from elsewhere

What people type in kubectl, Docker Compose and other OpenClaw gateways, and what does the same here. \`openclaw\` answers a command that it does not
have with its own from this table. Names: \`NAME\` is a sandbox's name or its beginning, an agent's id, or a session's key; \`KEY\` a session's key, full
(\`agent:work:main\`) or short (\`main\`, an agent's id).

This page is made from the table in the code (\`src/cli/other-commands.ts\`) by \`node scripts/docs.ts\`.
`;

function renderOthers(title: string, commands: readonly OtherCommand[]): string {
  const rows = commands.map(
    ({ typed, ours, why }) => `| \`${cell(typed)}\` | ${ours === null ? "none" : `\`${cell(ours)}\``} | ${cell(why)} |`,
  );
  return `## ${title}\n\n| there | here | |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

export function renderCommandsPage(): string {
  return [
    COMMANDS_INTRODUCTION,
    renderOthers("kubectl", KUBECTL_COMMANDS),
    renderOthers("Docker Compose", COMPOSE_COMMANDS),
    renderOthers("Other OpenClaw gateways", OPENCLAW_COMMANDS),
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(CONFIG_PAGE, renderConfigPage());
  await writeFile(COMMANDS_PAGE, renderCommandsPage());
  await writeFile(WEBSOCKET_PAGE, renderWebsocketPage());
}
