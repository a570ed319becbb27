// What a sandbox sees of the host, and what it may write there as its own user, for each workspaceAccess and scope.
// Which bind sources are refused is the config's; who owns a folder is decided by decide/spec.ts.
import { chown, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { docker, type Inspected, until } from "../fixtures/docker.fixture.ts";
import { createSite, eager, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const mountsOf = ({ Mounts }: Inspected) =>
  Mounts.map(({ Source, Destination, RW }) => [Destination, RW ? "rw" : "ro", Source ?? ""]).sort();

/** Exit code and output of a shell in the container, as its own user. */
async function shell(id: string, script: string): Promise<string> {
  return await docker("exec", id, "sh", "-c", `{ ${script}; } 2>&1; echo "exit $?"`);
}

const write = async (id: string, path: string): Promise<boolean> => (await shell(id, `echo x >${path}`)).endsWith("exit 0");

describe("workspaceAccess", () => {
  it("none: a workspace of its own, writable, and nothing of the agent's", async () => {
    const { site } = await startSite(eager({ workspaceAccess: "none" }));
    const container = await site.serves(AGENT);
    const [workspace, ...more] = mountsOf(container);
    expect(workspace?.slice(0, 2)).toEqual(["/workspace", "rw"]);
    expect(workspace?.[2]?.startsWith(join(site.stateDir, "sandboxes"))).toBe(true);
    expect(more).toEqual([]);
    expect(await write(container.Id, "/workspace/file")).toBe(true);
    expect(await shell(container.Id, "ls /agent")).toMatch(/No such file/);
  });

  it("ro: the agent's workspace is seen at /agent and can't be written", async () => {
    const site = await createSite();
    await site.writeConfig(eager({ workspaceAccess: "ro" }));
    await mkdir(join(site.stateDir, "workspace"), { mode: 0o755 });
    await writeFile(join(site.stateDir, "workspace", "note"), "read me");
    await site.start();
    const container = await site.serves(AGENT);
    expect(mountsOf(container).map(([target, access]) => [target, access])).toEqual([
      ["/agent", "ro"],
      ["/workspace", "rw"],
    ]);
    expect(await docker("exec", container.Id, "cat", "/agent/note")).toBe("read me");
    expect(await write(container.Id, "/agent/file")).toBe(false);
    expect(await write(container.Id, "/workspace/file")).toBe(true);
  });

  it("rw: the agent's workspace is the workdir, and what is written there is the owner's on the host", async () => {
    const site = await createSite();
    await site.writeConfig(eager({ workspaceAccess: "rw" }));
    const folder = join(site.stateDir, "workspace");
    await mkdir(folder, { mode: 0o700 });
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(folder, 1234, 1234);
    await site.start();
    const container = await site.serves(AGENT);
    expect(mountsOf(container)).toEqual([["/workspace", "rw", folder]]);
    expect(await write(container.Id, "note")).toBe(true);
    expect(await readFile(join(folder, "note"), "utf8")).toBe("x\n");
    const [owner, made] = [await stat(folder), await stat(join(folder, "note"))];
    expect(container.Config.User).toBe(`${owner.uid}:${owner.gid}`);
    expect([made.uid, made.gid]).toEqual([owner.uid, owner.gid]);
    if (isRoot) expect(made.uid).toBe(1234);
  });

  it("changes with a new container, and the agent's own files stay where they are", async () => {
    const { site } = await startSite(eager({ workspaceAccess: "rw", rollout: { hotWindow: "0s" } }));
    const before = await site.serves(AGENT);
    await write(before.Id, "/workspace/kept");
    await site.writeConfig(eager({ workspaceAccess: "ro", rollout: { hotWindow: "0s" } }));
    const after = await site.serves(AGENT, ({ Mounts }) => Mounts.some(({ Destination }) => Destination === "/agent"));
    expect(await docker("exec", after.Id, "cat", "/agent/kept")).toBe("x");
    expect(await write(after.Id, "/agent/kept")).toBe(false);
  });
});

describe("a sandbox", () => {
  it("is the same one for all agents of scope shared, and writes to one folder", async () => {
    const list = [{ id: "one" }, { id: "two" }];
    const { site } = await startSite({ agents: { defaults: { sandbox: { mode: "all", scope: "shared", start: "eager" } }, list } });
    const container = await site.serves("shared");
    expect(mountsOf(container)).toEqual([["/workspace", "rw", join(site.stateDir, "sandboxes", "shared")]]);
    expect(await site.containers()).toEqual([container.Id]);
  });

  it("can write to tmpfs and workspace, and to nothing else", async () => {
    const { site } = await startSite(eager());
    const { Id } = await site.serves(AGENT);
    for (const path of ["/tmp/x", "/var/tmp/x", "/run/x", "/workspace/x"]) expect([path, await write(Id, path)]).toEqual([path, true]);
    for (const path of ["/x", "/etc/x", "/usr/x", "/root/x"]) expect([path, await write(Id, path)]).toEqual([path, false]);
    expect(await shell(Id, "id -u")).not.toMatch(/^0\n/);
  });

  it("that can't write to its workspace is not made, and the command that mends it is told", async (context) => {
    if (process.getuid?.() !== 0) context.skip("only root can give folders away");
    const site = await createSite();
    const docker = { user: "1000:1000" };
    await site.writeConfig(eager({ workspaceAccess: "rw", docker }));
    const folder = join(site.stateDir, "workspace");
    await mkdir(folder, { mode: 0o755 });
    const { controller } = await site.start();
    const because = await until("it says why", () => controller.unconverged()[0]?.because ?? null);
    expect(because).toContain(`chown -R 1000:1000 ${folder}`);
    expect(await site.containers()).toEqual([]);
    await chown(folder, 1000, 1000);
    await site.writeConfig(eager({ workspaceAccess: "rw", docker: { ...docker, env: { TRY: "2" } } }));
    await site.serves(AGENT);
  });

  it("is not made on a workspace that is a symbolic link, and is once the link is gone", async () => {
    const site = await createSite();
    await site.writeConfig(eager({ workspaceAccess: "rw" }));
    await mkdir(join(site.stateDir, "elsewhere"));
    await symlink(join(site.stateDir, "elsewhere"), join(site.stateDir, "workspace"));
    const { controller } = await site.start();
    const because = await until("it says why", () => controller.unconverged()[0]?.because ?? null);
    expect(because).toContain("is a symbolic link");
    expect(await site.containers()).toEqual([]);
    await rm(join(site.stateDir, "workspace"));
    await site.writeConfig(eager({ workspaceAccess: "rw", docker: { env: { TRY: "2" } } }));
    await site.serves(AGENT);
  });
});
