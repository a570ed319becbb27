// The metrics of the egress: whether its lists are in force, what the controller does for that, and what sandboxes reach and are refused.
// Which rule it was that decided is in each sandbox's log: rules are no closed set.
import { EGRESS_REASONS, EGRESS_VERDICTS, type EgressReason } from "../../api/egress/decision.ts";
import type { MetricRegistry } from "../../api/metrics-registry.ts";
import type { ProxyActionKind } from "../decide/proxy.ts";
import { keysOf } from "./labels.ts";

export const EGRESS_STATES = ["in_force", "progressing", "unavailable", "unused"] as const;
export type EgressState = (typeof EGRESS_STATES)[number];

const ACTIONS = keysOf<ProxyActionKind>({
  "create-volume": true,
  "create-network": true,
  "create-proxy": true,
  "start-proxy": true,
  "unpause-proxy": true,
  "apply-policy": true,
  "retire-proxy": true,
});
/** The objective is a second from an edit to the list in force. */
const APPLY_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface EgressMetrics {
  state(state: EgressState): void;
  action(action: ProxyActionKind, result: "success" | "error"): void;
  /** From noticing that the lists are others to the proxy's acknowledgement. */
  applied(seconds: number): void;
  decided(reason: EgressReason): void;
  /** Of a connection that has ended. */
  passed(bytesIn: number, bytesOut: number): void;
  lost(records: number, refused: number): void;
  /** Sandboxes whose list is not in force. */
  closed(count: number): void;
}

export function createEgressMetrics(registry: MetricRegistry): EgressMetrics {
  const state = registry.gauge(
    { name: "openclaw_egress_state", help: "1 for the state that the egress proxy and its lists are in." },
    { state: EGRESS_STATES },
  );
  const actions = registry.counter(
    { name: "openclaw_egress_actions_total", help: "Actions of the controller on the egress proxy, by result." },
    { action: ACTIONS, result: ["success", "error"] },
  );
  const applied = registry.histogram(
    { name: "openclaw_egress_apply_seconds", help: "Time from noticing changed lists to the egress proxy enforcing them." },
    {},
    APPLY_SECONDS,
  );
  const decisions = registry.counter(
    { name: "openclaw_egress_decisions_total", help: "Connections that sandboxes asked for: allowed, or why they were refused." },
    { reason: EGRESS_REASONS },
  );
  const bytes = registry.counter(
    { name: "openclaw_egress_bytes_total", help: "Bytes of ended connections, to sandboxes (in) and from them (out)." },
    { direction: ["in", "out"] },
  );
  const lost = registry.counter(
    { name: "openclaw_egress_lost_records_total", help: "Decisions that came faster than they are recorded: counted here alone." },
    { verdict: EGRESS_VERDICTS },
  );
  const closed = registry.gauge(
    { name: "openclaw_egress_closed_sandboxes", help: "Sandboxes whose network is closed although their config has a list." },
    {},
  );
  return {
    state: (now) => {
      for (const each of EGRESS_STATES) state.set({ state: each }, each === now ? 1 : 0);
    },
    action: (action, result) => actions.inc({ action, result }),
    applied: (seconds) => applied.observe({}, seconds),
    decided: (reason) => decisions.inc({ reason }),
    passed: (bytesIn, bytesOut) => {
      bytes.inc({ direction: "in" }, bytesIn);
      bytes.inc({ direction: "out" }, bytesOut);
    },
    lost: (records, refused) => {
      lost.inc({ verdict: "refused" }, refused);
      lost.inc({ verdict: "allowed" }, records - refused);
    },
    closed: (count) => closed.set({}, count),
  };
}
