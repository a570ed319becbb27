// How it does with many: a hundred from nothing, a hundred at rest, ten thousand over a model of the engine.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { toInstanceId } from "../src/api/brands.ts";
import { parseConfig } from "../src/api/config/parse.ts";
import { toSources } from "../src/api/config/sources.ts";
import { createSystemClock } from "../src/controller/clock.ts";
import { plan } from "../src/controller/decide/plan.ts";
import { FakeEngine } from "../src/controller/engine/fake.ts";
import { FakeWorld } from "../src/controller/engine/fake-world.ts";
import type { Row } from "./figures.ts";
import { IMAGE, isConverged, openSite, rawCreate, removeContainers, type Site } from "./site.ts";

const MANY = 100;
const THOUSANDS = 10_000;
const RAW_EACH = 30;
const REST_MS = 30_000;

const agents = (count: number, docker: object = {}): object => ({
  agents: {
    defaults: { sandbox: { mode: "all", start: "eager", docker } },
    list: Array.from({ length: count }, (_, index) => ({ id: `agent-${index}` })),
  },
});

async function untilAll(site: Site, count: number): Promise<void> {
  const all = (): boolean => {
    const list = site.controller.statuses.list();
    return list.length === count && list.every(isConverged);
  };
  await new Promise<void>((resolve) => {
    if (all()) return resolve();
    let checking = false;
    const end = site.controller.statuses.subscribe(() => {
      if (checking) return;
      checking = true;
      setImmediate(() => {
        checking = false;
        if (all()) {
          end();
          resolve();
        }
      });
    });
  });
}

async function rawThroughput(concurrency: number): Promise<number> {
  const label = "bench-raw-throughput";
  let left = RAW_EACH;
  const startedAt = performance.now();
  const work = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1;
      await rawCreate(label);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const perSecond = (RAW_EACH * 1_000) / (performance.now() - startedAt);
  await removeContainers(label);
  return perSecond;
}

/** A hundred sandboxes from nothing, against the raw engine's best over all concurrencies. */
export async function hundred(): Promise<Row> {
  const rates: { concurrency: number; perSecond: number }[] = [];
  for (const concurrency of [1, 2, 4, 6, 8]) rates.push({ concurrency, perSecond: await rawThroughput(concurrency) });
  const best = rates.reduce((left, right) => (right.perSecond > left.perSecond ? right : left));
  const site = await openSite(agents(MANY));
  try {
    const startedAt = performance.now();
    await site.controller.start();
    await untilAll(site, MANY);
    const perSecond = (MANY * 1_000) / (performance.now() - startedAt);
    const share = perSecond / best.perSecond;
    return {
      what: `${MANY} sandboxes from nothing`,
      ours: `${perSecond.toFixed(1)}/s`,
      raw: `${best.perSecond.toFixed(1)}/s (best, ${best.concurrency} at a time)`,
      figure: `${(100 * share).toFixed(0)} %`,
      budget: "90 %",
      ok: share >= 0.9,
    };
  } finally {
    await site.close();
  }
}

/** Clock ticks of user and system time, and resident bytes, of a process. */
async function usage(pid: number): Promise<{ cpuSeconds: number; residentMb: number }> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, residentMb: resident / 1_024 };
}

const WRITES = /^openclaw_engine_requests_total\{operation="(create|start|rename|update|unpause|disconnect|kill|remove)[^}]*\} (\d+)/gm;

async function countWrites(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return [...text.matchAll(WRITES)].reduce((sum, match) => sum + Number(match[2]), 0);
}

/** A hundred sandboxes at rest, under a controller process of its own: engine writes, processor, memory. */
export async function rest(): Promise<Row[]> {
  const site = await openSite(agents(MANY));
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const launcher = new URL("../bin/openclaw", import.meta.url).pathname;
  const child = spawn(
    launcher,
    ["controller", "--state-dir", site.stateDir, "--instance", site.instance, "--metrics-listen", `127.0.0.1:${port}`],
    { stdio: "ignore" },
  );
  try {
    for (;;) {
      const text = await fetch(`http://127.0.0.1:${port}/metrics`)
        .then((response) => response.text())
        .catch(() => "");
      if (text.includes(`openclaw_sandboxes{kind="tools",state="ready",drift="none"} ${MANY}\n`)) break;
      await pause(500);
    }
    await pause(15_000);
    const [pid, writesBefore] = [child.pid ?? 0, await countWrites(port)];
    const before = await usage(pid);
    await pause(REST_MS);
    const after = await usage(pid);
    const writes = (await countWrites(port)) - writesBefore;
    const percent = (100 * (after.cpuSeconds - before.cpuSeconds)) / (REST_MS / 1_000);
    const row = (what: string, figure: string, budget: string, ok: boolean): Row => ({
      what: `${MANY} sandboxes at rest: ${what}`,
      ours: figure,
      raw: "-",
      figure,
      budget,
      ok,
    });
    return [
      row("engine writes in 30 s", String(writes), "0", writes === 0),
      row("processor", `${percent.toFixed(2)} % of a core`, "0.5 %", percent < 0.5),
      row("resident memory", `${after.residentMb.toFixed(0)} MB`, "150 MB", after.residentMb < 150),
    ];
  } finally {
    child.kill("SIGKILL");
    await removeContainers(site.instance);
    await site.close();
  }
}

const oneForEachSession = (memory: string): object => ({
  gateway: { maxSandboxes: THOUSANDS },
  agents: { defaults: { sandbox: { mode: "all", scope: "session", docker: { memory } } } },
});

async function writeSessions(site: Site): Promise<void> {
  const createdAt = new Date().toISOString();
  for (let index = 0; index < THOUSANDS; index += 1) {
    const session = {
      apiVersion: "openclaw.ai/v1",
      kind: "Session",
      metadata: { name: `s${index}`, uid: randomUUID(), createdAt },
      spec: { key: `agent:main:s${index}`, agentId: "main", kind: "direct" },
    };
    await writeFile(join(site.stateDir, "agents", "main", "sessions", `s${index}.session.json`), JSON.stringify(session));
  }
}

/** Ten thousand sandboxes over the model: one look at each of them, and one edit that concerns each. */
export async function thousands(): Promise<Row[]> {
  const world = new FakeWorld(createSystemClock());
  world.tag(IMAGE, "v1", { user: "1000:1000" });
  const site = await openSite(oneForEachSession("256m"), (instance) => new FakeEngine(world, toInstanceId(instance)));
  const { controller } = site;
  try {
    await writeSessions(site);
    await controller.start();
    await untilAll(site, THOUSANDS);
    await controller.loop.onIdle();
    const timed = async (work: () => void | Promise<void>): Promise<number> => {
      const startedAt = performance.now();
      await work();
      await controller.loop.onIdle();
      return performance.now() - startedAt;
    };
    const resyncMs = await timed(() => controller.engineSource.resync());
    const sources = toSources(JSON.stringify(oneForEachSession("512m")), join(site.stateDir, "openclaw.json"));
    const planMs = await timed(async () => {
      const folders = { stateDir: site.stateDir, home: homedir() };
      const parsed = parseConfig(sources, { ...folders, variables: {}, trustedOwners: null });
      const preview = parsed.ok ? controller.desired.preview(parsed.value) : null;
      if (preview === null) throw new Error("the edit is not valid");
      let updates = 0;
      const observer = controller.observer.under(preview);
      const names = preview.names();
      for (let at = 0; at < names.length; at += 100) {
        const seen = await Promise.all(
          names.slice(at, at + 100).map((name) => observer.observe(name, controller.statuses.get(name) ?? null)),
        );
        for (const { input } of seen) updates += plan({ ...input, failure: null }).actions.filter(({ kind }) => kind === "update").length;
      }
      if (updates !== THOUSANDS) throw new Error(`${updates} sandboxes were planned to be updated`);
    });
    const row = (what: string, ms: number): Row => ({
      what: `${THOUSANDS} sandboxes over a model: ${what}`,
      ours: `${ms.toFixed(0)} ms`,
      raw: "-",
      figure: `${ms.toFixed(0)} ms`,
      budget: "1000 ms",
      ok: ms < 1_000,
    });
    return [row("full resync", resyncMs), row("one config edit planned for all", planMs)];
  } finally {
    await site.close();
  }
}
