// A thousand sockets that each hear a hundred events a second: how late the gateway's loop runs meanwhile, and what memory it takes. The gateway is a
// real process without a controller; messages that are sent over HTTP are what the sockets hear of.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findOwnerKey } from "../src/api/store/gateway-files.ts";
import { endWithRun, whenInterrupted } from "./begun.ts";
import { percentile, type Row, toValueRow } from "./figures.ts";
import { ask, call, endAll, type GatewayProcess, residentMb, startGateway } from "./processes.ts";

export interface SocketLoad {
  sockets: number;
  /** That each socket is to hear of. */
  eventsPerSecond: number;
  seconds: number;
}

const LISTENERS = 4;
const LAG_MS_MAX = 50;
const GROWTH_MB_MAX = 64;
/** Of messages that are not acknowledged yet: a gateway that falls behind is seen by the events that are missing. */
const POSTS_MAX = 64;
const WARM_UP_MS = 3_000;
const LOOK_MS = 200;

interface Gateway extends GatewayProcess {
  ownerKey: string;
}

async function openGateway(stateDir: string): Promise<Gateway> {
  const gateway = await startGateway("/healthz", { stateDir, imports: ["loop-lag.ts"] });
  return { ...gateway, ownerKey: (await findOwnerKey(stateDir)) ?? "" };
}

async function post(gateway: Gateway, path: string, body: object): Promise<void> {
  await (await call(gateway, path, body)).body?.cancel();
}

async function openListeners({ url, ownerKey }: Gateway, sockets: number): Promise<ChildProcess[]> {
  const script = new URL("listeners.ts", import.meta.url).pathname;
  const each = Math.ceil(sockets / LISTENERS);
  const listeners = Array.from({ length: LISTENERS }, (_, at) =>
    endWithRun(fork(script, [url.replace("http", "ws"), ownerKey, String(Math.min(each, sockets - at * each))])),
  );
  await Promise.all(listeners.map((listener) => once(listener, "message")));
  return listeners;
}

async function heard(listeners: readonly ChildProcess[]): Promise<{ events: number; lost: number }> {
  const answers = await Promise.all(listeners.map((listener) => ask<{ events: number; lost: number }>(listener)));
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  return { events: sum(answers.map(({ events }) => events)), lost: sum(answers.map(({ lost }) => lost)) };
}

/** Messages at this rate, whether or not those before were acknowledged. @returns how many were not sent, since too many were not */
async function send(gateway: Gateway, perSecond: number, milliseconds: number): Promise<number> {
  const startedAt = performance.now();
  let [due, skipped] = [0, 0];
  const underWay = new Set<Promise<void>>();
  for (let at = 0; at < milliseconds; at = performance.now() - startedAt) {
    for (; due < (at * perSecond) / 1_000; due += 1) {
      if (underWay.size >= POSTS_MAX) skipped += 1;
      else {
        const sending = post(gateway, "/v1/sessions/main/messages", { text: "hello" }).finally(() => underWay.delete(sending));
        underWay.add(sending);
      }
    }
    await pause(5);
  }
  await Promise.all(underWay);
  return skipped;
}

/** How late each moment of the gateway's loop was since the last look. */
async function lagMs({ process: child }: Gateway): Promise<{ p99: number; max: number }> {
  const { lateMs } = await ask<{ lateMs: number[] }>(child);
  return { p99: percentile(lateMs, 99), max: percentile(lateMs, 100) };
}

export async function measureSockets({ sockets, eventsPerSecond, seconds }: SocketLoad): Promise<Row[]> {
  const stateDir = await mkdtemp(join(tmpdir(), "openclaw-bench-"));
  const begun: ChildProcess[] = [];
  const remove = whenInterrupted(() => rm(stateDir, { recursive: true, force: true }));
  try {
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify({ gateway: { mode: "local" } }), { mode: 0o600 });
    const gateway = await openGateway(stateDir);
    begun.push(gateway.process);
    await post(gateway, "/v1/sessions", { key: "main" });
    const listeners = await openListeners(gateway, sockets);
    begun.push(...listeners);
    await send(gateway, eventsPerSecond, WARM_UP_MS);
    const [before, idleMb] = [await heard(listeners), await residentMb([gateway.process])];
    await lagMs(gateway);
    let peakMb = idleMb;
    const looking = setInterval(() => void residentMb([gateway.process]).then((mb) => (peakMb = Math.max(peakMb, mb))), LOOK_MS);
    const skipped = await send(gateway, eventsPerSecond, seconds * 1_000);
    clearInterval(looking);
    const [lag, after] = [await lagMs(gateway), await heard(listeners)];
    const rate = (after.events - before.events) / sockets / seconds;
    const told = `${rate.toFixed(0)} events/s each, ${after.lost - before.lost} gaps, ${skipped} not sent`;
    return toRows({ sockets, told, lag, growthMb: peakMb - idleMb, isWhole: skipped === 0 && after.lost === before.lost });
  } finally {
    await endAll(begun, "SIGKILL");
    await remove();
  }
}

interface Measured {
  sockets: number;
  told: string;
  lag: { p99: number; max: number };
  growthMb: number;
  /** Every event was sent, and heard. */
  isWhole: boolean;
}

function toRows({ sockets, told, lag, growthMb, isWhole }: Measured): Row[] {
  const ours = `${lag.p99.toFixed(0)} ms, at most ${lag.max.toFixed(0)} ms`;
  return [
    toValueRow(
      `${sockets} sockets: the loop's lag, p99`,
      { ours, figure: told, budget: `${LAG_MS_MAX} ms`, ok: isWhole && lag.p99 < LAG_MS_MAX },
      { value: lag.p99, unit: "ms", better: "less" },
    ),
    toValueRow(
      `${sockets} sockets: memory above the beginning`,
      { ours: `${growthMb.toFixed(0)} MB`, budget: `${GROWTH_MB_MAX} MB`, ok: growthMb < GROWTH_MB_MAX },
      { value: growthMb, unit: "MB", better: "less" },
    ),
  ];
}

export const sockets = (): Promise<Row[]> => measureSockets({ sockets: 1_000, eventsPerSecond: 100, seconds: 60 });
