// Reports to people and programs what the loop did: one log line and one event where something changed, and the counters.
// The text of plans and conditions comes from decide/; this file only reports it, once.
import type { Logger } from "pino";
import { type EpochMs, elapsed, type SandboxName } from "../../api/brands.ts";
import { CONDITION_TYPES, findCondition } from "../../api/condition.ts";
import { type OperationError, renderError } from "../../api/errors.ts";
import type { EventType } from "../../api/event.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { renderAction } from "../decide/render.ts";
import type { Action, ActionKind, Cause } from "../decide/types.ts";
import type { Observation } from "../engine/engine.ts";
import type { EventLog } from "../records/event-log.ts";

/** What is counted here; `ControllerMetrics` does. */
export interface ReportMetrics {
  action(action: ActionKind, cause: Cause, result: "success" | "error"): void;
  recreate(reason: "drift" | "forced" | "age" | "crash" | "image"): void;
  /** From the removal of a container until its successor serves. */
  recreateDowntime(seconds: number): void;
  prune(reason: "idle" | "released" | "orphan"): void;
}

export interface ReportParts {
  now(): EpochMs;
  log: Logger;
  events: EventLog;
  metrics: ReportMetrics;
}

const ACTION_EVENTS: Readonly<Record<Action["kind"], { type: EventType; reason: string } | null>> = {
  "prepare-workspace": { type: "Normal", reason: "WorkspacePrepared" },
  create: { type: "Normal", reason: "Created" },
  start: null,
  setup: { type: "Normal", reason: "SetupStarted" },
  "compare-mounts": null,
  promote: null,
  update: { type: "Normal", reason: "Updated" },
  unpause: { type: "Normal", reason: "Unpaused" },
  attach: { type: "Warning", reason: "Attached" },
  detach: { type: "Warning", reason: "Detached" },
  "attach-relay": null,
  "remove-relay": null,
  retire: { type: "Normal", reason: "Removed" },
};

/** Somebody changed it or held it up; what ended by itself the condition tells. */
const REPAIRED: { type: EventType; reason: string } = { type: "Warning", reason: "EgressRepaired" };

/** A person requested it, or it is how things go. */
const CALM: ReadonlySet<string> = new Set(["Pruned", "Released", "Pinned", "RolloutPaused"]);
/** Waits of a moment, in one sandbox after the other: no event. */
const QUIET: ReadonlySet<string> = new Set(["WaitsForCanary", "WaitsForTurn"]);

export class Report {
  readonly #parts: ReportParts;
  /** Since when a replaced sandbox has had no container, until its successor has the name. */
  readonly #downSince = new Map<SandboxName, EpochMs>();
  readonly #foreignSeen = new Set<string>();
  readonly #unrecordedSeen = new Set<string>();

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  performed(name: SandboxName, action: Action, result: "success" | "error", error?: OperationError): void {
    const { log, metrics } = this.#parts;
    metrics.action(action.kind, action.cause, result);
    const fields = { sandbox: name, action: action.kind, cause: action.cause, because: action.because };
    if (error !== undefined) {
      log.warn({ ...fields, code: error.code, err: error }, "action failed");
      this.#event(name, "Warning", "ActionFailed", `${renderAction(action)} failed: ${renderError(error)}`);
      return;
    }
    log.info(fields, "action performed");
    const event = action.kind === "remove-relay" && action.cause === "external" ? REPAIRED : ACTION_EVENTS[action.kind];
    if (event !== null) this.#event(name, event.type, event.reason, renderAction(action));
    this.#count(name, action);
  }

  stopGivenUp(name: SandboxName, action: Action): void {
    this.#parts.log.info({ sandbox: name, action: action.kind }, "stop abandoned: the sandbox came into use");
  }

  passFailed(name: SandboxName, error: OperationError): void {
    this.#parts.log.warn({ sandbox: name, code: error.code, err: error }, "pass failed");
  }

  /** Reported once per container: it is looked at in every pass and never touched. */
  foreign({ handle, actualName, identity }: Observation): void {
    if (!isFirst(this.#foreignSeen, handle.id)) return;
    this.#parts.log.warn({ container: actualName, id: handle.id }, "container carries our labels but is not ours; left alone");
    this.#event(
      identity.name,
      "Warning",
      "ForeignContainer",
      `${actualName} carries this sandbox's labels but was not created by this controller; left alone`,
    );
  }

  /** Reported once per container: it is tried again in every pass. */
  unrecorded({ handle, identity }: Observation, error: OperationError): void {
    if (!isFirst(this.#unrecordedSeen, handle.id)) return;
    this.#parts.log.warn({ sandbox: identity.name, id: handle.id, code: error.code, err: error }, "container not written into the ledger");
    this.#event(identity.name, "Warning", "LedgerNotWritten", `${renderError(error)}; the container is known only by its labels`);
  }

  /** Something else than what was judged is mounted, or may be: somebody swaps files, or a file was replaced on the host. */
  mountsRefused(name: SandboxName, message: string): void {
    this.#parts.log.warn({ sandbox: name, because: message }, "mounts refused");
    this.#event(name, "Warning", "MountsRefused", message);
  }

  /** It is gone: what comes under its name is another one. */
  forget(name: SandboxName): void {
    this.#downSince.delete(name);
  }

  /** What changed from one status to the next; nothing when nothing did. */
  transitions(previous: Sandbox | null, next: Sandbox): void {
    for (const type of CONDITION_TYPES) {
      const before = previous === null ? undefined : findCondition(previous.status.conditions, type);
      const after = findCondition(next.status.conditions, type);
      if (after === undefined || (before?.status === after.status && before.reason === after.reason)) continue;
      this.#transition(next, type, after);
    }
  }

  #transition(next: Sandbox, type: string, after: { status: string; reason: string; message: string }): void {
    const { name } = next.metadata;
    const fields = { sandbox: name, condition: type, status: after.status, reason: after.reason, because: after.message };
    if (after.reason === "DeferredInUse" || after.reason === "DriftOverdue") {
      const message = `change deferred: ${after.message}; to apply it now: ${recreateCommand(next)}`;
      this.#parts.log.warn({ ...fields, command: recreateCommand(next) }, "change deferred");
      this.#event(name, "Warning", after.reason, message);
      return;
    }
    if (after.reason === "Progressing" || after.reason === "Converging" || (type === "EngineReachable" && after.status === "True")) return;
    this.#parts.log.info(fields, "condition changed");
    if ((type === "UpToDate" && after.status === "True") || QUIET.has(after.reason)) return;
    const calm = after.status === "True" || CALM.has(after.reason);
    this.#event(name, calm ? "Normal" : "Warning", type === "Ready" && after.status === "True" ? "Ready" : after.reason, after.message);
  }

  #count(name: SandboxName, action: Action): void {
    const { metrics, now } = this.#parts;
    if (action.kind === "promote") {
      const since = this.#downSince.get(name);
      this.#downSince.delete(name);
      if (since !== undefined) metrics.recreateDowntime(elapsed(since, now()) / 1_000);
    }
    if (action.kind !== "retire") return;
    switch (action.cause) {
      case "drift":
      case "forced":
      case "age":
      case "crash":
      case "image":
        this.#downSince.set(name, now());
        metrics.recreate(action.cause);
        return;
      case "idle":
      case "released":
      case "orphan":
        metrics.prune(action.cause);
    }
  }

  #event(name: SandboxName, type: EventType, reason: string, message: string): void {
    this.#parts.events.record({ type, reason, message, object: { kind: "Sandbox", name } });
  }
}

/** Bounded: ids are all that is kept, and a host has thousands of containers at most. */
function isFirst(seen: Set<string>, id: string): boolean {
  if (seen.has(id)) return false;
  if (seen.size > 10_000) seen.clear();
  seen.add(id);
  return true;
}

/** The exact command that ends the hot window of this sandbox. */
export function recreateCommand({ spec }: Pick<Sandbox, "spec">): string {
  // Without it the sandbox beside a browser would be recreated too.
  const only = spec.kind === "browser" ? " --browser" : "";
  switch (spec.scope) {
    case "session":
      return `openclaw sandbox recreate --session ${spec.scopeKey}${only}`;
    case "agent":
      return `openclaw sandbox recreate --agent ${spec.agentId ?? ""}${only}`;
    case "shared":
      return `openclaw sandbox recreate --all${only}`;
  }
}
