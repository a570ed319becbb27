// Runs a short-lived container to observe how Docker runs one, and removes it whatever happens. What is observed is up to the caller.
// A crash in between is covered twice: the container ends by itself and the engine removes it then; what never started, the sweep removes.
import { setTimeout as pause } from "node:timers/promises";
import { type InstanceId, toContainerId, toSandboxUid } from "../../api/brands.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import type { DockerClient } from "./docker-client.ts";
import { type EngineTraits, toProbeOptions } from "./docker-create.ts";
import { toIncarnation } from "./docker-observe.ts";
import type { Handle, ProbeRequest } from "./engine.ts";
import { isAlreadySo } from "./errors.ts";

export interface ProbeParts {
  client: DockerClient;
  instance: InstanceId;
  traits: EngineTraits;
}

/** 10 s in all: the engine ends and removes a container in under 100 ms on an idle machine. */
const GONE_LOOKS_MAX = 200;
const GONE_POLL_MS = 50;

/** @throws OperationError as the engine says, or what `look` throws */
export async function probeInDocker<T>(parts: ProbeParts, request: ProbeRequest, look: (handle: Handle) => Promise<T>): Promise<T> {
  const { client } = parts;
  const id = await client.create(toProbeOptions(parts.instance, request, parts.traits));
  try {
    await client.run("start", "probe", async (abortSignal) => await client.docker.getContainer(id).start({ abortSignal }));
    const raw = await client.inspect(id);
    return await look({ id: toContainerId(id), uid: toSandboxUid(""), incarnation: toIncarnation(raw) });
  } finally {
    await remove(client, id);
  }
}

/** Ended by force, it is removed by the engine itself: both may be at it, and it is over when it is not there any more. */
async function remove(client: DockerClient, id: string): Promise<void> {
  const container = client.docker.getContainer(id);
  try {
    await client.run("remove-object", "probe", async (abortSignal) => await container.remove({ force: true, v: true, abortSignal }));
  } catch (error) {
    if (!isErrorCode(error, "EngineConflict") && !isAlreadySo("remove-object", error)) throw error;
  }
  for (let looks = 0; looks < GONE_LOOKS_MAX; looks += 1) {
    if (await isGone(client, id)) return;
    await pause(GONE_POLL_MS);
  }
  throw new OperationError("EngineTimeout", `engine: remove probe ${id.slice(0, 12)}: still there after 10 s`);
}

async function isGone(client: DockerClient, id: string): Promise<boolean> {
  try {
    await client.inspect(id);
    return false;
  } catch (error) {
    if (isErrorCode(error, "StaleHandle")) return true;
    throw error;
  }
}
