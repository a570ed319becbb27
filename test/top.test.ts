// `sandbox top`: what it shows of the engine's figures, and that looking is bounded and counts as no use.
import { expect, test } from "vitest";
import { toContainerId } from "../src/api/brands.ts";
import type { Usage } from "../src/api/usage.ts";
import { toUsage } from "../src/controller/engine/docker-usage.ts";
import { NAME, openServer, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import { UsageLooks } from "../src/controller/views/usage.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

const MIB = 1_048_576;

/** A quarter of a CPU, however often it is looked at. */
async function openBusyServer() {
  const server = await openServer();
  let looks = 0;
  server.views.used = ({ metadata, spec }) => {
    looks += 1;
    const usage = { at: 1_000 * looks, cpuSeconds: 0.25 * looks, memoryBytes: 12 * MIB, memoryBytesMax: 256 * MIB, pids: 3, pidsMax: null };
    return { name: metadata.name, agentId: spec.agentId, cpusMax: 0.5, containerId: "c", usage: spec.wanted ? usage : null };
  };
  return server;
}

test("top shows load, memory and processes with their limits, by every name and in every form", async () => {
  const server = await openBusyServer();
  const top = async (...args: string[]) => await cli(["sandbox", "top", ...args], { stateDir: server.stateDir });
  expect((await top("main")).stdout).toBe(
    "NAME                              AGENT  CPU    CPU-MAX  MEMORY    MEMORY-MAX  PIDS  PIDS-MAX\n" +
      `${NAME}  main   25.0%  50.0%    12.0 MiB  256.0 MiB   3     -\n`,
  );
  const { items } = JSON.parse((await top("--json")).stdout) as { items: { cpuPercent: number; usage: { memoryBytes: number } }[] };
  expect(items[0]).toMatchObject({ name: NAME, cpuPercent: 25, usage: { memoryBytes: 12 * MIB, pids: 3 } });
  expect((await top("-o", "name")).stdout).toBe(`${NAME}\n`);
  expect(await top("nobody")).toMatchObject({ code: 3 });
  expect(await top("--interval", "1ms")).toMatchObject({ code: 2 });
});

test("what does not run has no figures", async () => {
  const server = await openBusyServer();
  server.views.put(sandboxOf({ spec: { wanted: false } }));
  expect((await cli(["sandbox", "top"], { stateDir: server.stateDir })).stdout).toMatch(/ main +- +50\.0% +- +- +- +-\n$/);
});

test("-w shows it again until it is ended, as JSON one line each", async () => {
  const server = await openBusyServer();
  const run = startCli(["sandbox", "top", "-w", "--interval", "500ms", "--json"], { stateDir: server.stateDir });
  await until("two looks were shown", () => run.printed.split("\n").length > 2);
  for (const line of run.printed.trim().split("\n")) expect(JSON.parse(line)).toMatchObject({ items: [{ cpuPercent: 25 }] });
  await server.stop();
  expect(await run.ended).toBe(1);
});

test("however many ask, the engine is asked once about a container, and about a few at a time", async () => {
  let running = 0;
  let most = 0;
  let asked = 0;
  const answers: (() => void)[] = [];
  const looks = new UsageLooks({
    usage: async () => {
      asked += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => answers.push(resolve));
      running -= 1;
      return null;
    },
  });
  const sandboxes = Array.from({ length: 20 }, (_, at) => {
    const { status } = sandboxOf();
    return sandboxOf({ status: status.container === null ? {} : { container: { ...status.container, id: toContainerId(String(at)) } } });
  });
  const all = Promise.all([looks.of(sandboxes), looks.of(sandboxes), looks.of(sandboxes)]);
  while (asked < sandboxes.length || running > 0) {
    answers.splice(0).forEach((answer) => {
      answer();
    });
    await new Promise(setImmediate);
  }
  await all;
  expect({ asked, most }).toEqual({ asked: 20, most: 4 });
});

test.each([
  ["cgroup v2", { inactive_file: 30 }, 70],
  ["cgroup v1", { total_inactive_file: 20, inactive_file: 5 }, 80],
  ["an engine that does not say", null, 100],
])("file cache that the kernel gives back is not used memory: %s", (_, stats, memoryBytes) => {
  const raw = {
    read: "2026-01-31T12:00:00.5Z",
    cpu_stats: { cpu_usage: { total_usage: 1_500_000_000 } },
    memory_stats: { usage: 100, limit: 200, stats },
    pids_stats: { current: 4, limit: 2 ** 64 },
  };
  const expected: Usage = {
    at: Date.UTC(2026, 0, 31, 12, 0, 0, 500),
    cpuSeconds: 1.5,
    memoryBytes,
    memoryBytesMax: 200,
    pids: 4,
    pidsMax: null,
  };
  expect(toUsage(raw)).toEqual(expected);
});

test("a container that does not run uses nothing", () => {
  expect(toUsage({ read: "0001-01-01T00:00:00Z", cpu_stats: {}, memory_stats: {}, pids_stats: {} })).toBeNull();
});
