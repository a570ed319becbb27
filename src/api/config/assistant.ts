// What the config says about how the assistant works, complete with defaults. Pure.
// Which model answers is models.ts's; the keys are schema-assistant.ts's.

import type { z } from "zod";
import { type DurationMs, toDurationMs } from "../brands.ts";
import { QUEUE_LIMITS, type QueueLimits, type QueueMode, toQueueMode } from "../queue-modes.ts";
import { REMARK_LENGTH_MAX } from "../silence.ts";
import { type ThinkingLevel, toThinkingWish } from "../thinking.ts";
import type { ConfigFile } from "./schema.ts";
import type { CronJobSettings, HeartbeatSettings, MemoryFlushSettings, QueueSettings } from "./schema-assistant.ts";

export interface AssistantConfig {
  /** Milliseconds. */
  readonly runMsMax: number;
  readonly stepsMax: number;
  readonly repeatsMax: number;
  readonly resultCharactersMax: number;
  /** Runs at the same time. null: by the number of cores. */
  readonly runsMax: number | null;
  readonly childRunsMax: number;
  /** Milliseconds, of sessions that others began. null: as `runMsMax`. */
  readonly childRunMsMax: number | null;
  /** null: as the provider does by itself. */
  readonly thinking: ThinkingLevel | null;
  readonly queueMode: QueueMode;
  readonly queueLimits: QueueLimits;
  readonly compaction: {
    /** As written. null: the agent's. */
    readonly model: string | null;
    readonly keepRecentTokens: number;
    readonly reserveTokens: number;
    readonly keepsNames: boolean;
    /** Whether a summary must have its headings. */
    readonly isGuarded: boolean;
    /** Whether the conversation says so. */
    readonly isTold: boolean;
    /** null: the agent is not asked to write anything down before. */
    readonly memoryFlush: MemoryFlush | null;
  };
  /** Of agents without one of their own. null: never. */
  readonly heartbeat: Heartbeat | null;
  /** In the order of the file, those that are enabled. */
  readonly jobs: readonly CronJob[];
}

export interface MemoryFlush {
  /** How many before a conversation has to be made shorter. */
  readonly softThresholdTokens: number;
  /** null: the usual one. */
  readonly prompt: string | null;
}

/** `owner`: the main session of the agent. `last`: where a person last spoke to it. */
export const HEARTBEAT_TARGETS = ["owner", "last", "none"] as const;
export type HeartbeatTarget = (typeof HEARTBEAT_TARGETS)[number];

export interface Heartbeat {
  /** Milliseconds. */
  readonly everyMs: number;
  /** null: the usual one. */
  readonly prompt: string | null;
  readonly target: HeartbeatTarget;
  /** Each in a new conversation of its own. */
  readonly isIsolated: boolean;
  /** HEARTBEAT.md alone of the workspace's files. */
  readonly isLight: boolean;
  /** As written. null: the conversation's. */
  readonly model: string | null;
  /** Characters beside HEARTBEAT_OK with which nothing was said. */
  readonly remarkLengthMax: number;
  /** null: at any time. */
  readonly activeHours: { readonly start: string; readonly end: string; readonly timezone: string | null } | null;
}

export interface CronJob {
  readonly id: string;
  readonly schedule: string;
  readonly timezone: string | null;
  /** null: the default agent. */
  readonly agentId: string | null;
  readonly message: string;
}

const RUN_SECONDS_DEFAULT = 1_800;
const RUN_SECONDS_MAX = 172_800;

const toRunMs = (seconds: number): DurationMs => toDurationMs((seconds === 0 ? RUN_SECONDS_MAX : seconds) * 1_000);

export function toAssistantConfig({ agents, messages, cron }: ConfigFile): AssistantConfig {
  const { timeoutSeconds, run, maxConcurrent, thinkingDefault, compaction, heartbeat, subagents } = agents?.defaults ?? {};
  const childSeconds = subagents?.runTimeoutSeconds;
  return {
    runMsMax: toRunMs(timeoutSeconds ?? RUN_SECONDS_DEFAULT),
    stepsMax: run?.maxSteps ?? 50,
    repeatsMax: run?.repeatedCalls ?? 5,
    resultCharactersMax: run?.resultCharacters ?? 65_536,
    runsMax: maxConcurrent ?? null,
    childRunsMax: subagents?.maxConcurrent ?? 8,
    childRunMsMax: childSeconds === undefined || childSeconds === 0 ? null : toRunMs(childSeconds),
    thinking: toThinkingDefault(thinkingDefault),
    queueMode: toQueueMode(messages?.queue?.mode ?? "steer")?.mode ?? "steer",
    queueLimits: toQueueLimits(messages?.queue),
    compaction: {
      model: compaction?.model ?? null,
      keepRecentTokens: compaction?.keepRecentTokens ?? 20_000,
      reserveTokens: compaction?.reserveTokens ?? 16_384,
      keepsNames: compaction?.identifierPolicy !== "off",
      isGuarded: compaction?.mode !== "default",
      isTold: compaction?.notifyUser ?? false,
      memoryFlush: toMemoryFlush(compaction?.memoryFlush),
    },
    heartbeat: toHeartbeat(heartbeat),
    jobs: cron?.enabled === false ? [] : (cron?.jobs ?? []).filter(({ enabled }) => enabled !== false).map(toJob),
  };
}

function toQueueLimits(settings: z.output<typeof QueueSettings> | undefined): QueueLimits {
  const { debounceMs, cap, drop } = settings ?? {};
  return {
    debounceMs: debounceMs === undefined ? QUEUE_LIMITS.debounceMs : toDurationMs(debounceMs),
    cap: cap ?? QUEUE_LIMITS.cap,
    drop: drop ?? QUEUE_LIMITS.drop,
  };
}

/** null: it does not say, or leaves it to the provider. */
export function toThinkingDefault(written: string | undefined): ThinkingLevel | null {
  const wish = written === undefined ? null : toThinkingWish(written);
  return wish === "default" ? null : wish;
}

function toMemoryFlush(settings: z.output<typeof MemoryFlushSettings> | undefined): MemoryFlush | null {
  if (settings?.enabled !== true) return null;
  return { softThresholdTokens: settings.softThresholdTokens ?? 4_000, prompt: settings.prompt ?? null };
}

/** null: it means none here */
export const toHeartbeatTarget = (written: string | undefined): HeartbeatTarget | null =>
  HEARTBEAT_TARGETS.find((known) => known === written?.toLowerCase()) ?? null;

/** null: never. */
export function toHeartbeat(settings: z.output<typeof HeartbeatSettings> | undefined): Heartbeat | null {
  if (settings?.every === undefined || settings.every === 0) return null;
  const { every, prompt, target, isolatedSession, lightContext, model, ackMaxChars, activeHours } = settings;
  return {
    everyMs: every,
    prompt: prompt ?? null,
    target: toHeartbeatTarget(target) ?? "owner",
    isIsolated: isolatedSession ?? false,
    isLight: lightContext ?? false,
    model: model ?? null,
    remarkLengthMax: ackMaxChars ?? REMARK_LENGTH_MAX,
    activeHours: activeHours === undefined ? null : { ...activeHours, timezone: activeHours.timezone ?? null },
  };
}

function toJob({ id, schedule, timezone, agentId, message }: z.output<typeof CronJobSettings>): CronJob {
  return { id, schedule, timezone: timezone ?? null, agentId: agentId ?? null, message };
}
