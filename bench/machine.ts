// What a figure depends on beside the product: the machine, its engine and what else it does. Told beside every result.
import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { z } from "zod";
import { run } from "../test/run-program.ts";
import { docker } from "./raw-engine.ts";

export const Machine = z.strictObject({
  at: z.iso.datetime(),
  /** Of the checkout; `+` where something is not committed. */
  commit: z.string(),
  processor: z.string(),
  cores: z.int(),
  memoryMb: z.int(),
  kernel: z.string(),
  engine: z.string(),
  runtime: z.string(),
  storage: z.string(),
  node: z.string(),
  /** Processes that ran or waited to, over the last minute: beyond the cores the figures are about something else. null: not noted. */
  loadBefore: z.number().nullable(),
  /** Share of the time, over the last ten seconds, in which something waited for a processor. null: the kernel does not tell. */
  pressurePercent: z.number().nullable(),
});
export type Machine = z.output<typeof Machine>;

const GIT_MS_MAX = 10_000;

async function readCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await run("git", args, { env: { PATH: process.env.PATH ?? "" }, timeoutMs: GIT_MS_MAX })).stdout.trim();
  const commit = await git("rev-parse", "--short", "HEAD");
  return (await git("status", "--porcelain", "--untracked-files=no")) === "" ? commit : `${commit}+`;
}

async function readPressure(): Promise<number | null> {
  const text = await readFile("/proc/pressure/cpu", "utf8").catch(() => "");
  const found = /some avg10=([\d.]+)/.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** Before anything is measured. */
export async function describeMachine(): Promise<Machine> {
  const [version, info, commit, pressurePercent] = await Promise.all([docker.version(), docker.info(), readCommit(), readPressure()]);
  const all = cpus();
  return {
    at: new Date().toISOString(),
    commit,
    processor: all[0]?.model ?? "unknown",
    cores: all.length,
    memoryMb: Math.round(totalmem() / 1_048_576),
    kernel: release(),
    engine: `Docker ${version.Version}`,
    runtime: info.DefaultRuntime,
    storage: info.Driver,
    node: process.version,
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
    pressurePercent,
  };
}

/** One line, as it stands above a table. */
export function renderMachine({ at, commit, processor, cores, engine, node, kernel, loadBefore, pressurePercent }: Machine): string {
  const load = loadBefore === null ? "" : `; load ${loadBefore} before it began`;
  const busy = pressurePercent === null ? "" : `, ${pressurePercent.toFixed(0)} % of the time something waited for a processor`;
  return `${at.slice(0, 10)}, ${commit}: ${cores} cores (${processor}), Linux ${kernel}, ${engine}, Node ${node}${load}${busy}`;
}
