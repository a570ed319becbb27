// Lists and removes what carries an instance's label on the engine, for the sweep: containers, networks and volumes. Whose they are and whether they may
// go is the sweep's to say.
import type { InstanceId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { DockerClient } from "./docker-client.ts";
import { toMoment } from "./docker-observe.ts";
import type { EngineObject, ObjectKind } from "./engine.ts";
import { isAlreadySo } from "./errors.ts";

export async function listObjects(client: DockerClient, instance: InstanceId, kind: ObjectKind): Promise<EngineObject[]> {
  const label = `${LABEL.instance}=${instance}`;
  switch (kind) {
    case "container":
    case "probe":
      return (await client.list(kind === "probe" ? [label, `${LABEL.probe}=1`] : [label])).map((raw) => ({
        kind,
        ref: raw.Id,
        name: (raw.Names[0] ?? "").replace(/^\//, ""),
        createdAt: toMoment(raw.Created ? new Date(raw.Created * 1000).toISOString() : null),
        labels: raw.Labels,
      }));
    case "network":
      return (await client.networks(label)).map((raw) => ({
        kind,
        ref: raw.Id,
        name: raw.Name,
        createdAt: toMoment(raw.Created),
        labels: raw.Labels ?? {},
      }));
    case "volume":
      return (await client.volumes(label)).map((raw) => ({
        kind,
        ref: raw.Name,
        name: raw.Name,
        createdAt: toMoment(raw.CreatedAt),
        labels: raw.Labels ?? {},
      }));
  }
}

/** What is gone already is success. @throws OperationError `StaleHandle`: it is another instance's; as the engine says */
export async function removeObject(client: DockerClient, instance: InstanceId, object: EngineObject): Promise<void> {
  const { kind, name, labels } = object;
  if (labels[LABEL.instance] !== instance) {
    throw new OperationError("StaleHandle", `${kind} ${name} does not belong to this instance; nothing was removed`);
  }
  await client.run("remove-object", name, async (abortSignal) => {
    try {
      await remove(client, object, abortSignal);
    } catch (error) {
      if (!isAlreadySo("remove-object", error)) throw error;
    }
  });
}

async function remove({ docker }: DockerClient, { kind, ref }: EngineObject, abortSignal: AbortSignal): Promise<void> {
  switch (kind) {
    case "container":
    case "probe":
      return await docker.getContainer(ref).remove({ force: true, v: true, abortSignal });
    case "network":
      return await docker.getNetwork(ref).remove({ abortSignal });
    case "volume":
      return await docker.getVolume(ref).remove({ abortSignal });
  }
}
