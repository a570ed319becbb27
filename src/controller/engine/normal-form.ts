// One spelling for what means the same to an engine, so that what was asked for and what is read back compare equal.
// It decides nothing about drift: it only says which differences in spelling are none in effect. Limits are decide/limits.ts.
import type { Mount } from "../../api/sandbox.ts";

/** What the engine gives a container that asks for no size, bytes. */
export const SHM_SIZE_DEFAULT = 64 * 1024 * 1024;
/** Where a tools sandbox sees its agent's folder. */
const AGENT_DIR = "/agent";

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
