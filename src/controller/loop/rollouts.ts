// Tracks every sandbox's newest change, asks whose turn it is, and wakes waiting sandboxes when that changes.
// What is permitted is decide/rollout.ts's. Nothing here has to outlive the process: observing each sandbox restores it.
import type { Logger } from "pino";
import { type EpochMs, elapsed, type InstanceId, type SandboxName, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { awakened, judge, type Rollout } from "../decide/rollout.ts";
import { RolloutBoard, type RolloutMember } from "../decide/rollout-board.ts";
import type { Plan, PlanInput } from "../decide/types.ts";
import type { EventLog } from "../records/event-log.ts";
import type { StatusStore } from "../records/status-store.ts";

/** Changes within this are one reason to look who may go on: with ten thousand that wait a look takes 9 ms, 9 % of a core. */
const GATHER_MS = toDurationMs(100);

/** What is counted here; `ControllerMetrics` does. */
export interface RolloutMetrics {
  rolloutPaused(paused: boolean): void;
  rolloutInProgress(inProgress: boolean): void;
  rolloutEnded(result: "completed" | "halted" | "superseded"): void;
}

export interface RolloutsParts {
  instance: InstanceId;
  clock: Clock;
  log: Logger;
  events: EventLog;
  metrics: RolloutMetrics;
  /** All sandboxes that there are. */
  statuses: Pick<StatusStore, "size" | "names">;
  wake(names: Iterable<SandboxName>): void;
}

/** One change under way: which sandboxes get it, and whether it was told that it is halted. */
interface Running {
  names: Set<SandboxName>;
  fields: string;
  halted: boolean;
}

export class Rollouts {
  readonly #parts: RolloutsParts;
  readonly #board = new RolloutBoard();
  /** Not looked at since the start. null: what there is to look at is not known yet. */
  #unseen: Set<SandboxName> | null = null;
  #pausedSince: EpochMs | null = null;
  readonly #running = new Map<string, Running>();
  #gathering = false;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: RolloutsParts) {
    this.#parts = parts;
  }

  /** Since when a person holds all replacements back. null: nobody does. */
  get pausedSince(): EpochMs | null {
    return this.#pausedSince;
  }

  /** Everything that there is at the start: before each was looked at once, nobody is the first of a change. */
  expect(names: Iterable<SandboxName>): void {
    this.#unseen = new Set(names);
  }

  judge(input: PlanInput): Plan {
    const { plan, member } = judge(this.#rollout(this.#board), input);
    this.#put(input.name, member);
    return plan;
  }

  looked(name: SandboxName): void {
    if (this.#unseen?.delete(name) === true && this.#unseen.size === 0) this.#gather();
  }

  forget(name: SandboxName): void {
    this.#put(name, null);
  }

  pause(since: EpochMs | null): void {
    const { log, events, instance, metrics, statuses, wake } = this.#parts;
    const before = this.#pausedSince;
    this.#pausedSince = since;
    if ((before === null) === (since === null)) return;
    const paused = since !== null;
    metrics.rolloutPaused(paused);
    log.info({ paused }, "rollouts paused or resumed");
    const message = paused
      ? "all rollouts are paused: working sandboxes are not replaced; resume with: openclaw sandbox rollout resume"
      : "rollouts resumed";
    events.record({
      type: "Normal",
      reason: paused ? "RolloutsPaused" : "RolloutsResumed",
      message,
      object: { kind: "Controller", name: instance },
    });
    wake(statuses.names());
  }

  /** As it stands now, for a dry run that may change it. */
  copy(): Rollout {
    return { ...this.#rollout(new RolloutBoard(this.#board.members())), complete: true };
  }

  #rollout(board: RolloutBoard): Rollout {
    return { board, paused: this.#pausedSince !== null, sandboxes: this.#parts.statuses.size, complete: this.#unseen?.size === 0 };
  }

  #put(name: SandboxName, member: RolloutMember | null): void {
    const before = this.#board.get(name);
    this.#board.put(name, member);
    if (before === null && member === null) return;
    if (member !== null && member.parts.length > 0 && (member.state === "replacing" || member.gate.kind === "closed")) this.#begin(member);
    if (before === null || member === null || hasMoved(before, member)) this.#gather();
  }

  #begin({ name, parts }: RolloutMember): void {
    const key = toKey(parts);
    const running = this.#running.get(key) ?? { names: new Set(), fields: parts.map(({ field }) => field).join(", "), halted: false };
    running.names.add(name);
    this.#running.set(key, running);
    this.#parts.metrics.rolloutInProgress(true);
  }

  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#parts.clock.setTimer(GATHER_MS, () => {
      this.#gathering = false;
      for (const [key, running] of this.#running) this.#follow(key, running);
      this.#parts.metrics.rolloutInProgress(this.#running.size > 0);
      this.#wake();
    });
  }

  #wake(): void {
    const { clock, wake } = this.#parts;
    const { names, nextAt } = awakened(this.#rollout(this.#board), clock.now());
    wake(names);
    this.#cancelTimer();
    this.#cancelTimer = nextAt === null ? () => undefined : clock.setTimer(elapsed(clock.now(), nextAt), () => this.#gather());
  }

  /** Tells of a change that halted, goes on, or is over. */
  #follow(key: string, running: Running): void {
    const members = [...running.names].flatMap((name) => this.#board.get(name) ?? []).filter(({ parts }) => toKey(parts) === key);
    const halted = members.some(({ gate }) => gate.kind === "closed" && gate.reason === "halted");
    if (halted && !running.halted)
      this.#tell("Warning", "RolloutHalted", `the change of ${running.fields} is halted; see: openclaw sandbox rollout status`);
    if (halted && !running.halted) this.#parts.metrics.rolloutEnded("halted");
    running.halted = halted;
    if (members.some(({ state }) => state !== "serving")) return;
    this.#running.delete(key);
    const completed = members.length > 0;
    this.#parts.metrics.rolloutEnded(completed ? "completed" : "superseded");
    if (running.names.size < 2) return;
    if (completed) this.#tell("Normal", "RolloutCompleted", `the change of ${running.fields} reached ${members.length} sandboxes`);
    else this.#tell("Normal", "RolloutSuperseded", `the change of ${running.fields} is no longer wanted`);
  }

  #tell(type: "Normal" | "Warning", reason: string, message: string): void {
    const { log, events, instance } = this.#parts;
    log.info({ reason, because: message }, "rollout");
    events.record({ type, reason, message, object: { kind: "Controller", name: instance } });
  }
}

const toKey = (parts: RolloutMember["parts"]): string => parts.map(({ id }) => id).join(" ");

/** Whether others may be permitted something else now. */
function hasMoved(before: RolloutMember, after: RolloutMember): boolean {
  return (
    before.state !== after.state ||
    (before.state === "serving" && before.at !== after.at) ||
    before.failure !== after.failure ||
    before.willing !== after.willing ||
    before.gate.kind !== after.gate.kind ||
    toKey(before.parts) !== toKey(after.parts)
  );
}
