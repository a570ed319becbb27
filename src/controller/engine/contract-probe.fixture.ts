// What every implementation of the engine port promises of a probe: it runs, no listing shows it, and it is gone afterwards.
// Beside contract.fixture.ts, which has the rest of the contract.
import { expect } from "vitest";
import type { InstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { codeOf, run, specOf } from "./contract.fixture.ts";
import type { Engine } from "./engine.ts";

export async function expectProbeContract(engine: Engine, instance: InstanceId, image: string): Promise<void> {
  const request = { spec: specOf(image), script: "true" };
  const seen = await engine.probe(request, async (handle) => ({
    listed: await engine.list(),
    labels: (await engine.objects("probe")).map(({ labels }) => labels),
    said: (await run(engine, handle, ["echo", "here"])).stdout,
  }));
  expect(seen).toEqual({
    listed: [],
    labels: [expect.objectContaining({ [LABEL.instance]: instance, [LABEL.probe]: "1" })],
    said: "here\n",
  });
  const failing = engine.probe(request, async () => {
    throw new Error("the look failed");
  });
  await expect(failing).rejects.toThrow("the look failed");
  expect(await codeOf(engine.probe({ ...request, spec: specOf("openclaw-no-such-image:1") }, async () => 0))).toBe("ImageMissing");
  expect(await engine.objects("probe")).toEqual([]);
}
