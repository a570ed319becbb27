// A sandbox in use, or used a moment ago, is not taken away; what waits happens by itself as soon as it may; a person can end the wait.
// Uses through the servers are the servers' tests; here a use is a lease or a command in the container.
import { describe, expect, it } from "vitest";
import { docker, type Inspected, inspect, staysSo, until } from "../fixtures/docker.fixture.ts";
import { eager, eventsOf, type Running, type Site, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const HOT_MS = 2_500;
const withRound = (round: string, hotWindow = `${HOT_MS}ms`): object =>
  eager({ rollout: { hotWindow }, docker: { env: { ROUND: round } } });
const isRound =
  (round: string) =>
  ({ Config }: Inspected): boolean =>
    Config.Env.includes(`ROUND=${round}`);

async function start(): Promise<{ site: Site; id: string } & Running> {
  const started = await startSite(withRound("1"));
  const { Id } = await started.site.serves(AGENT);
  await until("it is converged", () => started.controller.unconverged().length === 0);
  return { ...started, id: Id };
}

const deferrals = async ({ controller }: Running) =>
  await until("the change waits", () => {
    const events = eventsOf(controller, "DeferredInUse");
    return events.length > 0 ? events : null;
  });

const runs = async (id: string): Promise<boolean> => (await inspect(id))?.State.Status === "running";

describe("a change that needs a new container", () => {
  it("waits for the hot window, is made by itself when that is over, and is told once with the command that ends the wait", async () => {
    const { site, id, ...running } = await start();
    const lease = await running.controller.access.lease(site.nameOf(AGENT));
    lease[Symbol.dispose]();
    const usedAt = Date.now();
    await site.writeConfig(withRound("2"));
    await deferrals(running);
    const status = running.controller.statuses.get(site.nameOf(AGENT))?.status;
    expect(status?.deferredUntil ?? 0).toBeGreaterThanOrEqual(usedAt + HOT_MS - 50);
    for (let look = 0; look < 3; look += 1) running.controller.engineSource.resync();
    const next = await site.serves(AGENT, isRound("2"));
    expect(next.Id).not.toBe(id);
    expect(Number(next.Config.Labels["openclaw.createdAtMs"])).toBeGreaterThanOrEqual(usedAt + HOT_MS - 50);
    expect(Date.now() - usedAt).toBeLessThan(HOT_MS + 5_000);
    const events = eventsOf(running.controller, "DeferredInUse");
    expect(events.map(({ count }) => count)).toEqual([1]);
    expect(events[0]?.message).toMatch(/; to apply it now: openclaw sandbox recreate --agent main$/);
  });

  it("waits as long as somebody holds the sandbox, however long the hot window", async () => {
    const { site, id, ...running } = await start();
    const lease = await running.controller.access.lease(site.nameOf(AGENT));
    await site.writeConfig(withRound("2", "0s"));
    await deferrals(running);
    await staysSo("the container serves", async () => (await site.serving(AGENT))?.Id === id, 1_500);
    expect(lease.revoked.aborted).toBe(false);
    lease[Symbol.dispose]();
    expect((await site.serves(AGENT, isRound("2"))).Id).not.toBe(id);
  });

  it("waits for a command that a person runs in the container past the controller, and for the hot window after it", async () => {
    const { site, id, ...running } = await start();
    const command = docker("exec", id, "sleep", "2");
    await until("the command runs", async () => (await docker("top", id)).includes("sleep 2"));
    await site.writeConfig(withRound("2"));
    await deferrals(running);
    await command;
    const endedAt = Date.now();
    await site.serves(AGENT, isRound("2"));
    expect(Date.now() - endedAt).toBeGreaterThan(HOT_MS - 1_000);
    await until("the old one is gone", async () => (await inspect(id)) === null);
  });

  it("is forgotten when the file is as before again, and the container stays", async () => {
    const { site, id, ...running } = await start();
    const lease = await running.controller.access.lease(site.nameOf(AGENT));
    await site.writeConfig(withRound("2"));
    await deferrals(running);
    await site.writeConfig(withRound("1"));
    await until("nothing waits", () => running.controller.unconverged().length === 0);
    lease[Symbol.dispose]();
    await staysSo("the container serves", async () => (await site.serving(AGENT))?.Id === id, HOT_MS + 500);
    expect(await site.containers()).toEqual([id]);
  });

  it("does not keep a change of limits waiting", async () => {
    const { site, id, ...running } = await start();
    using _lease = await running.controller.access.lease(site.nameOf(AGENT));
    await site.writeConfig(eager({ rollout: { hotWindow: "1h" }, docker: { env: { ROUND: "2" }, memory: "128m" } }));
    await deferrals(running);
    const container = await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 128 * 1024 * 1024);
    expect(container.Id).toBe(id);
  });

  it("is made at once under rollout.policy now, and ends live work", async () => {
    const { site, id, ...running } = await start();
    using lease = await running.controller.access.lease(site.nameOf(AGENT));
    await site.writeConfig(eager({ rollout: { policy: "now" }, docker: { env: { ROUND: "2" } } }));
    expect((await site.serves(AGENT, isRound("2"))).Id).not.toBe(id);
    expect(lease.revoked.aborted).toBe(true);
  });

  it("is not made under rollout.policy never, but harm is healed and a person's request is done", async () => {
    const { site, id } = await start();
    await site.writeConfig(eager({ rollout: { policy: "never" }, docker: { env: { ROUND: "2" } } }));
    await docker("kill", id);
    await until("it runs again", async () => await runs(id));
    await staysSo("the container serves", async () => await runs(id), 500);
    await site.requestRecreate(site.nameOf(AGENT));
    expect((await site.serves(AGENT, isRound("2"))).Id).not.toBe(id);
  });
});

describe("a person's request for a new container", () => {
  it("ends the hot window, is done once, and not again after a restart", async () => {
    const { site, id, ...running } = await start();
    await site.writeConfig(withRound("1", "1h"));
    (await running.controller.access.lease(site.nameOf(AGENT)))[Symbol.dispose]();
    await site.requestRecreate(site.nameOf(AGENT));
    const next = await site.serves(AGENT, ({ Id }) => Id !== id);
    await until("it is converged", () => running.controller.unconverged().length === 0);
    await running.stop();
    const again = await site.start();
    await until("it is converged", () => again.controller.statuses.list().length > 0 && again.controller.unconverged().length === 0);
    expect(await site.containers()).toEqual([next.Id]);
  });

  it("waits for live work", async () => {
    const { site, id, ...running } = await start();
    const lease = await running.controller.access.lease(site.nameOf(AGENT));
    await site.requestRecreate(site.nameOf(AGENT));
    await deferrals(running);
    expect(await runs(id)).toBe(true);
    lease[Symbol.dispose]();
    expect((await site.serves(AGENT, ({ Id }) => Id !== id)).Id).not.toBe(id);
  });

  it("with kill ends live work: a command in the container, and whoever holds it", async () => {
    const { site, id, ...running } = await start();
    using lease = await running.controller.access.lease(site.nameOf(AGENT));
    const command = docker("exec", id, "sleep", "600").then(
      () => "ended by itself",
      () => "was killed",
    );
    await until("the command runs", async () => (await docker("top", id)).includes("sleep 600"));
    await site.requestRecreate(site.nameOf(AGENT), true);
    await site.serves(AGENT, ({ Id }) => Id !== id);
    expect(await command).toBe("was killed");
    expect(lease.revoked.aborted).toBe(true);
    await expect(running.controller.access.lease(site.nameOf(AGENT))).resolves.toMatchObject({
      handle: { id: expect.not.stringMatching(id) },
    });
  });
});

describe("an idle sandbox", () => {
  it("is not pruned while somebody holds it, and soon after", async () => {
    const { site, controller } = await startSite({
      agents: { defaults: { sandbox: { mode: "all", scope: "session", rollout: { hotWindow: "1s" }, prune: { idleHours: 2 / 3_600 } } } },
    });
    // On a busy machine it may be idle for long enough before it is held: then it is woken again.
    const lease = await until("it can be used", async () => {
      await site.putSession("main", "chat");
      return await controller.access.lease(site.nameOf("agent:main:chat")).catch(() => null);
    });
    const { id } = lease.handle;
    await staysSo("it is there", async () => await runs(id), 3_500);
    lease[Symbol.dispose]();
    await until("it is gone", async () => (await inspect(id)) === null);
  });
});
