// A hundred sandboxes on the real engine: from nothing, against the raw engine's best throughput; and at rest, under a controller process
// of its own: what it asks of the engine, and its processor and memory.
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../test/free-port.ts";
import { endWithRun } from "./begun.ts";
import { type Row, toValueRow } from "./figures.ts";
import { rawThroughput, type Twin, toTwin } from "./raw-engine.ts";
import { isConverged, openSite, type Site } from "./site.ts";
import { printCalls } from "./spent.ts";

const MANY = 100;
const CONCURRENCIES = [1, 2, 4, 6, 8];
const RAW_EACH = 40;
const SHARE_MIN = 0.9;

const eagerAgents = (count: number): object => ({
  agents: {
    defaults: { sandbox: { mode: "all", start: "eager" } },
    list: Array.from({ length: count }, (_, index) => ({ id: `agent-${index}` })),
  },
});

/** The number of creations at a time with which the raw engine is fastest. */
async function findBest(twin: Twin): Promise<number> {
  let best = { concurrency: 1, perSecond: 0 };
  for (const concurrency of CONCURRENCIES) {
    const perSecond = await rawThroughput(twin, RAW_EACH, concurrency);
    console.error(`raw engine, ${concurrency} at a time: ${perSecond.toFixed(1)}/s`);
    if (perSecond > best.perSecond) best = { concurrency, perSecond };
  }
  return best.concurrency;
}

/** A hundred sandboxes from nothing, between two measurements of the raw engine's best. */
export async function hundred(): Promise<Row> {
  // Raw containers mount the workspace of this one.
  const model = await openSite(eagerAgents(1));
  await model.controller.start();
  const twin = await toTwin((await model.until(isConverged)).status.container?.id ?? "", model.rawLabel);
  const concurrency = await findBest(twin);
  const rawBefore = await rawThroughput(twin, MANY, concurrency);
  const site = await openSite(eagerAgents(MANY));
  const startedAt = performance.now();
  await site.controller.start();
  await site.untilAll(MANY);
  const perSecond = (MANY * 1_000) / (performance.now() - startedAt);
  printCalls(`${MANY} sandboxes`, site.calls, MANY);
  await site.close();
  const rawAfter = await rawThroughput(twin, MANY, concurrency);
  await model.close();
  const raw = (rawBefore + rawAfter) / 2;
  const share = perSecond / raw;
  return toValueRow(
    `${MANY} sandboxes from nothing`,
    {
      ours: `${perSecond.toFixed(1)}/s`,
      raw: `${rawBefore.toFixed(1)} and ${rawAfter.toFixed(1)}/s (${concurrency} at a time)`,
      figure: `${(100 * share).toFixed(0)} %`,
      budget: `${100 * SHARE_MIN} %`,
      ok: share >= SHARE_MIN,
    },
    { value: share, unit: "of the engine's rate", better: "more" },
  );
}

const REST_MS = 30_000;
/** After the last creation: garbage is collected, events have been heard. */
const CALM_MS = 15_000;
const START_MS_MAX = 120_000;
const PROCESSOR_PERCENT_MAX = 0.5;
const RESIDENT_MB_MAX = 150;

/** @returns once everything is ready */
async function startController(site: Site, listen: string): Promise<ChildProcess> {
  const launcher = new URL("../bin/openclaw", import.meta.url).pathname;
  const args = ["controller", "--state-dir", site.stateDir, "--instance", site.instance, "--metrics-listen", listen];
  const child = endWithRun(spawn(launcher, args, { stdio: "ignore" }));
  const ready = `openclaw_sandboxes{kind="tools",state="ready",drift="none"} ${MANY}\n`;
  await untilMetrics(child, listen, (text) => text.includes(ready));
  return child;
}

/**
 * A hundred sandboxes at rest: engine writes, processor, memory. Under a controller's second start: in a checkout the first one after an edit compiles the
 * sources, and keeps the compiler (26 MB), which an installed one never has.
 */
export async function rest(): Promise<Row[]> {
  const site = await openSite(eagerAgents(MANY));
  const listen = `127.0.0.1:${await freePort()}`;
  await end(await startController(site, listen), "SIGTERM");
  const child = await startController(site, listen);
  try {
    await pause(CALM_MS);
    const callsBefore = await readCalls(listen);
    const before = await look(child);
    await pause(REST_MS);
    const after = await look(child);
    const callsAfter = await readCalls(listen);
    console.error(`engine calls in ${REST_MS / 1_000} s at rest: ${renderDifference(callsBefore, callsAfter)}`);
    const writes = countWrites(callsAfter) - countWrites(callsBefore);
    const percent = (100 * (after.cpuSeconds - before.cpuSeconds)) / (REST_MS / 1_000);
    const { residentMb } = after;
    const row = (what: string, told: Pick<Row, "ours" | "budget" | "ok">, value: number, unit: string): Row =>
      toValueRow(`${MANY} sandboxes at rest: ${what}`, told, { value, unit, better: "less" });
    const isCalm = percent < PROCESSOR_PERCENT_MAX;
    return [
      row(`engine writes in ${REST_MS / 1_000} s`, { ours: `${writes}`, budget: "0", ok: writes === 0 }, writes, "writes"),
      row(
        "processor",
        { ours: `${percent.toFixed(2)} % of a core`, budget: `${PROCESSOR_PERCENT_MAX} %`, ok: isCalm },
        percent,
        "% of a core",
      ),
      row(
        "resident memory",
        { ours: `${residentMb.toFixed(0)} MB`, budget: `${RESIDENT_MB_MAX} MB`, ok: residentMb < RESIDENT_MB_MAX },
        residentMb,
        "MB",
      ),
    ];
  } finally {
    await end(child, "SIGKILL");
    await site.close();
  }
}

async function untilMetrics(child: ChildProcess, listen: string, holds: (text: string) => boolean): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const text = await fetchMetrics(listen).catch(() => "");
    if (holds(text)) return;
    if (child.exitCode !== null) throw new Error(`the controller ended with exit code ${child.exitCode}`);
    if (performance.now() - startedAt > START_MS_MAX) throw new Error(`the controller was not there within ${START_MS_MAX / 1_000} s`);
    await pause(500);
  }
}

async function fetchMetrics(listen: string): Promise<string> {
  return await (await fetch(`http://${listen}/metrics`)).text();
}

const CALLS = /^openclaw_engine_requests_total\{operation="([^"]+)"[^}]*\} (\d+)/gm;

/** Engine calls since the start, by operation. */
async function readCalls(listen: string): Promise<Map<string, number>> {
  const calls = new Map<string, number>();
  for (const [, operation = "", count] of (await fetchMetrics(listen)).matchAll(CALLS)) {
    calls.set(operation, (calls.get(operation) ?? 0) + Number(count));
  }
  return calls;
}

interface Look {
  cpuSeconds: number;
  residentMb: number;
}

async function look(child: ChildProcess): Promise<Look> {
  // After the command's name, which may hold spaces: user and system time in hundredths of a second.
  const fields = (await readFile(`/proc/${child.pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  const resident = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${child.pid}/status`, "utf8"))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, residentMb: Number(resident) / 1_024 };
}

/** Operations that are GET requests. Every other one counts as a write, also one that this list has never heard of. */
const READS = new Set(["ping", "info", "list", "inspect", "image", "exec-inspect", "top", "objects", "events"]);

function countWrites(calls: ReadonlyMap<string, number>): number {
  return [...calls].filter(([operation]) => !READS.has(operation)).reduce((sum, [, count]) => sum + count, 0);
}

function renderDifference(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  const differences = [...after].map(([operation, count]) => [operation, count - (before.get(operation) ?? 0)] as const);
  return differences.flatMap(([operation, count]) => (count > 0 ? `${operation} ${count}` : [])).join(", ");
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}
