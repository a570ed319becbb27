// The Control UI with a thousand sandboxes over the model of an engine, in a real Chromium: how much the first load brings, how soon the page can be
// used, and whether scrolling ever keeps it from answering. The gateway is a process of its own; the browser is told nothing that a person's is not.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Browser, type CDPSession, chromium, type Page } from "playwright-core";
import { toInstanceId } from "../src/api/brands.ts";
import { createSystemClock } from "../src/api/clock.ts";
import { findOwnerKey } from "../src/api/store/gateway-files.ts";
import { FakeEngine } from "../src/controller/engine/fake.fixture.ts";
import { FakeWorld } from "../src/controller/engine/fake-world.fixture.ts";
import { freePort } from "../test/free-port.ts";
import { ENDED_BY_US, endWithRun, whenInterrupted } from "./begun.ts";
import { median, type Row, toValueRow } from "./figures.ts";
import { IMAGE, openSite, type Site } from "./site.ts";
import { writeSessions } from "./thousands.ts";

const AGENTS = 20;
const SESSIONS_EACH = 50;
const SANDBOXES = AGENTS * SESSIONS_EACH;
const START_MS_MAX = 60_000;
/** Of a person's computer at its first visit: nothing of it is kept from one to the next. */
const LOADS = 7;
const LOAD_KB_MAX = 200;
const INTERACTIVE_MS_MAX = 1_000;
const LONG_TASK_MS = 50;
/** As styles/parts.css has it; each turn of the wheel is a few of them. */
const ROW_PX = 52;
const WHEEL_PX = 6 * ROW_PX;
const WHEEL_EVERY_MS = 32;

const CONFIG = {
  gateway: { mode: "local", maxSandboxes: SANDBOXES },
  agents: {
    defaults: { sandbox: { mode: "all", scope: "session" } },
    list: Array.from({ length: AGENTS }, (_, index) => ({ id: `agent-${index}` })),
  },
};

export async function ui(): Promise<Row[]> {
  execFileSync("sh", [new URL("../scripts/build-ui.sh", import.meta.url).pathname, "--if-needed"], { stdio: ["ignore", 2, 2] });
  const world = new FakeWorld(createSystemClock());
  world.tag(IMAGE, "v1", { user: "1000:1000" });
  const site = await openSite(CONFIG, (instance) => new FakeEngine(world, toInstanceId(instance)));
  await writeSessions(site, { agents: AGENTS, each: SESSIONS_EACH });
  await site.serve();
  await site.controller.start();
  await site.untilAll(SANDBOXES);
  await using begun = new AsyncDisposableStack();
  begun.defer(() => site.close());
  const gateway = await startGateway(site);
  begun.defer(() => end(gateway.process));
  await untilReady(gateway);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"], ...ENDED_BY_US });
  begun.defer(whenInterrupted(() => browser.close()));
  const page = await enter(browser, gateway, (await findOwnerKey(site.stateDir)) ?? "");
  return [...(await load(page, gateway.url)), await scroll(browser, page, gateway.url)];
}

interface Gateway {
  url: string;
  process: ChildProcess;
}

async function startGateway({ stateDir }: Site): Promise<Gateway> {
  const launcher = new URL("../bin/openclaw", import.meta.url).pathname;
  const [port, token] = [await freePort(), randomBytes(16).toString("hex")];
  const env = { ...process.env, OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_TOKEN: token };
  const child = endWithRun(spawn(launcher, ["gateway", "--port", String(port)], { env, stdio: ["ignore", "ignore", "inherit"] }));
  return { url: `http://127.0.0.1:${port}`, process: child };
}

async function untilReady({ url }: Gateway): Promise<void> {
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const startedAt = performance.now();
  while (!(await isReady())) {
    if (performance.now() - startedAt > START_MS_MAX) throw new Error(`the gateway was not ready within ${START_MS_MAX / 1_000} s`);
    await pause(100);
  }
}

/** By the owner's key, which stays in the tab. */
async function enter(browser: Browser, { url }: Gateway, ownerKey: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(url);
  await page.getByLabel("Gateway token").fill(ownerKey);
  await page.keyboard.press("Enter");
  await page.locator(".headline").waitFor();
  return page;
}

/** When the first sentence about the sandboxes is on the screen, everything on the page answers. */
const NOTE_WHEN_SHOWN = `
  new MutationObserver((_changes, observer) => {
    if (document.querySelector(".headline") === null) return;
    observer.disconnect();
    requestAnimationFrame(() => { window.shownAt = performance.now(); });
  }).observe(document, { childList: true, subtree: true });`;

/** Not by a function that the page would compile: its policy lets none. */
const SHOWN = `new Promise((resolve) => {
  const look = () => (window.shownAt === undefined ? setTimeout(look, 10) : resolve(window.shownAt));
  look();
})`;

async function load(page: Page, url: string): Promise<Row[]> {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Network.enable");
  await protocol.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.addInitScript(NOTE_WHEN_SHOWN);
  const [bytes, times]: [number[], number[]] = [[], []];
  for (let round = 0; round < LOADS; round += 1) {
    const loaded = countBytes(protocol);
    await page.goto(url);
    times.push(await page.evaluate<number>(SHOWN));
    bytes.push(loaded());
  }
  const [kb, ms] = [median(bytes) / 1_000, median(times)];
  return [
    toValueRow(
      "first load of the Control UI",
      { ours: `${kb.toFixed(0)} kB`, budget: `${LOAD_KB_MAX} kB`, ok: kb < LOAD_KB_MAX },
      { value: kb, unit: "kB", better: "less" },
    ),
    toValueRow(
      `until its overview of ${SANDBOXES} sandboxes can be used`,
      { ours: `${ms.toFixed(0)} ms`, budget: `${INTERACTIVE_MS_MAX} ms`, ok: ms < INTERACTIVE_MS_MAX },
      { value: ms, unit: "ms", better: "less" },
    ),
  ];
}

/** Files of the page as they came, compressed; not what the socket says. @returns ends the count */
function countBytes(protocol: CDPSession): () => number {
  let bytes = 0;
  const count = ({ encodedDataLength }: { encodedDataLength: number }): void => {
    bytes += encodedDataLength;
  };
  protocol.on("Network.loadingFinished", count);
  return () => {
    protocol.off("Network.loadingFinished", count);
    return bytes;
  };
}

/** From the first row to the last by the wheel; Chromium's own trace says how long each task of the page's thread took. */
async function scroll(browser: Browser, page: Page, url: string): Promise<Row> {
  await page.goto(`${url}/sandboxes`);
  await page.locator(".sandbox-table tbody tr").nth(5).waitFor();
  await page.waitForLoadState("networkidle");
  await page.mouse.move(800, 600);
  await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline"] });
  for (let at = 0; at < SANDBOXES * ROW_PX; at += WHEEL_PX) {
    await page.mouse.wheel(0, WHEEL_PX);
    await pause(WHEEL_EVERY_MS);
  }
  const tasks = readTasks((await browser.stopTracing()).toString("utf8"));
  const last = await page.locator(".sandbox-table tbody tr:not(.spacer)").last().getAttribute("aria-rowindex");
  if (last !== String(SANDBOXES + 1)) throw new Error(`the last row that is seen is ${last}, and there are ${SANDBOXES}`);
  const long = tasks.filter(({ ms }) => ms > LONG_TASK_MS).length;
  const [most, busiest] = [Math.max(...tasks.map(({ ms }) => ms)), Math.max(...tasks.map(({ cpuMs }) => cpuMs))];
  const ours = `${most.toFixed(0)} ms, ${busiest.toFixed(0)} of the processor; ${long} of ${tasks.length} over ${LONG_TASK_MS} ms`;
  return toValueRow(
    `scrolling through ${SANDBOXES} sandboxes: the longest task`,
    { ours, budget: `${LONG_TASK_MS} ms`, ok: long === 0 },
    { value: most, unit: "ms", better: "less" },
  );
}

interface Task {
  ms: number;
  /** Of the processor: what it takes where nothing else runs. */
  cpuMs: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds. */
  dur?: number;
  /** The same of the processor. */
  tdur?: number;
  args?: { name?: string };
}

/** Each task on the main thread of the page's process: the renderer that did most. */
function readTasks(trace: string): Task[] {
  const { traceEvents }: { traceEvents: TraceEvent[] } = JSON.parse(trace);
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const mains = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain").map(threadOf));
  const byThread = Map.groupBy(
    traceEvents.filter((event) => event.ph === "X" && event.name === "ThreadControllerImpl::RunTask" && mains.has(threadOf(event))),
    threadOf,
  );
  const busiest = [...byThread.values()].toSorted((one, other) => other.length - one.length)[0];
  if (busiest === undefined) throw new Error("the trace has no task of the page");
  return busiest.map(({ dur = 0, tdur = 0 }) => ({ ms: dur / 1_000, cpuMs: tdur / 1_000 }));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}
