// The controller dies at any moment, or loses what it wrote: afterwards everything is as the config says, nothing leaked, nothing was taken.
// The single steps that a crash may come between are controller.test.ts's, over the model of an engine.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ControllerClient } from "../../api/controller-client.ts";
import { LABEL } from "../../api/labels.ts";
import { ProcessClient } from "../../api/process-client.ts";
import { toAdminSocketPath } from "../../api/unix-socket.ts";
import { toSandboxPath } from "../../api/view-client.ts";
import { createLateClock, everyPass, ledgerOf } from "../fixtures/aftermath.fixture.ts";
import { diceOf } from "../fixtures/dice.fixture.ts";
import { docker, IMAGE, type Inspected, inspect, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { spawnController } from "../fixtures/process.fixture.ts";
import { createSite, eager, eventsOf, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 50 : 3;
const SETUP = "echo begin >>/tmp/setup; sleep 0.4; echo end >>/tmp/setup";

interface Desired {
  agents: string[];
  round: number;
  memoryMiB: number;
}

const toConfig = ({ agents, round, memoryMiB }: Desired): object => ({
  agents: {
    defaults: {
      sandbox: {
        mode: "all",
        start: "eager",
        rollout: { hotWindow: "0s" },
        docker: { env: { ROUND: String(round) }, memory: `${memoryMiB}m` },
      },
    },
    list: [
      ...agents.map((id) => ({ id, ...(id === "b" ? { sandbox: { docker: { setupCommand: SETUP } } } : {}) })),
      { id: "talk", sandbox: { scope: "session", start: "on-demand" } },
    ],
  },
});

const isUpToDate = ({ Config, HostConfig }: Inspected, { round, memoryMiB }: Desired): boolean =>
  Config.Env.includes(`ROUND=${round}`) && HostConfig.Memory === memoryMiB * 1024 * 1024;

describe("a controller that is killed", () => {
  it(`${ROUNDS} times at random moments under edits leaves nothing that the next one does not put right`, async (context) => {
    const dice = await diceOf(context);
    const site = await createSite();
    const labels = {
      [LABEL.sandbox]: "1",
      [LABEL.instance]: site.instance,
      [LABEL.name]: site.nameOf("agent:a"),
      [LABEL.uid]: crypto.randomUUID(),
      [LABEL.kind]: "tools",
      [LABEL.scopeKey]: "agent:a",
      [LABEL.configHash]: "0".repeat(16),
      [LABEL.hashVersion]: "1",
      [LABEL.generation]: "1",
      [LABEL.createdAtMs]: String(Date.now()),
    };
    const flags = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
    const foreign = await docker("run", "-d", "--name", `openclaw-test-${site.instance}-foreign`, ...flags, IMAGE);
    site.atEnd(() => tryDocker("rm", "-f", foreign));
    const foreignBefore = await inspect(foreign);

    let desired: Desired = { agents: ["a", "b"], round: 0, memoryMiB: 64 };
    let talks = false;
    const edit = async (round: number): Promise<void> => {
      const agents = ["a", "b", "c"].filter(() => dice.throw(3) > 0);
      desired = { agents, round: dice.throw(2) === 0 ? desired.round : round, memoryMiB: 64 + 16 * dice.throw(3) };
      await site.writeConfig(toConfig(desired));
      if (dice.throw(3) > 0) return;
      if (talks) await site.removeSession("talk", "chat");
      else await site.putSession("talk", "chat");
      talks = !talks;
    };
    await site.writeConfig(toConfig(desired));
    for (let round = 1; round <= ROUNDS; round += 1) {
      const running = spawnController(site);
      // A start takes half a second; what follows is the first two seconds of work.
      await pause(300 + dice.throw(1_200));
      await edit(round);
      await pause(dice.throw(800));
      await running.crash();
    }

    const last = await site.start({ clock: createLateClock() });
    const scopes = [...desired.agents.map((id) => `agent:${id}`), ...(talks ? ["agent:talk:chat"] : [])];
    const served = [];
    for (const scope of scopes) served.push(await site.serves(scope, (container) => isUpToDate(container, desired)));
    await until("it is converged", async () => {
      // Three of four sandboxes may be gone from the config within a minute: a person agrees.
      await site.approveAll(last.controller);
      return last.controller.unconverged().length === 0;
    });
    await everyPass(last);
    await everyPass(last);
    const ours = served.map(({ Id }) => Id).sort();
    expect(await site.containers()).toEqual([...ours, foreign].sort());
    expect(await ledgerOf(site)).toEqual(ours);
    expect((await last.controller.sweep.observe()).filter(({ fate }) => fate !== "kept")).toEqual([]);
    const b = served.find(({ Name }) => Name.includes("-agent-b-"));
    if (b !== undefined) expect(await docker("exec", b.Id, "cat", "/tmp/setup")).toBe("begin\nend");
    expect(await inspect(foreign)).toEqual(foreignBefore);
  }, 240_000);

  it("in the middle of a setup is followed by a new container in which setup ran completely", async () => {
    const site = await createSite();
    const setupCommand = "echo begin >>/tmp/setup; sleep 3; echo end >>/tmp/setup";
    await site.writeConfig(eager({ docker: { setupCommand } }));
    const first = spawnController(site);
    const half = await until("setup runs", async () => {
      const [id = ""] = await site.containers();
      return ((await tryDocker("top", id)) ?? "").includes("sleep 3") ? id : null;
    });
    await first.crash();
    expect(await site.serving(AGENT)).toBeNull();
    await site.start();
    const container = await site.serves(AGENT);
    expect(container.Id).not.toBe(half);
    expect(await docker("exec", container.Id, "cat", "/tmp/setup")).toBe("begin\nend");
    await until("the half made one is gone", async () => (await site.containers()).join() === container.Id);
  });
});

describe("a controller that is asked to end", () => {
  it("ends with exit code 0, and the sandboxes stay as they are", async () => {
    const site = await createSite();
    await site.writeConfig(eager());
    const running = spawnController(site);
    const before = await site.serves(AGENT);
    expect(await running.terminate()).toMatchObject({ code: 0 });
    const after = await site.serves(AGENT);
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
  });

  it("ends at once beside a command in the background and a setup that is under way", async () => {
    const site = await createSite();
    const slow = { id: "slow", sandbox: { docker: { setupCommand: "echo begun; sleep 60" } } };
    await site.writeConfig({ agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list: [{ id: "main" }, slow] } });
    const running = spawnController(site);
    const { Id } = await site.serves(AGENT);
    const { stateDir } = site;
    const admin = new ControllerClient({ stateDir, socketPath: toAdminSocketPath(stateDir), accessFix: "" });
    const { id } = await new ProcessClient(admin, `${toSandboxPath(site.nameOf(AGENT))}/processes`).start({ argv: ["sleep", "60"] });
    await until("setup runs", async () => {
      const others = (await site.containers()).filter((container) => container !== Id);
      return others.length === 1 && ((await tryDocker("top", others[0] ?? "")) ?? "").includes("sleep 60");
    });
    const startedAt = performance.now();
    expect(await running.terminate()).toMatchObject({ code: 0 });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(await docker("top", Id)).toContain(id);
  });

  it("leaves the state folder to the next one, which a second one beside it does not get", async () => {
    const site = await createSite();
    await site.writeConfig(eager());
    const first = spawnController(site);
    const { Id } = await site.serves(AGENT);
    const second = await spawnController(site).ended;
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain("another controller");
    await first.terminate();
    const once = await spawnController(site, "--once").ended;
    expect({ code: once.code, stderr: once.stderr }).toEqual({ code: 0, stderr: "" });
    expect(once.stdout).toContain("converged: 1 sandboxes");
    expect(await site.containers()).toEqual([Id]);
  });
});

describe("a controller that lost", () => {
  it.each([
    { what: "its own folder", lost: ["controller"] },
    { what: "everything but the config", lost: ["controller", "sandboxes", "requests", "run"] },
  ])("$what takes the containers over as they are, by their labels", async ({ lost }) => {
    const list = [{ id: "one" }, { id: "two" }];
    const config = { agents: { defaults: { sandbox: { mode: "all", start: "eager", docker: { memory: "64m" } } }, list } };
    const { site, ...first } = await startSite(config);
    const before = [await site.serves("agent:one"), await site.serves("agent:two")];
    await first.stop();
    for (const folder of lost) await rm(join(site.stateDir, folder), { recursive: true, force: true });
    const again = await site.start();
    await until("it is converged", () => again.controller.statuses.list().length === 2 && again.controller.unconverged().length === 0);
    await everyPass(again);
    const after = [await site.serves("agent:one"), await site.serves("agent:two")];
    const identity = ({ Id, State }: Inspected) => [Id, State.StartedAt];
    expect(after.map(identity)).toEqual(before.map(identity));
    expect(await site.containers()).toEqual(before.map(({ Id }) => Id).sort());
    expect(await ledgerOf(site)).toEqual(await site.containers());
    expect(eventsOf(again.controller, "ForeignContainer")).toEqual([]);
  });

  it("its own folder counts every container as just used: a change waits for the hot window", async () => {
    const { site, ...first } = await startSite(eager({ rollout: { hotWindow: "2s" } }));
    const before = await site.serves(AGENT);
    await first.stop();
    await rm(join(site.stateDir, "controller"), { recursive: true });
    await site.writeConfig(eager({ rollout: { hotWindow: "2s" }, docker: { env: { ROUND: "2" } } }));
    const again = await site.start();
    await until("the change waits", () => eventsOf(again.controller, "DeferredInUse").length > 0);
    expect((await site.serves(AGENT)).Id).toBe(before.Id);
    await site.serves(AGENT, ({ Config }) => Config.Env.includes("ROUND=2"));
  });
});
