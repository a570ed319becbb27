// What counts in a conversation: what was said for one message, else what was chosen for the conversation, else what the config says. And how a choice is kept.
// The words are api/'s; which text is a choice is decide/'s.
import { type AgentId, type DurationMs, toDurationMs } from "../../api/brands.ts";
import { type Config, findAgent } from "../../api/config/config.ts";
import { QUEUE_CAP_MAX, type QueueDrop, type QueueLimits, type QueueMode } from "../../api/queue-modes.ts";
import type { ThinkingLevel, ThinkingWish, VerboseLevel, VerboseWish } from "../../api/thinking.ts";
import type { SpawnChoices } from "../tools/tool-port.ts";
import type { Wishes } from "./agent-port.ts";
import type { Directives } from "./decide/directives.ts";
import type { NewEntry } from "./entries.ts";
import type { RunLog, SettingName } from "./run-log.ts";

export type Chosen = Pick<RunLog, "setting">;

/** @param wish of the message. null: it has none @returns null: the provider's default */
export function thinkingOf(
  log: Chosen,
  { config, agentId }: { config: Config; agentId: AgentId },
  wish: ThinkingWish | null,
): ThinkingLevel | null {
  const chosen = wish ?? (log.setting("thinking") as ThinkingWish | null) ?? "default";
  return chosen === "default" ? (findAgent(config, agentId)?.thinking ?? config.assistant.thinking) : chosen;
}

/** Of messages that a run answers together the newest counts that says something. null: none does */
export const wishOf = <Name extends keyof Wishes>(inputs: readonly Pick<Wishes, Name>[], name: Name): Wishes[Name] | null =>
  inputs.findLast((input) => input[name] !== null)?.[name] ?? null;

/** @returns null: as each client likes */
export function verboseOf(log: Chosen, wish: VerboseWish | null): VerboseLevel | null {
  const chosen = wish ?? (log.setting("verbose") as VerboseWish | null) ?? "default";
  return chosen === "default" ? null : chosen;
}

/** @returns null: the agent's own */
export function modelOf(log: Chosen, wish: string | null): string | null {
  return wish === "default" ? null : (wish ?? log.setting("model"));
}

export const queueModeOf = (log: Chosen, { assistant }: Config): QueueMode =>
  (log.setting("queue") as QueueMode | null) ?? assistant.queueMode;

export function queueLimitsOf(log: Chosen, { assistant }: Config): QueueLimits {
  const { debounceMs, cap, drop } = assistant.queueLimits;
  const [ownDebounce, ownCap] = [log.setting("queue.debounce"), log.setting("queue.cap")];
  return {
    debounceMs: ownDebounce === null ? debounceMs : toDurationMs(Number(ownDebounce)),
    cap: ownCap === null ? Math.min(cap, QUEUE_CAP_MAX) : Number(ownCap),
    drop: (log.setting("queue.drop") as QueueDrop | null) ?? drop,
  };
}

/** Of a child that has just begun. */
export async function keepSpawnChoices(
  log: Pick<RunLog, "append">,
  { label, model, thinking, timeoutMs, isDeleted }: SpawnChoices,
): Promise<void> {
  const wanted: readonly (readonly [SettingName, string | null])[] = [
    ["label", label],
    ["model", model],
    ["thinking", thinking],
    ["timeout", timeoutMs === null ? null : String(timeoutMs)],
    ["cleanup", isDeleted ? "delete" : null],
  ];
  for (const [name, value] of wanted) if (value !== null) await log.append({ kind: "setting", name, value });
}

/** null: it has none of its own. */
export function timeoutOf(log: Chosen): DurationMs | null {
  const timeout = log.setting("timeout");
  return timeout === null ? null : toDurationMs(Number(timeout));
}

/** Of what it says nothing of stays as it is. @param model the reference that the directive's means. null: the config's */
export async function keepChoices(
  log: Pick<RunLog, "append">,
  { thinking, verbose, queue, model: said }: Directives,
  model: string | null,
): Promise<void> {
  const keep = async (name: SettingName, value: string | null): Promise<void> => {
    const entry: NewEntry = { kind: "setting", name, value };
    await log.append(entry);
  };
  if (thinking !== null) await keep("thinking", thinking === "default" ? null : thinking);
  if (verbose !== null) await keep("verbose", verbose === "default" ? null : verbose);
  if (said !== null) await keep("model", model);
  if (queue === null) return;
  if (queue.mode === "default") for (const name of ["queue", "queue.debounce", "queue.cap", "queue.drop"] as const) await keep(name, null);
  else if (queue.mode !== null) await keep("queue", queue.mode);
  if (queue.debounceMs !== null) await keep("queue.debounce", String(queue.debounceMs));
  if (queue.cap !== null) await keep("queue.cap", String(queue.cap));
  if (queue.drop !== null) await keep("queue.drop", queue.drop);
}
