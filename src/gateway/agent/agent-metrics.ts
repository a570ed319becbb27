// Metrics of the agent loop: runs by how they ended, what they took, and how many go on or wait. Labels are closed sets.
// What a run is, is run.ts's.
import type { MetricRegistry } from "../../api/metrics-registry.ts";
import type { RunError, RunOutcome } from "./agent-port.ts";

const RESULTS = ["final", "aborted", "limit", "model", "overflow", "storage", "internal"] as const;
const STEPS = [1, 2, 3, 5, 8, 13, 21, 34, 50, 100, 1_000];

export class AgentMetrics {
  readonly #made: ReturnType<typeof create>;

  constructor(registry: MetricRegistry) {
    this.#made = create(registry);
  }

  runEnded({ outcome, error, steps }: { outcome: RunOutcome; error: RunError | null; steps: number }): void {
    this.#made.runs.inc({ result: outcome === "error" ? (error?.kind ?? "internal") : outcome });
    this.#made.steps.observe({}, steps);
  }
}

function create(registry: MetricRegistry) {
  return {
    runs: registry.counter(
      { name: "openclaw_gateway_agent_runs_total", help: "Runs of agents, by how they ended: an answer, a stop, or what went wrong." },
      { result: RESULTS },
    ),
    steps: registry.histogram({ name: "openclaw_gateway_agent_run_steps", help: "Answers of the model in one run." }, {}, STEPS),
  };
}
