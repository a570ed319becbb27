// Volumes that an image declares (`VOLUME`): an engine makes each of them writable and unlimited, whatever the root is. Under a read-only root they
// are folders in memory here, with the limit of every other one. Pure.
import { TMPFS_OPTIONS_DEFAULT, type TmpfsMount } from "../../api/config/values.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import type { ImageFact } from "./observation.ts";

/** Programs run from a volume of an engine's, too. */
const OPTIONS = `exec,${TMPFS_OPTIONS_DEFAULT}`;

type Placed = Pick<ContainerSpec, "tmpfs" | "mounts">;

/** Sorted; without those at which something of the config's is mounted. */
export function findImageVolumes(image: ImageFact | null, { tmpfs, mounts }: Placed): string[] {
  if (image?.kind !== "found") return [];
  const taken = new Set([...tmpfs.map(({ path }) => path), ...mounts.map(({ target }) => target)]);
  return (image.volumes ?? []).filter((path) => !taken.has(path)).sort();
}

export const toVolumeTmpfs = (path: string): TmpfsMount => ({ path, options: OPTIONS });
