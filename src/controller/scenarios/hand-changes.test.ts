// What people change on a container by hand is found and repaired by the cheapest means: at once when the engine tells, within five minutes
// when it tells nothing at all. What the repairs do on a real engine is heal.engine.test.ts.
import { describe, expect, it } from "vitest";
import { UNTOUCHED } from "../decide/tuning.ts";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager } from "../fixtures/site.fixture.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const MIB = 2 ** 20;
const LIMITS = { memory: "128m", cpus: 0.5, pidsLimit: 64 };
const NETWORK = "by-hand";

interface HandChange {
  what: string;
  withinMs: number;
  make(model: Model, id: ReturnType<Model["mustServe"]>["id"]): void;
}

/** A listing shows names and states each 10 s; limits and networks only a look at the container itself does. */
const CHANGES: readonly HandChange[] = [
  { what: "stopped", withinMs: 15 * SECOND_MS, make: ({ world }, id) => world.die(id, 0) },
  { what: "paused", withinMs: 15 * SECOND_MS, make: ({ world }, id) => world.pause(id) },
  { what: "renamed", withinMs: 15 * SECOND_MS, make: ({ world }, id) => world.rename(id, "mine-now") },
  { what: "given more memory", withinMs: 5 * MINUTE_MS, make: ({ world }, id) => world.limit(id, { memory: 512 * MIB }) },
  { what: "given more processor", withinMs: 5 * MINUTE_MS, make: ({ world }, id) => world.limit(id, { cpus: 4 }) },
  { what: "given processes without end", withinMs: 5 * MINUTE_MS, make: ({ world }, id) => world.limit(id, { pidsLimit: 0 }) },
  {
    what: "told to start again by itself",
    withinMs: 5 * MINUTE_MS,
    make: ({ world }, id) => world.tune(id, { restartPolicy: "always" }),
  },
  { what: "connected to another network", withinMs: 5 * MINUTE_MS, make: ({ world }, id) => world.connect(id, NETWORK) },
  { what: "disconnected from its network", withinMs: 5 * MINUTE_MS, make: ({ world }, id) => world.disconnect(id, "bridge") },
];

async function startConverged(): Promise<Model> {
  const model = await startModel(eager({ docker: { ...LIMITS, network: "bridge" } }));
  model.world.networks.add(NETWORK);
  await model.converge();
  return model;
}

function isUpToDate(model: Model): boolean {
  const found = model.serving();
  if (found === null) return false;
  const { memory, cpus, pidsLimit } = found.live;
  return (
    memory === 128 * MIB &&
    cpus === 0.5 &&
    pidsLimit === 64 &&
    found.tuning.restartPolicy === "no" &&
    [...found.networks].join() === "bridge"
  );
}

/** The same container, and the engine was asked for one change only. */
function expectCheap(model: Model, id: string): void {
  expect(model.mustServe().id).toBe(id);
  expect(model.containers()).toHaveLength(1);
  expect(model.world.calls.filter((call) => /^(create|start|retire|promote|update|unpause|attach|detach) /.test(call))).toHaveLength(1);
}

describe("a sandbox that was", () => {
  it.each(CHANGES)("$what by hand is undone at once", async ({ make }) => {
    const model = await startConverged();
    const { id } = model.mustServe();
    model.world.calls.length = 0;
    make(model, id);
    expect(isUpToDate(model)).toBe(false);
    await model.until("it is undone", () => isUpToDate(model), SECOND_MS);
    expectCheap(model, id);
  });

  it.each(CHANGES)("$what by hand is undone within $withinMs ms, though every event was lost", async ({ make, withinMs }) => {
    const model = await startConverged();
    const { id } = model.mustServe();
    model.pace = { ...model.pace, lookEachMs: 5 * SECOND_MS };
    await model.advance(11 * SECOND_MS, SECOND_MS);
    model.world.dropHints(Number.POSITIVE_INFINITY);
    model.world.calls.length = 0;
    make(model, id);
    expect(isUpToDate(model)).toBe(false);
    await model.until("it is undone", () => isUpToDate(model), withinMs);
    expectCheap(model, id);
  });
});

it("what no engine takes back while a container is there gets a new one, and the status says what was done to the old one", async () => {
  const model = await startConverged();
  const { id } = model.mustServe();
  (await model.controller.access.lease(model.name))[Symbol.dispose]();
  model.world.tune(id, { cpusetCpus: "0", memoryReservation: 64 * MIB });
  await model.until("it is told", () => model.condition("UpToDate")?.reason === "DeferredInUse");
  expect(model.controller.statuses.get(model.name)?.status.drift).toEqual([
    { field: "docker update --cpuset-cpus", remedy: "recreate", desired: "unset", actual: "0" },
    { field: "docker update --memory-reservation", remedy: "recreate", desired: "unset", actual: String(64 * MIB) },
  ]);
  await model.until("a new one serves", () => model.serving() !== null && model.serving()?.id !== id);
  expect(model.mustServe().tuning).toEqual(UNTOUCHED);
});

it("an image that was rebuilt under its name rolls out, though every event was lost", async () => {
  const model = await startConverged();
  const { id } = model.mustServe();
  model.world.dropHints(Number.POSITIVE_INFINITY);
  const rebuilt = model.world.tag("openclaw-sandbox:bookworm-slim", `sha256:${"d".repeat(64)}`, { user: "1000:1000" });
  model.pace = { ...model.pace, lookEachMs: 5 * SECOND_MS };
  await model.until("it runs the rebuilt image", () => model.serving()?.imageId === rebuilt, 11 * MINUTE_MS);
  expect(model.mustServe().id).not.toBe(id);
});
