// The keys that say how the assistant works: how long a run may go on, what a message does meanwhile, how conversations are made shorter, and what begins by
// itself. As zod sees them; what they mean together is assistant.ts's.
import { z } from "zod";
import { REFERENCE_LENGTH_MAX } from "../models/reference.ts";
import { QUEUE_CAP_MAX, QUEUE_DEBOUNCE_MS_MAX, QUEUE_DROPS, QUEUE_MODES } from "../queue-modes.ts";
import { AgentIdSchema } from "../session.ts";
import { REMARK_LENGTH_MAX } from "../silence.ts";
import { Duration } from "./schema-values.ts";

/** Two days: as long as upstream's runs may take. */
const RUN_SECONDS_MAX = 172_800;
const MESSAGE_LENGTH_MAX = 65_536;
const JOBS_MAX = 200;

const Reference = z.string().trim().min(1).max(REFERENCE_LENGTH_MAX);
const Time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time of day such as "08:00"');

export const TIMEOUT_ABOUT = "Seconds that one run may take, from the message to its answer; default 1800; 0: two days";
export const MAX_CONCURRENT_ABOUT =
  "Runs that go on at the same time, those of spawned sessions not counted; default 4 per core, at least 8";

export const THINKING_ABOUT =
  "How hard models think where the conversation does not say (/think): off, minimal, low, medium, high, xhigh; unset: as the provider does by itself";

/** Upstream has more words than there are efforts: what means none here is warned of. */
export const ThinkingWord = z.string().max(64);

export const RunSeconds = z.number().min(0).max(RUN_SECONDS_MAX);
export const Concurrency = z.int().min(1).max(1_000);

export const RunSettings = z.strictObject({
  maxSteps: z.int().min(1).max(1_000).optional().describe("Answers of the model in one run; default 50"),
  repeatedCalls: z
    .int()
    .min(2)
    .max(100)
    .optional()
    .describe("A run ends when the model made the same call with the same result so many times; default 5"),
  resultCharacters: z
    .int()
    .min(1_000)
    .max(1_000_000)
    .optional()
    .describe("Characters of one tool's result that the model sees; the middle of longer ones is left out; default 65536"),
});

export const MemoryFlushSettings = z.looseObject({
  enabled: z
    .boolean()
    .optional()
    .describe("Whether the agent is first asked to write down what it must not forget, with its file tools; default false"),
  softThresholdTokens: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("How many tokens before a conversation has to be made shorter; default 4000"),
  prompt: z.string().min(1).max(MESSAGE_LENGTH_MAX).optional().describe("What it is told; unset: to write to memory/YYYY-MM-DD.md"),
});

export const CompactionSettings = z.looseObject({
  mode: z
    .enum(["default", "safeguard"])
    .optional()
    .describe("safeguard (default): a summary without the headings that were asked for replaces nothing; default: any summary does"),
  notifyUser: z.boolean().optional().describe("Whether the conversation says so, before and after; default false"),
  memoryFlush: MemoryFlushSettings.optional(),
  model: Reference.optional().describe("Who writes summaries; unset: the agent's model"),
  keepRecentTokens: z
    .int()
    .min(1_000)
    .max(1_000_000)
    .optional()
    .describe("Tokens of the newest messages that stay as they are; default 20000"),
  reserveTokens: z
    .int()
    .min(1_000)
    .max(1_000_000)
    .optional()
    .describe("Tokens of the model's window that are kept free for its answer; default 16384"),
  identifierPolicy: z
    .enum(["strict", "off"])
    .optional()
    .describe("strict (default): exact paths, ids and addresses are kept beside a summary that lost them"),
});

export const HeartbeatSettings = z.looseObject({
  every: Duration.optional().describe('How often the agent looks whether something needs doing: "30m"; 0m: never. Unset: never'),
  prompt: z.string().min(1).max(MESSAGE_LENGTH_MAX).optional().describe("What it is told then; unset: to read HEARTBEAT.md"),
  target: z
    .string()
    .max(64)
    .optional()
    .describe("Who is told what it says: owner (default), the agent's main session; last, where a person last spoke to it; none"),
  isolatedSession: z
    .boolean()
    .optional()
    .describe("Whether each has a new conversation of its own, agent:ID:cron:heartbeat:own, in place of the main session; default false"),
  lightContext: z.boolean().optional().describe("Whether it is shown HEARTBEAT.md alone of the workspace's files; default false"),
  model: Reference.optional().describe("Who answers; unset: the conversation's model"),
  ackMaxChars: z
    .int()
    .min(0)
    .max(MESSAGE_LENGTH_MAX)
    .optional()
    .describe(`Characters beside HEARTBEAT_OK with which an answer still counts as nothing said; default ${REMARK_LENGTH_MAX}`),
  activeHours: z
    .strictObject({
      start: Time.describe('From when on, "08:00"'),
      end: Time.describe('Until when, "22:00"; before start: until the next day'),
      timezone: z.string().min(1).max(64).optional().describe("IANA name of the time zone; unset: the host's"),
    })
    .optional(),
});

export const QueueSettings = z.looseObject({
  mode: z
    // Upstream's earlier words are read too.
    .enum([...QUEUE_MODES, "steer-backlog", "queue"])
    .optional()
    .describe("What a message does while the agent still works: steer (default), followup, collect, interrupt"),
  debounceMs: z
    .number()
    .min(0)
    .max(QUEUE_DEBOUNCE_MS_MAX)
    .optional()
    .describe("Milliseconds in which nothing must have come before messages that wait are taken (followup, collect); default 500"),
  cap: z
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe(`Messages of a conversation that may wait; default 20, more than ${QUEUE_CAP_MAX} counts as ${QUEUE_CAP_MAX}`),
  drop: z
    .enum(QUEUE_DROPS)
    .optional()
    .describe(
      "What becomes of one too many: new (default): it is refused; old: the oldest that waits is dropped; summarize: the agent is told the beginning of the oldest",
    ),
});

export const CronJobSettings = z.looseObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "expected [a-z0-9][a-z0-9_-]{0,63}")
    .describe("Its own; the session of the job is agent:AGENT:cron:ID"),
  schedule: z.string().min(1).max(128).describe('When: five fields as of cron, "0 9 * * 1-5"; or a moment, "2027-01-31T09:00:00"'),
  timezone: z.string().min(1).max(64).optional().describe("IANA name of the time zone; unset: the host's"),
  agentId: AgentIdSchema.optional().describe("Which agent; unset: the default one"),
  message: z.string().min(1).max(MESSAGE_LENGTH_MAX).describe("What the agent is told"),
  enabled: z.boolean().optional().describe("Default true"),
});

export const CronSettings = z.looseObject({
  enabled: z.boolean().optional().describe("Whether jobs run; default true"),
  jobs: z.array(CronJobSettings).max(JOBS_MAX).optional(),
});
