// Lists what carries an instance's label on the engine, for the sweep: containers, networks and volumes. Whose they are and whether they may go is
// the sweep's to say.
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import type { DockerClient } from "./docker-client.ts";
import { toMoment } from "./docker-observe.ts";
import type { EngineObject, ObjectKind } from "./engine.ts";

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
