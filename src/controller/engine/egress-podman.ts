// How Podman shows the options of a container of the egress, said as Docker shows the same ones. Pure. What is no other word for what was asked for stays
// as it is, and is a difference.
import type Docker from "dockerode";
import { toCapDrop } from "./normal-form.ts";

type HostConfig = Readonly<Record<string, unknown>>;

/** Those that it makes of its own accord where the root can't be written. */
const OWN_TMPFS = new Set(["/run", "/tmp", "/var/tmp"]);
/** A namespace of its own, which Docker shows as nothing. */
const NAMESPACES = ["PidMode", "UTSMode", "UsernsMode"];

export function toDockerForm(host: HostConfig, asked: Docker.HostConfig): HostConfig {
  const own = Object.fromEntries(NAMESPACES.map((name) => [name, host[name] === "private" ? "" : host[name]]));
  return {
    ...host,
    ...own,
    ...toCapabilities(host, toTexts(asked.CapAdd)),
    Tmpfs: toTmpfs(host.Tmpfs, asked.Tmpfs ?? {}),
    Binds: toTexts(host.Binds).filter(
      (bind) => !(asked.Mounts ?? []).some(({ Source, Target }) => bind.startsWith(`${Source}:${Target}:`)),
    ),
    // It is the kind alone there; which network it is, is compared elsewhere.
    NetworkMode:
      host.NetworkMode === "bridge" && asked.NetworkMode?.startsWith("container:") === false ? asked.NetworkMode : host.NetworkMode,
  };
}

const toTexts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** It names each that was dropped; one that was added is not among them, and nowhere else. */
function toCapabilities(host: HostConfig, added: readonly string[]): { CapDrop: string[]; CapAdd: string[] } {
  const dropped = toTexts(host.CapDrop);
  const kept =
    dropped.includes("ALL") || dropped.length === 0
      ? []
      : added.filter((name) => !dropped.includes(name) && !dropped.includes(`CAP_${name}`));
  return { CapDrop: kept.length === 0 ? toCapDrop(dropped) : toCapDrop([...dropped, ...kept]), CapAdd: [...toTexts(host.CapAdd), ...kept] };
}

/** With the options that were asked for, where all of them are among those that it shows. */
function toTmpfs(shown: unknown, asked: Readonly<Record<string, string>>): unknown {
  if (typeof shown !== "object" || shown === null) return shown;
  const entries = Object.entries(shown).map(([path, options]): [string, string] => [path, String(options)]);
  const kept = entries.filter(([path]) => path in asked || !OWN_TMPFS.has(path));
  return Object.fromEntries(
    kept.map(([path, options]) => {
      const words = options.split(",");
      const wanted = asked[path];
      return [path, wanted?.split(",").every((word) => words.includes(word)) === true ? wanted : options];
    }),
  );
}
