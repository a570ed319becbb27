// The loop on a real engine: what a person edits in the config file shows in the engine, by the edit alone.
// Other themes (healing, sessions, setup, crashes ...) have files of their own beside this one.
import { stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type Inspected, inspect, OTHER_IMAGE, until } from "../fixtures/docker.fixture.ts";
import { eager, eventsOf, startSite } from "../fixtures/site.fixture.ts";

const MIB = 1024 * 1024;
const AGENT = "agent:main";

const agents = (...ids: string[]): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list: ids.map((id) => ({ id })) },
});

describe("an eager agent", () => {
  it("has a sandbox as soon as the controller runs, in a workspace that belongs to its user", async () => {
    const { site } = await startSite(eager({ docker: { memory: "128m", pidsLimit: 64, env: { GREETING: "hello" } } }));
    const container = await site.serves(AGENT);
    expect(container.HostConfig).toMatchObject({ Memory: 128 * MIB, MemorySwap: 256 * MIB, PidsLimit: 64 });
    expect(container.Config.Env).toContain("GREETING=hello");
    const mount = container.Mounts.find(({ Destination }) => Destination === "/workspace");
    const folder = await stat(mount?.Source ?? "");
    expect(container.Config.User).toBe(`${folder.uid}:${folder.gid}`);
    expect(folder.uid).not.toBe(0);
    expect(mount?.Source?.startsWith(`${site.stateDir}/sandboxes/`)).toBe(true);
  });

  it("has its sandbox as soon as the config lists it, and none when the config lists it no more", async () => {
    const { site } = await startSite(agents("one"));
    const one = await site.serves("agent:one");
    await site.writeConfig(agents("one", "two"));
    const two = await site.serves("agent:two");
    await site.writeConfig(agents("two"));
    await until("the first one is gone", async () => (await inspect(one.Id)) === null);
    expect(await site.containers()).toEqual([two.Id]);
  });

  it("loses its sandbox when the config turns sandboxing off, and gets one when it is turned on again", async () => {
    const { site } = await startSite(eager());
    await site.serves(AGENT);
    await site.writeConfig(eager({ mode: "off" }));
    await site.goes("sandboxing is off");
    await site.writeConfig(eager());
    await site.serves(AGENT);
  });
});

interface Edit {
  key: string;
  from: object;
  to: object;
  shows(container: Inspected): boolean;
}

const LIVE_EDITS: readonly Edit[] = [
  {
    key: "memory",
    from: { memory: "128m" },
    to: { memory: "256m" },
    shows: ({ HostConfig: { Memory, MemorySwap } }) => Memory === 256 * MIB && MemorySwap === 512 * MIB,
  },
  {
    key: "memory, downwards",
    from: { memory: "256m" },
    to: { memory: "96m" },
    shows: ({ HostConfig: { Memory, MemorySwap } }) => Memory === 96 * MIB && MemorySwap === 192 * MIB,
  },
  {
    key: "memorySwap",
    from: { memory: "128m" },
    to: { memory: "128m", memorySwap: "128m" },
    shows: ({ HostConfig: { Memory, MemorySwap } }) => Memory === 128 * MIB && MemorySwap === 128 * MIB,
  },
  { key: "cpus", from: { cpus: 0.5 }, to: { cpus: 0.25 }, shows: ({ HostConfig }) => HostConfig.NanoCpus === 250_000_000 },
  { key: "pidsLimit", from: { pidsLimit: 128 }, to: { pidsLimit: 64 }, shows: ({ HostConfig }) => HostConfig.PidsLimit === 64 },
  {
    key: "pidsLimit, lifted",
    from: { pidsLimit: 128 },
    to: { pidsLimit: 0 },
    shows: ({ HostConfig }) => (HostConfig.PidsLimit ?? 0) <= 0,
  },
];

const RECREATE_EDITS: readonly Edit[] = [
  {
    key: "env",
    from: { env: { GREETING: "hello" } },
    to: { env: { GREETING: "good morning" } },
    shows: ({ Config }) => Config.Env.includes("GREETING=good morning"),
  },
  { key: "image", from: {}, to: { image: OTHER_IMAGE }, shows: ({ Config }) => Config.Image === OTHER_IMAGE },
  { key: "memory, unset", from: { memory: "128m" }, to: {}, shows: ({ HostConfig }) => HostConfig.Memory === 0 },
  { key: "cpus, unset", from: { cpus: 0.5 }, to: {}, shows: ({ HostConfig }) => HostConfig.NanoCpus === 0 },
];

describe("an edit of the config file", () => {
  it.each(LIVE_EDITS)("changes $key of the running container, which stays the same one", async ({ from, to, shows }) => {
    const { site } = await startSite(eager({ docker: from }));
    const before = await site.serves(AGENT, (container) => !shows(container));
    await site.writeConfig(eager({ docker: to }));
    const after = await site.serves(AGENT, shows);
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
    expect(await site.containers()).toEqual([before.Id]);
  });

  it.each(RECREATE_EDITS)("of $key makes a new container, and only one is left", async ({ from, to, shows }) => {
    const { site } = await startSite(eager({ docker: from }));
    const before = await site.serves(AGENT, (container) => !shows(container));
    await site.writeConfig(eager({ docker: to }));
    const after = await site.serves(AGENT, shows);
    expect(after.Id).not.toBe(before.Id);
    await until("the old one is gone", async () => (await site.containers()).length === 1);
    expect(await site.containers()).toEqual([after.Id]);
  });

  it.each([
    { written: { memory: "128m", memorySwap: "256m" } },
    { written: { memorySwap: -1 } },
    { written: { memory: "128m", memorySwap: -1 } },
    { written: { pidsLimit: -1, shmSize: "64m", runtime: "runc" } },
  ])("to a value that reads back differently and means the same converges: $written", async ({ written }) => {
    const { site, controller } = await startSite(eager({ docker: written }));
    const before = await site.serves(AGENT);
    await until("nothing is left to do", () => controller.unconverged().length === 0);
    await controller.loop.onIdle();
    expect(controller.unconverged()).toEqual([]);
    expect(eventsOf(controller, "Updated")).toEqual([]);
    expect(await site.containers()).toEqual([before.Id]);
  });

  it("that is made and taken back at once leaves one container as the file says", async () => {
    const { site, controller } = await startSite(eager({ docker: { env: { ROUND: "0" } } }));
    await site.serves(AGENT);
    for (const round of ["1", "2", "3", "0", "4", "5"]) await site.writeConfig(eager({ docker: { env: { ROUND: round } } }));
    const last = await site.serves(AGENT, ({ Config }) => Config.Env.includes("ROUND=5"));
    await until("nothing is left to do", () => controller.unconverged().length === 0);
    expect(await site.containers()).toEqual([last.Id]);
  });

  it("that changes nothing about a sandbox does nothing to it", async () => {
    const { site, controller } = await startSite(eager({ docker: { env: { GREETING: "hello" } } }));
    const before = await site.serves(AGENT);
    await until("it is converged", () => controller.unconverged().length === 0);
    const told = controller.events.list().filter(({ object }) => object.kind === "Sandbox").length;
    const same = JSON.stringify(eager({ docker: { env: { GREETING: "hello" } } }));
    await site.writeConfig(`// the same, written differently\n${same}\n`);
    await until("the file was read", () => (eventsOf(controller, "ConfigLoaded")[0]?.count ?? 0) > 1);
    await controller.loop.onIdle();
    const after = await site.serves(AGENT);
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
    expect(controller.events.list().filter(({ object }) => object.kind === "Sandbox")).toHaveLength(told);
  });
});
