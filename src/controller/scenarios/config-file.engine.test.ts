// A config file that is not valid changes nothing on the engine, and says where it is wrong; also over a restart.
// What is wrong with a file and how that is worded is api/config's.
import { chmod, rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { docker, inspect, staysSo, until } from "../fixtures/docker.fixture.ts";
import { createSite, eager, eventsOf, type Running, type Site, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const MIB = 1024 * 1024;

/** The line and column of each are where a person would look. */
const BROKEN = [
  {
    what: "a syntax error",
    text: '{\n  agents: {\n    defaults: { sandbox: { mode: "all" "start": "eager" } },\n  },\n}\n',
    line: 3,
    column: 40,
  },
  {
    what: "a misspelt key",
    text: '{\n  agents: { defaults: { sandbox: {\n    mode: "off",\n    docker: { memroy: "1g" },\n  } } },\n}\n',
    line: 4,
    column: 15,
  },
] as const;

/** It is known that the file is not valid, and where. */
async function refused({ controller }: Running, { line, column }: { line: number; column: number }): Promise<void> {
  await until("the file is refused", () => !controller.config.view.ok);
  expect(controller.config.view.issues[0]).toMatchObject({ severity: "error", line, column });
  const [event] = await until("an event tells of it", () => {
    const events = eventsOf(controller, "ConfigInvalid");
    return events.length > 0 ? events : null;
  });
  expect(event?.message).toContain(`openclaw.json:${line}:${column}: `);
}

async function startGood(): Promise<{ site: Site; id: string } & Running> {
  const started = await startSite(eager({ docker: { memory: "128m" } }));
  const { Id } = await started.site.serves(AGENT);
  await until("it is converged", () => started.controller.unconverged().length === 0);
  return { ...started, id: Id };
}

describe("a config file with", () => {
  it.each(BROKEN)("$what changes nothing, and is in force as soon as it is mended", async ({ text, line, column }) => {
    const { site, id, ...running } = await startGood();
    await site.writeConfig(text);
    await refused(running, { line, column });
    await running.controller.loop.onIdle();
    const container = await site.serves(AGENT);
    expect({ id: container.Id, memory: container.HostConfig.Memory }).toEqual({ id, memory: 128 * MIB });
    expect(await site.containers()).toEqual([id]);
    await site.writeConfig(eager({ docker: { memory: "256m" } }));
    expect((await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 256 * MIB)).Id).toBe(id);
    expect(running.controller.config.view).toMatchObject({ ok: true, issues: [] });
  });

  it.each(BROKEN)(
    "$what at a restart leaves the config that was last valid in force: harm is healed as it says",
    async ({ text, line, column }) => {
      const { site, id, ...first } = await startGood();
      await first.stop();
      await site.writeConfig(text);
      const second = await site.start();
      await refused(second, { line, column });
      await until("desired state is loaded", () => second.controller.desired.loaded);
      expect((await site.serves(AGENT)).Id).toBe(id);
      await docker("rm", "-f", id);
      const healed = await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 128 * MIB);
      expect(healed.Id).not.toBe(id);
    },
  );

  it.each(BROKEN)("$what at the first start makes nothing and removes nothing", async ({ text, line, column }) => {
    const { site, id, ...first } = await startGood();
    await first.stop();
    await rm(`${site.stateDir}/controller`, { recursive: true });
    await site.writeConfig(text);
    const second = await site.start();
    await refused(second, { line, column });
    await staysSo("the container is left alone", async () => (await inspect(id))?.State.Status === "running", 700);
    expect(second.controller.desired.loaded).toBe(false);
    expect(await site.containers()).toEqual([id]);
  });
});

describe("a config file", () => {
  it("that an editor empties and writes again changes nothing in between", async () => {
    const { site, id, controller } = await startGood();
    await writeFile(site.configPath, "");
    await writeFile(site.configPath, JSON.stringify(eager({ docker: { memory: "192m" } })));
    expect((await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 192 * MIB)).Id).toBe(id);
    expect(eventsOf(controller, "ConfigInvalid")).toEqual([]);
  });

  it("that is deleted changes nothing until there is one again", async () => {
    const { site, id, controller } = await startGood();
    await rm(site.configPath);
    await until("it is missed", () => eventsOf(controller, "ConfigInvalid").length > 0);
    await controller.loop.onIdle();
    expect((await site.serves(AGENT)).Id).toBe(id);
    await site.writeConfig(eager({ docker: { memory: "192m" } }));
    expect((await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 192 * MIB)).Id).toBe(id);
  });

  it("that others can write is refused", async () => {
    const site = await createSite();
    await site.writeConfig(eager());
    await chmod(site.configPath, 0o666);
    const { controller } = await site.start();
    expect(controller.config.view.ok).toBe(false);
    expect(await site.containers()).toEqual([]);
  });
});
