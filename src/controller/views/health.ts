// What the controller says of itself to whoever watches it: live, ready, and the view behind `openclaw status`.
// Answering requests is health-server.ts's and the servers'; it looks at what is in memory and asks nobody.
import { type DurationMs, type EpochMs, type InstanceId, MINUTE_MS } from "../../api/brands.ts";
import type { ControllerView, HeldView } from "../../api/wire.ts";
import type { EngineInfo } from "../engine/engine.ts";
import type { HealthCheck, ReadyCheck } from "../metrics/ready-check.ts";
import type { StatusStore } from "../records/status-store.ts";
import type { ConfigSource } from "../sources/config-source.ts";
import type { DesiredState } from "../sources/desired-state.ts";
import type { EngineSource } from "../sources/engine-source.ts";

/**
 * Longest stretch in which the loop may do nothing with work waiting. A pass over an engine that answers everything just in time looks for
 * 35 s, creates and starts for 60 s each, and names for 10 s; another one may have gone before it.
 */
const STUCK_MS_MAX = (6 * MINUTE_MS) as DurationMs;

/** What is looked at; a controller is one. */
export interface Watched {
  /** How long the oldest work has waited and the longest pass has run, in milliseconds; 0: none does. */
  loop: { stats(): { oldestWaitMs: number; longestRunningMs: number } };
  desired: Pick<DesiredState, "loaded">;
  engineSource: Pick<EngineSource, "loaded" | "trouble" | "connected">;
  config: Pick<ConfigSource, "view">;
  statuses: Pick<StatusStore, "size">;
  /** Since when a person holds all replacements back. null: nobody does. */
  rollouts: { readonly pausedSince: EpochMs | null };
  guard: { view(): HeldView };
}

export interface ProcessFacts extends Pick<ControllerView, "version" | "stateDir" | "startedAt"> {
  configPath: string;
}

export class Health {
  serversOpen = false;
  readonly #facts: ProcessFacts;
  #watched: { controller: Watched; engine: EngineInfo; instance: InstanceId } | null = null;

  constructor(facts: ProcessFacts) {
    this.#facts = facts;
  }

  /** @param instance as the engine's name for the state folder made it, which is known only now */
  watch(controller: Watched, engine: EngineInfo, instance: InstanceId): void {
    this.#watched = { controller, engine, instance };
  }

  live(): HealthCheck[] {
    const stats = this.#watched?.controller.loop.stats();
    const oldest = Math.max(stats?.oldestWaitMs ?? 0, stats?.longestRunningMs ?? 0);
    return [
      {
        name: "loop",
        ok: oldest < STUCK_MS_MAX,
        message: `oldest work is ${(oldest / 1_000).toFixed(1)} s old, limit ${STUCK_MS_MAX / 1_000} s`,
      },
    ];
  }

  ready(): ReadyCheck[] {
    const controller = this.#watched?.controller;
    const check = (name: ReadyCheck["name"], ok: boolean | undefined, good: string, bad: string): ReadyCheck => ({
      name,
      ok: ok === true,
      message: ok ? good : bad,
    });
    return [
      check(
        "desired",
        controller?.desired.loaded,
        "config, sessions and requests are loaded",
        "config, sessions or requests are not loaded; see: openclaw config validate",
      ),
      check("observed", controller?.engineSource.loaded, "every container was listed", "containers have not been listed yet"),
      check("engine", controller?.engineSource.trouble === null, "the engine answers", "the engine does not answer; see: openclaw doctor"),
      check("events", controller?.engineSource.connected, "the event stream is up", "the event stream is down"),
      { name: "removals", ok: true, message: renderHeld(controller?.guard.view().items.length ?? 0) },
      check("servers", this.serversOpen, "the admin and stream sockets are open", "the admin and stream sockets are not open yet"),
    ];
  }

  view(): ControllerView {
    const checks = this.ready();
    const engine = this.#watched?.engine ?? null;
    const { configPath, ...facts } = this.#facts;
    return {
      ...facts,
      instance: this.#watched?.instance ?? null,
      ready: checks.every(({ ok }) => ok),
      checks,
      engine: engine === null ? null : { endpoint: engine.endpoint, product: engine.product, version: engine.version },
      config: this.#watched?.controller.config.view ?? { file: configPath, ok: false, issues: [], loadedAt: null },
      sandboxes: this.#watched?.controller.statuses.size ?? 0,
      rolloutsPausedSince: this.#watched?.controller.rollouts.pausedSince ?? null,
      removalsHeld: this.#watched?.controller.guard.view().items.length ?? 0,
    };
  }
}

/** Sandboxes go on being served, so waiting for a person is no reason for not being ready. */
const renderHeld = (count: number): string =>
  count === 0 ? "no removals are awaiting approval" : `${count} removals are awaiting approval: openclaw sandbox approve`;
