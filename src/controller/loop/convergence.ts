// Measures time to convergence: from noticing a change to the sandbox matching that generation.
// Intended waits (a deferral, a setup, a back-off) are not counted: the clock restarts when the wait ends.
import { type EpochMs, elapsed, type SandboxName } from "../../api/brands.ts";
import type { Plan, Trigger } from "../decide/types.ts";

interface Run {
  trigger: Trigger;
  since: EpochMs;
}

export class Convergence {
  readonly #noticed = new Map<SandboxName, Run>();
  readonly #running = new Map<SandboxName, Run>();
  readonly #now: () => EpochMs;
  readonly #measured: (trigger: Trigger, seconds: number) => void;

  constructor(now: () => EpochMs, measured: (trigger: Trigger, seconds: number) => void) {
    this.#now = now;
    this.#measured = measured;
  }

  /** Something may have changed; the first word about it counts. */
  noticed(name: SandboxName, trigger: Trigger): void {
    if (!this.#noticed.has(name)) this.#noticed.set(name, { trigger, since: this.#now() });
  }

  /** A pass judged the sandbox. */
  judged(name: SandboxName, { verdict, actions }: Pick<Plan, "verdict" | "actions">): void {
    const noticed = this.#noticed.get(name);
    this.#noticed.delete(name);
    switch (verdict.kind) {
      case "progressing":
        if (!this.#running.has(name)) this.#running.set(name, toRun(noticed ?? { trigger: "resync", since: this.#now() }, actions));
        return;
      case "converged":
      case "gone": {
        const run = this.#running.get(name);
        this.#running.delete(name);
        if (run !== undefined) this.#measured(run.trigger, elapsed(run.since, this.#now()) / 1_000);
        return;
      }
      case "deferred":
      case "held":
      case "blocked":
      case "unknown":
        this.#running.delete(name);
        return;
    }
  }

  /** Time that a setup took is the setup's, not the controller's. */
  discount(name: SandboxName, seconds: number): void {
    const run = this.#running.get(name);
    if (run !== undefined) this.#running.set(name, { ...run, since: (run.since + seconds * 1_000) as EpochMs });
  }
}

/** An engine's hint says that something happened, not what: the plan tells a crash from a change made by hand. */
function toRun(noticed: Run, actions: Plan["actions"]): Run {
  return actions.some(({ cause }) => cause === "crash") ? { ...noticed, trigger: "crash" } : noticed;
}
