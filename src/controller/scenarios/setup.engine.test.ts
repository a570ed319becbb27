// docker.setupCommand on a real engine: it runs once, completely, before anything else can run; what it made does not outlive its container's run.
// The controller dies in the middle of it in crash.engine.test.ts.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PRIVATE_HOME } from "../../api/config/private-home.ts";
import { COMMIT_FILES, FILE_EXIT, toFileCommand } from "../../api/file-scripts.ts";
import { docker, inspect, until } from "../fixtures/docker.fixture.ts";
import { eager, eventsOf, type Site, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const withSetup = (setupCommand: string | string[], docker: object = {}): object =>
  eager({ rollout: { hotWindow: "0s" }, docker: { setupCommand, ...docker } });
const SETUP = "echo begin >>/tmp/setup; sleep 1; echo end >>/tmp/setup; echo $GREETING $(id -u) $(pwd) >>/tmp/setup";

const setupIn = async (id: string): Promise<string[]> => (await docker("exec", id, "cat", "/tmp/setup")).split("\n");

/** The state of the sandbox's Ready condition each time it changed. */
function readyReasons(controller: Awaited<ReturnType<typeof startSite>>["controller"]): string[] {
  return controller.statuses
    .list()
    .flatMap(({ status }) => status.conditions.filter(({ type }) => type === "Ready").map(({ reason }) => reason));
}

describe("docker.setupCommand", () => {
  it("runs once as the sandbox's user with its environment, and nothing is Ready before it succeeded", async () => {
    const { site, controller } = await startSite(withSetup(SETUP, { env: { GREETING: "hello" } }));
    const name = site.nameOf(AGENT);
    await until("setup runs", () => eventsOf(controller, "SetupStarted").length > 0);
    expect(readyReasons(controller)).toEqual(["Progressing"]);
    expect(await inspect(name)).toBeNull();
    await expect(controller.access.lease(name, AbortSignal.abort())).rejects.toMatchObject({ code: "NotReady" });
    const container = await site.serves(AGENT);
    const [uid = ""] = container.Config.User.split(":");
    expect(await setupIn(container.Id)).toEqual(["begin", "end", `hello ${uid} /workspace`]);
    await until("it is Ready", () => readyReasons(controller)[0] === "Serving");
    expect(eventsOf(controller, "SetupStarted").map(({ count }) => count)).toEqual([1]);
  });

  it("that fails is told with its exit code and the end of its output, tried again later, and leaves no container", async () => {
    const { site, controller } = await startSite(withSetup("echo one; echo the last words >&2; exit 7"));
    const [event] = await until("it is told", () => {
      const events = eventsOf(controller, "SetupFailed");
      return events.length > 0 ? events : null;
    });
    expect(event?.message).toContain("exit code 7");
    expect(event?.message).toContain("the last words");
    await site.goes("its setup failed");
    const { failure } = await until("a new attempt waits", () => {
      const status = controller.statuses.get(site.nameOf(AGENT))?.status;
      return status?.failure?.code === "SetupFailed" ? status : null;
    });
    expect((failure?.retryAt ?? 0) - (failure?.lastAt ?? 0)).toBe(10_000);
    await site.writeConfig(withSetup("echo mended >/tmp/setup"));
    const container = await site.serves(AGENT);
    expect(await setupIn(container.Id)).toEqual(["mended"]);
  });

  it("that failed is not tried again before its time by a restart of the controller", async () => {
    const { site, controller, stop } = await startSite(withSetup("exit 3"));
    const failureOf = (one: typeof controller) => one.statuses.get(site.nameOf(AGENT))?.status.failure ?? null;
    const first = await until("it failed", () => failureOf(controller));
    await site.goes("its setup failed");
    await stop();
    const again = await site.start();
    await again.controller.loop.onIdle();
    expect(failureOf(again.controller)).toEqual(first);
    expect(await site.containers()).toEqual([]);
  });

  it("that fails in a new spec leaves the old container serving", async () => {
    const { site, controller } = await startSite(withSetup("true"));
    const before = await site.serves(AGENT);
    await site.writeConfig(withSetup("exit 4"));
    await until("it is told", () => eventsOf(controller, "SetupFailed").length > 0);
    await until("the failed one is gone", async () => (await site.containers()).length === 1);
    expect((await site.serves(AGENT)).Id).toBe(before.Id);
    (await controller.access.lease(site.nameOf(AGENT)))[Symbol.dispose]();
    await site.writeConfig(withSetup("echo new >/tmp/setup"));
    const after = await site.serves(AGENT, ({ Id }) => Id !== before.Id);
    expect(await setupIn(after.Id)).toEqual(["new"]);
  });

  it("is done again in a new container after the container was restarted by hand: its tmpfs was emptied", async () => {
    const { site } = await startSite(withSetup(SETUP));
    const before = await site.serves(AGENT);
    await docker("restart", "--time", "0", before.Id);
    const after = await site.serves(AGENT, ({ Id }) => Id !== before.Id);
    expect((await setupIn(after.Id)).slice(0, 2)).toEqual(["begin", "end"]);
    await until("one is left", async () => (await site.containers()).length === 1);
  });

  it("is done again in a new container after the container was killed", async () => {
    const { site } = await startSite(withSetup(SETUP));
    const before = await site.serves(AGENT);
    await docker("kill", before.Id);
    const after = await site.serves(AGENT, ({ Id }) => Id !== before.Id);
    expect((await setupIn(after.Id)).slice(0, 2)).toEqual(["begin", "end"]);
  });

  it("runs no file that an agent left in the workspace for shells to read, and is not certified by one that exits", async () => {
    const { site } = await startSite(withSetup("echo $PATH >/tmp/setup; touch /tmp/second; sh -c : && bash -c :"));
    const before = await site.serves(AGENT);
    const dotfile = "echo read >>/workspace/trace; exit 0";
    for (const name of [".profile", ".bash_profile", ".bash_login", ".bashrc", ".shinit", ".env"])
      await docker("exec", before.Id, "sh", "-c", 'echo "$2" >"/workspace/$1"', "sh", name, dotfile);
    await site.requestRecreate(site.nameOf(AGENT), true);
    const after = await site.serves(AGENT, ({ Id }) => Id !== before.Id);
    expect(await docker("exec", after.Id, "sh", "-c", "cat /tmp/setup; ls /tmp/second /workspace/trace 2>&1 || true")).toMatch(
      /^\/usr\/local\/bin:.*\n.*\/workspace\/trace.*No such file.*\n\/tmp\/second$/,
    );
  });

  it("has a HOME that no agent writes to, where an agent may write and not exec; what it puts there is found and run later", async () => {
    const setupCommand = ["git config --global -l 2>&1 | head -1", 'printf "#!/bin/sh\\necho made\\n" >~/tool', "chmod +x ~/tool"];
    const config = eager({ rollout: { hotWindow: "0s" }, docker: { setupCommand } });
    const { site } = await startSite({ ...config, tools: { deny: ["group:runtime"] } });
    const { Id } = await site.serves(AGENT);
    expect(await docker("exec", Id, "sh", "-c", 'echo "$HOME"; ~/tool; stat -c %F /workspace')).toBe(`${PRIVATE_HOME}\nmade\ndirectory`);
    const write = (path: string) => [
      "exec",
      "-i",
      Id,
      ...toFileCommand(COMMIT_FILES, ["changeid0", "1", "0", "put", path, "0", "any", ""]),
    ];
    await docker("exec", Id, "ln", "-s", PRIVATE_HOME, "/workspace/link");
    for (const folder of [PRIVATE_HOME, "./link", `/proc/self/root${PRIVATE_HOME}`])
      await expect(docker(...write(`${folder}/.gitconfig`))).rejects.toMatchObject({ code: FILE_EXIT.denied });
    await docker(...write("./.gitconfig"));
    expect(await docker("exec", Id, "find", PRIVATE_HOME, "-type", "f")).toBe(`${PRIVATE_HOME}/tool`);
  });

  it("keeps its output for people, bounded", async () => {
    const { site, controller } = await startSite(withSetup("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; echo done"));
    await site.serves(AGENT);
    const view = await until("the log ends", async () => {
      const log = await controller.setupLogs.view(site.nameOf(AGENT), 3);
      return log.state === "succeeded" && log.text.endsWith("done\n") ? log : null;
    });
    expect(view).toMatchObject({ text: "line 298\nline 299\ndone\n", truncated: true });
    expect(await logFiles(site)).toEqual([`${site.nameOf(AGENT)}.log`]);
  });
});

const logFiles = async (site: Site): Promise<string[]> => await readdir(join(site.stateDir, "controller", "setup-logs"));
