// One spelling for what means the same to an engine, so that what was asked for and what is read back compare equal.
// It decides nothing about drift: it only says which differences in spelling are none in effect.
import type { LiveSpec, Mount } from "../../api/sandbox.ts";

/** What the engine gives a container that asks for no size, bytes. */
export const SHM_SIZE_DEFAULT = 64 * 1024 * 1024;
/** Where a tools sandbox sees its agent's folder. */
const AGENT_DIR = "/agent";

/**
 * The limits that a container has in effect: `memorySwap` is null when it is what the engine fills in anyway (twice the memory, or
 * unlimited swap without a memory limit), `pidsLimit` 0 when there is none. Apply it to the desired limits; observations have it already.
 */
export function effectiveLive(live: LiveSpec): LiveSpec {
  const byDefault = live.memory === null ? live.memorySwap === -1 : live.memorySwap === 2 * live.memory;
  return { ...live, pidsLimit: Math.max(0, live.pidsLimit), memorySwap: byDefault ? null : live.memorySwap };
}

/** Mount kinds follow from the target: an engine does not keep them. */
export function toMountKind(target: string, workdir: string): Mount["kind"] {
  return target === workdir ? "workspace" : target === AGENT_DIR ? "agent" : "bind";
}

/** Podman's default capabilities: with all of them dropped nothing is left, and that is how it reads `ALL` back. */
const PODMAN_DEFAULT = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

/** Dropped capabilities as they were asked for: a list that leaves nothing is `ALL`. */
export function toCapDrop(names: readonly string[]): string[] {
  const plain = new Set(names.map((name) => name.toUpperCase().replace(/^CAP_/, "")));
  return plain.has("ALL") || PODMAN_DEFAULT.every((name) => plain.has(name)) ? ["ALL"] : [...names];
}
