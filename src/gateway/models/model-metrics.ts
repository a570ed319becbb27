// Metrics of models: calls, tokens, dollars, what was tried instead, and how much of a day's limits is used. Providers that this product does not know by name
// share one label, so that a config makes no series. What counts as what is model-service.ts's.
import type { DurationMs } from "../../api/brands.ts";
import type { BudgetSpan } from "../../api/config/models.ts";
import type { MetricRegistry } from "../../api/metrics-registry.ts";
import { KNOWN_PROVIDERS } from "../../api/models/providers.ts";
import { MODEL_FAILURES, type ModelFailure, type TokenUsage } from "./model-call.ts";

const PROVIDERS: readonly string[] = [...Object.keys(KNOWN_PROVIDERS), "other"];
/** A call that was never made has none of these two. */
const RESULTS: readonly string[] = ["answered", ...MODEL_FAILURES.filter((failure) => !["no-credential", "over-budget"].includes(failure))];
const TOKENS = ["input", "output", "cache_read", "cache_write"] as const;
const NEXT = ["key", "model", "none"] as const;
const SPANS = ["session", "agentDay", "day"] as const satisfies readonly BudgetSpan[];
const DAY_SPANS = ["agentDay", "day"] as const;
const SECONDS = [0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

export interface CalledFacts {
  provider: string;
  result: "answered" | ModelFailure;
  usage: TokenUsage | null;
  usd: number | null;
  tookMs: DurationMs;
}

export class ModelMetrics {
  readonly #made: ReturnType<typeof create>;
  readonly #registry: MetricRegistry;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.#made = create(registry);
  }

  /** Asked before each scrape. Call once. */
  watch(shares: () => Record<(typeof DAY_SPANS)[number], number>): void {
    this.#registry.beforeScrape(() => {
      const used = shares();
      for (const span of DAY_SPANS) this.#made.budget.set({ span }, used[span]);
    });
  }

  called({ provider: id, result, usage, usd, tookMs }: CalledFacts): void {
    const provider = PROVIDERS.includes(id) ? id : "other";
    this.#made.calls.inc({ provider, result });
    this.#made.seconds.observe({}, tookMs / 1_000);
    if (usage === null) return;
    const counts = { input: usage.input, output: usage.output, cache_read: usage.cacheRead, cache_write: usage.cacheWrite };
    for (const kind of TOKENS) this.#made.tokens.inc({ kind }, counts[kind]);
    if (usd !== null) this.#made.dollars.inc({}, usd);
  }

  movedOn(next: "next-key" | "next-model" | "stop"): void {
    this.#made.failovers.inc({ next: next === "next-key" ? "key" : next === "next-model" ? "model" : "none" });
  }

  budgetRefused(span: BudgetSpan): void {
    this.#made.refusals.inc({ span });
  }
}

function create(registry: MetricRegistry) {
  return {
    calls: registry.counter(
      { name: "openclaw_gateway_model_calls_total", help: "Calls of model providers, by how they ended." },
      { provider: PROVIDERS, result: RESULTS },
    ),
    seconds: registry.histogram(
      { name: "openclaw_gateway_model_call_duration_seconds", help: "Time until an answer of a model was complete, or failed." },
      {},
      SECONDS,
    ),
    tokens: registry.counter(
      { name: "openclaw_gateway_model_tokens_total", help: "Tokens; cache_read and cache_write are part of input." },
      { kind: TOKENS },
    ),
    dollars: registry.counter({ name: "openclaw_gateway_model_cost_dollars_total", help: "US dollars, by the prices in the config." }, {}),
    failovers: registry.counter(
      {
        name: "openclaw_gateway_model_failovers_total",
        help: "What was tried after a key or model gave no answer; none: nothing was left.",
      },
      { next: NEXT },
    ),
    refusals: registry.counter(
      { name: "openclaw_gateway_model_budget_refusals_total", help: "Calls that were not made because a limit of the config was reached." },
      { span: SPANS },
    ),
    budget: registry.gauge(
      {
        name: "openclaw_gateway_model_budget_used_ratio",
        help: "Share of a day's limit that is used; of agents the highest; 0 without a limit.",
      },
      { span: DAY_SPANS },
    ),
  };
}
