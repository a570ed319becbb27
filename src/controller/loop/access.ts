// Leases on serving containers. A pass says which container serves; a lease fences its holder to exactly that run of it, and a caller that
// comes between two containers waits for the second.
import type { Duplex } from "node:stream";
import { type ContainerId, type EpochMs, elapsed, later, type SandboxName } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { findCondition } from "../../api/condition.ts";
import { OperationError } from "../../api/errors.ts";
import { ENGINE_AWAY_MS_MAX, isBlocking, isEngineAway, READY_MS_MAX } from "../../api/readiness.ts";
import { isReady } from "../decide/status.ts";
import type { Plan, PlanInput, SandboxSpecInForce } from "../decide/types.ts";
import { dial } from "../engine/dial.ts";
import type { Engine, Handle } from "../engine/engine.ts";
import type { Activity } from "../records/activity.ts";
import type { StatusStore } from "../records/status-store.ts";
import type { Lease, SandboxAccess } from "./sandbox-access.ts";
import type { Uses } from "./uses.ts";

export interface AccessParts {
  clock: Clock;
  engine: Engine;
  commands: Pick<Engine, "exec">;
  statuses: StatusStore;
  activity: Activity;
  uses: Uses;
  /** Has the sandbox looked at: what was said to serve turned out not to, or a use that something waited for is over. */
  suspect(name: SandboxName): void;
  /** Its last use is over, and nothing waited for that: the same within a moment. */
  rested(name: SandboxName): void;
}

export interface Serving {
  handle: Handle;
  spec: SandboxSpecInForce;
}

/** By name, and by container: the end of each command asks whose it was. */
class ServingContainers {
  readonly #byName = new Map<SandboxName, Serving>();
  readonly #names = new Map<ContainerId, SandboxName>();

  get(name: SandboxName): Serving | undefined {
    return this.#byName.get(name);
  }

  nameOf(id: ContainerId): SandboxName | null {
    return this.#names.get(id) ?? null;
  }

  set(name: SandboxName, serving: Serving): void {
    this.delete(name);
    this.#byName.set(name, serving);
    this.#names.set(serving.handle.id, name);
  }

  delete(name: SandboxName): void {
    const serving = this.#byName.get(name);
    if (serving === undefined) return;
    this.#byName.delete(name);
    this.#names.delete(serving.handle.id);
  }
}

/** What one caller waits for, over all the containers that it tries. */
interface Wait {
  until: EpochMs;
  /** Since when the engine has not answered. null: it does. */
  awaySince: EpochMs | null;
  /** Containers that are still to be tried. */
  tries: number;
}

/** As many commands as there can be, and as many calls about detached processes. */
const WAITING_MAX = 512;
/** Each container that a caller tries has just gone under it: one more than a crash, a replacement and an engine's restart in a row. */
const TRIES_MAX = 8;
/** Of a sandbox that is gone, and is not made again because somebody asks. */
const GONE: ReadonlySet<string> = new Set(["Pruned", "Released"]);

export class ServingAccess implements SandboxAccess {
  readonly #parts: AccessParts;
  readonly #serving = new ServingContainers();
  /** Called when anything about the sandbox may have changed. */
  readonly #waiting = new Map<SandboxName, Set<() => void>>();
  #waitingCount = 0;

  constructor(parts: AccessParts) {
    this.#parts = parts;
    parts.uses.onEnded((id) => {
      const name = this.nameOf(id);
      if (name === null) return;
      if (this.#isUpToDate(name)) parts.rested(name);
      else parts.suspect(name);
    });
    parts.statuses.subscribe((change) => this.#changed(change.kind === "put" ? change.sandbox.metadata.name : change.name));
  }

  get engine(): Engine {
    return this.#parts.engine;
  }

  #isUpToDate(name: SandboxName): boolean {
    const status = this.#parts.statuses.get(name);
    return status !== undefined && findCondition(status.status.conditions, "UpToDate")?.status === "True";
  }

  /** A pass looked: from now on this container serves, or none does. */
  judged(input: PlanInput, made: Plan): void {
    const { name } = input;
    if (made.serving === null || !isReady(input, made)) {
      this.#serving.delete(name);
      return;
    }
    const { handle, created } = made.serving.observation;
    this.#serving.set(name, { handle, spec: { name, workdir: created.workdir, user: created.user, env: created.env } });
    this.#changed(name);
  }

  /** It was removed: whoever asks now waits for the next one. */
  removed(id: ContainerId): void {
    const name = this.nameOf(id);
    if (name !== null) this.#serving.delete(name);
  }

  /** What serves now. null: nothing does. */
  servingOf(name: SandboxName): Serving | null {
    return this.#serving.get(name) ?? null;
  }

  /** The sandbox whose serving container this is. null: it serves no more. */
  nameOf(id: ContainerId): SandboxName | null {
    return this.#serving.nameOf(id);
  }

  get commands(): Pick<Engine, "exec"> {
    return this.#parts.commands;
  }

  async dial({ handle, isLook }: Pick<Lease, "handle" | "isLook">, port: number): Promise<Duplex> {
    return await dial(this.#parts.commands, handle, { port, ...(isLook && { isLook: true as const }) });
  }

  async lease(name: SandboxName, signal?: AbortSignal): Promise<Lease> {
    const wait: Wait = { until: later(this.#parts.clock.now(), READY_MS_MAX), awaySince: null, tries: TRIES_MAX };
    return await this.#lease(name, wait, signal);
  }

  async look(name: SandboxName): Promise<Lease> {
    const serving = this.#serving.get(name);
    if (serving === undefined) throw this.#notServing(name);
    return {
      ...serving,
      isLook: true,
      revoked: new AbortController().signal,
      next: () => Promise.reject(toNotReady(name, "its container has just stopped serving")),
      [Symbol.dispose]: () => undefined,
    };
  }

  async #lease(name: SandboxName, wait: Wait, signal: AbortSignal | undefined): Promise<Lease> {
    for (;;) {
      const serving = this.#serving.get(name);
      const stopped = serving === undefined ? null : this.#parts.uses.stopOf(serving.handle.id);
      if (serving !== undefined && stopped === null) return this.#take(name, serving, wait);
      const refusal = this.#refusal(name, wait, signal);
      if (refusal !== null) throw refusal;
      await this.#untilChanged(name, wait, { stopped, signal });
    }
  }

  #take(name: SandboxName, serving: Serving, wait: Wait): Lease {
    const { uses, activity, clock } = this.#parts;
    const hold = uses.hold(serving.handle.id);
    activity.touch(name, clock.now());
    const lease: Lease = {
      ...serving,
      isLook: false,
      revoked: hold.revoked,
      next: async (signal) => {
        lease[Symbol.dispose]();
        const now = this.#serving.get(name)?.handle;
        if (now?.id === serving.handle.id && now.incarnation === serving.handle.incarnation) {
          this.#serving.delete(name);
          this.#parts.suspect(name);
        }
        return await this.#lease(name, { ...wait, tries: wait.tries - 1 }, signal);
      },
      [Symbol.dispose]: () => {
        activity.touch(name, clock.now());
        hold[Symbol.dispose]();
      },
    };
    return lease;
  }

  /** Why waiting does not help, or is over. null: it may help. */
  #refusal(name: SandboxName, wait: Wait, signal: AbortSignal | undefined): OperationError | null {
    const now = this.#parts.clock.now();
    const status = this.#parts.statuses.get(name);
    if (status === undefined) return this.#notServing(name);
    const ready = findCondition(status.status.conditions, "Ready");
    // The status is written after a pass: until then it may still praise a container that has just ended.
    const isStale = ready === undefined || ready.status === "True";
    const isAway = !isStale && isEngineAway(ready.reason);
    wait.awaySince = isAway ? (wait.awaySince ?? now) : null;
    const isLate = now >= wait.until || wait.tries <= 0 || (wait.awaySince !== null && elapsed(wait.awaySince, now) >= ENGINE_AWAY_MS_MAX);
    const isHopeless = !(isStale || isAway) && (isBlocking(ready.reason) || GONE.has(ready.reason));
    if (!isLate && !isHopeless && signal?.aborted !== true) return this.#waitingCount >= WAITING_MAX ? tooMany() : null;
    return this.#notServing(name);
  }

  #notServing(name: SandboxName): OperationError {
    const status = this.#parts.statuses.get(name);
    if (status === undefined) return new OperationError("NotFound", `there is no sandbox ${name}`, { fix: "openclaw sandbox list" });
    const ready = findCondition(status.status.conditions, "Ready");
    const isStale = ready === undefined || ready.status === "True";
    return toNotReady(name, isStale ? "its container has just stopped serving and is being observed" : ready.message);
  }

  /** Resolves when it is to be looked at again. */
  async #untilChanged(
    name: SandboxName,
    wait: Wait,
    ends: { stopped: Promise<void> | null; signal: AbortSignal | undefined },
  ): Promise<void> {
    const { clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting.add(resolve));
    this.#waitingCount += 1;
    const until = wait.awaySince === null ? wait.until : Math.min(wait.until, later(wait.awaySince, ENGINE_AWAY_MS_MAX));
    const stopTimer = clock.setTimer(elapsed(clock.now(), until as EpochMs), resolve);
    const abort = (): void => resolve();
    ends.signal?.addEventListener("abort", abort, { once: true });
    void ends.stopped?.then(resolve);
    try {
      await promise;
    } finally {
      stopTimer();
      ends.signal?.removeEventListener("abort", abort);
      waiting.delete(resolve);
      if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name);
      this.#waitingCount -= 1;
    }
  }

  #changed(name: SandboxName): void {
    for (const look of this.#waiting.get(name) ?? []) look();
  }
}

const tooMany = (): OperationError => new OperationError("LimitExceeded", `${WAITING_MAX} calls are already waiting for their sandboxes`);

const toNotReady = (name: SandboxName, because: string): OperationError =>
  new OperationError("NotReady", `sandbox ${name} is not ready: ${because}`);
