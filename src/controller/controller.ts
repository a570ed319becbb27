// Builds the parts of one controller over an engine and a state folder, starts them in the right order and stops them.
// Processes, sockets and signals are main.ts's; a test builds a controller over a model of the engine.
import { join } from "node:path";
import { type DurationMs, type EpochMs, MINUTE_MS, type SandboxName, SECOND_MS } from "../api/brands.ts";
import { findCondition } from "../api/condition.ts";
import { errnoOf } from "../api/errno.ts";
import { OperationError, renderError } from "../api/errors.ts";
import { explainErrno } from "../api/store/atomic-file.ts";
import type { Egress } from "./egress/egress.ts";
import { makeEgress } from "./egress-parts.ts";
import type { Listed } from "./engine/engine.ts";
import { closeFolder } from "./folders/make-folder.ts";
import type { ServingAccess } from "./loop/access.ts";
import type { Loop } from "./loop/loop.ts";
import type { Observer } from "./loop/observe.ts";
import { OwnedCommands } from "./loop/owned-commands.ts";
import type { Reconciler } from "./loop/reconcile.ts";
import { type RemovalGuard, readMembers } from "./loop/removal-guard.ts";
import type { Rollouts } from "./loop/rollouts.ts";
import { UNOWNED_KINDS } from "./metrics/metrics.ts";
import type { ControllerOptions, Opened } from "./parts.ts";
import { makePasses, makeSteering } from "./passes.ts";
import { Activity } from "./records/activity.ts";
import { ApprovalKeys } from "./records/approval-keys.ts";
import { ConfigHistory } from "./records/config-history.ts";
import { DamagedFiles } from "./records/damaged-files.ts";
import { EgressLog } from "./records/egress-log.ts";
import { EventLog } from "./records/event-log.ts";
import { KnownNames, toNameRecords } from "./records/known-names.ts";
import { Ledger } from "./records/ledger.ts";
import { OutputLog } from "./records/output-log.ts";
import { SetupLogs } from "./records/setup-logs.ts";
import { toStatePaths } from "./records/state-paths.ts";
import { StatusStore } from "./records/status-store.ts";
import { ConfigSource } from "./sources/config-source.ts";
import { DesiredState } from "./sources/desired-state.ts";
import { EngineSource } from "./sources/engine-source.ts";
import { FileSources } from "./sources/file-sources.ts";
import { sweepRequests } from "./sweep/request-sweep.ts";
import { Sweep } from "./sweep/sweep.ts";
import { WorkspaceSizes } from "./sweep/workspace-sizes.ts";
import { WorkspaceSweep } from "./sweep/workspace-sweep.ts";

const SWEEP_INTERVAL_MS = MINUTE_MS;
/** While something is counted as unowned, whether it still is: the count must not outlive the object. */
const RECOUNT_INTERVAL_MS = (5 * SECOND_MS) as DurationMs;
/** A pass is a handful of engine calls; the slowest has a deadline of its own. */
const STOP_MS_MAX = (10 * SECOND_MS) as DurationMs;

export class Controller {
  readonly config: ConfigSource;
  readonly desired: DesiredState;
  readonly statuses: StatusStore;
  readonly events: EventLog;
  readonly damaged: DamagedFiles;
  readonly observer: Observer;
  readonly guard: RemovalGuard;
  readonly ledger: Ledger;
  /** Of the containers of the egress. */
  readonly egressLedger: Ledger;
  readonly access: ServingAccess;
  readonly rollouts: Rollouts;
  readonly sweep: Sweep;
  readonly sizes: WorkspaceSizes;
  readonly setupLogs: SetupLogs;
  readonly approvalKeys: ApprovalKeys;
  readonly output: OutputLog;
  readonly configHistory: ConfigHistory;
  readonly engineSource: EngineSource;
  readonly loop: Loop;
  readonly egress: Egress;
  readonly egressLog: EgressLog;
  readonly #options: ControllerOptions;
  readonly #files: FileSources;
  readonly #reconciler: Reconciler;
  readonly #activity: Activity;
  readonly #commands: OwnedCommands;
  readonly #stopping = new AbortController();

  /** Opens everything in the state folder, and touches nothing on the engine. @throws OperationError `HostRejected` */
  static async open(options: ControllerOptions): Promise<Controller> {
    const { folders, engine, clock, log, newUid } = options;
    const paths = toStatePaths(folders.stateDir);
    const newMark = (): string => newUid().replaceAll("-", "");
    const now = (): EpochMs => clock.now();
    const events = await EventLog.open({ folder: paths.events, clock, writeFailed: (err) => log.error({ err }, "events not written") });
    return new Controller(options, {
      events,
      statuses: await StatusStore.open(
        { folder: paths.status, writeFailed: (sandbox, err) => log.error({ sandbox, err }, "status not written") },
        now(),
      ),
      ledger: await Ledger.open(paths.ledger, now()),
      activity: await Activity.open({ path: paths.activity, clock, writeFailed: (err) => log.error({ err }, "activity not written") }),
      setupLogs: await SetupLogs.open({
        folder: paths.setupLogs,
        now,
        events,
        writeFailed: (sandbox, err) => log.error({ sandbox, err }, "setup output not written"),
      }),
      output: new OutputLog(now),
      configHistory: await ConfigHistory.open({ folder: paths.configHistory, now }),
      commands: await OwnedCommands.open(paths.commands, { engine, clock, log, newMark }),
      approvalKeys: await ApprovalKeys.open({ path: paths.approvalKeys, now }),
      egressLedger: await Ledger.open(paths.egressLedger, now()),
      egressLog: await EgressLog.open({
        folder: paths.egressLogs,
        meter: options.metrics.egress,
        writeFailed: (err) => log.error({ err }, "egress log not written"),
      }),
      members: await readMembers(paths.guard),
    });
  }

  /** Each part is made of what stands above it. */
  private constructor(options: ControllerOptions, opened: Opened) {
    const { events, statuses, ledger, activity, setupLogs } = opened;
    this.#options = options;
    this.events = events;
    this.statuses = statuses;
    this.setupLogs = setupLogs;
    this.approvalKeys = opened.approvalKeys;
    this.output = opened.output;
    this.configHistory = opened.configHistory;
    this.ledger = ledger;
    this.#activity = activity;
    this.#commands = opened.commands;
    this.egressLedger = opened.egressLedger;
    const names = new KnownNames(options.engine.instance, toNameRecords(ledger.entries(), statuses.list()));
    this.damaged = this.#makeDamagedFiles();
    this.desired = new DesiredState(names.slugOf, options.folders);
    const steering = makeSteering(options, opened, this.desired);
    this.loop = steering.loop;
    this.guard = steering.guard;
    this.egress = makeEgress(options, opened, this.desired, this.loop);
    this.egressLog = opened.egressLog;
    this.rollouts = steering.rollouts;
    this.#files = this.#makeFileSources();
    this.config = this.#makeConfigSource();
    this.config.watch(() => void this.#keepConfig());
    this.engineSource = this.#makeEngineSource(names);
    this.sizes = this.#makeSizes();
    this.sweep = this.#makeSweep();
    const passes = makePasses(options, {
      ...opened,
      ...steering,
      desired: this.desired,
      egress: this.egress,
      trouble: () => this.engineSource.trouble,
      retired: (id) => this.sweep.containerGone(id),
    });
    this.access = passes.access;
    this.observer = passes.observer;
    this.#reconciler = passes.reconciler;
    options.metrics.watchSandboxes(
      () => statuses.list(),
      () => options.clock.now(),
    );
    this.#reportDamage(opened);
  }

  #makeDamagedFiles(): DamagedFiles {
    const { log, metrics } = this.#options;
    return new DamagedFiles({ events: this.events, log, counted: (kind) => metrics.fileDamaged(kind) });
  }

  #makeFileSources(): FileSources {
    const { folders, clock, log } = this.#options;
    const { stateDir } = folders;
    return new FileSources({
      stateDir,
      paths: toStatePaths(stateDir),
      now: () => clock.now(),
      log,
      events: this.events,
      desired: this.desired,
      statuses: this.statuses,
      enqueueFresh: (name, trigger) => this.loop.enqueueFresh(name, trigger),
      rolloutsPaused: (since) => this.rollouts.pause(since),
    });
  }

  #makeConfigSource(): ConfigSource {
    const { folders, configPath, environment, clock, log, metrics } = this.#options;
    return new ConfigSource({
      path: configPath,
      lastGoodPath: toStatePaths(folders.stateDir).lastGood,
      environment,
      clock,
      log,
      events: this.events,
      metrics,
      damaged: this.damaged,
      changed: (config) => {
        this.#files.configChanged(this.desired.setConfig(config));
        this.egress.suspect();
      },
    });
  }

  /** An earlier text is a convenience: without one everything goes on. */
  async #keepConfig(): Promise<void> {
    const { sources, view } = this.config;
    if (sources === null || !view.ok) return;
    await this.configHistory.add(sources).catch((err: unknown) => this.#options.log.error({ err }, "config not kept in the history"));
  }

  #makeEngineSource(names: KnownNames): EngineSource {
    const { engine, clock, log, metrics } = this.#options;
    const { statuses, loop } = this;
    return new EngineSource({
      engine,
      clock,
      log,
      metrics,
      listed: (all) => this.#listed(all, names),
      knownNames: () => (this.egress.isUsed ? new Set([...this.#knownNames(), this.egress.name]) : this.#knownNames()),
      missing: (listed) =>
        statuses
          .all()
          .filter(({ status: { container } }) => container !== null && !listed.has(container.id))
          .map(({ metadata }) => metadata.name),
      enqueue: (name, trigger) => loop.enqueue(name, trigger),
      enqueueFresh: (name, trigger) => loop.enqueueFresh(name, trigger),
    });
  }

  #makeSweep(): Sweep {
    const { engine, clock, log, metrics } = this.#options;
    const { ledger } = this;
    const now = (): EpochMs => clock.now();
    return new Sweep({
      now,
      instance: engine.instance,
      engine,
      ledger,
      egressLedger: this.egressLedger,
      log,
      workspaces: this.#makeWorkspaceSweep(),
      sweepRequests: () => this.#sweepRequests(ledger, now()),
      mayBeWanted: (name) => this.#mayBeWanted(name),
      suspect: (name) => this.loop.enqueue(name, "resync"),
      counted: (leaks) => {
        for (const kind of UNOWNED_KINDS) metrics.unowned(kind, leaks.filter((object) => object.kind === kind).length);
      },
    });
  }

  #makeWorkspaceSweep(): WorkspaceSweep {
    const { engine, clock, log } = this.#options;
    const { desired, events, damaged, ledger, guard } = this;
    return new WorkspaceSweep({
      now: () => clock.now(),
      instance: engine.instance,
      desired,
      activity: this.#activity,
      events,
      damaged,
      log,
      roots: () => this.#workspaceRoots(),
      holds: (name) => guard.holds(name),
      keeper: async (name, path) => {
        const isMounted = ledger.ofName(name).length > 0 || ledger.entries().some(({ workspace }) => workspace === path);
        if (isMounted || (await engine.observe(name)).length > 0) return "a container that mounts it";
        return guard.view().items.length > 0 ? "removals awaiting approval: openclaw sandbox approve" : null;
      },
    });
  }

  /** What was read from the state folder is not as it was written. */
  #reportDamage({ ledger, statuses, activity, events, members, approvalKeys }: Opened): void {
    const paths = toStatePaths(this.#options.folders.stateDir);
    for (const name of ledger.unread) this.damaged.report("ledger", join(paths.ledger, name));
    for (const name of statuses.unread) this.damaged.report("status", join(paths.status, name));
    if (activity.loaded === "unreadable") this.damaged.report("activity", paths.activity);
    if (events.isDamaged) this.damaged.report("events", paths.eventFile);
    if (members === null) this.damaged.report("removals", paths.guard);
    if (approvalKeys.isDamaged) this.damaged.report("approvals", paths.approvalKeys);
  }

  /** Before any pass: what the ledger lost is named after its labels. */
  #listed(all: readonly Listed[], names: KnownNames): void {
    if (names.note(all)) this.#files.namesChanged(this.desired.namesChanged());
    this.guard.listed(all);
  }

  #makeSizes(): WorkspaceSizes {
    const { clock, log, metrics } = this.#options;
    return new WorkspaceSizes({
      now: () => clock.now(),
      sandboxes: () => this.desired.names().flatMap((name) => this.desired.desiredOf(name) ?? []),
      lastUsedAt: (name) => this.#activity.lastUsedAt(name),
      events: this.events,
      log,
      measured: (sizes) => metrics.workspaces(sizes),
    });
  }

  #mayBeWanted(name: SandboxName): boolean {
    if (!this.desired.loaded || this.desired.has(name) || this.guard.holds(name)) return true;
    if (name === this.egress.name) return this.egress.isUsed;
    return this.statuses.get(name)?.status.deferredSince != null;
  }

  #sweepRequests(ledger: Ledger, now: EpochMs): Promise<SandboxName[]> {
    const isGone = (name: SandboxName): boolean => !this.#mayBeWanted(name) && ledger.ofName(name).length === 0;
    return sweepRequests({ now, isGone, requests: this.desired.requests, remove: (name) => this.#files.removeRequest(name) });
  }

  /** Loads desired state and looks at the engine, then works until `stop`. Returns once the first listing was queued. */
  async start(): Promise<void> {
    await this.#closeWorkspaceRoot();
    await this.config.reload();
    await this.#files.load();
    this.rollouts.expect(this.#knownNames());
    await this.engineSource.relist();
    this.#commands.start();
    this.loop.start((name) => (name === this.egress.name ? this.egress.reconcile() : this.#reconciler.reconcile(name)));
    this.egress.suspect();
    const { signal } = this.#stopping;
    this.config.follow(signal);
    this.#files.watch(signal);
    void this.engineSource.run(signal);
    // What an earlier process left is counted from the start, not only after the first interval.
    void this.#swept(() => this.sweep.observe());
    this.#every(SWEEP_INTERVAL_MS, signal, () => this.sweep.run());
    void this.#swept(() => this.sizes.round());
    this.#every(SWEEP_INTERVAL_MS, signal, () => this.sizes.round());
    this.#every(RECOUNT_INTERVAL_MS, signal, async () => {
      if (this.sweep.leaks > 0) await this.sweep.observe();
    });
  }

  /** Earlier versions let other users of the host into it. */
  async #closeWorkspaceRoot(): Promise<void> {
    const { folders, log } = this.#options;
    const root = join(folders.stateDir, "sandboxes");
    try {
      if (await closeFolder(root)) log.info({ folder: root }, "folder closed to other users");
    } catch (error) {
      if (errnoOf(error) === "") throw error;
      log.warn({ folder: root, because: explainErrno(error), fix: `chmod 0700 ${root}` }, "folder not closed to other users");
    }
  }

  /** Ends the passes that run and writes down what is in memory. Containers stay as they are. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.egress.stop();
    await this.#commands.stop();
    await this.loop.stop(STOP_MS_MAX);
    await this.#activity.stop();
    await this.statuses.flush();
    await this.events.flush();
    await this.configHistory.flush();
    await this.egressLog.flush();
  }

  /** Whether every wanted sandbox is as wanted, and if not, which are not and why. */
  unconverged(): { name: SandboxName; because: string }[] {
    return [...this.#knownNames()].flatMap((name) => {
      if (this.loop.isFailing(name)) return [{ name, because: "its last pass failed and will be retried" }];
      const sandbox = this.statuses.get(name);
      const upToDate = sandbox === undefined ? null : findCondition(sandbox.status.conditions, "UpToDate");
      return upToDate === null || upToDate?.status === "True" ? [] : [{ name, because: upToDate?.message ?? "not observed yet" }];
    });
  }

  #knownNames(): ReadonlySet<SandboxName> {
    return new Set([...this.desired.names(), ...this.statuses.names()]);
  }

  #every(interval: DurationMs, signal: AbortSignal, look: () => Promise<unknown>): void {
    this.#options.clock.setTimer(interval, () => {
      if (signal.aborted) return;
      void this.#swept(look).finally(() => this.#every(interval, signal, look));
    });
  }

  async #swept(look: () => Promise<unknown>): Promise<void> {
    const { log } = this.#options;
    if (!this.desired.loaded || !this.engineSource.loaded) return;
    try {
      await look();
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      log.warn({ code: error.code, because: renderError(error) }, "sweep failed");
    }
  }

  /** Those of the config in force, and the default one, whose folders may be from before an edit. */
  #workspaceRoots(): readonly string[] {
    const configured = this.desired.agents.map(({ sandbox }) => sandbox.workspaceRoot);
    return [...new Set([join(this.#options.folders.stateDir, "sandboxes"), ...configured])];
  }
}
