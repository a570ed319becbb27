// What a gigabyte of output costs on its way through controller and gateway: against the raw engine's stream, and against the same stream over
// two bare hops, which is what two processes in between cost on this machine at least. Memory of both processes meanwhile.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import Docker from "dockerode";
import { endWithRun } from "./begun.ts";
import { median, type Row, toValueRow } from "./figures.ts";

/** One row's worth of output comes in parts, in turns with the others: load that drifts hits all of them. */
const PARTS = 3;
const PART_BYTES = 333_333_334;
const SHARE_MIN = 0.9;
const GROWTH_MB_MAX = 64;
const RAW = "by itself";
const HOPS = "over two bare hops";

export interface StreamParts {
  stateDir: string;
  /** Of the session's sandbox, by the engine itself. */
  container: Docker.Container;
  /** Forms of output, by name, as a client asks for them. Runs the command to its end. @returns how many bytes came */
  forms: Readonly<Record<string, (command: string) => Promise<number>>>;
  /** As the raw engine runs it. */
  raw(container: Docker.Container, command: string): Promise<number>;
  /** Of both processes, resident. */
  memoryMb(): Promise<number>;
}

/** Two bare hops before the engine's socket. */
async function openHops(stateDir: string): Promise<{ docker: Docker; processes: ChildProcess[] }> {
  const script = new URL("hop.ts", import.meta.url).pathname;
  const engine = process.env.DOCKER_HOST?.replace(/^unix:\/\//, "") ?? "/var/run/docker.sock";
  const sockets = [engine, join(stateDir, "hop1.sock"), join(stateDir, "hop2.sock")];
  const processes: ChildProcess[] = [];
  for (const [at, from] of sockets.slice(1).entries()) {
    const hop = endWithRun(fork(script, [from, sockets[at] ?? ""]));
    processes.push(hop);
    await once(hop, "message");
  }
  return { docker: new Docker({ socketPath: sockets.at(-1) }), processes };
}

export async function gigabyte({ stateDir, container, forms, raw, memoryMb }: StreamParts): Promise<Row[]> {
  const command = `head -c ${PART_BYTES} /dev/zero | tr '\\0' a`;
  const hops = await openHops(stateDir);
  const ways: Record<string, () => Promise<number>> = {
    [RAW]: () => raw(container, command),
    [HOPS]: () => raw(hops.docker.getContainer(container.id), command),
  };
  for (const [name, form] of Object.entries(forms)) ways[`as ${name}`] = () => form(command);
  const seconds = new Map<string, number[]>(Object.keys(ways).map((way) => [way, []]));
  const memory = watchMemory(memoryMb);
  for (let part = 0; part < PARTS; part += 1) {
    for (const [way, run] of Object.entries(ways)) {
      const startedAt = performance.now();
      if ((await run()) < PART_BYTES) throw new Error(`not all of it came ${way}`);
      seconds.get(way)?.push((performance.now() - startedAt) / 1_000);
    }
  }
  for (const hop of hops.processes) hop.kill("SIGKILL");
  const growthMb = await memory.stop();
  const rawSeconds = seconds.get(RAW) ?? [];
  seconds.delete(RAW);
  const rows = [...seconds].map(([way, each]) => toRow(way, each, rawSeconds));
  return [
    ...rows,
    toValueRow(
      "1 GB of output: memory above idle",
      { ours: `${growthMb.toFixed(0)} MB`, budget: `${GROWTH_MB_MAX} MB`, ok: growthMb < GROWTH_MB_MAX },
      { value: growthMb, unit: "MB", better: "less" },
    ),
  ];
}

function toRow(way: string, seconds: readonly number[], rawSeconds: readonly number[]): Row {
  const rate = (each: readonly number[]): string => `${(PART_BYTES / 1e6 / median(each)).toFixed(0)} MB/s`;
  const share = median(seconds.map((each, part) => (rawSeconds[part] ?? Number.NaN) / each));
  const told = { ours: rate(seconds), raw: rate(rawSeconds), figure: `${(100 * share).toFixed(0)} %` };
  return toValueRow(
    `1 GB of output ${way}`,
    { ...told, budget: way === HOPS ? "-" : "the engine's rate", ok: way === HOPS || share >= SHARE_MIN },
    { value: share, unit: "of the engine's rate", better: "more" },
  );
}

function watchMemory(memoryMb: () => Promise<number>): { stop(): Promise<number> } {
  let ended = false;
  const watching = (async () => {
    const idle = await memoryMb();
    let peak = idle;
    while (!ended) {
      await pause(50);
      peak = Math.max(peak, await memoryMb());
    }
    return peak - idle;
  })();
  return {
    stop: () => {
      ended = true;
      return watching;
    },
  };
}
