// The engine contract's bench on a real engine, by its Docker API. Whatever it makes carries an instance of its own, and only that is removed.
import { homedir } from "node:os";
import type Docker from "dockerode";
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { connectDocker } from "./connect.ts";
import type { Bench } from "./contract.fixture.ts";
import type { Environment } from "./endpoint.ts";
import type { Handle } from "./engine.ts";

async function removeAll(docker: Docker, instances: readonly InstanceId[]): Promise<void> {
  for (const instance of instances) {
    const left = await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } });
    await Promise.all(left.map(async ({ Id }) => await docker.getContainer(Id).remove({ force: true, v: true })));
    const filters = { label: [`${LABEL.instance}=${instance}`] };
    for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
    const { Volumes } = await docker.listVolumes({ filters: JSON.stringify(filters) });
    for (const { Name } of Volumes) await docker.getVolume(Name).remove();
  }
}

/** @param docker the engine that `environment` names */
export function openBench(docker: Docker, environment: Environment): Bench {
  const containerOf = (handle: Handle): Docker.Container => docker.getContainer(handle.id);
  return {
    engineOf: async (instance) => await connectDocker({ instance, environment, home: homedir(), observer: () => {} }),
    image: "debian:bookworm-slim",
    people: {
      kill: async (handle) => void (await containerOf(handle).kill({ signal: "KILL" })),
      pause: async (handle) => void (await containerOf(handle).pause()),
      rename: async (handle, name) => void (await containerOf(handle).rename({ name })),
      limit: async (handle, live) => void (await containerOf(handle).update({ PidsLimit: live.pidsLimit })),
      remove: async (handle) => void (await containerOf(handle).remove({ force: true })),
    },
    close: async (instances) => await removeAll(docker, instances),
  };
}
