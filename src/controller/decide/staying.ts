// Decides whether what runs stays up: a command that its image does not have, or can't run, ends within milliseconds of a start that succeeded. A setup
// shows as much by itself. Pure.
import { type DurationMs, type EpochMs, later, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import type { Observation } from "./observation.ts";

/** Where the engine can't show the main process at rest, this is waited for. */
const STAYING_MS = (SECOND_MS / 2) as DurationMs;
/** The main process is at rest some 5 ms after the start. */
const LOOK_AGAIN_MS = toDurationMs(20);

/** When to look again whether it stays up. null: it does. */
export function nextLookAtRest(observation: Pick<Observation, "identity" | "startedAt" | "settled">, now: EpochMs): EpochMs | null {
  if (observation.settled) return null;
  const staysAt = staysUpAt(observation, now);
  return now >= staysAt ? null : (Math.min(later(now, LOOK_AGAIN_MS), staysAt) as EpochMs);
}

/**
 * From its start, which may come long after its creation; from that where the engine's clock is ahead. A moment that is yet to come is from before
 * a clock was set back: nobody waits for it to come round.
 */
function staysUpAt({ identity, startedAt }: Pick<Observation, "identity" | "startedAt">, now: EpochMs): EpochMs {
  const past = [identity.createdAt, startedAt ?? identity.createdAt].filter((at) => at <= now);
  return later(Math.max(0, ...past) as EpochMs, STAYING_MS);
}
