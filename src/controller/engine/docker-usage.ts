// What a container uses: processor, memory and processes from the engine's statistics, and the size of what it wrote. Each is one engine call, made
// when somebody asks. null where the container is gone or does not run.
import { z } from "zod";
import type { EpochMs } from "../../api/brands.ts";
import { isErrorCode } from "../../api/errors.ts";
import type { Usage } from "../../api/usage.ts";
import type { DockerClient } from "./docker-client.ts";
import { toMoment } from "./docker-observe.ts";

const count = z.number().nullish();
export const RawStats = z.object({
  read: z.string().nullish(),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: count }).nullish() }).nullish(),
  memory_stats: z.object({ usage: count, limit: count, stats: z.record(z.string(), z.number()).nullish() }).nullish(),
  pids_stats: z.object({ current: count, limit: z.union([z.number(), z.string()]).nullish() }).nullish(),
});
type RawStats = z.infer<typeof RawStats>;

const NANOSECONDS = 1_000_000_000;
/** An engine that knows no limit says the largest number that it has, about 2^63. */
const NO_LIMIT_MIN = 2 ** 60;

export async function readUsage(client: DockerClient, id: string): Promise<Usage | null> {
  return await orNull(async () => toUsage(await client.stats(id, RawStats)));
}

export async function readWrittenBytes(client: DockerClient, id: string): Promise<number | null> {
  return await orNull(async () => await client.writtenBytes(id));
}

async function orNull<T>(read: () => Promise<T | null>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (isErrorCode(error, "StaleHandle")) return null;
    throw error;
  }
}

/** null: it does not run; the engine then says nothing of its memory. */
export function toUsage({ read, cpu_stats, memory_stats, pids_stats }: RawStats): Usage | null {
  const at: EpochMs | null = toMoment(read);
  const used = memory_stats?.usage;
  if (at === null || used === null || used === undefined) return null;
  return {
    at,
    cpuSeconds: (cpu_stats?.cpu_usage?.total_usage ?? 0) / NANOSECONDS,
    memoryBytes: Math.max(0, used - toInactive(memory_stats?.stats ?? {})),
    memoryBytesMax: toLimit(memory_stats?.limit),
    pids: pids_stats?.current ?? 0,
    pidsMax: toLimit(Number(pids_stats?.limit ?? 0)),
  };
}

/** As `docker stats` takes it off: cgroup v1 and v2 call it differently. */
const toInactive = (stats: Readonly<Record<string, number>>): number => stats.total_inactive_file ?? stats.inactive_file ?? 0;

const toLimit = (limit: number | null | undefined): number | null =>
  limit === null || limit === undefined || !(limit > 0) || limit >= NO_LIMIT_MIN ? null : limit;
