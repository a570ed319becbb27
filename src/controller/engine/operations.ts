// The operations that an engine is asked for, how long each may take, and how each may end: closed sets, fit for metric labels.
// How a call is made is call.ts's; what went wrong is errors.ts's.
import type { ErrorCode } from "../../api/errors.ts";

/**
 * Longest wait per operation, milliseconds. Reads answer in 0.5 to 20 ms on an idle machine and some 200 times that under a full load of
 * creates; writes to one container wait for its lock. Only what starts or ends processes may take longer than 30 s.
 */
export const DEADLINE_MS = {
  ping: 3_000,
  info: 10_000,
  /** 400 containers: 20 ms; 10 000: below a second. */
  list: 15_000,
  inspect: 10_000,
  image: 10_000,
  /** Looks at every file that the container wrote. */
  size: 15_000,
  /** The engine may have to prepare a snapshot of a large image first. */
  create: 60_000,
  /** 138 ms alone, 4.6 s (p50) with 32 at a time. */
  start: 60_000,
  rename: 10_000,
  update: 15_000,
  unpause: 10_000,
  attach: 20_000,
  detach: 20_000,
  kill: 20_000,
  /** The engine itself waits 10 s for the kill, then removes layers and volumes. */
  remove: 60_000,
  "exec-create": 10_000,
  "exec-start": 20_000,
  "exec-inspect": 10_000,
  /** The last lines of a main process that only sleeps. */
  logs: 10_000,
  /** Reads a dozen files of the kernel's. */
  stats: 10_000,
  /** Runs `ps`. */
  top: 10_000,
  "exec-resize": 5_000,
  objects: 15_000,
  "create-object": 25_000,
  "remove-object": 25_000,
  /** Until the response's head; the stream itself has no end. */
  events: 10_000,
} as const;

/**
 * What a tool's command found of execs that were started beforehand. `miss`: none waited; `lost`: it had ended before it was asked, and the engine began
 * the command; `unsuitable`: only the engine can begin it.
 */
export const PRESTART_RESULTS = ["hit", "miss", "lost", "unsuitable"] as const;
export type PrestartResult = (typeof PRESTART_RESULTS)[number];

export type EngineOperation = keyof typeof DEADLINE_MS;
/** `OK` or why not: both sets are closed, so they are fit for metric labels. */
export type CallCode = "OK" | ErrorCode;
