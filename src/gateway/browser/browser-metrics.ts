// Metrics of browsers as the gateway uses them: actions by how they ended and what they took, processes that speak to browsers and those that were lost,
// people who watch, small pictures. Labels are closed sets. How browsers themselves are is the controller's to count.
import type { MetricRegistry } from "../../api/metrics-registry.ts";
import type { BrowserAction } from "./child/messages.ts";

const ACTIONS: readonly BrowserAction["kind"][] = Object.keys({
  tabs: true,
  open: true,
  focus: true,
  close: true,
  navigate: true,
  snapshot: true,
  screenshot: true,
  console: true,
  pdf: true,
  upload: true,
  dialog: true,
  act: true,
} satisfies Record<BrowserAction["kind"], true>) as BrowserAction["kind"][];
/** `failure`: the page or the browser did not do it. `aborted`: its caller went away. `error`: it could not be asked. */
export const ACTION_RESULTS = ["success", "failure", "aborted", "error"] as const;
export type BrowserActionResult = (typeof ACTION_RESULTS)[number];
const PICTURE_RESULTS = ["taken", "none"] as const;
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What is told as it happens. */
export interface BrowserMeter {
  acted(action: BrowserAction["kind"], result: BrowserActionResult, seconds: number): void;
  /** A process ended that nobody ended: out of memory, stuck, or it said what no answer is. */
  lost(): void;
  looked(result: (typeof PICTURE_RESULTS)[number]): void;
}

export class BrowserMetrics implements BrowserMeter {
  readonly #registry: MetricRegistry;
  readonly #made: ReturnType<typeof create>;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.#made = create(registry);
  }

  /** Asked before each scrape. Call once. */
  watch({ processes, views }: { processes(): number; views(): number }): void {
    this.#registry.beforeScrape(() => {
      this.#made.processes.set({}, processes());
      this.#made.views.set({}, views());
    });
  }

  acted(action: BrowserAction["kind"], result: BrowserActionResult, seconds: number): void {
    this.#made.actions.observe({ action, result }, seconds);
  }

  lost(): void {
    this.#made.lost.inc({});
  }

  looked(result: (typeof PICTURE_RESULTS)[number]): void {
    this.#made.pictures.inc({ result });
  }
}

function create(registry: MetricRegistry) {
  return {
    processes: registry.gauge({ name: "openclaw_gateway_browser_processes", help: "Processes that speak to browsers." }, {}),
    views: registry.gauge({ name: "openclaw_gateway_browser_views", help: "People who watch browsers." }, {}),
    lost: registry.counter(
      {
        name: "openclaw_gateway_browser_processes_lost_total",
        help: "Processes that spoke to a browser and ended by themselves or had to be ended.",
      },
      {},
    ),
    actions: registry.histogram(
      { name: "openclaw_gateway_browser_action_seconds", help: "Actions of the tool browser, from the request to the answer, by result." },
      { action: ACTIONS, result: ACTION_RESULTS },
      SECONDS,
    ),
    pictures: registry.counter(
      { name: "openclaw_gateway_browser_pictures_total", help: "Small pictures for lists, taken or not to be had." },
      { result: PICTURE_RESULTS },
    ),
  };
}
