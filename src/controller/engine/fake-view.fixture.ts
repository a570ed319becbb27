// The model's containers as the engine port shows them. What happens to them is fake.fixture.ts and fake-world.fixture.ts.
import { LABEL } from "../../api/labels.ts";
import { toPendingName } from "../../api/names.ts";
import { toIdentity } from "./docker-observe.ts";
import type { Observation, Surveyed } from "./engine.ts";
import type { FakeContainer } from "./fake-world.fixture.ts";

export const toIncarnation = (container: FakeContainer): string =>
  container.startedAt === null ? "" : `${container.startedAt}.${container.starts}`;

export function toObservation(container: FakeContainer): Observation | null {
  const identity = toIdentity(container.labels);
  if (identity === null) return null;
  const { name, state, startedAt } = container;
  return {
    handle: { id: container.id, uid: identity.uid, incarnation: toIncarnation(container) },
    identity,
    actualName: name,
    stage: name === identity.name ? "current" : name === toPendingName(identity.name) ? "pending" : "renamed",
    state,
    startedAt,
    restarted: container.finishedAt !== null,
    exitCode: state === "exited" || state === "dead" ? container.exitCode : null,
    oomKilled: container.oomKilled,
    imageId: container.imageId,
    networks: [...container.networks].sort(),
    live: container.live,
    tuning: container.tuning,
    created: container.created,
    execs: container.execs.size === 0 ? "none" : "some",
    settled: state === "running",
  };
}

/** Confined as every sandbox is. */
export function toSurveyed({ id, name, labels, state, createdAt, created, live }: FakeContainer): Surveyed {
  return {
    id,
    name,
    labels,
    state,
    createdAt,
    image: created.image,
    user: created.user,
    privileged: false,
    readOnlyRoot: created.readOnlyRoot,
    noNewPrivileges: true,
    capAdd: [],
    unconfined: [],
    sharedNamespaces: [],
    devices: [],
    publishedPorts: [],
    pidsLimit: live.pidsLimit,
    memory: live.memory,
    binds: created.mounts.map(({ source, target, readOnly }) => ({ source, target, readOnly })),
    egressDifferences: labels[LABEL.egress] === undefined ? null : [],
  };
}
