// Sandboxes that come and go for a long time: what is remembered of one that is gone is gone too, and says nothing when it comes back.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { API_VERSION } from "../../api/session.ts";
import { replaceFile } from "../../api/store/atomic-file.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { onDemand } from "../fixtures/site.fixture.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CONFIG = onDemand({ scope: "session", rollout: { hotWindow: "0s" } });

async function start(): Promise<Model> {
  const model = await createModel();
  await model.site.writeConfig(CONFIG);
  await model.start();
  return model;
}

/** Files are heard of in real time: the clock of the model waits until then. */
async function heard(model: Model, name: string, isThere: boolean): Promise<void> {
  const sandbox = model.site.nameOf(`agent:main:${name}`);
  await expect.poll(() => model.controller.desired.has(sandbox), { timeout: 20_000 }).toBe(isThere);
}

async function begin(model: Model, name: string): Promise<void> {
  await model.site.putSession("main", name, { createdAt: model.clock.now() });
  await heard(model, name, true);
}

async function end(model: Model, name: string): Promise<void> {
  await model.site.removeSession("main", name);
  await heard(model, name, false);
}

/** All of the metric's lines together. */
async function sumOf(model: Model, metric: string): Promise<number> {
  const text = await model.running.metrics.registry.renderText();
  const lines = text.split("\n").filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("a sandbox that comes back is timed from when it is wanted again, not from when it went", async () => {
  const model = await start();
  await begin(model, "chat");
  await model.converge(1);
  await end(model, "chat");
  await model.until("it is gone", () => model.containers().length === 0 && model.controller.statuses.list().length === 0);
  await model.advance(HOUR_MS, MINUTE_MS);
  await begin(model, "chat");
  await model.converge(1);
  expect(await sumOf(model, "openclaw_sandbox_convergence_seconds_count")).toBe(3);
  expect(await sumOf(model, "openclaw_sandbox_convergence_seconds_sum")).toBeLessThan(60);
});

test("what is gone is not looked at again when a person pauses the rollouts", async () => {
  const model = await start();
  for (const name of ["one", "two", "three"]) await begin(model, name);
  await model.converge(3);
  for (const name of ["one", "two"]) await end(model, name);
  await model.until("two are gone", () => model.controller.statuses.list().length === 1);
  await model.advance(10_000);
  const before = await sumOf(model, "controller_runtime_reconcile_total");
  const requests = join(model.site.stateDir, "requests");
  await mkdir(requests, { recursive: true });
  const pause = {
    apiVersion: API_VERSION,
    kind: "RolloutRequest",
    metadata: { name: "all" },
    spec: { pausedSince: "2026-01-01T00:00:00Z" },
  };
  await replaceFile(join(requests, "all.rollout.json"), JSON.stringify(pause), { durable: false });
  await expect.poll(() => model.controller.rollouts.pausedSince, { timeout: 20_000 }).not.toBeNull();
  await model.settle();
  expect((await sumOf(model, "controller_runtime_reconcile_total")) - before).toBe(1);
  await rm(join(requests, "all.rollout.json"));
});
