// What is shown of a value that may be a secret: that it differs, never what it is. Over the model of an engine, through the admin views.
// Which variables are shown is decide/fields.ts's.
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { toSources } from "../../api/config/sources.ts";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager } from "../fixtures/site.fixture.ts";
import { LoopViews } from "../views/views.ts";

const withToken = (token: string): object => eager({ docker: { env: { TOKEN: token } } });

/** The views behind the admin server. */
function viewsOf({ site, clock, controller, engine }: Model): LoopViews {
  const folders = { stateDir: site.stateDir, home: "/home/claw" };
  return new LoopViews({
    ...controller,
    history: { view: () => expect.unreachable("nobody asks for the last hours") },
    instance: site.instance,
    folders,
    environment: { ...folders, variables: {}, trustedOwners: null },
    now: () => clock.now(),
    status: () => expect.unreachable("nobody asks for the controller's own view"),
    config: controller.config,
    observerUnder: (desired) => controller.observer.under(desired, controller.guard.under(desired)),
    logs: controller.setupLogs,
    engine,
    owner: { uid: 0, gid: 0 },
  });
}

test("a changed secret is shown as a field that differs, never by its value: in describe, plan, explain, events and the files of the state", async () => {
  const model = await startModel(withToken("hunter2"));
  await model.converge();
  const views = viewsOf(model);
  using _use = await model.controller.access.lease(model.name);
  const preview = await views.plan(toSources(JSON.stringify(withToken("hunter3"))));
  const drift = [{ field: "docker.env.TOKEN", remedy: "recreate", desired: "(hidden)", actual: "(hidden)" }];
  expect(preview.items).toMatchObject([{ waits: expect.stringContaining("docker.env.TOKEN changed"), drift }]);
  await model.edit(withToken("hunter3"));
  await model.until("the change waits", () => (views.sandbox(model.name)?.status.drift.length ?? 0) > 0);
  const described = views.sandbox(model.name);
  expect(described?.status.drift).toEqual(drift);
  const shown = [
    described,
    preview,
    await views.plan(null),
    await views.explain({ agentId: "main", sessionKey: null, name: null, kind: "tools" }),
    views.events.list({}),
  ];
  expect(JSON.stringify(shown)).not.toContain("hunter");
  await model.stop();
  const folder = join(model.site.stateDir, "controller");
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = await Promise.all(
    // The configs that were valid are copies of what the person wrote, for the controller alone.
    files
      .filter(({ name, parentPath }) => name !== "last-good.json" && basename(parentPath) !== "config-history")
      .map(async ({ parentPath, name }) => await readFile(join(parentPath, name), "utf8")),
  );
  expect(texts.length).toBeGreaterThan(2);
  expect(texts.filter((text) => text.includes("hunter"))).toEqual([]);
});
