// Many sandboxes on a model of an engine, looked at one after the other in an order that a test chooses, woken by nothing but what the
// decisions ask for. Not used by the product.
import { type EpochMs, later, toContainerId, toDurationMs, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import type { Failure, Sandbox } from "../../api/sandbox.ts";
import { nextFailure } from "./backoff.ts";
import { containerOf, desiredOf, inputOf, NOW, specOf, wantedOf } from "./decide.fixture.ts";
import { applyAction } from "./forecast.ts";
import { awakened, judge, type Rollout } from "./rollout.ts";
import { RolloutBoard } from "./rollout-board.ts";
import { summarize } from "./status.ts";
import type { DesiredSandbox, OwnedContainer, Plan, PlanInput } from "./types.ts";

interface Resident {
  containers: readonly OwnedContainer[];
  desired: DesiredSandbox;
  status: Sandbox | null;
  plan: Plan | null;
  generation: number;
}

/** One pass of one sandbox is one step; no pass is longer than a handful of them. */
const STEPS_MAX = 20_000;

export class Fleet {
  readonly residents = new Map<string, Resident>();
  /** Setups that fail. */
  isBad: (desired: DesiredSandbox) => boolean = () => false;
  /** Told after each pass. */
  looked: () => void = () => undefined;
  rollout: Rollout = { board: new RolloutBoard(), paused: false, sandboxes: 0, complete: true };
  now: EpochMs = NOW;
  readonly #queue = new Set<string>();
  readonly #timers = new Map<string, EpochMs>();
  readonly #pick: (upTo: number) => number;
  #made = 0;

  /** @param pick 0 inclusive to `upTo` exclusive: who is looked at next */
  constructor(size: number, sandbox: object, pick: (upTo: number) => number) {
    this.#pick = pick;
    const names = Array.from({ length: size }, (_, index) => toSandboxName(`sandbox-${index}`));
    for (const name of names) {
      const desired = { ...desiredOf(sandbox), name };
      this.residents.set(name, { containers: [this.#own(containerOf(desired))], desired, status: null, plan: null, generation: 1 });
    }
    this.rollout = { ...this.rollout, sandboxes: size };
    this.hearAll();
  }

  hearAll(): void {
    for (const name of this.residents.keys()) this.#queue.add(name);
  }

  edit(sandbox: object): void {
    for (const [name, resident] of this.residents) {
      resident.desired = { ...desiredOf(sandbox), name: toSandboxName(name) };
      resident.generation += 1;
    }
    this.hearAll();
  }

  use(name: string, inUse: "yes" | "no"): void {
    const resident = this.#mustGet(name);
    resident.containers = resident.containers.map((one) => (one.observation.stage === "pending" ? one : { ...one, inUse }));
    this.#queue.add(name);
  }

  /** Everything that is not in a status or on the engine is forgotten. */
  restart(): void {
    this.rollout = { ...this.rollout, board: new RolloutBoard(), complete: false };
    this.#timers.clear();
    this.#queue.clear();
    for (const resident of this.residents.values()) {
      resident.containers = resident.containers.map((one) => ({ ...one, setup: { kind: "absent" } }));
      resident.plan = null;
    }
    this.hearAll();
  }

  /** Until nothing is to be done before `end`. */
  run(end: EpochMs = later(this.now, toDurationMs(24 * 3_600_000))): void {
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const names = [...this.#queue].sort();
      if (names.length > 0) {
        this.#look(names[this.#pick(names.length)] ?? "");
        continue;
      }
      const due = Math.min(...this.#timers.values());
      if (!Number.isFinite(due) || due > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(due, this.now) as EpochMs;
      for (const [name, at] of this.#timers) {
        if (at > this.now) continue;
        this.#timers.delete(name);
        if (this.residents.has(name)) this.#queue.add(name);
        else this.#wake();
      }
    }
    throw new Error("it goes on for ever");
  }

  serving(name: string): OwnedContainer | undefined {
    return this.#mustGet(name).containers.find(({ observation }) => observation.stage === "current");
  }

  isUpToDate(name: string): boolean {
    const { desired, containers } = this.#mustGet(name);
    return containers.length === 1 && this.serving(name)?.observation.identity.hash === specOf(desired).hash;
  }

  reasonOf(name: string): string {
    return this.#mustGet(name).status?.status.conditions.find(({ type }) => type === "UpToDate")?.reason ?? "";
  }

  #mustGet(name: string): Resident {
    const found = this.residents.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  }

  #look(name: string): void {
    this.#queue.delete(name);
    this.#timers.delete(name);
    const resident = this.#mustGet(name);
    const input = this.#inputOf(resident);
    const { plan, member } = judge(this.rollout, input);
    this.rollout.board.put(input.name, member);
    const after = plan.actions.reduce<PlanInput>((state, action) => {
      const next = applyAction(state, action);
      return { ...next, containers: next.containers.map((one) => this.#own(one)) };
    }, input);
    resident.containers = after.containers.map((one) => this.#settle(one, resident.desired));
    resident.plan = plan;
    const failure = plan.verdict.kind === "converged" ? null : input.failure;
    const described = { kind: "tools", scopeKey: resident.desired.scopeKey, agentId: null, scope: "agent", image: "" } as const;
    resident.status = summarize(input, plan, {
      previous: resident.status,
      spec: described,
      failure,
      servingFailure: null,
      egressFailure: null,
      blocker: null,
    });
    if (plan.actions.length > 0 || after.containers.some(({ setup }) => setup.kind === "running")) this.#queue.add(name);
    else if (plan.requeueAt !== null) this.#timers.set(name, plan.requeueAt);
    this.#completeStart();
    this.looked();
    this.#wake();
  }

  #completeStart(): void {
    if (this.rollout.complete || [...this.residents.values()].some(({ plan }) => plan === null)) return;
    this.rollout = { ...this.rollout, complete: true };
  }

  #wake(): void {
    const { names, nextAt } = awakened(this.rollout, this.now);
    for (const one of names) this.#queue.add(one);
    if (nextAt === null) this.#timers.delete("the board");
    else this.#timers.set("the board", nextAt);
  }

  #inputOf({ containers, desired, status, generation }: Resident): PlanInput {
    const failed = containers.find(({ setup }) => setup.kind === "failed");
    const before = status?.status.failure ?? null;
    const failure: Failure | null =
      failed === undefined ? before : nextFailure(before, { code: "SetupFailed", message: "exit code 1", generation }, this.now);
    const input = inputOf(desired, containers, { now: this.now, want: wantedOf(desired), spec: { ...specOf(desired), generation } });
    return { ...input, failure, change: status?.status.change ?? null };
  }

  /** An id of its own for what was just made. */
  #own(one: OwnedContainer): OwnedContainer {
    if (one.observation.handle.id !== "planned" && one.observation.handle.id !== "c1") return one;
    this.#made += 1;
    const handle = { id: toContainerId(`container-${this.#made}`), uid: toSandboxUid(`uid-${this.#made}`), incarnation: "1" };
    return { ...one, observation: { ...one.observation, handle } };
  }

  #settle(one: OwnedContainer, desired: DesiredSandbox): OwnedContainer {
    if (one.setup.kind !== "running") return one;
    return { ...one, setup: this.isBad(desired) ? { kind: "failed", message: "exit code 1", at: this.now } : { kind: "succeeded" } };
  }
}
