// The engine contract on the engine of this machine. Whatever it makes carries an instance of its own, and only that is removed.
import { homedir } from "node:os";
import Docker from "dockerode";
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { connectDocker } from "./connect.ts";
import { describeEngine } from "./contract.fixture.ts";
import type { Handle } from "./engine.ts";

const docker = new Docker();
const containerOf = (handle: Handle): Docker.Container => docker.getContainer(handle.id);

async function removeAll(instances: readonly InstanceId[]): Promise<void> {
  for (const instance of instances) {
    const left = await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } });
    await Promise.all(left.map(async ({ Id }) => await docker.getContainer(Id).remove({ force: true, v: true })));
  }
}

describeEngine("a Docker engine", async () => ({
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
}));
