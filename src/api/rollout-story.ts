// Summarises the changes being rolled out from each sandbox's status: which have them, which wait for what, which failed.
// Pure; for `openclaw sandbox rollout status` and the page. It makes no request and prints nothing.
import type { EpochMs } from "./brands.ts";
import { findCondition } from "./condition.ts";
import type { ChangePart, Sandbox } from "./sandbox.ts";

export const PROGRESS = ["done", "replacing", "failed", "halted", "in use", "waiting", "paused", "pinned", "blocked"] as const;
export type Progress = (typeof PROGRESS)[number];

export interface SandboxProgress {
  name: string;
  progress: Progress;
  /** One sentence. Empty for one that is done. */
  message: string;
  /** When it is looked at again by itself. null: when something else happens. */
  until: EpochMs | null;
}

export interface ChangeStory {
  /** Empty: the same spec once more, since its recreation was requested or the containers are too old. */
  parts: readonly ChangePart[];
  /** Since when the first of those that wait has waited. */
  since: EpochMs;
  state: "rolling out" | "halted" | "waiting" | "paused";
  sandboxes: readonly SandboxProgress[];
  /** What a person may do about it. Empty: nothing is needed. */
  advice: string;
}

/** Changes that not every sandbox has yet, oldest first. */
export interface RolloutView {
  /** Since when a person holds all replacements back. null: nobody does. */
  pausedSince: number | null;
  changes: ChangeStory[];
  /** How many have no change pending. */
  upToDate: number;
}

type Changed = Sandbox & { status: { change: NonNullable<Sandbox["status"]["change"]> } };

const hasChange = (sandbox: Sandbox): sandbox is Changed => sandbox.status.change !== null;

export const toRolloutView = (sandboxes: readonly Sandbox[], pausedSince: number | null): RolloutView => ({
  pausedSince,
  changes: tellChanges(sandboxes),
  upToDate: sandboxes.filter(({ status }) => status.change?.pending !== true).length,
});

function tellChanges(sandboxes: readonly Sandbox[]): ChangeStory[] {
  const groups = new Map<string, Changed[]>();
  for (const sandbox of sandboxes.filter(hasChange)) {
    const key = sandbox.status.change.parts.map(({ id }) => id).join(" ");
    groups.set(key, [...(groups.get(key) ?? []), sandbox]);
  }
  return [...groups.values()]
    .filter((group) => group.some(({ status }) => status.change.pending))
    .map(tellChange)
    .sort((a, b) => a.since - b.since);
}

function tellChange(group: readonly Changed[]): ChangeStory {
  const pending = group.filter(({ status }) => status.change.pending);
  // Same spec, recreated is nothing that anybody has got.
  const shown = pending[0]?.status.change.parts.length === 0 ? pending : group;
  const rank = ({ progress }: SandboxProgress): number => PROGRESS.indexOf(progress);
  const told = shown.map(tellSandbox).sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const has = (progress: Progress): boolean => told.some((one) => one.progress === progress);
  const state = has("halted") ? "halted" : has("paused") ? "paused" : has("replacing") || has("waiting") ? "rolling out" : "waiting";
  return {
    parts: pending[0]?.status.change.parts ?? [],
    since: Math.min(...pending.map(({ status }) => status.change.since)) as EpochMs,
    state,
    sandboxes: told,
    advice: adviceOf(told),
  };
}

function tellSandbox({ metadata, status }: Changed): SandboxProgress {
  const condition = findCondition(status.conditions, "UpToDate");
  const ready = findCondition(status.conditions, "Ready");
  const { name } = metadata;
  const isDone = !status.change.pending && ready?.status === "True";
  if (isDone) return { name, progress: "done", message: "", until: null };
  const { failure } = status;
  const until = status.deferredUntil ?? (failure === null ? null : failure.retryAt);
  const message = condition?.message ?? "";
  return { name, progress: toProgress(condition?.reason ?? "", failure !== null), message, until };
}

/** Reasons as decide/status.ts gives them. */
const WAITS: Readonly<Record<string, Progress>> = {
  DeferredInUse: "in use",
  DriftOverdue: "in use",
  WaitsForCanary: "waiting",
  WaitsForTurn: "waiting",
  RolloutHalted: "halted",
  RolloutPaused: "paused",
  Pinned: "pinned",
};

function toProgress(reason: string, hasFailed: boolean): Progress {
  const waits = WAITS[reason];
  if (waits !== undefined) return waits;
  if (hasFailed) return "failed";
  return reason === "Converging" || reason === "UpToDate" ? "replacing" : "blocked";
}

function adviceOf(told: readonly SandboxProgress[]): string {
  const failed = told.find(({ progress }) => progress === "failed");
  if (failed !== undefined)
    return `fix the config: the rollout then continues by itself, and working sandboxes stay as they are until then; for setup output: openclaw sandbox logs ${failed.name}`;
  const all = (progress: Progress): boolean => told.some((one) => one.progress === progress);
  if (all("paused")) return "resume with: openclaw sandbox rollout resume";
  if (all("blocked")) return "see the message; the rollout continues by itself once that is fixed";
  if (all("in use")) return "nothing: busy sandboxes update when idle; to update them now: openclaw sandbox recreate --drifted --all";
  return "";
}
