// The gateway's own metrics, for `/metrics`. Labels are from closed sets: operations, tools, results; never a name, a key or a path.
// The controller has metrics of its own.

import { OPERATIONS, type OperationName } from "../api/gateway-protocol/operations.ts";
import { MetricRegistry } from "../api/metrics-registry.ts";
import { KNOWN_TOOLS } from "../api/tool-policy.ts";
import { AUTH_FAILURES, type AuthFailure } from "./http/auth.ts";

const STATUSES = ["2xx", "3xx", "4xx", "5xx"] as const;
export const TOOL_RESULTS = ["success", "failure", "denied", "aborted", "error"] as const;
export type ToolCallResult = (typeof TOOL_RESULTS)[number];
/** `health`, `metrics`, `page`, `pair`, `mcp`, and `other` for what is not there at all. */
const ROUTES = ["health", "metrics", "page", "pair", "openapi", "mcp", "other"] as const;
export type RouteName = OperationName | (typeof ROUTES)[number];
const OPERATION_LABELS: readonly RouteName[] = [...(Object.keys(OPERATIONS) as OperationName[]), ...ROUTES];
/** A tool that there is not must not become a label. */
const TOOL_LABELS: readonly string[] = [...KNOWN_TOOLS, "other"];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export class GatewayMetrics {
  readonly registry: MetricRegistry;
  readonly #made: ReturnType<typeof create>;

  constructor({ version, revision, processMetrics }: { version: string; revision: string; processMetrics: boolean }) {
    this.registry = new MetricRegistry({ processMetrics });
    this.#made = create(this.registry);
    const labels = { version: [version], revision: [revision] } as const;
    this.registry.gauge({ name: "openclaw_build_info", help: "The running build; always 1." }, labels).set({ version, revision }, 1);
  }

  /** Asked before each scrape. Call once. */
  watch(count: { sessions(): number; connections(): number }): void {
    this.registry.beforeScrape(() => {
      this.#made.sessions.set({}, count.sessions());
      this.#made.connections.set({}, count.connections());
    });
  }

  request(operation: RouteName, status: number, seconds: number): void {
    const code = STATUSES.find((name) => name.startsWith(String(status).slice(0, 1))) ?? "5xx";
    this.#made.requests.inc({ operation, code });
    this.#made.seconds.observe({ operation }, seconds);
  }

  authFailed(reason: AuthFailure): void {
    this.#made.authFailures.inc({ reason });
  }

  toolCall(tool: string, result: ToolCallResult): void {
    const label = TOOL_LABELS.includes(tool) ? tool : "other";
    this.#made.toolCalls.inc({ tool: label, result });
    if (result === "denied") this.#made.denials.inc({ tool: label });
  }
}

function create(registry: MetricRegistry) {
  return {
    requests: registry.counter(
      { name: "openclaw_gateway_requests_total", help: "Requests answered, by operation and status class." },
      { operation: OPERATION_LABELS, code: STATUSES },
    ),
    seconds: registry.histogram(
      { name: "openclaw_gateway_request_duration_seconds", help: "Time until the response started." },
      { operation: OPERATION_LABELS },
      SECONDS,
    ),
    connections: registry.gauge({ name: "openclaw_gateway_connections", help: "Open connections." }, {}),
    authFailures: registry.counter(
      { name: "openclaw_gateway_auth_failures_total", help: "Requests that failed authentication, by reason." },
      { reason: AUTH_FAILURES },
    ),
    toolCalls: registry.counter(
      { name: "openclaw_gateway_tool_calls_total", help: "Tool calls, by result." },
      { tool: TOOL_LABELS, result: TOOL_RESULTS },
    ),
    denials: registry.counter(
      { name: "openclaw_gateway_policy_denials_total", help: "Tool calls refused by the agent's policy." },
      { tool: TOOL_LABELS },
    ),
    sessions: registry.gauge({ name: "openclaw_gateway_sessions", help: "Existing sessions." }, {}),
  };
}
