// Builds what passes are made of: what steers all sandboxes together, and one pass. Each thing is made of what stands above it, and hands
// names to the queue, which is made first. Where names come from is the sources' business.
import { type ContainerId, type EpochMs, type SandboxName, toDurationMs } from "../api/brands.ts";
import type { OperationError } from "../api/errors.ts";
import { FolderLooks, UNFOLLOWED } from "../api/store/folder-looks.ts";
import { toHidden } from "./decide/fields.ts";
import type { Egress } from "./egress/egress.ts";
import { Relays } from "./egress/relays.ts";
import { lookUpRealPath, shareLookUps } from "./folders/host-folders.ts";
import { ServingAccess } from "./loop/access.ts";
import { Convergence } from "./loop/convergence.ts";
import { CreationRate } from "./loop/creation-rate.ts";
import { Loop } from "./loop/loop.ts";
import { MountCheck } from "./loop/mount-check.ts";
import { Observer } from "./loop/observe.ts";
import { Performer } from "./loop/perform.ts";
import { Reconciler } from "./loop/reconcile.ts";
import { RemovalGuard } from "./loop/removal-guard.ts";
import { Report } from "./loop/report.ts";
import { Rollouts } from "./loop/rollouts.ts";
import { SetupRunner } from "./loop/setup-runner.ts";
import { Uses } from "./loop/uses.ts";
import type { ControllerOptions, Opened } from "./parts.ts";
import type { OutputRun } from "./records/output-log.ts";
import { toStatePaths } from "./records/state-paths.ts";
import type { DesiredState } from "./sources/desired-state.ts";

/** What steers all sandboxes together. */
export interface Steering {
  convergence: Convergence;
  loop: Loop;
  guard: RemovalGuard;
  rollouts: Rollouts;
}

export function makeSteering(options: ControllerOptions, opened: Opened, desired: DesiredState): Steering {
  const { folders, engine, clock, random, concurrency, log, metrics } = options;
  const { events, statuses, ledger, activity, members } = opened;
  const { instance } = engine;
  const now = (): EpochMs => clock.now();
  const convergence = new Convergence(now, (trigger, seconds) => metrics.converged(trigger, seconds));
  // What a pass throws is a bug. It is counted and said loudly; the next pass of that name repairs what it can.
  const panicked = (name: SandboxName, err: unknown): void => {
    metrics.loop.observer.panicked(name, err);
    log.fatal({ sandbox: name, err }, "bug in a pass");
  };
  const loop = new Loop({ clock, random, concurrency, convergence, log, observer: { ...metrics.loop.observer, panicked } });
  metrics.loop.watch(loop, concurrency);
  const wake = (names: Iterable<SandboxName>): void => {
    for (const name of names) loop.enqueue(name, "config");
  };
  const counted = (held: number): void => metrics.removalsHeld(held);
  const path = toStatePaths(folders.stateDir).guard;
  const guard = new RemovalGuard({ path, instance, now, desired, activity, ledger, events, log, counted, changed: wake }, members);
  const rollouts = new Rollouts({ instance, clock, log, events, metrics, statuses, wake });
  return { convergence, loop, guard, rollouts };
}

/** What a pass is made of. */
export interface PassesGround extends Opened, Steering {
  desired: DesiredState;
  egress: Egress;
  /** Why the engine can't be asked now. null: nothing is known against it. */
  trouble(): OperationError | null;
  /** A container was removed. */
  retired(id: ContainerId): void;
}

/** The caller of the last use has its answer by then, and mostly the next one has begun. */
const REST_MS = toDurationMs(200);

export interface Passes {
  observer: Observer;
  access: ServingAccess;
  reconciler: Reconciler;
}

export function makePasses(options: ControllerOptions, ground: PassesGround): Passes {
  const { folders, engine, clock, random, newUid, owner: controller, log, metrics } = options;
  const { events, statuses, ledger, activity, setupLogs, output, commands, desired, loop, guard, convergence } = ground;
  const now = (): EpochMs => clock.now();
  const report = new Report({ now, log, events, metrics });
  const uses = new Uses();
  const access = new ServingAccess({
    ...{ clock, engine, commands, statuses, activity, uses },
    suspect: (name) => loop.enqueue(name, "external"),
    rested: (name) => loop.enqueueWithin(name, "external", REST_MS),
  });
  const setups = makeSetupRunner(options, ground);
  const mounts = makeMountCheck(options, desired, report);
  const { egress, egressLog, egressLedger } = ground;
  const relays = new Relays({ clock, newUid, engine, ledger: egressLedger, egress });
  const made = { engine, ledger, setups, mounts, uses, relays, lookUp: shareLookUps(lookUpRealPath) };
  const { look } = new FolderLooks(UNFOLLOWED);
  const observer = new Observer({
    ...{ now, instance: engine.instance, folders, controller, desired, ...made, look, activity, removals: guard },
    creations: new CreationRate(now),
    foreign: (observation) => report.foreign(observation),
    unrecorded: (observation, error) => report.unrecorded(observation, error),
  });
  const removed = (id: ContainerId): void => {
    access.removed(id);
    ground.retired(id);
  };
  const sandboxFolders = () => desired.sandboxFolders;
  const performer = new Performer({ now, newUid, folders, sandboxFolders, controller, ...made, removed });
  const reconciler = new Reconciler({
    now,
    random,
    trouble: ground.trouble,
    judge: (input) => ground.rollouts.judge(input),
    looked: (name) => ground.rollouts.looked(name),
    observer,
    performer,
    statuses,
    report,
    judged: (input, plan) => {
      access.judged(input, plan);
      convergence.judged(input.name, plan);
    },
    forgotten: (name) => {
      ground.rollouts.forget(name);
      report.forget(name);
      activity.forget(name);
      setupLogs.remove(name);
      output.remove(name);
      egressLog.remove(name);
    },
  });
  return { observer, access, reconciler };
}

function makeSetupRunner({ engine, clock, newUid, metrics }: ControllerOptions, ground: PassesGround): SetupRunner {
  const { setupLogs, output, desired, convergence, loop } = ground;
  /** One per sandbox whose setup runs. */
  const runs = new Map<SandboxName, OutputRun>();
  const heard = (name: SandboxName, chunk: Buffer): void => {
    setupLogs.append(name, chunk);
    const hidden = toHidden(desired.desiredOf(name)?.settings.docker.env ?? {});
    const run = runs.get(name) ?? output.begin(name, { source: "setup", note: "docker.setupCommand", hidden });
    runs.set(name, run);
    run.write("stdout", chunk);
  };
  const ended = (name: SandboxName, result: "success" | "failure", seconds: number): void => {
    setupLogs.ended(name, result);
    runs.get(name)?.end(result === "success" ? "succeeded" : "failed");
    runs.delete(name);
    metrics.setup(desired.desiredOf(name)?.kind ?? "tools", result, seconds);
    convergence.discount(name, seconds);
    loop.enqueue(name, "external");
  };
  return new SetupRunner({
    engine,
    clock,
    newMarker: newUid,
    observer: { output: heard, ended },
  });
}

const makeMountCheck = ({ clock, newUid, engine, folders }: ControllerOptions, desired: DesiredState, report: Report): MountCheck =>
  new MountCheck({
    now: () => clock.now(),
    newUid,
    engine,
    folders,
    calibrationFolder: toStatePaths(folders.stateDir).calibration,
    sandboxFolders: () => desired.sandboxFolders,
    users: () => desired.agents.map(({ sandbox }) => sandbox.docker.user),
    refused: (name, message) => report.mountsRefused(name, message),
  });
