// What runs in one sandbox takes all that it can get: processes, temporary folders, the reaping of its children. Its limits hold, the others
// and the controller go on, and a person gets it back. Output without end is engine/docker-exec.engine.test.ts and test/exec.engine.test.ts.
import { describe, expect, it, type TestContext } from "vitest";
import { docker, type Inspected, until } from "../fixtures/docker.fixture.ts";
import { type Site, startSite } from "../fixtures/site.fixture.ts";

const PIDS_MAX = 512;
const FOLDER_MIB_MAX = 256;
const ZOMBIES = process.env.OPENCLAW_TEST_LONG === "1" ? 10_000 : 1_000;
const COMMANDS = 4;
/** On two cores that are both busy with the attack a command takes a second or two. */
const SLOW_MS_MAX = 60_000;

const withAgents = (...ids: string[]): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list: ids.map((id) => ({ id })) },
});

interface Scene {
  site: Site;
  victim: Inspected;
  /** Others still run commands, and the controller still makes sandboxes; tells how long both took. */
  othersAreWell(context: TestContext, attack: string): Promise<void>;
}

async function start(): Promise<Scene> {
  const { site, controller } = await startSite(withAgents("victim", "neighbour"));
  const victim = await site.serves("agent:victim");
  const neighbour = await site.serves("agent:neighbour");
  await until("both are converged", () => controller.unconverged().length === 0);
  return {
    site,
    victim,
    othersAreWell: async (context, attack) => {
      const times: number[] = [];
      for (let round = 0; round < COMMANDS; round += 1) {
        const startedMs = performance.now();
        expect(await docker("exec", neighbour.Id, "echo", "well")).toBe("well");
        times.push(performance.now() - startedMs);
      }
      const editedMs = performance.now();
      await site.writeConfig(withAgents("victim", "neighbour", "late"));
      await until("a new sandbox serves", async () => (await site.serving("agent:late")) !== null, SLOW_MS_MAX);
      const made = performance.now() - editedMs;
      const slowest = Math.max(...times);
      await context.annotate(
        `${attack}: slowest of ${COMMANDS} commands next server ${slowest.toFixed(0)} ms, a new sandbox ${made.toFixed(0)} ms`,
      );
    },
  };
}

/** As long as each of its waits may take. */
const TEST_MS_MAX = 4 * SLOW_MS_MAX;

describe("a sandbox in which", { timeout: TEST_MS_MAX }, () => {
  it("processes fork without end keeps to its process limit and can be replaced, and the others go on", async (context) => {
    const { site, victim, othersAreWell } = await start();
    await docker("exec", "-d", victim.Id, "sh", "-c", "bomb() { bomb & bomb; }; bomb");
    const processes = async (): Promise<number> => (await docker("top", victim.Id, "-eo", "pid")).split("\n").length - 1;
    await until("it is at its limit", async () => (await processes()) > PIDS_MAX / 2, SLOW_MS_MAX);
    await othersAreWell(context, "fork bomb");
    expect(await processes()).toBeLessThanOrEqual(PIDS_MAX);
    await site.requestRecreate(site.nameOf("agent:victim"), true);
    await until("another container serves", async () => ((await site.serving("agent:victim"))?.Id ?? victim.Id) !== victim.Id, SLOW_MS_MAX);
    await until("the bomb is gone", async () => (await site.containers()).length === 3, SLOW_MS_MAX);
  });

  it("every temporary folder is filled keeps to their sizes and goes on, and so do the others", async (context) => {
    const { site, victim, othersAreWell } = await start();
    const fill = 'for folder in /tmp /var/tmp /run; do cat /dev/zero >"$folder/full" 2>/dev/null; du -sm "$folder" | cut -f1; done; true';
    const sizes = (await docker("exec", victim.Id, "sh", "-c", fill)).split("\n").map(Number);
    expect(sizes).toHaveLength(3);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(FOLDER_MIB_MAX + 1);
    await othersAreWell(context, "full folders");
    expect(await docker("exec", victim.Id, "sh", "-c", "echo kept >note && cat note")).toBe("kept");
    expect((await site.serving("agent:victim"))?.State.StartedAt).toBe(victim.State.StartedAt);
  });

  it(`${ZOMBIES} processes lose their parents has none of them left, and the others go on`, async (context) => {
    const { victim, othersAreWell } = await start();
    const orphan = `i=0; while [ $i -lt ${ZOMBIES / 4} ]; do (true &); i=$((i + 1)); done`;
    const orphans = docker("exec", victim.Id, "sh", "-c", `for loop in 1 2 3 4; do (${orphan}) & done; wait`);
    await othersAreWell(context, `${ZOMBIES} orphans`);
    await orphans;
    await until("all are reaped", async () => (await docker("top", victim.Id, "-eo", "pid")).split("\n").length - 1 <= 2);
  });
});
