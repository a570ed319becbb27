// What `openclaw sandbox explain` is told: values in force with their places, mounts, tools, the container as it is, what is next.
// Shapes only: what they say is the controller's (explain.ts), how it looks the CLI's.
import type { Issue } from "./issue.ts";
import type { Sandbox, SandboxKind } from "./sandbox.ts";

/** One value in force, and the place that says so. */
export interface ExplainedValue {
  key: string;
  /** As one would write it; what may be a secret is `(set)`. */
  value: string;
  /** Key path that won, or `default`. */
  source: string;
  /** Where that stands: `openclaw.json:12:9`, relative to the config's folder. null: nowhere. */
  at: string | null;
  /** Key path that it won over. null: only the built-in default. */
  over: string | null;
}

/** The container as it is now. `unknown`: nobody could look. */
export type LiveView = { kind: "unknown" } | { kind: "none" } | ({ kind: "container" } & LiveContainer);

export interface LiveContainer {
  state: string;
  /** It is being made: nothing is run in it yet. */
  isPending: boolean;
  startedAt: number | null;
  user: string;
  /** By what it is in use. null: by nothing. */
  inUse: string | null;
  lastUsedAt: number | null;
  /** Until then it counts as in use because it was used lately. null: it does not. */
  hotUntil: number | null;
}

export interface ExplainedSandbox {
  /** null: it can't be told; `missing` says why. */
  name: string | null;
  scope: string;
  scopeKey: string;
  status: Sandbox | null;
  live: LiveView;
}

export interface ExplainedMount {
  /** null: a folder named after the sandbox, whose name can't be told. */
  source: string | null;
  target: string;
  access: "ro" | "rw";
  because: string;
}

export interface ExplainView {
  /** The config's main file. */
  config: string;
  /** What is explained: the sandbox where tools run, or the browser beside it. */
  kind: SandboxKind;
  agentId: string;
  sessionKey: string | null;
  sandboxed: boolean;
  because: string;
  /** Whether there is to be one now, and why. null: nobody looked. */
  wanted: { yes: boolean; because: string } | null;
  /** null when the session is not sandboxed. */
  sandbox: ExplainedSandbox | null;
  /** Of a browser those that act on it. */
  values: ExplainedValue[];
  /** Key paths of the agent's own block that have no effect. */
  ignored: { key: string; because: string }[];
  mounts: ExplainedMount[];
  /** Of a browser the one that drives it. */
  tools: { tool: string; allowed: boolean; rule: string; source: string; fix: string | null }[];
  /** What the loop does next and when, and keys that would change what is not up to date. */
  next: string[];
  /** Issues of the config, without those of other agents' blocks. */
  warnings: Issue[];
  /** What could not be told, and why. Empty: everything was. */
  missing: string[];
}
