// The gateway's own metrics, for `/metrics`. Labels are from closed sets: operations, tools, results; never a name, a key or a path.
// The controller has metrics of its own.

import { METHODS } from "../api/gateway-protocol/methods.ts";
import { OPERATIONS, type OperationName } from "../api/gateway-protocol/operations.ts";
import { MetricRegistry } from "../api/metrics-registry.ts";
import { KNOWN_TOOLS } from "../api/tool-policy.ts";
import { AgentMetrics } from "./agent/agent-metrics.ts";
import { BrowserMetrics } from "./browser/browser-metrics.ts";
import { AUTH_FAILURES, type AuthFailure } from "./http/auth.ts";
import { ModelMetrics } from "./models/model-metrics.ts";

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

const SOCKET_KINDS = ["stranger", "owner", "device"] as const;
const DEVICE_STATES = ["pending", "paired", "revoked"] as const;
const EVENT_RESULTS = ["sent", "lost"] as const;
export const HANDSHAKE_RESULTS = ["granted", "pairing", "refused"] as const;
export type HandshakeResult = (typeof HANDSHAKE_RESULTS)[number];
const SOCKET_OPERATIONS: readonly (OperationName | "other")[] = [...[...METHODS.values()].map(({ operation }) => operation), "other"];

export interface GatewayCounts {
  sessions(): number;
  /** Of HTTP and sockets together. */
  connections(): number;
  sockets(): Record<(typeof SOCKET_KINDS)[number], number>;
  devices(): Record<(typeof DEVICE_STATES)[number], number>;
  /** Since the gateway began. */
  socketEvents(): Record<(typeof EVENT_RESULTS)[number], number>;
}

export class GatewayMetrics {
  readonly registry: MetricRegistry;
  readonly models: ModelMetrics;
  readonly agent: AgentMetrics;
  readonly browsers: BrowserMetrics;
  readonly #made: ReturnType<typeof create>;

  constructor({ version, revision, processMetrics }: { version: string; revision: string; processMetrics: boolean }) {
    this.registry = new MetricRegistry({ processMetrics });
    this.#made = create(this.registry);
    this.models = new ModelMetrics(this.registry);
    this.agent = new AgentMetrics(this.registry);
    this.browsers = new BrowserMetrics(this.registry);
    const labels = { version: [version], revision: [revision] } as const;
    this.registry.gauge({ name: "openclaw_build_info", help: "The running build; always 1." }, labels).set({ version, revision }, 1);
  }

  /** Asked before each scrape. Call once. */
  watch(count: GatewayCounts): void {
    let told = { sent: 0, lost: 0 };
    this.registry.beforeScrape(() => {
      this.#made.sessions.set({}, count.sessions());
      this.#made.connections.set({}, count.connections());
      const [sockets, devices, events] = [count.sockets(), count.devices(), count.socketEvents()];
      for (const kind of SOCKET_KINDS) this.#made.sockets.set({ kind }, sockets[kind]);
      for (const state of DEVICE_STATES) this.#made.devices.set({ state }, devices[state]);
      // A tenth of a million a second are counted where they are sent, and here once.
      for (const result of EVENT_RESULTS) this.#made.socketEvents.inc({ result }, events[result] - told[result]);
      told = { ...events };
    });
  }

  socketHandshake(result: HandshakeResult): void {
    this.#made.handshakes.inc({ result });
  }

  /** @param operation null: a method that there is not */
  socketRequest(operation: OperationName | null, result: "ok" | "error"): void {
    this.#made.socketRequests.inc({ operation: operation ?? "other", result });
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
    sockets: registry.gauge(
      { name: "openclaw_gateway_sockets", help: "Open WebSockets, by who is at the other end." },
      { kind: SOCKET_KINDS },
    ),
    handshakes: registry.counter(
      { name: "openclaw_gateway_socket_handshakes_total", help: "Handshakes of WebSockets, by result." },
      { result: HANDSHAKE_RESULTS },
    ),
    socketRequests: registry.counter(
      { name: "openclaw_gateway_socket_requests_total", help: "Requests answered over WebSockets, by operation and result." },
      { operation: SOCKET_OPERATIONS, result: ["ok", "error"] },
    ),
    socketEvents: registry.counter(
      { name: "openclaw_gateway_socket_events_total", help: "Events for WebSockets: sent, or lost to a slow reader." },
      { result: EVENT_RESULTS },
    ),
    devices: registry.gauge({ name: "openclaw_gateway_devices", help: "Devices, by whether they are paired." }, { state: DEVICE_STATES }),
    sessions: registry.gauge({ name: "openclaw_gateway_sessions", help: "Existing sessions." }, {}),
  };
}
