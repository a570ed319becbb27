// What the admin server shows and may ask for: the loop implements this, the routes and their tests use it. Nothing here changes a sandbox;
// requests are files (api/request.ts). It holds no HTTP.

import type { SandboxName } from "../../api/brands.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import type { ConfigEdit, ConfigEditView, ConfigTextView } from "../../api/config-edit.ts";
import type { OperationError } from "../../api/errors.ts";
import type { SandboxEvent } from "../../api/event.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import type { HistoryView } from "../../api/history.ts";
import type { Sandbox, SandboxKind } from "../../api/sandbox.ts";
import type { UsageView } from "../../api/usage.ts";
import type { AuditView, ControllerView, DoctorView, HeldView, PlanView, PruneView, SetupLogView, UnownedObject } from "../../api/wire.ts";

/** At least one of them is given by the caller; the view fills in the rest: an agent's main session, a session's agent. */
export interface ExplainQuery {
  /** Full or short (api/session-reference.ts). null: not given. */
  sessionKey: string | null;
  /** null: not given. */
  agentId: string | null;
  /** Of an agent, a session or a sandbox; goes before the others. null: not given. */
  name: string | null;
  /** The sandbox where tools run, or the browser beside it. A sandbox's own name goes before it. */
  kind: SandboxKind;
}

/** What a name that a person wrote stands for. */
export type NamedSandbox =
  | { kind: "found"; sandbox: Sandbox }
  /** The agent or session is there; its sandbox has not been created. `error` says so to whoever needs it now. */
  | { kind: "awaited"; scopeKey: string; error: OperationError };

/** The event log, read only; `EventLog` is one. */
export interface EventFeed {
  /** Id of the newest event; 0 when there is none. */
  readonly lastId: number;
  /** In order of id: those after `afterId`, of one object or of all. */
  list(filter: { afterId?: number; object?: SandboxEvent["object"] }): readonly SandboxEvent[];
  /** Calls back at once with every kept event after `afterId`, then with each new one. @returns ends the subscription */
  subscribe(afterId: number, listener: (event: SandboxEvent) => void): () => void;
}

/** Every method may reject with an `OperationError`; whatever else is thrown is a bug and is shown without its text. */
export interface AdminViews {
  status(): ControllerView;
  /** Every sandbox that has a status, in order of name. */
  sandboxes(): readonly Sandbox[];
  /** null: there is no such sandbox. */
  sandbox(name: SandboxName): Sandbox | null;
  /** What a person means by a sandbox's name, an agent, a session, or the beginning of a name. Throws `NotFound`, `InvalidArgument` (several). */
  find(text: string): NamedSandbox;
  /** Calls back with the name whenever a sandbox's status changed or went away. Listeners do not throw. @returns ends the subscription */
  watch(listener: (name: SandboxName) => void): () => void;
  /** A few figures of the last hours. */
  history(): HistoryView;
  /** What the loop would do now, or with these files as its config. Changes nothing. A config with errors gives no items and its issues. */
  plan(config: ConfigSources | null): Promise<PlanView>;
  /** The config's main file without its secrets. */
  configText(): ConfigTextView;
  /** What is wrong with an edit of it, and what it would do. Saves nothing, and tells nothing that the config in force doesn't. */
  tryConfigEdit(edit: ConfigEdit): Promise<ConfigEditView>;
  /** Rejects with `NotFound` when the config has no such agent. */
  explain(query: ExplainQuery): Promise<ExplainView>;
  readonly events: EventFeed;
  /** Output of the newest setup, at most the last `tailLines` lines. */
  logs(name: SandboxName, tailLines: number): Promise<SetupLogView>;
  /** What these sandboxes use just now; asking counts as no use. Without a container, and for one that does not run, nothing. */
  usage(sandboxes: readonly Sandbox[]): Promise<UsageView>;
  /** Removals held by the mass-removal guard, awaiting approval. */
  held(): HeldView;
  /** Every container on the engine that says it is an OpenClaw sandbox, with what is wrong with it. Changes nothing. */
  audit(): Promise<AuditView>;
  unowned(): Promise<readonly UnownedObject[]>;
  /** Looks at the machine afresh: takes about a second, and runs a container for a moment. */
  doctor(): Promise<DoctorView>;
  prune(options: { dryRun: boolean }): Promise<PruneView>;
}
