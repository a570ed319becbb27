// Waits for a sandbox of a session, its tools' or its browser, as long as the controller says that waiting helps. What is asked for is the caller's.
import { type DurationMs, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { ENGINE_AWAY_MS_MAX, isEngineAway, READY_MS_MAX } from "../../api/readiness.ts";
import type { SessionSandbox } from "../../api/wire.ts";
import type { ReadinessProgress } from "./sandbox-port.ts";
import { toNotReady } from "./stream-client.ts";

/** The controller reads a session's file within some 10 ms of its writing; where file events are lost, within a second. */
const KNOWN_MS_MAX = toDurationMs(10_000);

export interface ReadyWait<View extends SessionSandbox> {
  first: View;
  /** At once and whenever it is another one, until the signal aborts. */
  watch(over: AbortSignal): AsyncIterable<View>;
  onProgress(progress: ReadinessProgress): void;
  signal: AbortSignal;
}

/** @throws OperationError why it can't be, or is not in time */
export async function waitUntilReady<View extends SessionSandbox>({ first, watch, onProgress, signal }: ReadyWait<View>): Promise<View> {
  let last = first;
  const known = new AbortController();
  const timer = setTimeout(() => known.abort(), KNOWN_MS_MAX);
  const away = new Deadline(ENGINE_AWAY_MS_MAX);
  try {
    const over = AbortSignal.any([signal, known.signal, away.signal, AbortSignal.timeout(READY_MS_MAX)]);
    for await (const view of watch(over)) {
      if (view.sandbox !== null) clearTimeout(timer);
      if (view.ready) return view;
      const isAway = isEngineAway(view.reason);
      if (view.blocked && !isAway) throw toNotReady(view);
      away.set(isAway);
      if (isNews(last, view)) onProgress({ reason: view.reason, message: view.message });
      last = view;
    }
  } finally {
    clearTimeout(timer);
    away.set(false);
  }
  if (signal.aborted) throw new OperationError("Aborted", "the call was cancelled");
  throw toNotReady(last);
}

/** A time that runs while something lasts, and begins anew with it. */
class Deadline {
  readonly #passed = new AbortController();
  readonly #duration: DurationMs;
  #timer: NodeJS.Timeout | null = null;

  constructor(duration: DurationMs) {
    this.#duration = duration;
  }

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  set(isRunning: boolean): void {
    if (isRunning) this.#timer ??= setTimeout(() => this.#passed.abort(), this.#duration);
    else if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }
}

const isNews = (before: SessionSandbox, now: SessionSandbox): boolean => before.reason !== now.reason || before.message !== now.message;
