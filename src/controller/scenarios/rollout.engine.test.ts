// New images and bad new specs: what is missing heals by itself when it appears, and a spec that can't be made costs no working sandbox.
// Waiting for a sandbox in use is use.engine.test.ts.
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { docker, IMAGE, inspect, OTHER_IMAGE, staysSo, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { eager, eventsOf, type Running, type Site, startSite, tagImage } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const withDocker = (docker: object): object => eager({ rollout: { hotWindow: "0s" }, docker });
const uniqueTag = (): string => `openclaw-test-${randomBytes(4).toString("hex")}:made`;

async function start(docker: object = {}): Promise<{ site: Site; id: string } & Running> {
  const started = await startSite(withDocker(docker));
  const { Id } = await started.site.serves(AGENT);
  await until("it is converged", () => started.controller.unconverged().length === 0);
  return { ...started, id: Id };
}

const blocked = async ({ controller }: Running, reason: string): Promise<string> =>
  await until(`it says ${reason}`, () => {
    const condition = controller.statuses
      .list()
      .flatMap(({ status }) => status.conditions)
      .find((one) => one.reason === reason);
    return condition?.message ?? null;
  });

describe("an image", () => {
  it("that is missing is named with the command that brings it, and the sandbox is there as soon as the image is", async () => {
    const tag = uniqueTag();
    const { site, ...running } = await startSite(withDocker({ image: tag }));
    const message = await blocked(running, "ImageMissing");
    expect(message).toContain(`docker pull ${tag}`);
    expect(await site.containers()).toEqual([]);
    await tagImage(site, IMAGE, tag);
    const container = await site.serves(AGENT);
    expect(container.Config.Image).toBe(tag);
  });

  it("that a new config names and the engine has not leaves the old container serving", async () => {
    const { site, id, ...running } = await start();
    const tag = uniqueTag();
    await site.writeConfig(withDocker({ image: tag }));
    await blocked(running, "ImageMissing");
    expect(await site.containers()).toEqual([id]);
    expect((await site.serves(AGENT)).Id).toBe(id);
    await tagImage(site, OTHER_IMAGE, tag);
    await site.serves(AGENT, ({ Config }) => Config.Image === tag);
    await until("the old one is gone", async () => (await inspect(id)) === null);
  });

  it("that was rebuilt under the same name is rolled out", async () => {
    const { site, ...running } = await startSite(eager({ mode: "off" }));
    const tag = await tagImage(site, IMAGE);
    await site.writeConfig(withDocker({ image: tag }));
    const before = await site.serves(AGENT);
    await until("it is converged", () => running.controller.unconverged().length === 0);
    await docker("tag", OTHER_IMAGE, tag);
    const after = await site.serves(AGENT, ({ Id }) => Id !== before.Id);
    expect(after.Image).not.toBe(before.Image);
    expect(after.Config.Labels["openclaw.configHash"]).toBe(before.Config.Labels["openclaw.configHash"]);
  });

  it("whose tag vanished costs nothing that runs", async () => {
    const { site, ...running } = await startSite(eager({ mode: "off" }));
    const tag = await tagImage(site, IMAGE);
    await site.writeConfig(withDocker({ image: tag }));
    const { Id } = await site.serves(AGENT);
    await until("it is converged", () => running.controller.unconverged().length === 0);
    await docker("rmi", tag);
    running.controller.engineSource.resync();
    await running.controller.loop.onIdle();
    await staysSo("it serves", async () => (await site.serving(AGENT))?.Id === Id, 1_000);
    expect(running.controller.unconverged()).toEqual([]);
  });
});

/** A folder on the host beside the state folder, gone after the test. */
async function outside(site: Site): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-outside-"));
  site.atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe("a new spec that can't be made", () => {
  it("for a bind source that is not there leaves the old container serving; the sandbox follows once the folder is there", async () => {
    const { site, id, ...running } = await start();
    const source = join(await outside(site), "data");
    const bound = { binds: [`${source}:/data:ro`], dangerouslyAllowExternalBindSources: true };
    await site.writeConfig(withDocker(bound));
    await until("it can't be made", () => running.controller.unconverged().length > 0 && running.controller.loop.stats().active === 0);
    await staysSo("the old one serves", async () => (await site.serving(AGENT))?.Id === id, 1_000);
    expect(await site.containers()).toEqual([id]);
    const ready = running.controller.statuses.get(site.nameOf(AGENT))?.status.conditions.find(({ type }) => type === "Ready");
    expect(ready?.status).toBe("True");
    await mkdir(source);
    await writeFile(join(source, "note"), "read me");
    await site.writeConfig(withDocker({ ...bound, env: { TRY: "2" } }));
    const after = await site.serves(AGENT, ({ Id }) => Id !== id);
    expect(await docker("exec", after.Id, "cat", "/data/note")).toBe("read me");
  });

  it("for a seccomp profile that forbids everything leaves the old container serving, and nothing half made once it is mended", async () => {
    const { site, id, ...running } = await start();
    const profile = join(await outside(site), "seccomp.json");
    await writeFile(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ERRNO" }));
    await site.writeConfig(withDocker({ seccompProfile: profile }));
    await until("it was tried", () => eventsOf(running.controller, "ActionFailed").length > 0);
    expect((await site.serves(AGENT)).Id).toBe(id);
    expect((await site.containers()).length).toBeLessThanOrEqual(2);
    await site.writeConfig(withDocker({ env: { TRY: "2" } }));
    await site.serves(AGENT, ({ Id }) => Id !== id);
    await until("only the new one is left", async () => (await site.containers()).length === 1);
  });

  it("for a profile file that is not there says so and leaves the old container serving", async () => {
    const { site, id, ...running } = await start();
    await site.writeConfig(withDocker({ seccompProfile: join(await outside(site), "missing.json") }));
    expect(await blocked(running, "HostRejected")).toContain("missing.json");
    expect((await site.serves(AGENT)).Id).toBe(id);
  });

  it("for an AppArmor profile that this engine would ignore says so and leaves the old container serving", async (context) => {
    const { site, id, ...running } = await start();
    if ((await docker("info", "--format", "{{.SecurityOptions}}")).includes("apparmor")) context.skip("this engine has AppArmor");
    await site.writeConfig(withDocker({ apparmorProfile: "openclaw-strict" }));
    expect(await blocked(running, "HostRejected")).toMatch(/docker\.apparmorProfile.*openclaw-strict/);
    expect((await site.serves(AGENT)).Id).toBe(id);
    expect(await site.containers()).toEqual([id]);
  });

  it("because the engine refuses a limit costs nothing that runs, and the next good file is in force at once", async () => {
    const { site, id, ...running } = await start({ memory: "128m" });
    await site.writeConfig(withDocker({ memory: "128m", runtime: "openclaw-no-such-runtime" }));
    await until("it was tried", () => eventsOf(running.controller, "ActionFailed").length > 0);
    expect((await site.serves(AGENT)).Id).toBe(id);
    await site.writeConfig(withDocker({ memory: "160m" }));
    const after = await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 160 * 1024 * 1024);
    expect(after.Id).toBe(id);
    await until("nothing half made is left", async () => (await site.containers()).length === 1);
  });
});

describe("a container whose name somebody else took", () => {
  it("is reported, harms nobody, and is there once the name is free", async () => {
    const { site, ...running } = await startSite(eager({ mode: "off" }));
    const name = site.nameOf(AGENT);
    const squatter = await docker("create", "--name", name, OTHER_IMAGE, "true");
    site.atEnd(() => tryDocker("rm", "-f", squatter));
    await site.writeConfig(eager());
    await until("it was tried", () => eventsOf(running.controller, "ActionFailed").length > 0);
    expect((await inspect(squatter))?.Name).toBe(`/${name}`);
    await docker("rename", squatter, `openclaw-test-${site.instance}-squatter`);
    await site.serves(AGENT);
    expect(await inspect(squatter)).not.toBeNull();
  });
});
