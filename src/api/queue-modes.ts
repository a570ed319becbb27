// What a message does that comes while the agent still answers an earlier one: the words for it, in the config, in requests and in commands. Pure.
// What follows from each is decided in gateway/agent/decide/.

/**
 * `steer`: the run takes it in before its next tool call or model call. `followup`: a run of its own afterwards. `collect`: one run afterwards for all that
 * came meanwhile. `interrupt`: the run ends, and one for this message begins.
 */
export const QUEUE_MODES = ["steer", "followup", "collect", "interrupt"] as const;
export type QueueMode = (typeof QUEUE_MODES)[number];

/** Upstream's earlier words. */
const ALIASES: ReadonlyMap<string, QueueMode> = new Map([
  ["steer-backlog", "steer"],
  ["queue", "followup"],
]);

/** @returns `alias`: the word that was written for it, where it is an earlier one; null: it means none */
export function toQueueMode(text: string): { mode: QueueMode; alias: string | null } | null {
  const word = text.trim().toLowerCase();
  const mode = QUEUE_MODES.find((known) => known === word);
  if (mode !== undefined) return { mode, alias: null };
  const aliased = ALIASES.get(word);
  return aliased === undefined ? null : { mode: aliased, alias: word };
}
