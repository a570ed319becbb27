// Every engine call goes through here: a deadline that holds even when the engine accepts and never answers, one place that turns its
// errors into the product's, one observation for metrics. It does not retry and it knows no engine's verbs.
import { OperationError } from "../../api/errors.ts";
import { toOperationError } from "./errors.ts";
import { type CallCode, DEADLINE_MS, type EngineOperation } from "./operations.ts";
import { unrendered } from "./unrendered.ts";

/** Told once per call, when it settles. */
export type CallObserver = (operation: EngineOperation, code: CallCode, seconds: number) => void;

export interface CallOptions {
  /** Ends the wait early with `Aborted`. */
  signal?: AbortSignal;
  /** Shorter than the table's, milliseconds; a longer one is cut to the table's. */
  deadlineMs?: number;
}

/**
 * Runs `work` and settles no later than the deadline, whether or not `work` ever does. `work` must hand the signal to whatever it
 * starts, so that an abandoned call frees its connection.
 *
 * @throws OperationError `EngineTimeout` at the deadline, `Aborted` by the caller's signal, else as errors.ts classifies
 */
export type Call = <T>(
  operation: EngineOperation,
  subject: string,
  work: (signal: AbortSignal) => Promise<T>,
  options?: CallOptions,
) => Promise<T>;

/**
 * @param observer told about every call
 * @param monotonicMs milliseconds that never go back
 */
export function makeCall(observer: CallObserver, monotonicMs: () => number): Call {
  return async (operation, subject, work, options = {}) => {
    const startedMs = monotonicMs();
    const settled = (code: CallCode): void => observer(operation, code, (monotonicMs() - startedMs) / 1000);
    try {
      const result = await race(operation, subject, work, options);
      settled("OK");
      return result;
    } catch (error) {
      const classified = toOperationError(operation, subject, error);
      settled(classified.code);
      throw classified;
    }
  };
}

async function race<T>(
  operation: EngineOperation,
  subject: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: CallOptions,
): Promise<T> {
  const deadlineMs = Math.min(DEADLINE_MS[operation], options.deadlineMs ?? Number.POSITIVE_INFINITY);
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const what = subject === "" ? operation : `${operation} ${subject}`;
  const giveUp = (error: OperationError): void => {
    reject(error);
    controller.abort(error);
  };
  const timer = setTimeout(() => {
    giveUp(
      new OperationError("EngineTimeout", `engine: ${what}: no answer within ${deadlineMs / 1000} s`, {
        fix: "check that the engine answers: docker ps",
      }),
    );
  }, deadlineMs);
  const abort = (): void => giveUp(new OperationError("Aborted", `engine: ${what}: no longer needed`));
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted === true) abort();
  try {
    const running = work(unrendered(controller.signal));
    // The loser of the race must not become an unhandled rejection.
    running.catch(() => {});
    return await Promise.race([promise, running]);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", abort);
  }
}
