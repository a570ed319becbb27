// Every metric of the controller, and the only way to change one: a method per fact, whose arguments are the closed label sets.
// Names and meanings are the table in docs; how they are rendered is metrics-registry.ts's.
import { type EpochMs, elapsed } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { ERROR_CODES, type ErrorCode } from "../../api/errors.ts";
import type { Issue } from "../../api/issue.ts";
import { MetricRegistry } from "../../api/metrics-registry.ts";
import type { Sandbox, SandboxKind } from "../../api/sandbox.ts";
import { SANDBOX_TOOLS, type SandboxTool } from "../../api/wire.ts";
import type { ActionKind, Cause, Trigger } from "../decide/types.ts";
import { type CallCode, DEADLINE_MS, type EngineOperation, PRESTART_RESULTS, type PrestartResult } from "../engine/operations.ts";
import { RECORD_KINDS, type RecordKind } from "../records/damaged-files.ts";
import { ACTIONS, CAUSES, keysOf, TRIGGERS } from "./labels.ts";
import { createEgressMetrics, type EgressMetrics } from "./metrics-egress.ts";
import { createLoopMetrics, type LoopMetrics } from "./metrics-loop.ts";
import { createWorkspaceMetrics, type WorkspaceFigures } from "./metrics-workspaces.ts";
import type { ReadyCheck } from "./ready-check.ts";

const OPERATIONS = Object.keys(DEADLINE_MS) as EngineOperation[];
const CALL_CODES: readonly CallCode[] = ["OK", ...(Object.keys(ERROR_CODES) as ErrorCode[])];

/** `success`: exit code 0; `failure`: another one; `timeout`: killed at its deadline; `aborted`: its caller or its sandbox went away; `error`: it could not be run. */
export const EXEC_RESULTS = ["success", "failure", "timeout", "aborted", "error"] as const;
export const EXEC_STREAMS = ["stdin", "stdout", "stderr"] as const;
export const UNOWNED_KINDS = ["container", "probe", "network", "volume", "workspace"] as const;
export const RECREATE_REASONS = ["drift", "forced", "age", "crash", "image"] as const satisfies readonly Cause[];
/** Age only ever replaces a container: its removal is counted as a recreate. */
export const PRUNE_REASONS = ["idle", "released", "orphan"] as const satisfies readonly Cause[];
const SANDBOX_LABELS = {
  kind: ["tools", "browser"],
  state: ["ready", "not_ready", "unknown", "pruned"],
  drift: ["none", "deferred", "pending"],
} as const;
const READY_CHECKS = keysOf<ReadyCheck["name"]>({
  desired: true,
  observed: true,
  engine: true,
  events: true,
  removals: true,
  servers: true,
});
const RESULT_LABELS = ["success", "error"] as const;
const SEVERITIES = keysOf<Issue["severity"]>({ error: true, warning: true });

export type ExecResult = (typeof EXEC_RESULTS)[number];
type ResultLabel = (typeof RESULT_LABELS)[number];

/** 1 ms to 5 min; 5 s is the objective. */
const CONVERGENCE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** A pip install takes seconds to minutes; the deadline is 15 min. */
const SETUP_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 900];
const DOWNTIME_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
const EXEC_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
const ENGINE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface ControllerMetricsOptions {
  version: string;
  /** Commit of the build. */
  revision: string;
  /** Also those of the process. Absent: true. */
  processMetrics?: boolean;
}

/** Told of facts as they are counted. */
export interface FactListener {
  converged(seconds: number): void;
  pruned(): void;
  unowned(kind: string, count: number): void;
}

export class ControllerMetrics {
  readonly registry: MetricRegistry;
  /** For the queue. */
  readonly loop: LoopMetrics;
  /** Of workspaces, after each measurement. */
  readonly workspaces: (figures: WorkspaceFigures) => void;
  readonly egress: EgressMetrics;
  readonly #made: ReturnType<typeof createOurs>;
  #listener: FactListener | null = null;

  constructor(options: ControllerMetricsOptions) {
    this.registry = new MetricRegistry({ processMetrics: options.processMetrics ?? true });
    this.loop = createLoopMetrics(this.registry);
    this.workspaces = createWorkspaceMetrics(this.registry);
    this.egress = createEgressMetrics(this.registry);
    this.#made = createOurs(this.registry);
    const labels = { version: [options.version], revision: [options.revision] } as const;
    const buildInfo = this.registry.gauge({ name: "openclaw_build_info", help: "The running build; always 1." }, labels);
    buildInfo.set({ version: options.version, revision: options.revision }, 1);
  }

  /** From now on scrapes count these. Call once. */
  watchSandboxes(sandboxes: () => readonly Sandbox[], now: () => EpochMs): void {
    this.registry.beforeScrape(() => {
      for (const { labels, count } of countSandboxes(sandboxes())) this.#made.sandboxes.set(labels, count);
      const since = Math.min(...sandboxes().flatMap(({ status }) => waitsSince(status) ?? []));
      this.#made.deferredAge.set({}, Number.isFinite(since) ? elapsed(since as EpochMs, now()) / 1_000 : 0);
      this.#made.overdue.set({}, sandboxes().filter(isOverdue).length);
      this.egress.closed(sandboxes().filter(isClosed).length);
    });
  }

  /** From now on scrapes say what `/readyz` would. Call once. */
  watchReady(checks: () => readonly Pick<ReadyCheck, "name" | "ok">[]): void {
    this.registry.beforeScrape(() => {
      for (const { name, ok } of checks()) this.#made.ready.set({ check: name }, ok ? 1 : 0);
    });
  }

  /** Call once. */
  watchFacts(listener: FactListener): void {
    this.#listener = listener;
  }

  action(action: ActionKind, cause: Cause, result: ResultLabel): void {
    this.#made.actions.inc({ action, cause, result });
  }

  converged(trigger: Trigger, seconds: number): void {
    this.#made.convergence.observe({ trigger }, seconds);
    this.#listener?.converged(seconds);
  }

  recreate(reason: (typeof RECREATE_REASONS)[number]): void {
    this.#made.recreates.inc({ reason });
  }

  recreateDowntime(seconds: number): void {
    this.#made.downtime.observe({}, seconds);
  }

  prune(reason: (typeof PRUNE_REASONS)[number]): void {
    this.#made.prunes.inc({ reason });
    this.#listener?.pruned();
  }

  /** Of a browser: the wait until it answers. */
  setup(kind: SandboxKind, result: "success" | "failure", seconds: number): void {
    this.#made.setups.observe({ kind, result }, seconds);
  }

  /** @returns called once, when it ends */
  execStarted(tool: SandboxTool): (result: ExecResult, seconds: number) => void {
    this.#made.addExecInFlight(1);
    let ended = false;
    return (result, seconds) => {
      if (ended) return;
      ended = true;
      this.#made.addExecInFlight(-1);
      this.#made.execs.observe({ tool, result }, seconds);
    };
  }

  execBegun(result: PrestartResult): void {
    this.#made.execPrestarts.inc({ result });
  }

  execBytes(stream: (typeof EXEC_STREAMS)[number], bytes: number): void {
    this.#made.execBytes.inc({ stream }, bytes);
  }

  unowned(kind: (typeof UNOWNED_KINDS)[number], count: number): void {
    this.#made.unowned.set({ kind }, count);
    this.#listener?.unowned(kind, count);
  }

  removalsHeld(count: number): void {
    this.#made.removalsHeld.set({}, count);
  }

  engineRequest(operation: EngineOperation, code: CallCode, seconds: number): void {
    this.#made.engineRequests.inc({ operation, code });
    this.#made.engineSeconds.observe({ operation, code }, seconds);
  }

  engineEventsConnected(up: boolean): void {
    this.#made.eventsConnected.set({}, up ? 1 : 0);
  }

  engineEventGap(): void {
    this.#made.eventGaps.inc({});
  }

  /** @param driftFound sandboxes whose change no event had told of */
  relisted(seconds: number, driftFound: number): void {
    this.#made.relists.inc({});
    this.#made.relistSeconds.observe({}, seconds);
    this.#made.relistDrift.inc({}, driftFound);
  }

  configLoaded(result: ResultLabel, issues: readonly Pick<Issue, "severity">[], now: EpochMs): void {
    this.#made.configReloads.inc({ result });
    this.#made.configSuccessful.set({}, result === "success" ? 1 : 0);
    for (const severity of SEVERITIES) {
      this.#made.configIssues.set({ severity }, issues.filter((issue) => issue.severity === severity).length);
    }
    if (result === "success") this.#made.configSuccessAt.set({}, now / 1_000);
  }

  fileDamaged(kind: RecordKind): void {
    this.#made.damagedFiles.inc({ kind });
  }

  rolloutInProgress(inProgress: boolean): void {
    this.#made.rolloutInProgress.set({}, inProgress ? 1 : 0);
  }

  rolloutPaused(paused: boolean): void {
    this.#made.rolloutPaused.set({}, paused ? 1 : 0);
  }

  rolloutEnded(result: "completed" | "halted" | "superseded"): void {
    this.#made.rollouts.inc({ result });
  }
}

function createOurs(registry: MetricRegistry) {
  return {
    ...createSandboxMetrics(registry),
    ...createExecMetrics(registry),
    ...createEngineMetrics(registry),
    ...createConfigMetrics(registry),
  };
}

function createSandboxMetrics(registry: MetricRegistry) {
  return {
    ready: registry.gauge({ name: "openclaw_ready", help: "1 for each check of /readyz that passes." }, { check: READY_CHECKS }),
    sandboxes: registry.gauge({ name: "openclaw_sandboxes", help: "Sandboxes by kind, state and drift." }, SANDBOX_LABELS),
    convergence: registry.histogram(
      {
        name: "openclaw_sandbox_convergence_seconds",
        help: "Time from noticing a change to the sandbox having converged, without intended waits.",
      },
      { trigger: TRIGGERS },
      CONVERGENCE_SECONDS,
    ),
    actions: registry.counter(
      { name: "openclaw_sandbox_actions_total", help: "Actions of the controller, by cause and result." },
      { action: ACTIONS, cause: CAUSES, result: RESULT_LABELS },
    ),
    recreates: registry.counter(
      { name: "openclaw_sandbox_recreates_total", help: "Containers replaced, by reason." },
      { reason: RECREATE_REASONS },
    ),
    downtime: registry.histogram(
      { name: "openclaw_sandbox_recreate_downtime_seconds", help: "Time from the removal of a container until its successor serves." },
      {},
      DOWNTIME_SECONDS,
    ),
    prunes: registry.counter({ name: "openclaw_sandbox_prunes_total", help: "Containers removed, by reason." }, { reason: PRUNE_REASONS }),
    deferredAge: registry.gauge(
      {
        name: "openclaw_sandbox_drift_deferred_age_seconds",
        help: "How long the oldest deferred change has been waiting; 0 if there is none.",
      },
      {},
    ),
    overdue: registry.gauge(
      { name: "openclaw_sandbox_drift_overdue", help: "Sandboxes whose change has been deferred for longer than rollout.maxDriftAge." },
      {},
    ),
    setups: registry.histogram(
      { name: "openclaw_sandbox_setup_seconds", help: "How long setup commands ran, and how long new browsers took to answer." },
      { kind: SANDBOX_LABELS.kind, result: ["success", "failure"] },
      SETUP_SECONDS,
    ),
    removalsHeld: registry.gauge(
      { name: "openclaw_sandbox_removals_held", help: "Removals held by the mass-removal guard, awaiting approval." },
      {},
    ),
    unowned: registry.gauge(
      { name: "openclaw_sandbox_unowned_objects", help: "Objects of this controller that nothing owns: leaks." },
      { kind: UNOWNED_KINDS },
    ),
  };
}

function createExecMetrics(registry: MetricRegistry) {
  const inFlight = registry.gauge(
    { name: "openclaw_sandbox_execs_in_flight", help: "Commands currently running in sandboxes through the controller." },
    {},
  );
  let running = 0;
  return {
    execs: registry.histogram(
      { name: "openclaw_sandbox_exec_seconds", help: "How long commands in sandboxes ran." },
      { tool: SANDBOX_TOOLS, result: EXEC_RESULTS },
      EXEC_SECONDS,
    ),
    addExecInFlight: (by: 1 | -1): void => {
      running += by;
      inFlight.set({}, running);
    },
    execPrestarts: registry.counter(
      { name: "openclaw_sandbox_exec_prestarts_total", help: "Commands by whether an exec that was started beforehand waited for them." },
      { result: PRESTART_RESULTS },
    ),
    execBytes: registry.counter(
      { name: "openclaw_sandbox_exec_bytes_total", help: "Bytes of commands that passed through the controller, by stream." },
      { stream: EXEC_STREAMS },
    ),
  };
}

function createEngineMetrics(registry: MetricRegistry) {
  return {
    engineRequests: registry.counter(
      { name: "openclaw_engine_requests_total", help: "Calls to the engine, by operation and outcome." },
      { operation: OPERATIONS, code: CALL_CODES },
    ),
    // Only the good outcome is there from the start: all of them would be 6000 lines, and the counter above has them.
    engineSeconds: registry.sparseHistogram(
      { name: "openclaw_engine_request_duration_seconds", help: "How long calls to the engine took." },
      { operation: OPERATIONS, code: CALL_CODES },
      { buckets: ENGINE_SECONDS, present: ({ code }) => code === "OK" },
    ),
    eventsConnected: registry.gauge({ name: "openclaw_engine_events_connected", help: "1 while the engine's event stream is up." }, {}),
    eventGaps: registry.counter({ name: "openclaw_engine_event_gaps_total", help: "Times at which events may have been missed." }, {}),
    relists: registry.counter({ name: "openclaw_engine_relists_total", help: "Full listings of the engine's containers." }, {}),
    relistSeconds: registry.histogram(
      { name: "openclaw_engine_relist_duration_seconds", help: "How long full listings of the engine's containers took." },
      {},
      ENGINE_SECONDS,
    ),
    relistDrift: registry.counter(
      { name: "openclaw_engine_relist_drift_found_total", help: "Changes found by a full listing that no event had reported." },
      {},
    ),
  };
}

function createConfigMetrics(registry: MetricRegistry) {
  return {
    configSuccessful: registry.gauge(
      { name: "openclaw_config_last_reload_successful", help: "1 if the newest config file is in force." },
      {},
    ),
    configSuccessAt: registry.gauge(
      { name: "openclaw_config_last_reload_success_timestamp_seconds", help: "When the config in force was loaded." },
      {},
    ),
    configReloads: registry.counter({ name: "openclaw_config_reloads_total", help: "Config loads, by result." }, { result: RESULT_LABELS }),
    configIssues: registry.gauge({ name: "openclaw_config_issues", help: "Issues of the newest config file." }, { severity: SEVERITIES }),
    damagedFiles: registry.counter(
      { name: "openclaw_controller_damaged_files_total", help: "Files of the controller found damaged, by kind." },
      { kind: RECORD_KINDS },
    ),
    rolloutInProgress: registry.gauge({ name: "openclaw_rollout_in_progress", help: "1 while a change is being rolled out." }, {}),
    rolloutPaused: registry.gauge({ name: "openclaw_rollout_paused", help: "1 while rollouts are paused." }, {}),
    rollouts: registry.counter(
      {
        name: "openclaw_rollouts_total",
        help: "Rollouts that reached every sandbox, were halted by failures, or were superseded by another change.",
      },
      { result: ["completed", "halted", "superseded"] },
    ),
  };
}

type SandboxLabels = { [Label in keyof typeof SANDBOX_LABELS]: (typeof SANDBOX_LABELS)[Label][number] };
type Labelled = Omit<SandboxLabels, "kind"> & Pick<Sandbox["spec"], "kind">;

/** Every combination of labels with its number, 0 included. */
export function countSandboxes(sandboxes: readonly Sandbox[]): { labels: SandboxLabels; count: number }[] {
  const labelled = sandboxes.map(toLabels);
  return SANDBOX_LABELS.kind.flatMap((kind) =>
    SANDBOX_LABELS.state.flatMap((state) =>
      SANDBOX_LABELS.drift.map((drift) => {
        const count = labelled.filter((one) => one.kind === kind && one.state === state && one.drift === drift).length;
        return { labels: { kind, state, drift }, count };
      }),
    ),
  );
}

function toLabels({ spec, status }: Sandbox): Labelled {
  const ready = findCondition(status.conditions, "Ready");
  const upToDate = findCondition(status.conditions, "UpToDate");
  const isGone = status.container === null && !spec.wanted;
  const state = isGone ? "pruned" : ready?.status === "True" ? "ready" : ready?.status === "False" ? "not_ready" : "unknown";
  const drift = upToDate?.status !== "False" ? "none" : status.deferredSince !== null ? "deferred" : "pending";
  return { kind: spec.kind, state, drift };
}

/** A change that waits on purpose. null: none does. */
const waitsSince = ({ deferredSince, change }: Sandbox["status"]): EpochMs | null =>
  deferredSince !== null && change?.pending === true ? change.since : deferredSince;

const isOverdue = ({ status }: Sandbox): boolean => findCondition(status.conditions, "UpToDate")?.reason === "DriftOverdue";
/** It has a list of destinations that is not in force. */
const isClosed = ({ status }: Sandbox): boolean => (findCondition(status.conditions, "Egress")?.status ?? "True") !== "True";
