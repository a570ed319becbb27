// The loop's metrics under controller-runtime's and client-go's names, so that existing dashboards and alerts work on this controller.
// It listens to the queue and changes nothing.

import type { MetricRegistry } from "../../api/metrics-registry.ts";
import type { KeyedQueue, QueueObserver, WorkEnd } from "../queue/keyed-queue.ts";
import { QUEUE_PRIORITIES } from "../queue/priority.ts";

const CONTROLLER = { controller: ["sandbox"] } as const;
const OF_CONTROLLER = { controller: "sandbox" } as const;
const QUEUE = { name: ["sandbox"], controller: ["sandbox"] } as const;
const OF_QUEUE = { name: "sandbox", controller: "sandbox" } as const;
const RESULTS = ["success", "error", "requeue", "requeue_after"] as const;

/** As controller-runtime has them. */
const RECONCILE_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5,
  5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** As client-go's: ten nanoseconds times ten, twelve times. */
const QUEUE_SECONDS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1_000];

/** What is asked of the queue at each scrape. */
export type QueueSource = Pick<KeyedQueue<never>, "stats">;

export interface LoopMetrics {
  readonly observer: QueueObserver<unknown>;
  /** From now on scrapes ask this queue. */
  watch(queue: QueueSource, concurrency: number): void;
}

export function createLoopMetrics(registry: MetricRegistry): LoopMetrics {
  const reconciles = registry.counter(
    { name: "controller_runtime_reconcile_total", help: "Total number of reconciliations per controller" },
    { ...CONTROLLER, result: RESULTS },
  );
  const errors = registry.counter(
    { name: "controller_runtime_reconcile_errors_total", help: "Total number of reconciliation errors per controller" },
    CONTROLLER,
  );
  const panics = registry.counter(
    { name: "controller_runtime_reconcile_panics_total", help: "Total number of reconciliation panics per controller" },
    CONTROLLER,
  );
  const reconcileSeconds = registry.histogram(
    { name: "controller_runtime_reconcile_time_seconds", help: "Length of time per reconciliation per controller" },
    CONTROLLER,
    RECONCILE_SECONDS,
  );
  const depth = registry.gauge(
    { name: "workqueue_depth", help: "Current depth of workqueue by priority" },
    { ...QUEUE, priority: QUEUE_PRIORITIES },
  );
  const adds = registry.counter({ name: "workqueue_adds_total", help: "Total number of adds handled by workqueue" }, QUEUE);
  const queueSeconds = registry.histogram(
    { name: "workqueue_queue_duration_seconds", help: "How long in seconds an item stays in workqueue before being requested" },
    QUEUE,
    QUEUE_SECONDS,
  );
  const workSeconds = registry.histogram(
    { name: "workqueue_work_duration_seconds", help: "How long in seconds processing an item from workqueue takes" },
    QUEUE,
    QUEUE_SECONDS,
  );
  const retries = registry.counter({ name: "workqueue_retries_total", help: "Total number of retries handled by workqueue" }, QUEUE);
  const count = (end: WorkEnd): void => {
    reconciles.inc({ ...OF_CONTROLLER, result: toResult(end) });
    if (toResult(end) === "error") errors.inc(OF_CONTROLLER);
    if (end.kind === "panic") panics.inc(OF_CONTROLLER);
  };
  return {
    observer: {
      added: () => adds.inc(OF_QUEUE),
      depth: (priority, keys) => depth.set({ ...OF_QUEUE, priority }, keys),
      started: (waited) => queueSeconds.observe(OF_QUEUE, waited / 1_000),
      ended: (_key, end, worked) => {
        workSeconds.observe(OF_QUEUE, worked / 1_000);
        reconcileSeconds.observe(OF_CONTROLLER, worked / 1_000);
        count(end);
      },
      retried: () => retries.inc(OF_QUEUE),
      panicked: () => undefined,
    },
    watch: createQueueGauges(registry),
  };
}

function createQueueGauges(registry: MetricRegistry): LoopMetrics["watch"] {
  const maxConcurrent = registry.gauge(
    { name: "controller_runtime_max_concurrent_reconciles", help: "Maximum number of concurrent reconciles per controller" },
    CONTROLLER,
  );
  const active = registry.gauge(
    { name: "controller_runtime_active_workers", help: "Number of currently used workers per controller" },
    CONTROLLER,
  );
  const unfinished = registry.gauge(
    {
      name: "workqueue_unfinished_work_seconds",
      help: "How many seconds of work has been done that is in progress and hasn't been observed by work_duration",
    },
    QUEUE,
  );
  const longest = registry.gauge(
    {
      name: "workqueue_longest_running_processor_seconds",
      help: "How many seconds has the longest running processor for workqueue been running",
    },
    QUEUE,
  );
  return (queue, concurrency) => {
    maxConcurrent.set(OF_CONTROLLER, concurrency);
    registry.beforeScrape(() => {
      const stats = queue.stats();
      active.set(OF_CONTROLLER, stats.active);
      unfinished.set(OF_QUEUE, stats.unfinishedMs / 1_000);
      longest.set(OF_QUEUE, stats.longestRunningMs / 1_000);
    });
  };
}

function toResult(end: WorkEnd): (typeof RESULTS)[number] {
  switch (end.kind) {
    case "done":
      return "success";
    case "after":
      return end.delay > 0 ? "requeue_after" : "requeue";
    case "retry":
    case "panic":
      return "error";
  }
}
