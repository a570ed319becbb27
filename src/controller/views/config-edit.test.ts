// What a gateway is told of an edit of the config: what is wrong with it and what it would do, and nothing of the host beyond the config in force.
// Over the model of an engine.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ConfigEditView } from "../../api/config-edit.ts";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager } from "../fixtures/site.fixture.ts";
import { LoopViews } from "./views.ts";

const CONFIG = eager({ docker: { memory: "1g", env: { TOKEN: "hunter2" } } });

function viewsOf({ site, clock, controller, engine }: Model): LoopViews {
  const folders = { stateDir: site.stateDir, home: "/home/claw" };
  return new LoopViews({
    ...controller,
    history: { view: () => expect.unreachable("nobody asks for the last hours") },
    instance: site.instance,
    folders,
    environment: { ...folders, variables: { HOST_SECRET: "hunter3" }, trustedOwners: null },
    now: () => clock.now(),
    status: () => expect.unreachable("nobody asks for the controller's own view"),
    config: controller.config,
    observerUnder: (desired) => controller.observer.under(desired, controller.guard.under(desired)),
    logs: controller.setupLogs,
    engine,
    owner: { uid: 0, gid: 0 },
  });
}

async function open() {
  const model = await startModel(CONFIG);
  await model.converge();
  const views = viewsOf(model);
  const { text, revision } = views.configText();
  const attempt = async (from: string, to: string, plan = true): Promise<ConfigEditView> => {
    expect(text).toContain(from);
    return await views.tryConfigEdit({ revision, text: (text ?? "").replace(from, () => to), plan });
  };
  return { model, views, text, revision, attempt };
}

test("an edit is planned for the sandboxes that it changes, with the secrets that nobody was shown", async () => {
  const { model, text, attempt } = await open();
  expect(text).toContain('"TOKEN": "(set)"');
  expect(text).not.toContain("hunter2");
  const edited = await attempt('"memory": "1g"', '"memory": "2g"');
  expect(edited).toMatchObject({ issues: [], others: 0, unplanned: "" });
  expect(edited.plan).toMatchObject([{ name: model.name, drift: [{ field: "docker.memory", desired: "2147483648" }] }]);
  expect(edited.plan?.[0]?.actions).toEqual([expect.stringContaining("update")]);
  expect(await attempt('"memory": "1g"', '"memory":  "1g"')).toMatchObject({ plan: [], others: 1 });
  expect(await attempt('"memory": "1g"', '"memory": "2g"', false)).toMatchObject({ plan: null, unplanned: "" });
});

test("a mistake is told with its line, and nothing is planned", async () => {
  const { attempt } = await open();
  const edited = await attempt('"memory": "1g"', '"memroy": "1g"');
  expect(edited.plan).toBeNull();
  expect(edited.issues).toMatchObject([{ severity: "error", line: 8, message: "unknown key", fix: expect.stringContaining("memory") }]);
});

test("of files, variables and paths of the host that the config in force doesn't name nothing is told", async () => {
  const { model, attempt } = await open();
  await mkdir(join(model.site.stateDir, "workspace-there"), { recursive: true });
  await writeFile(join(model.site.stateDir, "there.json5"), "{ not json5");
  const tellsApart = async (make: (name: string) => [from: string, to: string]): Promise<boolean> => {
    const views = await Promise.all(["there", "away"].map(async (name) => await attempt(...make(name))));
    const [there, away] = views.map((view) => JSON.stringify(view).replaceAll(/there|away/g, "NAME"));
    return there !== away;
  };
  const docker = '"docker": {';
  const bind = (name: string): [string, string] => [
    docker,
    `"docker": {"dangerouslyAllowExternalBindSources":true,"binds":["${model.site.stateDir}/workspace-${name}:/data:ro"],`,
  ];
  const edited = await attempt(...bind("there"));
  expect(edited).toMatchObject({ plan: null, unplanned: expect.stringContaining("workspace-there") });
  expect(await tellsApart(bind)).toBe(false);
  expect(await tellsApart((name) => [docker, `"docker": {"seccompProfile":"/${name}.json",`])).toBe(false);
  expect(await tellsApart((name) => ['"agents"', `"$include":"./${name}.json5","agents"`])).toBe(false);
  const variable = await attempt('"memory": "1g"', `"memory": "1g","image":"\${HOST_SECRET}"`);
  expect(variable.issues).toMatchObject([{ message: expect.stringContaining("variable") }]);
  expect(JSON.stringify(variable)).not.toContain("hunter3");
});

test("an edit of a text that is not in force any more is refused, and so is any while the file is broken", async () => {
  const { model, views, text, revision } = await open();
  await model.edit(eager({ docker: { memory: "3g" } }));
  await model.until("the config is in force", () => views.configText().revision !== revision);
  await expect(views.tryConfigEdit({ revision, text: text ?? "", plan: false })).rejects.toMatchObject({ code: "Aborted" });
  await writeFile(join(model.site.stateDir, "openclaw.json"), "{ agents: ");
  await model.until("the file is refused", () => views.configText().text === null);
  expect(views.configText().problem).toContain("openclaw.json:1:");
});
