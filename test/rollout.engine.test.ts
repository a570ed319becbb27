// A bad image for many sandboxes on a real engine, with the controller as a process and a person at the command line: what it costs, what
// is told, and that a mended file repairs it. Orders and restarts in every combination are the property tests'.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { docker, inspect, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { cli } from "./cli.fixture.ts";

const AGENTS = Array.from({ length: process.env.OPENCLAW_TEST_LONG === "1" ? 20 : 6 }, (_, index) => `a${index}`);
const LONG_MS = 60_000;

const fleet = (docker: object): object => ({
  agents: {
    defaults: { sandbox: { mode: "all", start: "eager", rollout: { hotWindow: "0s" }, docker } },
    list: AGENTS.map((id) => ({ id, sandbox: { docker: { env: { TOKEN: `token of ${id}` } } } })),
  },
});

/** There is nothing in it, so nothing can be started from it. */
async function importEmptyImage(site: Site): Promise<string> {
  const tag = `openclaw-test-${site.instance}:empty`;
  const archive = join(site.stateDir, "empty.tar");
  await writeFile(archive, Buffer.alloc(1_024));
  await docker("import", archive, tag);
  site.atEnd(() => tryDocker("rmi", tag));
  return tag;
}

const EventList = z.object({ items: z.array(z.object({ reason: z.string(), count: z.number(), object: z.object({ name: z.string() }) })) });

const serving = (site: Site): Promise<(string | undefined)[]> =>
  Promise.all(AGENTS.map(async (id) => (await site.serving(`agent:${id}`))?.Id));

/** Sandboxes of which more than one container was made. */
async function triers(openclaw: (...args: string[]) => Promise<{ stdout: string }>): Promise<string[]> {
  const { items } = EventList.parse(JSON.parse((await openclaw("events", "--json")).stdout));
  const made = new Map<string, number>();
  for (const { reason, count, object } of items) if (reason === "Created") made.set(object.name, (made.get(object.name) ?? 0) + count);
  return [...made].flatMap(([name, count]) => (count > 1 ? [name] : []));
}

test("a bad image is tried by one sandbox and costs none, the command line says which and why, and a mended file goes everywhere", async () => {
  const site = await createSite();
  const image = await importEmptyImage(site);
  await site.writeConfig(fleet({}));
  spawnController(site);
  const openclaw = (...args: string[]) => cli(["sandbox", ...args], { stateDir: site.stateDir });
  await until("all serve", async () => (await serving(site)).every((id) => id !== undefined), LONG_MS);
  const before = await serving(site);
  const [busy = ""] = before;
  await docker("exec", "-d", busy, "sleep", "300");

  await site.writeConfig(fleet({ image }));
  const halted = await until("the change is halted", async () => {
    const { stdout } = await openclaw("rollout", "status");
    return stdout.includes(`1 failed, ${AGENTS.length - 2} halted, 1 in use of ${AGENTS.length}`) ? stdout : null;
  });
  expect(await serving(site)).toEqual(before);
  expect(halted).toContain(`docker.image -> ${image}`);
  expect(halted).toMatch(/failed: the new container exited as soon as it started .*\n +openclaw-sbx-agent-a\d+-\w+ \(until /);
  expect(halted).toMatch(new RegExp(`in use: .*\\n +${site.nameOf("agent:a0")}\\n`));
  expect(halted).toContain("What to do: fix the config");
  expect(await triers(openclaw)).toHaveLength(1);
  const planned = await openclaw("plan");
  expect(planned.stdout).toContain("the change of docker.image is halted");

  await site.writeConfig(fleet({ env: { MENDED: "yes" } }));
  const others = AGENTS.filter((id) => id !== "a0");
  await until(
    "the others are mended",
    async () => {
      const found = await Promise.all(others.map((id) => site.serving(`agent:${id}`)));
      return found.every((one) => one?.Config.Env.includes("MENDED=yes"));
    },
    LONG_MS,
  );
  expect((await inspect(busy))?.State.Status).toBe("running");
  expect((await openclaw("rollout", "status")).stdout).toMatch(new RegExp(`${others.length} done, 1 in use of ${AGENTS.length}`));
});

test("controller --once makes a change in every sandbox before it ends, the canary first", async () => {
  const site = await createSite();
  await site.writeConfig(fleet({}));
  const first = await spawnController(site, "--once").ended;
  expect(first).toEqual({ ...first, code: 0, stdout: expect.stringContaining(`converged: ${AGENTS.length} sandboxes`) });
  await site.writeConfig(fleet({ env: { ROUND: "2" } }));
  const { code, stdout } = await spawnController(site, "--once").ended;
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`converged: ${AGENTS.length} sandboxes`) });
  const found = await Promise.all(AGENTS.map((id) => site.serving(`agent:${id}`)));
  expect(found.filter((one) => one?.Config.Env.includes("ROUND=2"))).toHaveLength(AGENTS.length);
});
