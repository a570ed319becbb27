// What a config that is in force although something in it is odd tells of that, where people look: events and metrics.
// What is odd is the rules' (api/config/rules.test.ts); what explain shows of it is explain.test.ts's.
// And what a reload survives: a disk that takes no more, and an error in a file that only the newest config includes.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startModel } from "../fixtures/model.fixture.ts";
import { eager, eventsOf } from "../fixtures/site.fixture.ts";

const WARNINGS = 'openclaw_config_issues{severity="warning"}';
const ERRORS = 'openclaw_config_issues{severity="error"}';
const ODD = eager({ docker: { tmpfs: ["/tmp:mode=1777"] } });
const MORE = eager({ docker: { tmpfs: ["/tmp:mode=1777", "/run:mode=1777"] } });

test("a new warning of the config is one event, and is told again only once it came anew", async () => {
  const model = await startModel(ODD);
  const told = () => eventsOf(model.controller, "ConfigWarning");
  const times = () => told().reduce((sum, { count }) => sum + count, 0);
  expect(told()).toMatchObject([{ type: "Warning", count: 1, object: { kind: "Config", name: model.site.configPath } }]);
  expect(told()[0]?.message).toMatch(/openclaw\.json:\d+:\d+: warning: agents\.defaults\.sandbox\.docker\.tmpfs: \/tmp has options/);
  expect(await model.metric(WARNINGS)).toBe(1);
  await model.edit(`// moved\n\n${JSON.stringify(ODD)}`);
  expect(times()).toBe(1);
  await model.edit(MORE);
  expect([times(), await model.metric(WARNINGS)]).toEqual([2, 2]);
  await model.edit(eager());
  expect([times(), await model.metric(WARNINGS)]).toEqual([2, 0]);
  await model.edit(ODD);
  expect([times(), await model.metric(WARNINGS), await model.metric(ERRORS)]).toEqual([3, 1, 0]);
});

test("warnings and errors of a file that is not valid are counted apart, and nothing new is told of the config in force", async () => {
  const model = await startModel(ODD);
  await model.edit(eager({ docker: { tmpfs: ["/tmp:mode=1777"], network: "host" } }));
  await model.until("it is refused", () => eventsOf(model.controller, "ConfigInvalid").length > 0);
  expect([await model.metric(ERRORS), await model.metric(WARNINGS)]).toEqual([1, 1]);
  await model.edit(`// as before\n${JSON.stringify(ODD)}`);
  expect(eventsOf(model.controller, "ConfigWarning")).toMatchObject([{ count: 1 }]);
});

test("keys that a shared sandbox ignores are told, each block by its own path, and change nothing", async () => {
  const odd = { docker: { env: { ROUND: "2" } }, prune: { idleHours: 1 }, browser: { headless: true }, rollout: { policy: "now" } };
  const defaults = { sandbox: { mode: "all", start: "eager", scope: "shared", docker: { env: { ROUND: "1" } } } };
  const model = await startModel({ agents: { defaults, list: [{ id: "one" }, { id: "two", sandbox: odd }] } });
  const messages = eventsOf(model.controller, "ConfigWarning").map(({ message }) => message);
  for (const key of ["docker", "prune", "browser", "rollout"])
    expect(messages, key).toContainEqual(expect.stringContaining(`warning: agents.list[1].sandbox.${key}: no effect`));
  await model.until("the shared one serves", () => model.serving(model.site.nameOf("shared")) !== null);
  expect(model.containers().map(({ created }) => created.env.ROUND)).toEqual(["1"]);
});

test("a config that can't be kept for the next start is in force all the same, and so is the next one", async () => {
  const model = await startModel(eager({ docker: { env: { ROUND: "1" } } }));
  const lastGood = join(model.site.stateDir, "controller", "last-good.json");
  // What a full disk does to a write, whoever writes.
  await rm(lastGood);
  await mkdir(lastGood);
  for (const ROUND of ["2", "3"]) {
    await model.edit(eager({ docker: { env: { ROUND } } }));
    await model.until(`round ${ROUND} serves`, () => model.serving()?.created.env.ROUND === ROUND);
  }
  expect(eventsOf(model.controller, "ConfigNotKept")).toMatchObject([{ type: "Warning", count: 2 }]);
  expect(eventsOf(model.controller, "ConfigNotKept")[0]?.message).toContain(lastGood);
});

test("an error in a file that only the newest config includes is noticed once fixed", async () => {
  const model = await startModel(eager());
  const folder = join(model.site.stateDir, "parts");
  await mkdir(folder);
  await writeFile(join(folder, "agents.json5"), "{ defaults: ", { mode: 0o600 });
  await model.edit('{ agents: { $include: "./parts/agents.json5" } }');
  await model.until("it is refused", () => eventsOf(model.controller, "ConfigInvalid").length > 0);
  await writeFile(join(folder, "agents.json5"), "{ defaults: {} }", { mode: 0o600 });
  // The folder is looked at each second, whatever the clock of the model says.
  await expect.poll(() => model.controller.config.view.ok, { timeout: 20_000 }).toBe(true);
});
