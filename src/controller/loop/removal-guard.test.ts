// The guard on removals in the running controller, over a model of an engine: what stays, what people see, and what a restart changes.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toAgentId, toSandboxName } from "../../api/brands.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { eventsOf, onDemand } from "../fixtures/site.fixture.ts";

const TEAM = ["ant", "bee", "cat", "dog", "elk"];
const HOT = { rollout: { hotWindow: "0s" } };

const configOf = (ids: readonly string[], sandbox: object = {}): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager", ...HOT, ...sandbox } }, list: ids.map((id) => ({ id })) },
});

async function startTeam(config = configOf(TEAM), count = TEAM.length): Promise<Model> {
  const model = await createModel();
  await model.site.writeConfig(config);
  await model.start();
  await model.converge(count);
  return model;
}

const nameOf = (model: Model, id: string) => model.site.nameOf(`agent:${id}`);
const heldNames = (model: Model): string[] => model.controller.guard.view().items.map(({ name }) => name);
const reasonOf = (model: Model, id: string): string | undefined =>
  model.controller.statuses.get(nameOf(model, id))?.status.conditions.find(({ type }) => type === "UpToDate")?.reason;

async function approve(model: Model): Promise<void> {
  const { items } = model.controller.guard.view();
  await model.site.approveAll(model.controller);
  await until("the approvals are heard", () =>
    items.every(({ name, since }) => model.controller.desired.approvalFor(toSandboxName(name)) === since),
  );
  await model.until("nothing is held any more", () => heldNames(model).length === 0);
}

describe("an edit that removes more than half of the agents", () => {
  it("removes nothing, is told once, and shows on each sandbox concerned", async () => {
    const model = await startTeam();
    const before = model.containers().map(({ id }) => id);
    await model.edit(configOf(["ant"]));
    await model.until("it is held", () => heldNames(model).length === 4);
    await model.advance(15 * 60_000, 5_000);
    expect(model.containers().map(({ id }) => id)).toEqual(before);
    expect(TEAM.map((id) => reasonOf(model, id))).toEqual(["UpToDate", ...Array.from({ length: 4 }, () => "RemovalHeld")]);
    expect(eventsOf(model.controller, "MassRemovalHeld").map(({ count, message }) => [count, message])).toEqual([
      [1, expect.stringContaining("4 of 5 sandboxes would be removed at once")],
    ]);
    expect(eventsOf(model.controller, "RemovalHeld")).toHaveLength(4);
    expect(await model.metric("openclaw_sandbox_removals_held")).toBe(4);
    const bee = model.controller.statuses.get(nameOf(model, "bee"));
    expect(bee?.status.conditions.find(({ type }) => type === "Ready")?.status).toBe("True");
    expect(bee?.status.next.join()).toContain("openclaw sandbox approve");
    expect((await model.controller.sweep.run()).unowned).toEqual([]);
  });

  it("and is taken back leaves every container as it was", async () => {
    const model = await startTeam();
    const before = model.containers().map(({ id }) => id);
    await model.edit("{}");
    await model.until("it is held", () => heldNames(model).length === 5);
    await model.edit(configOf(TEAM));
    await model.converge(5);
    expect(
      model
        .containers()
        .filter(({ name }) => name !== model.name)
        .map(({ id }) => id),
    ).toEqual(before);
    expect(eventsOf(model.controller, "MassRemovalWithdrawn")).toHaveLength(1);
    expect(await model.metric("openclaw_sandbox_removals_held")).toBe(0);
  });

  it("is made once it is approved, and what joined after the look waits on", async () => {
    const model = await startTeam();
    await model.edit(configOf(["ant", "bee"]));
    await model.until("it is held", () => heldNames(model).length === 3);
    await approve(model);
    await model.until("they are gone", () => model.containers().length === 2);
    expect(eventsOf(model.controller, "MassRemovalApproved")).toHaveLength(1);
    await model.edit(configOf(["ant"]));
    await model.until("the next one is held", () => heldNames(model).length === 1);
    expect(model.serving(nameOf(model, "bee"))).not.toBeNull();
  });

  it("needs another approval when it is taken back and made again, also where the first one was not carried out yet", async () => {
    const model = await startTeam();
    const bee = nameOf(model, "bee");
    const lease = await model.controller.access.lease(bee);
    await model.edit(configOf(["ant"]));
    await model.until("it is held", () => heldNames(model).length === 4);
    await approve(model);
    await model.until("only what is in use is left", () => model.containers().length === 2);
    await model.edit(configOf(TEAM));
    await model.converge(5);
    lease[Symbol.dispose]();
    await model.edit(configOf([], { start: "on-demand" }));
    await model.until("it is held again", () => heldNames(model).length === 5);
    await model.advance(10 * 60_000, 5_000);
    expect(model.serving(bee)).not.toBeNull();
  });

  it("brings the new ones it names, which buy the old ones no way out", async () => {
    const model = await startTeam();
    await model.edit(configOf(["a1", "a2", "a3", "a4", "a5", "a6", "a7"]));
    await model.until("the new ones serve", () => model.containers().length === 12);
    await model.advance(2 * 3_600_000, 60_000);
    expect(TEAM.every((id) => model.serving(nameOf(model, id)) !== null)).toBe(true);
  });
});

describe("removals one by one", () => {
  it("are everyday edits until they are more than half within the hour", async () => {
    const model = await startTeam();
    await model.edit(configOf(["ant", "bee", "cat", "dog"]));
    await model.until("one is gone", () => model.containers().length === 4);
    await model.advance(60_000, 5_000);
    await model.edit(configOf(["ant", "bee", "cat"]));
    await model.until("two are gone", () => model.containers().length === 3);
    await model.edit(configOf(["ant", "bee"]));
    await model.until("the third is held", () => heldNames(model).length === 1);
    expect(model.containers()).toHaveLength(3);
  });
});

describe("session files", () => {
  const sessions = ["one", "two", "three", "four"];

  async function startSessions(): Promise<Model> {
    const model = await createModel();
    await model.site.writeConfig(onDemand({ scope: "session", ...HOT }));
    for (const name of sessions) await model.site.putSession("main", name, { createdAt: model.clock.now() });
    await model.start();
    await model.converge(4);
    return model;
  }

  it("that vanish remove nothing", async () => {
    const model = await startSessions();
    for (const name of sessions) await model.site.removeSession("main", name);
    await until("it is heard", () => model.controller.desired.names().length === 0);
    await model.advance(20 * 60_000, 5_000);
    expect(model.containers().length).toBeGreaterThanOrEqual(2);
    expect(heldNames(model)).toEqual(
      model
        .containers()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it("that go with their folder remove nothing", async () => {
    const model = await startSessions();
    await rm(join(model.site.stateDir, "agents"), { recursive: true });
    await until("it is heard", () => model.controller.desired.sessions.get(toAgentId("main"))?.folder === "missing");
    await model.advance(20 * 60_000, 5_000);
    expect(model.containers().length).toBeGreaterThanOrEqual(2);
  });

  it("that follow ones that ended are as good as any: an edit that takes them all is a slip", async () => {
    const model = await createModel();
    const at = model.clock.now();
    await model.site.writeConfig({ agents: { defaults: { sandbox: { mode: "all", ...HOT } }, list: TEAM.map((id) => ({ id })) } });
    for (const id of TEAM) await model.site.putSession(id, "one", { createdAt: at });
    await model.start();
    await model.converge(5);
    const { desired, access } = model.controller;
    const leases = await Promise.all(TEAM.map((id) => access.lease(nameOf(model, id))));
    for (const id of TEAM) await model.site.putSession(id, "one", { createdAt: at, endedAt: at });
    await until("the ends are heard", () => desired.names().length === 0);
    await model.settle();
    for (const id of TEAM) await model.site.putSession(id, "two", { createdAt: at });
    await until("the next ones are heard", () => desired.names().length === 5);
    await model.settle();
    await model.advance(3_600_000, 60_000);
    for (const lease of leases) lease[Symbol.dispose]();
    await model.edit({ agents: { defaults: { sandbox: { mode: "off", ...HOT } }, list: TEAM.map((id) => ({ id })) } });
    await model.until("they are held", () => heldNames(model).length === 5);
    await model.advance(20 * 60_000, 5_000);
    expect(model.containers()).toHaveLength(5);
  });

  it("that say the sessions ended are normal life", async () => {
    const model = await startSessions();
    const at = model.clock.now();
    for (const name of sessions) await model.site.putSession("main", name, { createdAt: at, endedAt: at });
    await until("it is heard", () => model.controller.desired.names().length === 0);
    await model.until("all are gone", () => model.containers().length === 0);
    expect(eventsOf(model.controller, "MassRemovalHeld")).toEqual([]);
  });
});

describe("a restart", () => {
  it("after the edit removes nothing that waited, tells it no second time, and still hears the approval", async () => {
    const model = await startTeam();
    await model.edit(configOf(["ant"]));
    await model.until("it is held", () => heldNames(model).length === 4);
    await model.stop();
    await model.start();
    await model.until("it is held again", () => heldNames(model).length === 4);
    await model.advance(10 * 60_000, 5_000);
    expect(model.containers()).toHaveLength(5);
    expect(eventsOf(model.controller, "MassRemovalHeld")).toHaveLength(1);
    await approve(model);
    await model.until("they are gone", () => model.containers().length === 1);
  });

  it.each(["controller/brake.json", "controller"])("beside an edit made meanwhile removes nothing, also without %s", async (lost) => {
    const model = await startTeam();
    await model.stop();
    await rm(join(model.site.stateDir, lost), { recursive: true, force: true });
    await model.site.writeConfig(configOf(["ant"]));
    await model.start();
    await model.until("it is held", () => heldNames(model).length === 4);
    await model.advance(10 * 60_000, 5_000);
    expect(model.containers()).toHaveLength(5);
  });

  it("between two removals counts the first one", async () => {
    const model = await startTeam();
    await model.edit(configOf(["ant", "bee", "cat"]));
    await model.until("two are gone", () => model.containers().length === 3);
    await model.stop();
    await model.site.writeConfig(configOf(["ant", "bee"]));
    await model.start();
    await model.until("the third is held", () => heldNames(model).length === 1);
    expect(model.containers()).toHaveLength(3);
  });

  it("beside a guard file of junk starts, and guards by what the engine has", async () => {
    const model = await startTeam();
    await model.stop();
    const path = join(model.site.stateDir, "controller", "brake.json");
    await writeFile(path, '{"members":[{"name":');
    await model.site.writeConfig(configOf([]));
    await model.start();
    await model.until("it is held", () => heldNames(model).length === 5);
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ members: { length: 5 } });
  });
});

it("no removal is made that could not be written down first, and it is made once it can be", async () => {
  const model = await startTeam();
  const path = join(model.site.stateDir, "controller", "brake.json");
  await rm(path, { force: true });
  await mkdir(join(path, "in-the-way"), { recursive: true });
  await model.edit(configOf(["ant", "bee", "cat", "dog"]));
  await model.advance(60_000, 1_000);
  expect(model.containers()).toHaveLength(5);
  await rm(path, { recursive: true });
  await model.until("it is gone", () => model.containers().length === 4);
});

it("a plan with a file that removes too many says that they would wait", async () => {
  const model = await startTeam();
  const parsed = configOf(["ant"]);
  await model.edit(parsed);
  await model.until("it is held", () => heldNames(model).length === 4);
  const { desired, observer, guard } = model.controller;
  const name = nameOf(model, "bee");
  const seen = await observer.under(desired, guard.under(desired)).observe(name, null);
  expect(seen.input.want).toMatchObject({ kind: "held", message: expect.stringContaining("4 of 5") });
});
