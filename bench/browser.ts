// Browsers of sessions: the first use until its first snapshot, actions of one that runs, and eight at once. Beside it, in turns, Playwright does the same over
// a port that the engine publishes on loopback, with containers like the product's: what a program has that a browser was made for by hand.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { chromium, type Page } from "playwright-core";
import { LABEL } from "../src/api/labels.ts";
import { bridgeAddress } from "../src/controller/fixtures/docker.fixture.ts";
import { whenInterrupted } from "./begun.ts";
import { compare, type Round, type Row, toValueRow } from "./figures.ts";
import { type Gateway, openGateway } from "./gateway.ts";
import { call, endAll } from "./processes.ts";
import { docker, removeContainers, type Twin, toTwin } from "./raw-engine.ts";
import { openSite, type Site } from "./site.ts";

const CDP = "9222/tcp";
const COLD_ROUNDS = 10;
const COLD_BUDGET_MS = 1_000;
const WARM_ROUNDS = 100;
const WARM_UP_ROUNDS = 5;
const WARM_BUDGET_MS = 25;
/** A click may have a file for its answer, which is waited for (child/actions.ts). */
const CLICK_BUDGET_MS = 325;
const EIGHT = 8;
const EIGHT_RATIO_MAX = 1.5;
/** Of the gateway, the controller and a process for each browser. */
const EIGHT_MB_MAX = 1_500;
const WAIT_MS_MAX = 120_000;

const PAGE = `<!doctype html><title>Lobster</title><h1>Tank</h1><button>Feed</button><ul>${Array.from({ length: 100 }, (_, index) => `<li><a href="#${index}">Link ${index}</a> <input aria-label="Field ${index}"></li>`).join("")}</ul>`;

const config = {
  gateway: { mode: "local", maxSandboxes: 4 * EIGHT },
  agents: {
    defaults: {
      sandbox: { mode: "all", scope: "session", browser: { enabled: true, network: "bridge", autoStartTimeoutMs: WAIT_MS_MAX } },
    },
  },
  tools: { sandbox: { tools: { allow: ["exec", "browser"], deny: [] } } },
};

/** @returns where the engine's containers find the page */
async function servePage(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(PAGE));
  const host = await bridgeAddress();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const close = whenInterrupted(async () => void server.close().closeAllConnections());
  return { url: `http://${host}:${(server.address() as AddressInfo).port}/`, close };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** What the tool says. @throws Error: it failed */
async function browse(gateway: Gateway, key: string, input: object): Promise<string> {
  const said = await (await call(gateway, `/v1/sessions/${encodeURIComponent(key)}/tools/browser`, input)).text();
  if (said.includes('"isError":true')) throw new Error(`browser failed: ${said}`);
  return said;
}

const browsersOf = async ({ instance }: Site): Promise<Docker.ContainerInfo[]> =>
  await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`, `${LABEL.kind}=browser`] } });

/** From nothing to what an agent reads of the page. */
async function firstUse(gateway: Gateway, key: string, url: string): Promise<void> {
  await browse(gateway, key, { action: "navigate", targetUrl: url });
  await browse(gateway, key, { action: "snapshot" });
}

async function stopAll(gateway: Gateway, site: Site): Promise<void> {
  await Promise.all(gateway.sessions.map((key) => browse(gateway, key, { action: "stop" })));
  for (const endsAt = performance.now() + WAIT_MS_MAX; (await browsersOf(site)).length > 0; await pause(50))
    if (performance.now() > endsAt) throw new Error("browsers are left that were stopped");
}

/** A container like the product's, with DevTools on a port of this host. Nobody watches it: its port would open only once VNC's does. */
function toPublished(twin: Twin): Twin {
  const env = (twin.Env ?? []).filter((entry) => !/^OPENCLAW_BROWSER_(CDP_SOURCE_RANGE|ENABLE_NOVNC)=/.test(entry));
  return {
    ...twin,
    Env: [...env, "OPENCLAW_BROWSER_ENABLE_NOVNC=0"],
    ExposedPorts: { [CDP]: {} },
    HostConfig: { ...twin.HostConfig, PortBindings: { [CDP]: [{ HostIp: "127.0.0.1", HostPort: "" }] } },
  };
}

/** One that gave up on a machine that is too busy is started again, as the product does. @returns where DevTools answers */
async function startPublished(container: Docker.Container): Promise<string> {
  for (const endsAt = performance.now() + WAIT_MS_MAX; performance.now() < endsAt; await pause(20)) {
    const { State, NetworkSettings } = await container.inspect();
    const address = `http://127.0.0.1:${NetworkSettings.Ports[CDP]?.[0]?.HostPort}`;
    if (!State.Running) await container.start();
    else if ((await fetch(`${address}/json/version`).catch(() => null))?.ok) return address;
  }
  throw new Error("the browser that was made by hand does not answer");
}

interface Raw {
  page: Page;
  close(): Promise<void>;
}

/** The same as a first use, by hand. */
async function rawFirstUse(twin: Twin, url: string): Promise<Raw> {
  const container = await docker.createContainer(twin);
  const browser = await chromium.connectOverCDP(await startPublished(container));
  const [context] = browser.contexts();
  const page = context?.pages()[0] ?? (await context?.newPage());
  if (page === undefined) throw new Error("the browser has no page");
  await page.goto(url);
  await page.ariaSnapshot({ mode: "ai" });
  const close = async (): Promise<void> => {
    await browser.close();
    await container.remove({ force: true, v: true });
  };
  return { page, close };
}

async function cold(gateway: Gateway, site: Site, { url, twin }: { url: string; twin: Twin }): Promise<Row> {
  const [key = ""] = gateway.sessions;
  const raw = async (): Promise<number> => {
    let made: Raw | null = null;
    const ms = await timed(async () => {
      made = await rawFirstUse(twin, url);
    });
    await (made as Raw | null)?.close();
    return ms;
  };
  const rounds: Round[] = [];
  for (let round = 0; round < COLD_ROUNDS; round += 1) {
    const before = round % 2 === 0 ? await raw() : null;
    const ours = await timed(() => firstUse(gateway, key, url));
    await stopAll(gateway, site);
    rounds.push({ ours, raw: before ?? (await raw()) });
  }
  return compare("browser: first use -> first snapshot, against Playwright on a published port", rounds, { budgetMs: COLD_BUDGET_MS });
}

async function warm(gateway: Gateway, { url, twin }: { url: string; twin: Twin }): Promise<Row[]> {
  const [key = ""] = gateway.sessions;
  await firstUse(gateway, key, url);
  const raw = await rawFirstUse(twin, url);
  const ref = /button \\"Feed\\" \[ref=(\w+)\]/.exec(await browse(gateway, key, { action: "snapshot" }))?.[1] ?? "";
  const actions = [
    { name: "a snapshot", input: { action: "snapshot" }, by: () => raw.page.ariaSnapshot({ mode: "ai" }), budgetMs: WARM_BUDGET_MS },
    { name: "a screenshot", input: { action: "screenshot" }, by: () => raw.page.screenshot(), budgetMs: WARM_BUDGET_MS },
    {
      name: "a click",
      input: { action: "act", request: { kind: "click", ref } },
      by: () => raw.page.getByRole("button", { name: "Feed" }).click(),
      budgetMs: CLICK_BUDGET_MS,
    },
  ];
  const rows: Row[] = [];
  for (const { name, input, by, budgetMs } of actions) {
    const rounds: Round[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + WARM_ROUNDS; round += 1) {
      const ours = await timed(() => browse(gateway, key, input));
      const rawMs = await timed(by);
      if (round >= WARM_UP_ROUNDS) rounds.push({ ours, raw: rawMs });
    }
    rows.push(compare(`browser: ${name}, against Playwright on a published port`, rounds, { budgetMs, digits: 1 }));
  }
  await raw.close();
  return rows;
}

/** Of processes and all that they started. */
async function residentMb(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid): Promise<number> => {
    const own = Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter((text) => text.trim() !== "");
    return own + (await residentMb(children.map(Number)));
  });
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
}

/** As `docker stats` counts it: without what the kernel may drop. */
async function containersMb(containers: readonly Docker.ContainerInfo[]): Promise<number> {
  const each = containers.map(async ({ Id }) => {
    const { memory_stats: memory } = await docker.getContainer(Id).stats({ stream: false });
    return (memory.usage - (memory.stats.inactive_file ?? 0)) / 1_048_576;
  });
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
}

async function eight(gateway: Gateway, site: Site, { url, twin }: { url: string; twin: Twin }): Promise<Row[]> {
  const raws: Raw[] = [];
  const rawMs = await timed(async () => void raws.push(...(await Promise.all(gateway.sessions.map(() => rawFirstUse(twin, url))))));
  await Promise.all(raws.map((raw) => raw.close()));
  const oursMs = await timed(() => Promise.all(gateway.sessions.map((key) => firstUse(gateway, key, url))));
  const containers = await browsersOf(site);
  if (containers.length !== EIGHT) throw new Error(`${containers.length} browsers run`);
  const ownMb = await residentMb(gateway.processes.flatMap(({ pid }) => pid ?? []));
  const eachMb = (await containersMb(containers)) / EIGHT;
  const ratio = oursMs / rawMs;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return [
    toValueRow(
      `browser: ${EIGHT} first uses at once -> all have a snapshot`,
      {
        ours: seconds(oursMs),
        raw: seconds(rawMs),
        figure: `x${ratio.toFixed(2)}`,
        budget: `x${EIGHT_RATIO_MAX}`,
        ok: ratio <= EIGHT_RATIO_MAX,
      },
      { value: ratio, unit: "of Playwright's time", better: "less" },
    ),
    toValueRow(
      `browser: memory of gateway, controller and ${EIGHT} browser processes`,
      {
        ours: `${ownMb.toFixed(0)} MB`,
        figure: `each container ${eachMb.toFixed(0)} MB`,
        budget: `${EIGHT_MB_MAX} MB`,
        ok: ownMb <= EIGHT_MB_MAX,
      },
      { value: ownMb, unit: "MB", better: "less" },
    ),
  ];
}

export async function browser(): Promise<Row[]> {
  const page = await servePage();
  const site = await openSite(config);
  const gateway = await openGateway(site, EIGHT);
  try {
    const [key = ""] = gateway.sessions;
    await firstUse(gateway, key, page.url);
    const [model] = await browsersOf(site);
    const sides = { url: page.url, twin: toPublished(await toTwin(model?.Id ?? "", site.rawLabel)) };
    await stopAll(gateway, site);
    const rows = [await cold(gateway, site, sides), ...(await warm(gateway, sides))];
    await stopAll(gateway, site);
    return [...rows, ...(await eight(gateway, site, sides))];
  } finally {
    await endAll(gateway.processes, "SIGTERM");
    await removeContainers(site.rawLabel);
    await site.close();
    await page.close();
  }
}
