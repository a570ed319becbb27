// Decides what happens to a session sandbox's workspace once nothing needs the sandbox any more. Pure.
// Observing folders, remembering when a session was first missed, and removing is done in workspace-sweep.ts.
import { DAY_MS, type EpochMs, later, MINUTE_MS, renderTime, type ScopeKey } from "../../api/brands.ts";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import type { Want } from "./types.ts";

/** The folder of a session that said it ended: long enough for a second look. */
const ENDED_GRACE_MS = MINUTE_MS;
/** A session's file that is just not there may be a slip of somebody's hand, and files don't come back: a day to notice. */
const VANISHED_GRACE_MS = DAY_MS;

/** When a folder's session was first missed, and whether it had said that it ended. */
export interface WorkspaceRelease {
  since: EpochMs;
  ended: boolean;
}

export interface WorkspaceFacts {
  now: EpochMs;
  scopeKey: ScopeKey;
  want: Want;
  /** Of the session's agent. null: it is not configured. */
  policy: EffectiveSandbox["prune"]["workspaces"] | null;
  /** What has it still: a container, a bind. null: nothing. */
  usedBy: string | null;
  /** As remembered from earlier looks. null: never missed. */
  release: WorkspaceRelease | null;
}

export type WorkspaceDisposition =
  /** Its sandbox is wanted, or may be. */
  | { kind: "owned" }
  | { kind: "kept"; because: string }
  | { kind: "waits"; because: string; release: WorkspaceRelease }
  | { kind: "removable"; because: string };

/** Absence of data is never evidence: only a session that ended, or one that is missing in a folder that was read completely. */
export function dispositionOf({ now, scopeKey, want, policy, usedBy, release }: WorkspaceFacts): WorkspaceDisposition {
  if (want.kind !== "unwanted" || want.evidence.kind === "idle") return { kind: "owned" };
  if (!isOfSession(scopeKey)) return { kind: "kept", because: `${want.because}; prune.workspaces applies to session workspaces only` };
  if (policy !== "delete") return { kind: "kept", because: keptBecause(policy) };
  if (want.evidence.kind !== "session-ended" && want.evidence.kind !== "session-gone")
    return { kind: "kept", because: `its session still exists, although ${want.because}` };
  const ended = want.evidence.kind === "session-ended" || release?.ended === true;
  const missed: WorkspaceRelease = { since: release?.since ?? now, ended };
  if (usedBy !== null) return { kind: "waits", because: `${want.because}; kept for ${usedBy}`, release: missed };
  const goesAt = later(missed.since, ended ? ENDED_GRACE_MS : VANISHED_GRACE_MS);
  if (release === null || now < goesAt) {
    const hint = ended ? "" : "; to keep it, restore the session's file";
    return { kind: "waits", because: `${want.because}; removed after ${renderTime(goesAt)}${hint}`, release: missed };
  }
  return { kind: "removable", because: `${want.because}; prune.workspaces is "delete"` };
}

/** `shared` and `agent:<id>` outlive every session. */
const isOfSession = (scopeKey: ScopeKey): boolean => /^agent:[^:]+:./.test(scopeKey);

const keptBecause = (policy: WorkspaceFacts["policy"]): string =>
  policy === null
    ? "kept, because the config has no such agent and so no prune.workspaces"
    : 'its session is gone; prune.workspaces is "keep"';
