// Makes metrics with closed label sets, every combination there from the start, and renders them as Prometheus text or OpenMetrics.
// Which metrics there are is metrics.ts's and metrics-loop.ts's.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Values that each label may have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;
/** One value of each label. */
export type LabelsOf<Sets extends LabelSets> = { [Label in keyof Sets & string]: Sets[Label][number] };

export interface MetricText {
  name: string;
  help: string;
}

const TEXT_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
const OPENMETRICS_CONTENT_TYPE = Registry.OPENMETRICS_CONTENT_TYPE;

/** Gauges whose name ends like a counter's: `promtool check metrics` refuses them, and `nodejs_active_resources` says the same. */
const MISNAMED_DEFAULTS = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** The event loop's lag is sampled with a timer: every 10 ms, the library's default, would cost 1 % of a core at rest, and 100 ms most of what rest costs. */
const LAG_SAMPLE_MS = 250;
/** The library's own samples are not used: it counts the interval as lag, so that at rest the loop would be late by it. A day. */
const LIBRARY_SAMPLE_MS = 86_400_000;
const LAGS = { min: "min", max: "max", mean: "mean", stddev: "stddev", p50: 50, p90: 90, p99: 99 } as const;

export interface CounterOf<Sets extends LabelSets> {
  /** @param by at least 0; absent: 1 */
  inc(labels: LabelsOf<Sets>, by?: number): void;
}
export interface GaugeOf<Sets extends LabelSets> {
  set(labels: LabelsOf<Sets>, value: number): void;
}
export interface HistogramOf<Sets extends LabelSets> {
  observe(labels: LabelsOf<Sets>, value: number): void;
}

export class MetricRegistry {
  readonly #registry = new Registry();
  readonly #collectors: (() => void)[] = [];

  /** @param options `processMetrics`: also those of the process (event-loop lag, garbage collection, memory) */
  constructor(options: { processMetrics: boolean }) {
    if (!options.processMetrics) return;
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LIBRARY_SAMPLE_MS });
    for (const name of MISNAMED_DEFAULTS) this.#registry.removeSingleMetric(name);
    this.#measureLag();
  }

  #measureLag(): void {
    const histogram = monitorEventLoopDelay({ resolution: LAG_SAMPLE_MS });
    histogram.enable();
    const gauges = Object.entries(LAGS).map(([word, which]) => {
      const name = `nodejs_eventloop_lag_${word}_seconds`;
      this.#registry.removeSingleMetric(name);
      const gauge = this.gauge({ name, help: `How late timers of the event loop ran since the last scrape: ${word}.` }, {});
      return { which, gauge };
    });
    this.beforeScrape(() => {
      for (const { which, gauge } of gauges) {
        const seconds = (typeof which === "number" ? histogram.percentile(which) : histogram[which]) / 1e9;
        const late = which === "stddev" ? seconds : Math.max(0, seconds - LAG_SAMPLE_MS / 1_000);
        // Scraped twice within one interval there is none to tell of.
        gauge.set({}, histogram.count === 0 ? Number.NaN : late);
      }
      histogram.reset();
    });
  }

  /** `collect` sets gauges right before each scrape. It must not throw. */
  beforeScrape(collect: () => void): void {
    this.#collectors.push(collect);
  }

  counter<const Sets extends LabelSets>(text: MetricText, sets: Sets): CounterOf<Sets> {
    const counter = new Counter({ ...text, labelNames: Object.keys(sets), registers: [this.#registry] });
    for (const labels of combinations(sets)) counter.inc(labels, 0);
    return { inc: (labels, by = 1) => counter.inc(labels, by) };
  }

  gauge<const Sets extends LabelSets>(text: MetricText, sets: Sets): GaugeOf<Sets> {
    const gauge = new Gauge({ ...text, labelNames: Object.keys(sets), registers: [this.#registry] });
    for (const labels of combinations(sets)) gauge.set(labels, 0);
    return { set: (labels, value) => gauge.set(labels, value) };
  }

  /** `buckets` in the unit of the metric's name, ascending. */
  histogram<const Sets extends LabelSets>(text: MetricText, sets: Sets, buckets: readonly number[]): HistogramOf<Sets> {
    return this.sparseHistogram(text, sets, { buckets, present: () => true });
  }

  /** A histogram of which only the `present` combinations are there from the start; the others come with their first observation. */
  sparseHistogram<const Sets extends LabelSets>(
    text: MetricText,
    sets: Sets,
    { buckets, present }: { buckets: readonly number[]; present(labels: Record<string, string>): boolean },
  ): HistogramOf<Sets> {
    const histogram = new Histogram({ ...text, labelNames: Object.keys(sets), buckets: [...buckets], registers: [this.#registry] });
    for (const labels of combinations(sets)) if (present(labels)) histogram.zero(labels);
    return { observe: (labels, value) => histogram.observe(labels, value) };
  }

  /** In the form that the scraper's Accept header asks for. */
  async render(accept: string | undefined): Promise<{ text: string; contentType: string }> {
    if (wantsOpenMetrics(accept)) return { text: await this.renderOpenMetrics(), contentType: OPENMETRICS_CONTENT_TYPE };
    return { text: await this.renderText(), contentType: TEXT_CONTENT_TYPE };
  }

  /** Prometheus text format 0.0.4. */
  async renderText(): Promise<string> {
    for (const collect of this.#collectors) collect();
    return (await this.#registry.metrics()).replaceAll(/ Nan$/gm, " NaN");
  }

  /**
   * OpenMetrics 1.0. Made from the text, because prom-client renames its counters for good when it renders them as OpenMetrics, so that a
   * scrape of the one kind would spoil those of the other.
   */
  async renderOpenMetrics(): Promise<string> {
    return toOpenMetrics(await this.renderText());
  }
}

/** In OpenMetrics a counter's family has no `_total`, its samples do; there are no empty lines, and an end mark. */
function toOpenMetrics(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const counters = new Set(lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []));
  const renamed = lines.map((line) => {
    const [, head, family, rest] = /^(# (?:HELP|TYPE) )(\S+)_total( .*)$/.exec(line) ?? [];
    return family !== undefined && counters.has(family) ? `${head}${family}${rest}` : line;
  });
  return `${renamed.join("\n")}\n# EOF\n`;
}

/** Every combination of label values; one without labels when there are none. */
function combinations<Sets extends LabelSets>(sets: Sets): Record<string, string>[] {
  return Object.entries(sets).reduce<Record<string, string>[]>(
    (known, [label, values]) => known.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value }))),
    [{}],
  );
}

/** OpenMetrics only for who asks for it, and no less than for text. */
function wantsOpenMetrics(accept: string | undefined): boolean {
  const weights = new Map((accept ?? "").split(",").map((range) => toWeight(range)));
  const openMetrics = weights.get("application/openmetrics-text") ?? 0;
  return openMetrics > 0 && openMetrics >= (weights.get("text/plain") ?? 0);
}

function toWeight(range: string): [string, number] {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
  return [type, Number.isFinite(quality) ? quality : 0];
}
