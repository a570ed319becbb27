// What every implementation of the engine port promises of looks at whoever's containers: a survey shows what confines each, and what
// one wrote is told as long as it is there. Beside contract.fixture.ts, which has the rest of the contract.
import { expect } from "vitest";
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { identityOf, specOf, UNLIMITED } from "./contract.fixture.ts";
import type { Engine } from "./engine.ts";

export async function expectSurveyContract(engine: Engine, instance: InstanceId, image: string): Promise<void> {
  const identity = identityOf(instance);
  const handle = await engine.create(identity, specOf(image, { live: { ...UNLIMITED, pidsLimit: 99 } }));
  const find = async () => (await engine.survey()).find(({ id }) => id === handle.id);
  expect(await find()).toMatchObject({
    labels: { [LABEL.instance]: instance, [LABEL.scopeKey]: identity.scopeKey },
    state: "created",
    privileged: false,
    readOnlyRoot: true,
    noNewPrivileges: true,
    capAdd: [],
    unconfined: [],
    sharedNamespaces: [],
    devices: [],
    publishedPorts: [],
    pidsLimit: 99,
    memory: null,
  });
  expect(await engine.writtenBytes(handle.id)).toBeGreaterThanOrEqual(0);
  expect(await engine.usage(handle.id)).toBeNull();
  await engine.act(handle, identity, { kind: "start" });
  const usage = await engine.usage(handle.id);
  expect(usage).toMatchObject({ memoryBytes: expect.any(Number), pidsMax: 99 });
  expect(usage?.pids).toBeGreaterThanOrEqual(1);
  expect(usage?.cpuSeconds).toBeGreaterThanOrEqual(0);
  expect(usage?.at).toBeGreaterThan(0);
  await engine.act(handle, identity, { kind: "retire" });
  expect(await find()).toBeUndefined();
  expect(await engine.writtenBytes(handle.id)).toBeNull();
  expect(await engine.usage(handle.id)).toBeNull();
}
