// How long a call waits for a sandbox that is not ready, wherever it waits: at the gateway, before it is made, or at the controller, when its
// container went away under a call that was about to begin.
import { type DurationMs, MINUTE_MS } from "./brands.ts";
import { ERROR_CODES } from "./errors.ts";

/** A setup may take 15 minutes, and a container's start comes before it. */
export const READY_MS_MAX = (16 * MINUTE_MS) as DurationMs;
/** A restart of the engine takes seconds. One that is away for longer is away until somebody does something. */
export const ENGINE_AWAY_MS_MAX = MINUTE_MS;

/** Reasons of Ready that don't pass in a moment: mostly a person has to do something about them. */
const BLOCKING: ReadonlySet<string> = new Set([
  ...Object.entries(ERROR_CODES).flatMap(([code, { remedy }]) => (remedy === "wait" ? [] : [code])),
  "SetupFailed",
  "CrashLoop",
]);

const ENGINE_AWAY: ReadonlySet<string> = new Set(["EngineUnreachable", "EngineTimeout"]);

/** @param reason of the Ready condition */
export const isBlocking = (reason: string): boolean => BLOCKING.has(reason);

/** A reason that blocks, unless the engine is back soon. */
export const isEngineAway = (reason: string): boolean => ENGINE_AWAY.has(reason);
