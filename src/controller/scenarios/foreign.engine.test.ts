// Containers that look like ours and are not: copied labels, images committed from a sandbox, another controller's. They are left alone.
// Whose a container is, is decided by decide/ownership.ts; here is what that means on an engine.
import { describe, expect, it } from "vitest";
import { docker, type Inspected, inspect, OTHER_IMAGE, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { createSite, eager, eventsOf, type Running, type Site, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";

/** As `docker run` with the labels of `container`, by somebody who has seen them. */
async function copyOf(site: Site, container: Inspected, name: string, labels: Record<string, string> = {}): Promise<string> {
  const all = { ...container.Config.Labels, ...labels };
  const flags = Object.entries(all).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
  const id = await docker("run", "-d", "--init", "--name", name, ...flags, OTHER_IMAGE, "sleep", "600");
  site.atEnd(() => tryDocker("rm", "-f", id));
  return id;
}

async function everyPass({ controller }: Running): Promise<void> {
  await controller.engineSource.relist();
  controller.engineSource.resync();
  await controller.loop.onIdle();
  await controller.sweep.run();
  await controller.sweep.run();
  await controller.loop.onIdle();
}

const untouched = async (id: string): Promise<Pick<Inspected, "Name" | "State">> => {
  const found = await inspect(id);
  if (found === null) throw new Error(`${id} was removed`);
  return { Name: found.Name, State: found.State };
};

describe("a container that carries a sandbox's labels", () => {
  it("under another name is never touched, whatever happens to the sandbox, and is reported once", async () => {
    const { site, ...running } = await startSite(eager({ rollout: { hotWindow: "0s" } }));
    const ours = await site.serves(AGENT);
    const foreign = await copyOf(site, ours, `openclaw-test-${site.instance}-copy`);
    const before = await untouched(foreign);
    await until("it is reported", () => eventsOf(running.controller, "ForeignContainer").length > 0);
    await site.writeConfig(eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "2" } } }));
    await site.serves(AGENT, ({ Id }) => Id !== ours.Id);
    await everyPass(running);
    await site.writeConfig(eager({ mode: "off" }));
    await until("only the foreign one is left", async () => (await site.containers()).join() === foreign);
    await everyPass(running);
    expect(await untouched(foreign)).toEqual(before);
    const events = eventsOf(running.controller, "ForeignContainer");
    expect(events.map(({ count }) => count)).toEqual([1]);
    expect(events[0]?.message).toContain(`openclaw-test-${site.instance}-copy`);
  });

  it("and a uid of its own under another name is not touched either", async () => {
    const { site, ...running } = await startSite(eager());
    const ours = await site.serves(AGENT);
    const foreign = await copyOf(site, ours, `openclaw-test-${site.instance}-copy`, { "openclaw.uid": crypto.randomUUID() });
    const before = await untouched(foreign);
    await until("it is reported", () => eventsOf(running.controller, "ForeignContainer").length > 0);
    await everyPass(running);
    expect(await untouched(foreign)).toEqual(before);
    expect((await site.serves(AGENT)).Id).toBe(ours.Id);
  });

  it("of a sandbox that nobody wants is not touched by a controller that finds it", async () => {
    const { site: other } = await startSite(eager());
    const theirs = await other.serves(AGENT);
    const { site, ...running } = await startSite(eager({ mode: "off" }));
    const labels = { "openclaw.instance": site.instance, "openclaw.name": site.nameOf("agent:gone"), "openclaw.sessionKey": "agent:gone" };
    const foreign = await copyOf(site, theirs, `openclaw-test-${site.instance}-copy`, labels);
    const before = await untouched(foreign);
    await until("it is reported", () => eventsOf(running.controller, "ForeignContainer").length > 0);
    await everyPass(running);
    expect(await untouched(foreign)).toEqual(before);
  });

  it("because its image was committed from a sandbox is not touched, nor is it taken for the sandbox", async () => {
    const { site, ...running } = await startSite(eager());
    const ours = await site.serves(AGENT);
    const image = `openclaw-test-${site.instance}:committed`;
    await docker("commit", ours.Id, image);
    site.atEnd(() => tryDocker("rmi", "-f", image));
    const foreign = await docker("run", "-d", "--name", `openclaw-test-${site.instance}-committed`, image);
    site.atEnd(() => tryDocker("rm", "-f", foreign));
    expect((await inspect(foreign))?.Config.Labels["openclaw.instance"]).toBe(site.instance);
    const before = await untouched(foreign);
    await docker("rm", "-f", ours.Id);
    const next = await site.serves(AGENT);
    expect([ours.Id, foreign]).not.toContain(next.Id);
    await everyPass(running);
    expect(await untouched(foreign)).toEqual(before);
  });
});

describe("two controllers on one engine", () => {
  it("with the same agents neither collide nor interfere", async () => {
    const config = eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "1" } } });
    const [left, right] = [await createSite(), await createSite()];
    await Promise.all([left.writeConfig(config), right.writeConfig(config)]);
    const [one, two] = await Promise.all([left.start(), right.start()]);
    const [mine, theirs] = [await left.serves(AGENT), await right.serves(AGENT)];
    expect(mine.Name).not.toBe(theirs.Name);
    await left.writeConfig(eager({ rollout: { hotWindow: "0s" }, docker: { env: { ROUND: "2" } } }));
    await left.serves(AGENT, ({ Id }) => Id !== mine.Id);
    await docker("kill", theirs.Id);
    await right.serves(AGENT, ({ Id }) => Id === theirs.Id);
    await left.writeConfig(eager({ mode: "off" }));
    await left.goes("it is off on the left");
    await Promise.all([everyPass({ ...one }), everyPass({ ...two })]);
    expect((await right.serves(AGENT)).Id).toBe(theirs.Id);
    expect([...eventsOf(one.controller, "ForeignContainer"), ...eventsOf(two.controller, "ForeignContainer")]).toEqual([]);
    await one.stop();
    expect((await right.serves(AGENT)).Id).toBe(theirs.Id);
  });
});
