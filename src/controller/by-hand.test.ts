// What people do to a container by hand, over the model of an engine: found at once by an event, in time without any, and mended in place.
// And what is shown of a difference: its fields, and no secret. The same repairs on a real engine are heal.engine.test.ts.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { toSources } from "../api/config/sources.ts";
import type { FakeContainer, FakeWorld } from "./engine/fake-world.ts";
import { type Model, startModel } from "./fixtures/model.fixture.ts";
import { eager } from "./fixtures/site.fixture.ts";
import { LoopViews } from "./views.ts";

const SECOND_MS = 1_000;
const RESYNC_MS_MAX = 5 * 60 * SECOND_MS;
const ALL_HINTS = Number.MAX_SAFE_INTEGER;
const withToken = (token: string): object => eager({ docker: { memory: "128m", pidsLimit: 64, network: "bridge", env: { TOKEN: token } } });

type Change = (world: FakeWorld, container: FakeContainer) => void;

const BY_HAND: readonly (readonly [what: string, change: Change])[] = [
  ["docker update", (world, { id }) => world.limit(id, { memory: 512 * 1024 * 1024, pidsLimit: 4_096 })],
  ["docker network connect", (world, { id }) => world.connect(id, "elsewhere")],
  ["docker rename", (world, { id }) => world.rename(id, "elsewhere")],
  ["docker pause", (world, { id }) => world.pause(id)],
  ["docker stop", (world, { id }) => world.die(id, 143)],
];

/** What the config says of the container, and whether it still is that container. */
function isAsWished({ name, state, live, networks }: FakeContainer, model: Model): boolean {
  const limited = live.memory === 128 * 1024 * 1024 && live.pidsLimit === 64;
  return name === model.name && state === "running" && limited && [...networks].join() === "bridge";
}

async function start(token = "hunter2"): Promise<{ model: Model; container: FakeContainer }> {
  const model = await startModel(withToken(token));
  await model.converge();
  const container = model.mustServe();
  expect(isAsWished(container, model)).toBe(true);
  return { model, container };
}

describe.each(BY_HAND)("%s", (_what, change) => {
  it("is found at once by its event, and mended in the same container", async () => {
    const { model, container } = await start();
    change(model.world, container);
    expect(isAsWished(container, model)).toBe(false);
    await model.until("it is as the config says", () => isAsWished(container, model), 2 * SECOND_MS);
    expect(model.containers()).toEqual([container]);
  });

  it("is found within five minutes although every event was lost, and mended in the same container", async () => {
    const { model, container } = await start();
    model.world.dropHints(ALL_HINTS);
    change(model.world, container);
    await model.until("it is as the config says", () => isAsWished(container, model), RESYNC_MS_MAX);
    expect(model.containers()).toEqual([container]);
  });
});

/** The views behind the admin door. */
function viewsOf({ site, clock, controller, engine }: Model): LoopViews {
  const folders = { stateDir: site.stateDir, home: "/home/claw" };
  return new LoopViews({
    ...controller,
    instance: site.instance,
    folders,
    environment: { ...folders, variables: {}, trustedOwners: null },
    now: () => clock.now(),
    status: () => expect.unreachable("nobody asks for the controller's own view"),
    config: controller.config,
    logs: controller.setupLogs,
    engine,
    owner: { uid: 0, gid: 0 },
  });
}

test("a changed secret is shown as a field that differs, never by its value: in describe, plan, explain, events and the files of the state", async () => {
  const { model } = await start("hunter2");
  const views = viewsOf(model);
  using _use = await model.controller.access.lease(model.name);
  const preview = await views.plan(toSources(JSON.stringify(withToken("hunter3"))));
  expect(preview.items[0]?.waits).toContain("docker.env.TOKEN changed");
  await model.edit(withToken("hunter3"));
  await model.until("the change waits", () => (views.sandbox(model.name)?.status.drift.length ?? 0) > 0);
  const described = views.sandbox(model.name);
  expect(described?.status.drift).toEqual([{ field: "docker.env.TOKEN", remedy: "recreate", desired: "(hidden)", actual: "(hidden)" }]);
  const shown = [
    described,
    preview,
    await views.plan(null),
    await views.explain({ agentId: "main", sessionKey: null }),
    views.events.list({}),
  ];
  expect(JSON.stringify(shown)).not.toContain("hunter");
  await model.stop();
  const folder = join(model.site.stateDir, "controller");
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = await Promise.all(
    // The config that was last valid is a copy of what the person wrote, for the controller alone.
    files
      .filter(({ name }) => name !== "last-good.json")
      .map(async ({ parentPath, name }) => await readFile(join(parentPath, name), "utf8")),
  );
  expect(texts.length).toBeGreaterThan(2);
  expect(texts.filter((text) => text.includes("hunter"))).toEqual([]);
});
