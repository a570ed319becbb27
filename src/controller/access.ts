// Leases on the containers that serve now. A pass says which container that is; a lease fences its holder to exactly that run of it.
import type { ContainerId, EpochMs, SandboxName } from "../api/brands.ts";
import { findCondition } from "../api/condition.ts";
import { OperationError } from "../api/errors.ts";
import type { Activity } from "./activity.ts";
import { isReady } from "./decide/status.ts";
import type { Plan, PlanInput, SandboxSpecInForce } from "./decide/types.ts";
import type { Engine, Handle } from "./engine/engine.ts";
import type { Lease, SandboxAccess } from "./sandbox-access.ts";
import type { StatusStore } from "./status-store.ts";
import type { Uses } from "./uses.ts";

export interface AccessParts {
  now(): EpochMs;
  engine: Engine;
  statuses: StatusStore;
  activity: Activity;
  uses: Uses;
}

interface Serving {
  handle: Handle;
  spec: SandboxSpecInForce;
}

export class ServingAccess implements SandboxAccess {
  readonly #parts: AccessParts;
  readonly #serving = new Map<SandboxName, Serving>();

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  get engine(): Engine {
    return this.#parts.engine;
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
  }

  /** The sandbox whose serving container this is. null: it serves no more. */
  nameOf(id: ContainerId): SandboxName | null {
    for (const [name, { handle }] of this.#serving) if (handle.id === id) return name;
    return null;
  }

  async lease(name: SandboxName): Promise<Lease> {
    const { uses, activity, now } = this.#parts;
    const serving = this.#serving.get(name);
    if (serving === undefined) throw this.#notServing(name);
    const hold = uses.hold(serving.handle.id);
    activity.touch(name, now());
    return {
      ...serving,
      revoked: hold.revoked,
      [Symbol.dispose]: () => {
        activity.touch(name, now());
        hold[Symbol.dispose]();
      },
    };
  }

  #notServing(name: SandboxName): OperationError {
    const status = this.#parts.statuses.get(name);
    if (status === undefined) return new OperationError("NotFound", `there is no sandbox ${name}`, { fix: "openclaw sandbox list" });
    const ready = findCondition(status.status.conditions, "Ready");
    // The status is written after a pass: until then it may still praise a container that has just ended.
    const because = ready?.status === "True" ? "its container has just stopped serving, and is being looked at" : ready?.message;
    return new OperationError("NotReady", `sandbox ${name} is not ready: ${because ?? "it was not looked at yet"}`);
  }
}
