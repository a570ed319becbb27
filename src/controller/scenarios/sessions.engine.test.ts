// Session files as the gateway writes them: they make sandboxes, wake them and release them, and only what is known for certain releases.
// Everything is seen on the engine; how a session is read is api/store's.
import { chmod, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspect, staysSo, until } from "../fixtures/docker.fixture.ts";
import { createSite, eager, eventsOf, onDemand, type Running, type Site, startSite } from "../fixtures/site.fixture.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const hours = (seconds: number): number => (seconds * 1_000) / HOUR_MS;
const HOT = { rollout: { hotWindow: "1s" } };
const perSession = (more: object = {}): object => onDemand({ scope: "session", ...HOT, ...more });

/** A controller beside one session `agent:main:chat`, whose sandbox serves. */
async function startChat(more: object = {}): Promise<{ site: Site; id: string } & Running> {
  const site = await createSite();
  await site.writeConfig(perSession(more));
  await site.putSession("main", "chat");
  const running = await site.start();
  const { Id } = await site.serves("agent:main:chat");
  await until("it is converged", () => running.controller.unconverged().length === 0);
  return { site, id: Id, ...running };
}

const pass = async ({ controller }: Running): Promise<void> => {
  controller.engineSource.resync();
  await controller.loop.onIdle();
};

describe("a session file", () => {
  it("that appears makes a sandbox, and each session of scope session has its own", async () => {
    const { site } = await startSite(perSession());
    expect(await site.containers()).toEqual([]);
    await site.putSession("main", "chat");
    await site.putSession("main", "other");
    const [chat, other] = [await site.serves("agent:main:chat"), await site.serves("agent:main:other")];
    expect(chat.Id).not.toBe(other.Id);
    const sources = [chat, other].map(({ Mounts }) => Mounts.find(({ Destination }) => Destination === "/workspace")?.Source);
    expect(new Set(sources).size).toBe(2);
  });

  it("that is deleted releases its sandbox, and no other", async () => {
    const { site, id } = await startChat();
    await site.putSession("main", "other");
    const other = await site.serves("agent:main:other");
    await site.removeSession("main", "chat");
    await until("the sandbox is gone", async () => (await inspect(id)) === null);
    expect(await site.containers()).toEqual([other.Id]);
  });

  it("that says it has ended releases its sandbox, whose files stay", async () => {
    const { site, controller } = await startChat();
    await site.putSession("main", "chat", { endedAt: Date.now() });
    await site.goes("the session ended");
    expect((await readdir(join(site.stateDir, "sandboxes"))).filter((name) => !name.startsWith("."))).toHaveLength(1);
    await until("its status is gone too", () => controller.statuses.list().length === 0);
  });

  it("that is released while its sandbox is hot leaves it until the hot window is over, and not longer", async () => {
    const { site, id, controller } = await startChat({ rollout: { hotWindow: "3s" } });
    const lease = await controller.access.lease(site.nameOf("agent:main:chat"));
    lease[Symbol.dispose]();
    const usedAt = Date.now();
    await site.removeSession("main", "chat");
    await until("the release waits", () => eventsOf(controller, "DeferredInUse").length > 0);
    await until("the sandbox is gone", async () => (await inspect(id)) === null);
    expect(Date.now() - usedAt).toBeGreaterThanOrEqual(3_000);
  });

  it("that can't be read any more releases nothing, and that is reported", async () => {
    const { site, id, ...running } = await startChat();
    await writeFile(site.sessionPath("main", "chat"), '{ "apiVersion": "openclaw.ai/v1", "kind": "Sess');
    await until("it is reported", () => eventsOf(running.controller, "SessionInvalid").length > 0);
    await pass(running);
    await staysSo("the sandbox is there", async () => (await inspect(id))?.State.Status === "running", 1_500);
    await site.putSession("main", "chat", { endedAt: Date.now() });
    await site.goes("the session is readable, and ended");
  });

  it("in another agent's folder is not believed", async () => {
    const { agents } = perSession() as { agents: object };
    const { site, controller } = await startSite({ agents: { ...agents, list: [{ id: "main" }, { id: "stranger" }] } });
    await site.putSession("main", "chat");
    await site.serves("agent:main:chat");
    const folder = join(site.stateDir, "agents", "stranger", "sessions");
    await site.putSession("stranger", "seed");
    await rename(site.sessionPath("main", "chat"), join(folder, "chat.session.json"));
    await until("it is reported", () => eventsOf(controller, "SessionInvalid").length > 0);
    await until("its sandbox is gone", async () => (await inspect(site.nameOf("agent:main:chat"))) === null);
  });
});

describe("a session folder", () => {
  it("that vanished releases nothing", async () => {
    const { site, id, ...running } = await startChat();
    await rename(join(site.stateDir, "agents", "main"), join(site.stateDir, "elsewhere"));
    await until("it is missed", () => running.controller.desired.names().length === 0);
    await pass(running);
    await staysSo("the sandbox is there", async () => (await inspect(id))?.State.Status === "running", 1_500);
  });

  it("that vanished before a restart releases nothing", async () => {
    const { site, id, ...running } = await startChat();
    await running.stop();
    await rm(join(site.stateDir, "agents"), { recursive: true });
    await pass(await site.start());
    await staysSo("the sandbox is there", async () => (await inspect(id))?.State.Status === "running", 1_500);
  });

  it("that is there and holds no session any more releases, and a file of others in it is none", async () => {
    const { site } = await startChat();
    await writeFile(join(site.stateDir, "agents", "main", "sessions", "sessions.json"), "{}");
    await site.removeSession("main", "chat");
    await site.goes("the folder is read completely");
  });

  it("that can't be entered releases nothing", async (context) => {
    if (process.getuid?.() === 0) context.skip("root enters every folder");
    const { site, id, ...running } = await startChat();
    await chmod(join(site.stateDir, "agents", "main", "sessions"), 0);
    await pass(running);
    await staysSo("the sandbox is there", async () => (await inspect(id))?.State.Status === "running", 1_500);
    await chmod(join(site.stateDir, "agents", "main", "sessions"), 0o700);
  });
});

describe("a sandbox", () => {
  it("that nobody uses for prune.idleHours is removed by itself, and made again by the next activity", async () => {
    const { site, id, controller } = await startChat({ prune: { idleHours: hours(3) } });
    await until("it is gone", async () => (await inspect(id)) === null);
    // The container goes first; the pass that removed it says so at its end.
    const readyReason = (): string | undefined =>
      controller.statuses.list()[0]?.status.conditions.find(({ type }) => type === "Ready")?.reason;
    await until("its status says why", async () => readyReason() === "Pruned");
    await site.putSession("main", "chat", { lastActivityAt: Date.now() + 1_500 });
    const woken = await site.serves("agent:main:chat");
    expect(woken.Id).not.toBe(id);
  });

  it("of a session that stays active is not pruned", async () => {
    const { site, id } = await startChat({ prune: { idleHours: hours(5) } });
    const end = Date.now() + 7_500;
    while (Date.now() < end) {
      await site.putSession("main", "chat", { lastActivityAt: Date.now() });
      await staysSo("the sandbox is there", async () => (await inspect(id))?.State.Status === "running", 500);
    }
  });

  it("that is older than prune.maxAgeDays gets a new container by itself", async () => {
    const { site } = await startSite(eager({ ...HOT, prune: { maxAgeDays: 3_000 / DAY_MS } }));
    const first = await site.serves("agent:main");
    const second = await site.serves("agent:main", ({ Id }) => Id !== first.Id);
    expect(Number(second.Config.Labels["openclaw.createdAtMs"]) - Number(first.Config.Labels["openclaw.createdAtMs"])).toBeGreaterThan(
      3_000,
    );
  });

  it("that is eager is not pruned for idleness", async () => {
    const { site } = await startSite(eager({ ...HOT, prune: { idleHours: hours(1) } }));
    const { Id } = await site.serves("agent:main");
    await staysSo("it is there", async () => (await inspect(Id))?.State.Status === "running", 2_000);
  });
});
