// The effective `egress` block of one agent's sandbox: its lists over those of the defaults, where each rule comes from, and what a sandbox with
// one gets in its environment. It judges no destination: that is api/egress's, and the proxy's.
import type { EgressComplete } from "./schema-sandbox.ts";

/** What a sandbox without a network may reach through the proxy. */
export interface EffectiveEgress {
  /** In normal form, in the order of the file. */
  readonly allow: readonly string[];
  /** Those of the defaults first. */
  readonly deny: readonly string[];
  readonly log: EgressComplete["log"];
  readonly connections: number;
  /** Bytes in a second; null is no limit. */
  readonly bandwidth: number | null;
}

/** Where the relay listens inside a sandbox. */
export const EGRESS_PORT = 3128;
const PROXY = `http://127.0.0.1:${EGRESS_PORT}`;
const DIRECT = "localhost,127.0.0.1,::1";

/** Programs read either case; Node's own fetch asks for its permission. */
export const EGRESS_ENV: Readonly<Record<string, string>> = {
  HTTP_PROXY: PROXY,
  HTTPS_PROXY: PROXY,
  NO_PROXY: DIRECT,
  http_proxy: PROXY,
  https_proxy: PROXY,
  no_proxy: DIRECT,
  NODE_USE_ENV_PROXY: "1",
};
