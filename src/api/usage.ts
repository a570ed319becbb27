// What sandboxes use just now, as `sandbox top` shows it. Measured when asked for, kept nowhere.
// Pure: how it is measured is the engine's (controller/engine/docker-usage.ts).

/** One look at one container. */
export interface Usage {
  /** When the engine looked, milliseconds since the epoch. */
  at: number;
  /** Processor time since the container started: what one CPU does in a second is 1. The load is the difference of two looks. */
  cpuSeconds: number;
  /** Without the file cache that the kernel gives back when it is needed. */
  memoryBytes: number;
  /** Its limit, else mostly the machine's memory. null: the engine names neither. */
  memoryBytesMax: number | null;
  /** Processes and threads. */
  pids: number;
  /** null: no limit. */
  pidsMax: number | null;
}

export interface SandboxUsage {
  name: string;
  agentId: string | null;
  /** How many CPUs it may use. null: all of them. */
  cpusMax: number | null;
  /** Which container was looked at. null: there is none. */
  containerId: string | null;
  /** null: it does not run, or went while it was looked at. */
  usage: Usage | null;
}

export interface UsageView {
  items: SandboxUsage[];
}

/** Percent of one CPU between two looks at the same container. null: there is no time between them, or it began anew. */
export function toCpuPercent(before: Usage, after: Usage): number | null {
  const seconds = (after.at - before.at) / 1_000;
  const used = after.cpuSeconds - before.cpuSeconds;
  return seconds <= 0 || used < 0 ? null : (used / seconds) * 100;
}
