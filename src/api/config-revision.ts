// Texts of the config that were in force, as the controller keeps them and `sandbox rollout history` and `undo` ask for them. Types alone: what is kept, and
// for how long, is controller/records/config-history.ts's.
import type { ConfigTexts } from "./wire.ts";

export interface ConfigRevision {
  /** Counts up from 1; a text that comes back is a new one. */
  revision: number;
  /** Since when it was in force, milliseconds since the epoch. */
  since: number;
  /** Paths whose text differs from the revision before; of the oldest that is kept, all. */
  changed: string[];
}

export interface ConfigRevisions {
  /** Oldest first; the last one is in force. */
  items: ConfigRevision[];
}

export interface ConfigRevisionTexts extends ConfigRevision {
  texts: ConfigTexts;
}
