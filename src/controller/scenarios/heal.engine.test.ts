// What people and misfortune do to a container by hand, and that it is as the config says again soon after.
// Edits of the config are controller.engine.test.ts; containers with a setup are setup.engine.test.ts.
import { randomBytes } from "node:crypto";
import { rename } from "node:fs/promises";
import { pino } from "pino";
import { describe, expect, it, type TestContext } from "vitest";
import { createSystemClock } from "../../api/clock.ts";
import { docker, type Inspected, inspect, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { eager, eventsOf, type Site, startSite } from "../fixtures/site.fixture.ts";
import { ProcessService } from "../servers/processes.ts";
import { silentMeter } from "../servers/server.fixture.ts";

const MIB = 1024 * 1024;
const AGENT = "agent:main";

async function start(docker: object = {}): Promise<{ site: Site; before: Inspected }> {
  const { site, controller } = await startSite(eager({ docker }));
  const before = await site.serves(AGENT);
  await until("it is converged", () => controller.unconverged().length === 0);
  return { site, before };
}

/** The first attempt to start it again is followed by a back-off of 10 s: for the long tests. */
function skipUnlessLong({ skip }: TestContext): void {
  if (process.env.OPENCLAW_TEST_LONG !== "1") skip("it waits for a back-off; OPENCLAW_TEST_LONG=1 runs it");
}

/** By then it waits for half a minute at least. */
const CRASH_ROUNDS_MAX = 8;

describe("a sandbox", () => {
  it("has a new container when the old one ended and its network was made anew meanwhile", async (context) => {
    skipUnlessLong(context);
    const network = `openclaw-test-${randomBytes(4).toString("hex")}`;
    await docker("network", "create", network);
    const { site, stop, ...first } = await startSite(eager({ docker: { network } }));
    site.atEnd(async () => {
      await tryDocker("rm", "--force", ...(await site.containers()));
      await tryDocker("network", "rm", network);
    });
    const before = await site.serves(AGENT);
    await until("it is converged", () => first.controller.unconverged().length === 0);
    // As a machine that starts again: the network is made before the controller is there.
    await stop();
    await docker("kill", before.Id);
    await docker("network", "rm", network);
    await docker("network", "create", network);
    await site.start();
    const after = await site.serves(AGENT);
    expect(after.Id).not.toBe(before.Id);
    expect(Object.keys(after.NetworkSettings.Networks)).toEqual([network]);
  });

  it("has a new container and a new workspace when the old one ended and its folder is gone", async (context) => {
    skipUnlessLong(context);
    const { site, before } = await start();
    const mount = before.Mounts.find(({ Destination }) => Destination === "/workspace");
    await rename(mount?.Source ?? "", `${mount?.Source}.away`);
    await docker("kill", before.Id);
    const after = await site.serves(AGENT);
    expect(after.Id).not.toBe(before.Id);
    expect(await docker("exec", after.Id, "sh", "-c", "echo written >/workspace/note && cat /workspace/note")).toBe("written");
  });

  it.each(["rm --force", "kill"])("answers all of 20 calls that come right after: docker %s", async (mischief) => {
    const { site, controller } = await startSite(eager());
    const { Id } = await site.serves(AGENT);
    await until("it is converged", () => controller.unconverged().length === 0);
    const processes = new ProcessService({
      access: controller.access,
      meter: silentMeter,
      clock: createSystemClock(),
      newProcessId: () => randomBytes(8).toString("hex"),
      log: pino({ level: "silent" }),
    });
    await docker(...mischief.split(" "), Id);
    const calls = Array.from({ length: 20 }, () => processes.list(site.nameOf(AGENT)));
    expect(await Promise.all(calls)).toEqual(calls.map(() => []));
  });

  it("runs again after its container was killed", async () => {
    const { site, before } = await start();
    await docker("kill", before.Id);
    const after = await site.serves(AGENT, ({ State }) => State.StartedAt !== before.State.StartedAt);
    expect(after.Id).toBe(before.Id);
  });

  it("runs again after its container was stopped by hand", async () => {
    const { site, before } = await start();
    await docker("stop", "--time", "0", before.Id);
    const after = await site.serves(AGENT, ({ State }) => State.StartedAt !== before.State.StartedAt);
    expect(after.Id).toBe(before.Id);
  });

  it("has a new container after the old one was removed, with the same workspace", async () => {
    const { site, before } = await start();
    await docker("exec", before.Id, "sh", "-c", "echo kept >/workspace/note");
    await docker("rm", "-f", before.Id);
    const after = await site.serves(AGENT);
    expect(after.Id).not.toBe(before.Id);
    expect(await docker("exec", after.Id, "cat", "/workspace/note")).toBe("kept");
  });

  it("goes on when it was paused", async () => {
    const { site, before } = await start();
    await docker("pause", before.Id);
    const after = await site.serves(AGENT);
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
  });

  it("has its name again after it was renamed", async () => {
    const { site, before } = await start();
    await docker("rename", before.Id, `openclaw-test-${site.instance}-elsewhere`);
    const after = await site.serves(AGENT);
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
    expect(await site.containers()).toEqual([before.Id]);
  });

  it("has its limits again after docker update by hand", async () => {
    const { site, before } = await start({ memory: "128m", cpus: 0.5, pidsLimit: 64 });
    await docker(
      "update",
      "--memory",
      "300m",
      "--memory-swap",
      "300m",
      "--cpus",
      "1",
      "--pids-limit",
      "99",
      "--restart",
      "always",
      before.Id,
    );
    const limits = { Memory: 128 * MIB, MemorySwap: 256 * MIB, NanoCpus: 500_000_000, PidsLimit: 64 };
    const after = await site.serves(AGENT, ({ HostConfig }) => JSON.stringify({ ...HostConfig }) === JSON.stringify(limits));
    expect(after.Id).toBe(before.Id);
    expect(await docker("inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", after.Id)).toBe("no");
  });

  it("has a new container after docker update by hand that no engine takes back", async () => {
    const { site, before } = await start();
    await docker("update", "--cpuset-cpus", "0", before.Id);
    const after = await site.serves(AGENT, ({ Id }) => Id !== before.Id);
    expect(await docker("inspect", "--format", "{{.HostConfig.CpusetCpus}}", after.Id)).toBe("");
  });

  it("loses a network that was connected by hand, and that is reported", async () => {
    const { site, controller } = await startSite(eager({ docker: { network: "bridge" } }));
    const before = await site.serves(AGENT);
    const network = `openclaw-test-${randomBytes(4).toString("hex")}`;
    await docker("network", "create", "--internal", network);
    site.atEnd(async () => {
      await tryDocker("network", "disconnect", "--force", network, before.Id);
      await tryDocker("network", "rm", network);
    });
    await docker("network", "connect", network, before.Id);
    await until("the network is detached", () => eventsOf(controller, "Detached").length > 0);
    const after = await site.serves(AGENT, ({ NetworkSettings }) => Object.keys(NetworkSettings.Networks).join() === "bridge");
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
  });

  it("has its network again after it was disconnected by hand, without a restart", async () => {
    const { site, before } = await start({ network: "bridge" });
    await docker("network", "disconnect", "bridge", before.Id);
    const after = await site.serves(AGENT, ({ NetworkSettings }) => Object.keys(NetworkSettings.Networks).join() === "bridge");
    expect({ id: after.Id, startedAt: after.State.StartedAt }).toEqual({ id: before.Id, startedAt: before.State.StartedAt });
  });

  it("survives all of it at once", async () => {
    const { site, before } = await start({ memory: "128m" });
    await docker("rename", before.Id, `openclaw-test-${site.instance}-elsewhere`);
    await docker("update", "--memory", "200m", "--memory-swap", "200m", before.Id);
    await docker("kill", before.Id);
    const after = await site.serves(AGENT, ({ HostConfig }) => HostConfig.Memory === 128 * MIB && HostConfig.MemorySwap === 256 * MIB);
    await until("one is left", async () => (await site.containers()).length === 1);
    expect(after.State.Status).toBe("running");
  });

  it("that ends again and again is started ever later, and says so", async () => {
    const { site, controller } = await startSite(eager());
    const before = await site.serves(AGENT);
    // The wait counts from the last start, and doubles: the more often it ends, the longer it may have run and still waits.
    for (let round = 0; round < CRASH_ROUNDS_MAX && eventsOf(controller, "CrashLoop").length === 0; round += 1) {
      const { State } = await site.serves(AGENT);
      await docker("kill", before.Id);
      await until("it runs again or waits", async () => {
        const found = await inspect(before.Id);
        return found !== null && (found.State.StartedAt !== State.StartedAt || eventsOf(controller, "CrashLoop").length > 0);
      });
    }
    const [event] = eventsOf(controller, "CrashLoop");
    expect(event?.message).toContain("its main process exited");
    await site.serves(AGENT);
  });
});
