// Finds this process among the engine's containers and reads its mounts. The container's id comes from the process's own mount table and
// counts only if the engine knows it; a file that only both can see proves the translation. It mounts nothing for sandboxes.
import { randomUUID } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { z } from "zod";
import type { InstanceId } from "../../api/brands.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import { removeFile, replaceFile } from "../../api/store/atomic-file.ts";
import { ASIDE_CONFINEMENT, runAside } from "./docker-aside.ts";
import type { DockerClient } from "./docker-client.ts";
import { HostPaths } from "./host-paths.ts";

const OwnInspect = z.object({
  Id: z.string(),
  Image: z.string(),
  State: z.object({ Running: z.boolean() }),
  Mounts: z.array(z.object({ Source: z.string(), Destination: z.string() })),
});

/** Files that an engine makes for each container and mounts from a folder named by its id. */
const ENGINE_FILE = /\/([0-9a-f]{64})\/(?:userdata\/)?(?:hostname|hosts|resolv\.conf)$/;
const ENGINE_TARGETS: ReadonlySet<string> = new Set(["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]);

/** Ids that a mount table (`/proc/self/mountinfo`) gives its process's container; whether they are true is the engine's to say. */
export function findContainerIds(mountinfo: string): string[] {
  const ids = mountinfo.split("\n").flatMap((line) => {
    const [, , , root = "", target = ""] = line.split(" ");
    const id = ENGINE_TARGETS.has(target) ? ENGINE_FILE.exec(root)?.[1] : undefined;
    return id === undefined ? [] : [id];
  });
  return [...new Set(ids)];
}

/** Of this process. Only Linux has the table; elsewhere a process is in no container. */
export async function readContainerIds(): Promise<string[]> {
  return findContainerIds(await readFile("/proc/self/mountinfo", "utf8").catch(() => ""));
}

/** @throws OperationError what the engine says */
export async function findHostPaths(client: DockerClient): Promise<HostPaths> {
  for (const id of await readContainerIds()) {
    const own = await inspectOwn(client, id);
    if (own === null) continue;
    const mounts = own.Mounts.map(({ Source, Destination }) => ({
      source: posix.normalize(Source),
      destination: posix.normalize(Destination),
    }));
    return new HostPaths({ mounts, image: own.Image });
  }
  return new HostPaths(null);
}

/** null: this engine has no such container, so the process is in a container of another engine or the table misled. */
async function inspectOwn(client: DockerClient, id: string): Promise<z.infer<typeof OwnInspect> | null> {
  try {
    const own = await client.inspectAs(id, OwnInspect);
    return own.State.Running ? own : null;
  } catch (error) {
    if (isErrorCode(error, "StaleHandle")) return null;
    throw error;
  }
}

export interface Proof {
  paths: HostPaths;
  /** Absolute: where the proof is made. */
  stateDir: string;
  /** Whose the canary is, should it be left behind. */
  instance: InstanceId;
}

/**
 * A container that mounts the state folder under the engine's name for it must see the file that was just written there.
 * @throws OperationError `HostRejected`: in a container whose state folder the engine can't give to others, with the fix; or it can't be written
 */
export async function provePaths(client: DockerClient, { paths, stateDir, instance }: Proof): Promise<void> {
  if (paths.image === null) return;
  const source = paths.toEngine(stateDir);
  const name = `.canary-${randomUUID()}`;
  const file = join(stateDir, name);
  await replaceFile(file, "", { durable: false });
  try {
    // Nobody but its owner may be let into it, whoever this process is.
    const { uid, gid } = await stat(stateDir);
    if (await seesFile(client, { image: paths.image, source, name, instance, user: `${uid}:${gid}` })) return;
  } finally {
    await removeFile(file);
  }
  throw new OperationError("HostRejected", `the engine's ${source} is not this process's ${stateDir}`, {
    fix: `mount a folder of the engine's own host at ${stateDir} in the controller's container`,
  });
}

interface Canary {
  /** Id of this process's own image: it is there for certain. */
  image: string;
  source: string;
  name: string;
  instance: InstanceId;
  user: string;
}

async function seesFile(client: DockerClient, { image, source, name, instance, user }: Canary): Promise<boolean> {
  const { code } = await runAside(client, "canary", {
    Image: image,
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: [`test -f /canary/${name}`],
    Labels: { [LABEL.instance]: instance, [LABEL.probe]: "1" },
    User: user,
    HostConfig: { ...ASIDE_CONFINEMENT, Mounts: [{ Type: "bind", Source: source, Target: "/canary", ReadOnly: true }] },
  });
  return code === 0;
}
