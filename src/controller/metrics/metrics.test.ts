// Scrapes the metrics as Prometheus would, in both formats, and holds them to the rules of good metrics.
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { toDurationMs, toEpochMs, toSandboxName, toScopeKey } from "../../api/brands.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { KeyedQueue, type WorkResult } from "../queue/keyed-queue.ts";
import { ControllerMetrics } from "./metrics.ts";

const createMetrics = (processMetrics = false): ControllerMetrics =>
  new ControllerMetrics({ version: "0.1.0", revision: "abc", processMetrics });

/** The sample lines of one scrape by name and labels. */
async function scrape(metrics: ControllerMetrics): Promise<Map<string, number>> {
  const lines = (await metrics.registry.renderText()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

interface Family {
  name: string;
  type: string;
  help: string;
  samples: string[];
}

function toFamilies(text: string): Family[] {
  const families: Family[] = [];
  for (const line of text.split("\n")) {
    const help = /^# HELP (\S+) (.*)$/.exec(line);
    const type = /^# TYPE (\S+) (.*)$/.exec(line);
    if (help !== null) families.push({ name: help[1] ?? "", help: help[2] ?? "", type: "", samples: [] });
    else if (type !== null) Object.assign(families.at(-1) ?? {}, { type: type[2] });
    else if (line !== "" && line !== "# EOF") families.at(-1)?.samples.push(line);
  }
  return families;
}

describe("every metric", () => {
  test("of the contract is there from the first scrape, at 0, with all its labels", async () => {
    const samples = await scrape(createMetrics());
    const expected = [
      'controller_runtime_reconcile_total{controller="sandbox",result="requeue_after"}',
      'controller_runtime_reconcile_errors_total{controller="sandbox"}',
      'controller_runtime_reconcile_panics_total{controller="sandbox"}',
      'controller_runtime_reconcile_time_seconds_bucket{le="0.15",controller="sandbox"}',
      'controller_runtime_reconcile_time_seconds_bucket{le="60",controller="sandbox"}',
      'controller_runtime_max_concurrent_reconciles{controller="sandbox"}',
      'controller_runtime_active_workers{controller="sandbox"}',
      'workqueue_depth{name="sandbox",controller="sandbox",priority="resync"}',
      'workqueue_adds_total{name="sandbox",controller="sandbox"}',
      'workqueue_queue_duration_seconds_count{name="sandbox",controller="sandbox"}',
      'workqueue_work_duration_seconds_count{name="sandbox",controller="sandbox"}',
      'workqueue_unfinished_work_seconds{name="sandbox",controller="sandbox"}',
      'workqueue_longest_running_processor_seconds{name="sandbox",controller="sandbox"}',
      'workqueue_retries_total{name="sandbox",controller="sandbox"}',
      'openclaw_ready{check="servers"}',
      'openclaw_sandboxes{kind="tools",state="pruned",drift="deferred"}',
      'openclaw_sandboxes{kind="browser",state="ready",drift="none"}',
      'openclaw_sandbox_convergence_seconds_bucket{le="0.001",trigger="external"}',
      'openclaw_sandbox_convergence_seconds_bucket{le="5",trigger="config"}',
      'openclaw_sandbox_actions_total{action="retire",cause="idle",result="error"}',
      'openclaw_sandbox_recreates_total{reason="image"}',
      "openclaw_sandbox_recreate_downtime_seconds_count",
      'openclaw_sandbox_prunes_total{reason="orphan"}',
      "openclaw_sandbox_drift_deferred_age_seconds",
      'openclaw_sandbox_setup_seconds_count{kind="tools",result="failure"}',
      'openclaw_sandbox_exec_seconds_count{tool="apply_patch",result="timeout"}',
      "openclaw_sandbox_execs_in_flight",
      'openclaw_sandbox_exec_prestarts_total{result="unsuitable"}',
      'openclaw_sandbox_exec_bytes_total{stream="stderr"}',
      'openclaw_sandbox_unowned_objects{kind="workspace"}',
      "openclaw_sandbox_workspace_bytes",
      "openclaw_sandbox_workspace_largest_bytes",
      "openclaw_sandbox_workspaces_over_size",
      'openclaw_engine_requests_total{operation="create",code="EngineConflict"}',
      'openclaw_engine_request_duration_seconds_count{operation="create",code="OK"}',
      'openclaw_egress_state{state="in_force"}',
      'openclaw_egress_actions_total{action="apply-policy",result="error"}',
      "openclaw_egress_apply_seconds_count",
      'openclaw_egress_decisions_total{reason="NotListed"}',
      'openclaw_egress_bytes_total{direction="out"}',
      'openclaw_egress_lost_records_total{verdict="refused"}',
      "openclaw_egress_closed_sandboxes",
      "openclaw_engine_events_connected",
      "openclaw_engine_event_gaps_total",
      "openclaw_engine_relists_total",
      "openclaw_engine_relist_duration_seconds_count",
      "openclaw_engine_relist_drift_found_total",
      "openclaw_config_last_reload_successful",
      "openclaw_config_last_reload_success_timestamp_seconds",
      'openclaw_config_reloads_total{result="error"}',
      'openclaw_config_issues{severity="warning"}',
      "openclaw_rollout_in_progress",
      'openclaw_rollouts_total{result="halted"}',
    ];
    expect(expected.filter((name) => samples.get(name) !== 0)).toEqual([]);
    expect(samples.get('openclaw_build_info{version="0.1.0",revision="abc"}')).toBe(1);
  });

  test("has no label value that nothing produces", async () => {
    const labels = [...(await scrape(createMetrics())).keys()].join("\n");
    expect(labels).not.toMatch(/tool="(?:port|logs)"|prunes_total\{reason="age"\}|terminal_reconcile/);
  });

  test("has a type, a help text, a name by its type and unit, and no label of an endless set", async () => {
    const families = toFamilies(await createMetrics(true).registry.renderText());
    expect(families.length).toBeGreaterThan(60);
    for (const { name, type, help, samples } of families) {
      expect(help, name).not.toBe("");
      expect(name.endsWith("_total"), `${name} is a ${type}`).toBe(type === "counter");
      expect(name, "base units").not.toMatch(/_(milliseconds|minutes|hours|days|kilobytes|megabytes|s|ms|us|ns|sec|b|kb|mb|gb|m|h|d)(_|$)/);
      expect(name, "its type is not in its name").not.toMatch(/_(counter|gauge|histogram|summary)(_|$)/);
      expect(samples.length, `${name} has samples`).toBeLessThan(1_000);
      expect(new Set(samples.map((line) => line.slice(0, line.lastIndexOf(" ")))).size, `${name} has no sample twice`).toBe(samples.length);
    }
  });

  test("passes promtool", async (context) => {
    const promtool = process.env.PROMTOOL ?? "promtool";
    try {
      execFileSync(promtool, ["--version"], { stdio: "ignore" });
    } catch {
      context.skip(`there is no ${promtool} (PROMTOOL names another one)`);
    }
    const input = await createMetrics(true).registry.renderText();
    expect(execFileSync(promtool, ["check", "metrics"], { input, encoding: "utf8" })).toBe("");
  });
});

describe("OpenMetrics", () => {
  test("says the same as text, with counters' families named without _total, and an end", async () => {
    const metrics = createMetrics();
    metrics.action("create", "wanted", "success");
    const [text, openMetrics] = [await metrics.registry.renderText(), await metrics.registry.renderOpenMetrics()];
    const samplesOf = (families: readonly Family[]): string[] => families.flatMap(({ samples }) => samples);
    expect(samplesOf(toFamilies(openMetrics))).toEqual(samplesOf(toFamilies(text)));
    expect(openMetrics.endsWith("\n# EOF\n")).toBe(true);
    expect(openMetrics).not.toContain("\n\n");
    for (const { name, type, samples } of toFamilies(openMetrics)) {
      expect(name.endsWith("_total"), name).toBe(false);
      if (type === "counter")
        expect(
          samples.every((line) => line.startsWith(`${name}_total`)),
          name,
        ).toBe(true);
    }
  });

  test("and text, scraped at the same time again and again, do not spoil each other", async () => {
    const metrics = createMetrics(true);
    const scrapes = Array.from({ length: 20 }, (_, at) =>
      at % 2 === 0 ? metrics.registry.renderText() : metrics.registry.renderOpenMetrics(),
    );
    const families = (await Promise.all(scrapes)).map((text) => new Set(toFamilies(text).map(({ name, type }) => `${name} ${type}`)));
    families.forEach((names, at) => {
      expect(names).toEqual(families[at % 2]);
      expect(names.has(`openclaw_engine_relists${at % 2 === 0 ? "_total" : ""} counter`)).toBe(true);
    });
  });
});

describe("the queue shows in controller-runtime's and client-go's metrics", () => {
  const of = (name: string, labels = ""): string => `${name}{name="sandbox",controller="sandbox"${labels}}`;

  test("by how passes end", async () => {
    const metrics = createMetrics();
    const clock = new VirtualClock();
    let isBugThere = true;
    const first: Record<string, WorkResult> = {
      failing: { kind: "retry" },
      again: { kind: "after", delay: toDurationMs(0) },
      later: { kind: "after", delay: toDurationMs(1_000) },
    };
    const work = async (key: string): Promise<WorkResult> => {
      if (key === "bug" && isBugThere) {
        isBugThere = false;
        throw new Error("a bug");
      }
      const result = first[key] ?? { kind: "done" };
      delete first[key];
      return result;
    };
    const queue = new KeyedQueue<string>({ clock, random: () => 0, concurrency: 3, observer: metrics.loop.observer });
    for (const key of [...Object.keys(first), "bug", "good"]) queue.add(key);
    queue.start(work);
    await clock.advance(2_000);
    const samples = await scrape(metrics);
    const results = (result: string): number | undefined =>
      samples.get(`controller_runtime_reconcile_total{controller="sandbox",result="${result}"}`);
    expect([results("success"), results("error"), results("requeue"), results("requeue_after")]).toEqual([5, 2, 1, 1]);
    expect(samples.get('controller_runtime_reconcile_errors_total{controller="sandbox"}')).toBe(2);
    expect(samples.get('controller_runtime_reconcile_panics_total{controller="sandbox"}')).toBe(1);
    expect(samples.get('controller_runtime_reconcile_time_seconds_count{controller="sandbox"}')).toBe(9);
    expect(samples.get(of("workqueue_adds_total"))).toBe(9);
    expect(samples.get(of("workqueue_retries_total"))).toBe(2);
  });

  test("by what waits and runs at the moment of the scrape", async () => {
    const metrics = createMetrics();
    const clock = new VirtualClock();
    const work = (): Promise<WorkResult> => new Promise(() => undefined);
    const queue = new KeyedQueue<string>({ clock, random: () => 0, concurrency: 2, observer: metrics.loop.observer });
    metrics.loop.watch(queue, 2);
    queue.start(work);
    queue.add("first");
    await clock.advance(3_000);
    queue.add("second");
    await clock.settle();
    queue.add("third", "live");
    await clock.advance(1_000);
    const samples = await scrape(metrics);
    expect(samples.get(of("workqueue_depth", ',priority="live"'))).toBe(1);
    expect(samples.get(of("workqueue_depth", ',priority="change"'))).toBe(0);
    expect(samples.get(of("workqueue_unfinished_work_seconds"))).toBe(5);
    expect(samples.get(of("workqueue_longest_running_processor_seconds"))).toBe(4);
    expect(samples.get('controller_runtime_active_workers{controller="sandbox"}')).toBe(2);
    expect(samples.get('controller_runtime_max_concurrent_reconciles{controller="sandbox"}')).toBe(2);
  });
});

describe("sandboxes are counted", () => {
  const NOW = toEpochMs(Date.UTC(2026, 0, 31, 12));
  const toSandbox = (
    name: string,
    status: Partial<Sandbox["status"]>,
    ready: [string, string] | null,
    upToDate: [string, string] | null,
  ): Sandbox => {
    const condition = (type: "Ready" | "UpToDate", said: [string, string] | null) =>
      said === null
        ? []
        : [{ type, status: said[0] as "True", reason: said[1], message: "", observedGeneration: 1, lastTransitionTime: NOW }];
    return {
      apiVersion: "openclaw.ai/v1",
      kind: "Sandbox",
      metadata: { name: toSandboxName(name), generation: 1, createdAt: NOW },
      spec: {
        kind: "tools",
        scopeKey: toScopeKey("shared"),
        agentId: null,
        scope: "shared",
        hash: null,
        live: null,
        image: "",
        wanted: ready?.[1] !== "Pruned",
        because: "",
      },
      status: {
        observedGeneration: 1,
        conditions: [...condition("Ready", ready), ...condition("UpToDate", upToDate)],
        container: null,
        drift: [],
        deferredUntil: null,
        deferredSince: null,
        change: null,
        lastUsedAt: null,
        failure: null,
        servingFailure: null,
        next: [],
        ...status,
      },
    };
  };

  test("by state and drift as they are at the scrape, and the longest deferral is shown", async () => {
    const metrics = createMetrics();
    const minutesAgo = (minutes: number) => ({ deferredSince: toEpochMs(NOW - minutes * 60_000) });
    let sandboxes = [
      toSandbox("a", {}, ["True", "Serving"], ["True", "UpToDate"]),
      toSandbox("b", minutesAgo(2), ["True", "Serving"], ["False", "DeferredInUse"]),
      toSandbox("c", minutesAgo(5), ["True", "Serving"], ["False", "DeferredInUse"]),
      toSandbox("d", {}, ["False", "ImageMissing"], ["False", "Converging"]),
      toSandbox("e", {}, ["Unknown", "EngineUnreachable"], ["Unknown", "EngineUnreachable"]),
      toSandbox("f", {}, null, null),
      toSandbox("g", {}, ["False", "Pruned"], ["True", "UpToDate"]),
    ];
    metrics.watchSandboxes(
      () => sandboxes,
      () => NOW,
    );
    const count = (samples: Map<string, number>, state: string, drift: string): number | undefined =>
      samples.get(`openclaw_sandboxes{kind="tools",state="${state}",drift="${drift}"}`);
    const samples = await scrape(metrics);
    expect(count(samples, "ready", "none")).toBe(1);
    expect(count(samples, "ready", "deferred")).toBe(2);
    expect(count(samples, "not_ready", "pending")).toBe(1);
    expect(count(samples, "unknown", "none")).toBe(2);
    expect(count(samples, "pruned", "none")).toBe(1);
    expect(samples.get("openclaw_sandbox_drift_deferred_age_seconds")).toBe(300);
    sandboxes = [];
    const after = await scrape(metrics);
    expect([...after].filter(([name, value]) => name.startsWith("openclaw_sandboxes{") && value !== 0)).toEqual([]);
    expect(after.get("openclaw_sandbox_drift_deferred_age_seconds")).toBe(0);
  });
});

test("each check of /readyz is a metric, as it stands at the scrape", async () => {
  const metrics = createMetrics();
  let ok = true;
  metrics.watchReady(() => [
    { name: "engine", ok },
    { name: "servers", ok: true },
  ]);
  expect((await scrape(metrics)).get('openclaw_ready{check="engine"}')).toBe(1);
  ok = false;
  const samples = await scrape(metrics);
  expect(samples.get('openclaw_ready{check="engine"}')).toBe(0);
  expect(samples.get('openclaw_ready{check="servers"}')).toBe(1);
});

test("what the loop, the engine and the servers report shows in their metrics", async () => {
  const metrics = createMetrics();
  const end = metrics.execStarted("exec");
  metrics.execStarted("read");
  end("success", 0.2);
  end("success", 0.2);
  metrics.execBegun("hit");
  metrics.execBytes("stdout", 1_000);
  metrics.engineRequest("create", "EngineConflict", 0.1);
  metrics.engineEventsConnected(true);
  metrics.configLoaded("success", [], toEpochMs(1_500_000));
  metrics.configLoaded("error", [{ severity: "error" }, { severity: "error" }, { severity: "warning" }], toEpochMs(2_000_000));
  metrics.converged("config", 0.4);
  metrics.unowned("network", 2);
  const samples = await scrape(metrics);
  const shown = {
    'openclaw_sandbox_exec_seconds_count{tool="exec",result="success"}': 1,
    openclaw_sandbox_execs_in_flight: 1,
    'openclaw_sandbox_exec_prestarts_total{result="hit"}': 1,
    'openclaw_sandbox_exec_prestarts_total{result="lost"}': 0,
    'openclaw_sandbox_exec_bytes_total{stream="stdout"}': 1_000,
    'openclaw_engine_requests_total{operation="create",code="EngineConflict"}': 1,
    'openclaw_engine_request_duration_seconds_count{operation="create",code="EngineConflict"}': 1,
    openclaw_engine_events_connected: 1,
    openclaw_config_last_reload_successful: 0,
    openclaw_config_last_reload_success_timestamp_seconds: 1_500,
    'openclaw_config_reloads_total{result="error"}': 1,
    'openclaw_config_issues{severity="error"}': 2,
    'openclaw_config_issues{severity="warning"}': 1,
    'openclaw_sandbox_convergence_seconds_sum{trigger="config"}': 0.4,
    'openclaw_sandbox_unowned_objects{kind="network"}': 2,
  };
  for (const [name, value] of Object.entries(shown)) expect(samples.get(name), name).toBe(value);
});
