// The engine without the product: the same containers through the same client library, so that what the product adds can be told.
// It removes by label only what carries the label of the run.
import Docker from "dockerode";
import { LABEL } from "../src/api/labels.ts";

export const docker = new Docker();

/** What `createContainer` needs for one more container like a sandbox's. */
export type Twin = Docker.ContainerCreateOptions;

/**
 * The request for a container like this one in everything but its owner: the label of the instance becomes `label`, so that no controller
 * takes it for its own.
 */
export async function toTwin(containerId: string, label: string): Promise<Twin> {
  const { Config, HostConfig } = await docker.getContainer(containerId).inspect();
  const { Image, Entrypoint, Cmd, User, WorkingDir, Env, Healthcheck, Labels } = Config;
  return {
    Image,
    User,
    WorkingDir,
    Env,
    Cmd,
    HostConfig,
    Labels: { ...Labels, [LABEL.instance]: label },
    ...(Entrypoint === undefined ? {} : { Entrypoint }),
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
  };
}

export async function rawCreate(twin: Twin): Promise<Docker.Container> {
  const container = await docker.createContainer(twin);
  await container.start();
  return container;
}

/** Milliseconds of create plus start, and of a forced removal (kill and remove in one call, as the product makes it). */
export async function rawCycle(twin: Twin): Promise<{ made: number; removed: number }> {
  const startedAt = performance.now();
  const container = await rawCreate(twin);
  const runsAt = performance.now();
  await container.remove({ force: true, v: true });
  return { made: runsAt - startedAt, removed: performance.now() - runsAt };
}

/** Creations per second, with so many at a time; the containers are gone afterwards. */
export async function rawThroughput(twin: Twin, count: number, concurrency: number): Promise<number> {
  let left = count;
  const startedAt = performance.now();
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await rawCreate(twin);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const perSecond = (count * 1_000) / (performance.now() - startedAt);
  await removeContainers(twin.Labels?.[LABEL.instance] ?? "");
  return perSecond;
}

/** Four at a time: removal is cheaper than creation. */
const REMOVALS_AT_ONCE = 4;

/** Removes every container whose instance label is exactly this. */
export async function removeContainers(instance: string): Promise<void> {
  if (instance === "") throw new Error("no instance is named: every container would be removed");
  const left = await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } });
  const work = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      await docker
        .getContainer(next.Id)
        .remove({ force: true, v: true })
        .catch((error: unknown) => {
          if (!isGone(error)) throw error;
        });
    }
  };
  await Promise.all(Array.from({ length: REMOVALS_AT_ONCE }, work));
}

/** Somebody else removed it, or is about to. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && "statusCode" in error && (error.statusCode === 404 || error.statusCode === 409);
