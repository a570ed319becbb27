// Builds what one pass needs, and the queue that starts passes. Where names come from is the sources' business.
import type { ContainerId, EpochMs, SandboxName } from "../api/brands.ts";
import type { OperationError } from "../api/errors.ts";
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
import { type SetupObserver, SetupRunner } from "./loop/setup-runner.ts";
import { Uses } from "./loop/uses.ts";
import type { ControllerOptions, Opened } from "./parts.ts";
import { toStatePaths } from "./records/state-paths.ts";
import type { DesiredState } from "./sources/desired-state.ts";

export interface Passes {
  loop: Loop;
  guard: RemovalGuard;
  rollouts: Rollouts;
  observer: Observer;
  access: ServingAccess;
}

/** What a controller has of its own. */
export interface PassesGround extends Opened {
  desired: DesiredState;
  /** Why the engine can't be asked now. null: nothing is known against it. */
  trouble(): OperationError | null;
  /** A container was removed. */
  retired(id: ContainerId): void;
}

export function makePasses(options: ControllerOptions, ground: PassesGround): Passes {
  const { folders, engine, clock, random, newUid, owner, concurrency, log, metrics } = options;
  const { instance } = engine;
  const { events, statuses, ledger, activity, setupLogs, commands, desired, trouble, retired } = ground;
  const now = (): EpochMs => clock.now();
  const convergence = new Convergence(now, (trigger, seconds) => metrics.converged(trigger, seconds));
  const report = new Report({ now, log, events, metrics });
  const uses = new Uses((id) => {
    const name = access.nameOf(id);
    if (name !== null) loop.enqueue(name, "external");
  });
  const ended = (name: SandboxName, result: "success" | "failure", seconds: number): void => {
    setupLogs.ended(name, result);
    metrics.setup(result, seconds);
    convergence.discount(name, seconds);
    loop.enqueue(name, "external");
  };
  const told: SetupObserver = { output: (name, chunk) => setupLogs.append(name, chunk), ended };
  const setups = new SetupRunner({ engine, clock, newMarker: newUid, observer: told });
  const mounts = makeMountCheck(options, desired, report);
  const access = new ServingAccess({
    clock,
    engine,
    commands,
    statuses,
    activity,
    uses,
    suspect: (name) => loop.enqueue(name, "external"),
  });
  const wake = (names: Iterable<SandboxName>): void => {
    for (const name of names) loop.enqueue(name, "config");
  };
  const guard = makeGuard(options, ground, wake);
  const creations = new CreationRate(now);
  const made = { engine, ledger, setups, mounts, uses };
  const seen = { now, instance, folders, controller: owner, desired, ...made, activity, removals: guard, creations };
  const observer = new Observer({
    ...seen,
    foreign: (observation) => report.foreign(observation),
    unrecorded: (observation, error) => report.unrecorded(observation, error),
  });
  const removed = (id: ContainerId): void => {
    access.removed(id);
    retired(id);
  };
  const rollouts = new Rollouts({ instance, clock, log, events, metrics, statuses, wake });
  const reconciler = new Reconciler({
    now,
    trouble,
    judge: (input) => rollouts.judge(input),
    looked: (name) => rollouts.looked(name),
    observer,
    performer: new Performer({ now, newUid, folders, sandboxFolders: () => desired.sandboxFolders, controller: owner, ...made, removed }),
    statuses,
    report,
    judged: (input, made) => {
      access.judged(input, made);
      convergence.judged(input.name, made);
    },
    forgotten: (name) => {
      rollouts.forget(name);
      report.forget(name);
      activity.forget(name);
      setupLogs.remove(name);
    },
  });
  // What a pass throws is a bug. It is counted and said loudly; the next pass of that name repairs what it can.
  const panicked = (name: SandboxName, err: unknown): void => {
    metrics.loop.observer.panicked(name, err);
    log.fatal({ sandbox: name, err }, "bug in a pass");
  };
  const loop: Loop = new Loop({
    clock,
    random,
    concurrency,
    reconciler,
    convergence,
    log,
    observer: { ...metrics.loop.observer, panicked },
  });
  metrics.loop.watch(loop, concurrency);
  return { loop, guard, rollouts, observer, access };
}

function makeGuard(
  { folders, engine, clock, log, metrics }: ControllerOptions,
  { desired, activity, ledger, events, members }: PassesGround,
  wake: (names: Iterable<SandboxName>) => void,
): RemovalGuard {
  const parts = {
    path: toStatePaths(folders.stateDir).guard,
    instance: engine.instance,
    now: () => clock.now(),
    desired,
    activity,
    ledger,
    events,
    log,
    counted: (held: number) => metrics.removalsHeld(held),
    changed: wake,
  };
  return new RemovalGuard(parts, members);
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
