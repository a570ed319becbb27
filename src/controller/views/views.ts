// What the admin server shows, made from the loop's parts. Read only, but for a sweep that a person asks for.

import { type EpochMs, type InstanceId, type SandboxName, toScopeKey } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import type { ConfigEdit, ConfigEditView, ConfigTextView } from "../../api/config-edit.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import type { HistoryView } from "../../api/history.ts";
import { toAgentOfKey } from "../../api/names.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { KnownAgents } from "../../api/session-reference.ts";
import type { UsageView } from "../../api/usage.ts";
import type {
  AuditView,
  ControllerView,
  DoctorView,
  HeldView,
  PlannedSandbox,
  PlanView,
  PruneView,
  SetupLogView,
  UnownedObject,
} from "../../api/wire.ts";
import { failuresSeen } from "../decide/backoff.ts";
import { type Forecast, forecastAll } from "../decide/forecast.ts";
import { renderAction } from "../decide/render.ts";
import { judge, type Rollout } from "../decide/rollout.ts";
import type { Owner } from "../decide/spec.ts";
import type { OwnedContainer, PlanInput, Want } from "../decide/types.ts";
import type { Engine } from "../engine/engine.ts";
import type { History } from "../metrics/history.ts";
import type { DamagedFiles } from "../records/damaged-files.ts";
import type { EventLog } from "../records/event-log.ts";
import type { Ledger } from "../records/ledger.ts";
import type { SetupLogs } from "../records/setup-logs.ts";
import type { StatusStore } from "../records/status-store.ts";
import type { ConfigSource } from "../sources/config-source.ts";
import type { DesiredState } from "../sources/desired-state.ts";
import type { AdminViews, ExplainQuery, NamedSandbox } from "./admin-views.ts";
import { toConfigText, tryConfigEdit } from "./config-edit.ts";
import { auditEngine } from "./container-audit.ts";
import { explain, findSubject, nameOf, toGivenSandbox } from "./explain.ts";
import { parseExplainQuery, toExplained } from "./explain-query.ts";
import { findNamedSandbox, type GivenSandbox } from "./named-sandbox.ts";
import { UsageLooks } from "./usage.ts";

/** Looks at the same time for a plan of everything: as many as passes. */
const LOOKS_AT_ONCE = 6;

/** Looks at one sandbox as a pass does; the loop's observer is one. */
export interface SandboxLook {
  /** @throws OperationError when the engine can't be asked */
  observe(name: SandboxName, previous: Sandbox | null): Promise<{ input: Omit<PlanInput, "failure" | "servingFailure"> }>;
  /** How many commands and streams use these containers through our own servers. */
  usesOf(containers: readonly OwnedContainer[]): number;
}

/** What nothing owns: shown, measured, and removed when a person asks for it; the sweep is one. */
export interface Leaks {
  observe(): Promise<readonly UnownedObject[]>;
  measure(): Promise<UnownedObject[]>;
  run(): Promise<{ unowned: UnownedObject[]; removed: string[] }>;
}

export interface ViewParts {
  instance: InstanceId;
  folders: HostFolders;
  environment: ConfigEnvironment;
  now(): EpochMs;
  status(): ControllerView;
  config: ConfigSource;
  desired: DesiredState;
  observer: SandboxLook;
  /** The same look under another desired state, for a dry run. */
  observerUnder(desired: DesiredState): SandboxLook;
  history: Pick<History, "view">;
  statuses: StatusStore;
  events: EventLog;
  logs: SetupLogs;
  sweep: Leaks;
  guard: { view(): HeldView };
  damaged: DamagedFiles;
  rollouts: { copy(): Rollout };
  ledger: Ledger;
  /** Of the containers of the egress. */
  egressLedger: Ledger;
  engine: Engine;
  /** Who the controller runs as. */
  owner: Owner;
}

export class LoopViews implements AdminViews {
  readonly #parts: ViewParts;
  #looking: Promise<DoctorView> | null = null;

  readonly #usage: UsageLooks;

  constructor(parts: ViewParts) {
    this.#parts = parts;
    this.#usage = new UsageLooks(parts.engine);
  }

  get events(): EventLog {
    return this.#parts.events;
  }

  status(): ControllerView {
    return this.#parts.status();
  }

  sandboxes(): readonly Sandbox[] {
    return this.#parts.statuses.list();
  }

  sandbox(name: SandboxName): Sandbox | null {
    return this.#parts.statuses.get(name) ?? null;
  }

  find(text: string): NamedSandbox {
    return findNamedSandbox(text, { ...this.#known(), givenTo: (key) => this.#givenTo(key) });
  }

  #known(): KnownAgents & { sandboxes: readonly Sandbox[] } {
    const { desired } = this.#parts;
    return { agents: desired.config?.agents ?? [], hasSession: (key) => desired.hasSession(key), sandboxes: this.sandboxes() };
  }

  /** Asked about configured agents only. */
  #givenTo(key: string): GivenSandbox {
    const { desired, folders } = this.#parts;
    if (desired.config === null) throw noConfig();
    const asked = parseExplainQuery({ sessionKey: key, agentId: null, name: null, kind: "tools" }, this.#known());
    const { missing: _, ...explained } = toExplained(asked, desired.sessions.get(asked.agentId)?.sessions ?? []);
    return toGivenSandbox(findSubject({ slugOf: desired.slugOf, folders, config: desired.config, held: null, ...explained }));
  }

  watch(listener: (name: SandboxName) => void): () => void {
    return this.#parts.statuses.subscribe((change) => listener(change.kind === "put" ? change.sandbox.metadata.name : change.name));
  }

  history(): HistoryView {
    return this.#parts.history.view();
  }

  async plan(sources: ConfigSources | null): Promise<PlanView> {
    const { environment, config } = this.#parts;
    if (sources === null) return { items: await this.#planUnder(null), issues: config.view.issues };
    const parsed = parseConfig(sources, environment);
    if (!parsed.ok) return { items: [], issues: parsed.issues };
    return { items: await this.#planUnder(parsed.value), issues: parsed.issues };
  }

  configText(): ConfigTextView {
    return toConfigText(this.#parts);
  }

  async tryConfigEdit(edit: ConfigEdit): Promise<ConfigEditView> {
    const { config, environment, desired } = this.#parts;
    return await tryConfigEdit({ config, environment, inForce: () => desired.config, plan: (edited) => this.#planUnder(edited) }, edit);
  }

  /** @param config null: the one in force */
  async #planUnder(config: Config | null): Promise<PlannedSandbox[]> {
    const { desired, observer, observerUnder } = this.#parts;
    if (config === null) return await this.#planAll(desired, observer);
    const preview = desired.preview(config);
    if (preview === null) throw new OperationError("NotReady", "sessions are not loaded yet; try again in a moment");
    return await this.#planAll(preview, observerUnder(preview));
  }

  async #planAll(desired: DesiredState, observer: SandboxLook): Promise<PlannedSandbox[]> {
    const names = [...new Set([...desired.names(), ...this.sandboxes().map(({ metadata }) => metadata.name)])].sort();
    const inputs: PlanInput[] = [];
    for (let at = 0; at < names.length; at += LOOKS_AT_ONCE) {
      inputs.push(...(await Promise.all(names.slice(at, at + LOOKS_AT_ONCE).map((name) => this.#observe(name, observer)))));
    }
    const forecasts = forecastAll(inputs, this.#parts.rollouts.copy());
    return inputs.map(({ name, want }) => toPlanned(name, want, forecasts.get(name)));
  }

  async #observe(name: SandboxName, observer: SandboxLook): Promise<PlanInput> {
    const previous = this.#parts.statuses.get(name) ?? null;
    const { input } = await observer.observe(name, previous);
    return { ...input, ...failuresSeen(input, previous) };
  }

  async explain(query: ExplainQuery): Promise<ExplainView> {
    const { desired, folders, config, statuses, observer, guard, rollouts } = this.#parts;
    if (desired.config === null) throw noConfig();
    const asked = parseExplainQuery(query, this.#known());
    const { missing, ...explained } = toExplained(asked, desired.sessions.get(asked.agentId)?.sessions ?? []);
    const held = guard.view().items.find(({ scopeKey }) => toAgentOfKey(toScopeKey(scopeKey)) === asked.agentId)?.name ?? null;
    const { slugOf } = desired;
    const subject = findSubject({ slugOf, folders, config: desired.config, held, ...explained });
    const name = nameOf(subject, slugOf);
    const status = statuses.get(name) ?? null;
    const known = { status, issues: config.view.issues };
    try {
      const seen = await observer.observe(name, status);
      const looked = { ...seen.input, ...failuresSeen(seen.input, status) };
      const input = { ...looked, gate: judge(rollouts.copy(), looked).member?.gate ?? looked.gate };
      return explain(subject, { ...known, missing, look: { input, uses: observer.usesOf(input.containers) } });
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      return explain(subject, { ...known, missing: [...missing, `the container's current state: ${renderError(error)}`], look: null });
    }
  }

  async logs(name: SandboxName, tailLines: number): Promise<SetupLogView> {
    return await this.#parts.logs.view(name, tailLines);
  }

  async usage(sandboxes: readonly Sandbox[]): Promise<UsageView> {
    return { items: await this.#usage.of(sandboxes) };
  }

  held(): HeldView {
    return this.#parts.guard.view();
  }

  async audit(): Promise<AuditView> {
    return { items: await auditEngine(this.#parts) };
  }

  async unowned(): Promise<readonly UnownedObject[]> {
    return await this.#parts.sweep.observe();
  }

  /** Who asks while a look is under way gets its answer: a look starts containers. */
  doctor(): Promise<DoctorView> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<DoctorView> {
    // Asked for by a person now and then: until then nothing of it is loaded.
    const { examine } = await import("../doctor/examine.ts");
    const { folders, owner, engine, now, desired, config } = this.#parts;
    const parts = { folders, owner, now, engine: async () => engine, config: desired.config, configView: config.view };
    return {
      findings: await examine(parts, {
        view: this.status(),
        unowned: () => this.unowned(),
        sandboxes: this.sandboxes(),
        damaged: this.#parts.damaged.findings(),
      }),
    };
  }

  async prune({ dryRun }: { dryRun: boolean }): Promise<PruneView> {
    if (dryRun) return { items: await this.#parts.sweep.measure(), removed: [] };
    const { unowned, removed } = await this.#parts.sweep.run();
    return { items: unowned, removed };
  }
}

const noConfig = (): OperationError =>
  new OperationError("NotReady", "no valid config is loaded", { fix: "openclaw config validate", retryable: false });

function toPlanned(name: SandboxName, want: Want, forecast: Forecast | undefined): PlannedSandbox {
  const verdict = forecast?.rest.verdict;
  const waits = verdict !== undefined && "message" in verdict && verdict.kind !== "gone" ? { waits: verdict.message } : {};
  return {
    name,
    wanted: want.kind === "wanted",
    because: want.because,
    drift: forecast?.drift ?? [],
    actions: (forecast?.actions ?? []).map(renderAction),
    ...waits,
  };
}
