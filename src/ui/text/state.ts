// What a sandbox's conditions mean to a person: one of a few states, each with a word, a tone and what it says of itself. Pure.
// Conditions are the controller's; how a state looks is parts/state-mark.tsx's.
import type { Condition, ConditionType } from "../../api/condition.ts";
import type { Sandbox } from "../../api/sandbox.ts";

export type Tone = "good" | "busy" | "wait" | "bad" | "rest";

export const STATES = {
  failing: { word: "Failing", tone: "bad", meaning: "no tool can run in it, and the reason is not that it is being made" },
  stuck: { word: "Update failing", tone: "bad", meaning: "it serves, but what the config asks for can't be made" },
  held: { word: "Needs approval", tone: "wait", meaning: "its removal waits for a person" },
  unknown: { word: "Unknown", tone: "wait", meaning: "the engine could not be asked" },
  starting: { word: "Starting", tone: "busy", meaning: "it is being made or put right" },
  updating: { word: "Updating", tone: "busy", meaning: "it serves while its successor is made" },
  waiting: { word: "Update waits", tone: "wait", meaning: "it serves, and a change waits for its moment" },
  ready: { word: "Ready", tone: "good", meaning: "it runs, and is as the config says" },
  resting: { word: "At rest", tone: "rest", meaning: "it has no container; the next use makes one" },
} as const satisfies Record<string, { word: string; tone: Tone; meaning: string }>;
export type StateName = keyof typeof STATES;

export const STATE_NAMES = Object.keys(STATES) as StateName[];

export interface SandboxState {
  name: StateName;
  word: string;
  tone: Tone;
  /** CamelCase, as `openclaw sandbox list` shows it. */
  reason: string;
  /** One sentence. */
  message: string;
}

/** Waits that end by themselves or by a word of a person's; any other reason is a failure. */
const DEFERRALS: ReadonlySet<string> = new Set([
  "DeferredInUse",
  "DriftOverdue",
  "Pinned",
  "RemovalHeld",
  "RolloutPaused",
  "WaitsForCanary",
  "WaitsForTurn",
]);

export const isDeferral = (reason: string): boolean => DEFERRALS.has(reason);

export function toState({ spec, status }: Pick<Sandbox, "spec" | "status">): SandboxState {
  const ready = find(status.conditions, "Ready");
  const upToDate = find(status.conditions, "UpToDate");
  if (ready === undefined || upToDate === undefined) return say("starting", { reason: "NotSeen", message: "it was not looked at yet" });
  if (ready.status === "Unknown") return say("unknown", ready);
  if (ready.status === "True") return toServing(upToDate);
  if (upToDate.reason === "RemovalHeld") return say("held", upToDate);
  if (ready.reason === "Pruned" || ready.reason === "Released" || (!spec.wanted && status.container === null)) return say("resting", ready);
  return say(ready.reason === "Progressing" || ready.reason === "NotRunning" ? "starting" : "failing", ready);
}

function toServing(upToDate: Condition): SandboxState {
  if (upToDate.status !== "False") return say("ready", upToDate);
  if (upToDate.reason === "RemovalHeld") return say("held", upToDate);
  if (upToDate.reason === "Converging") return say("updating", upToDate);
  return say(isDeferral(upToDate.reason) ? "waiting" : "stuck", upToDate);
}

const say = (name: StateName, { reason, message }: Pick<Condition, "reason" | "message">): SandboxState => {
  const { word, tone } = STATES[name];
  return { name, word, tone, reason, message };
};

const find = (conditions: readonly Condition[], type: ConditionType): Condition | undefined =>
  conditions.find((condition) => condition.type === type);

export function countStates(sandboxes: readonly Sandbox[]): ReadonlyMap<StateName, number> {
  const counts = new Map<StateName, number>();
  for (const sandbox of sandboxes) {
    const { name } = toState(sandbox);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
