// The config as the rest of the gateway sees it: one that is in force now, and a call when it is another one. Where it comes from is
// config-watch.ts's (the file) or controller-config.ts's (the controller).
import type { Config } from "../../api/config/config.ts";

/** What a log line says of a config that can't be used. @param wasValid whether one was in force before */
export const renderRefusal = (wasValid: boolean): string =>
  wasValid ? "config is invalid; the last good one stays in force" : "there is no valid config yet; the defaults are in force";

export interface ConfigInForce {
  readonly current: Config;
  /** The database of another OpenClaw gateway in the state folder, as it was at the start. null: there is none. */
  readonly upstreamDatabase: string | null;
  /** Calls back whenever another config is in force. One listener. */
  onChange(changed: () => void): void;
  /** Follows what may change until the signal aborts. Called once. */
  watch(signal: AbortSignal): void;
}
