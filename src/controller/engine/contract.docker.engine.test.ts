// The engine contract on the engine of this machine. Whatever it makes carries an instance of its own, and only that is removed.
import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { promisify } from "node:util";
import Docker from "dockerode";
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { connectDocker } from "./connect.ts";
import { type Bench, describeEngine } from "./contract.fixture.ts";
import { describeEgress } from "./contract-egress.fixture.ts";
import type { Handle } from "./engine.ts";

const docker = new Docker();
const containerOf = (handle: Handle): Docker.Container => docker.getContainer(handle.id);

async function removeAll(instances: readonly InstanceId[]): Promise<void> {
  for (const instance of instances) {
    const left = await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } });
    await Promise.all(left.map(async ({ Id }) => await docker.getContainer(Id).remove({ force: true, v: true })));
    const filters = { label: [`${LABEL.instance}=${instance}`] };
    for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
    const { Volumes } = await docker.listVolumes({ filters: JSON.stringify(filters) });
    for (const { Name } of Volumes) await docker.getVolume(Name).remove();
  }
}

const open = async (): Promise<Bench> => ({
  engineOf: async (instance) => await connectDocker({ instance, environment: process.env, home: homedir(), observer: () => {} }),
  image: "debian:bookworm-slim",
  people: {
    kill: async (handle) => void (await containerOf(handle).kill({ signal: "KILL" })),
    pause: async (handle) => void (await containerOf(handle).pause()),
    rename: async (handle, name) => void (await containerOf(handle).rename({ name })),
    limit: async (handle, live) => void (await containerOf(handle).update({ PidsLimit: live.pidsLimit })),
    remove: async (handle) => void (await containerOf(handle).remove({ force: true })),
  },
  close: removeAll,
});

describeEngine("a Docker engine", open);
describeEgress("the egress of a Docker engine", async () => {
  await promisify(execFile)("scripts/sandbox-egress-setup.sh", []);
  return await open();
});
