// A probe over a model of an engine: what each thing that a container may see or not see becomes in the report, and that no file stays.
// The same on a real engine, where everything is well, is doctor.engine.test.ts.
import { access, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toAgentId, toInstanceId } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import { specOf } from "../engine/contract.fixture.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { FakeWorld } from "../engine/fake-world.fixture.ts";
import { type ProbeTarget, probe, removeLeftovers } from "./probe.ts";

const NOW = Date.now();
const WORKSPACES = ["/w/a", "/w/b"];

/** What the container of this test's engine is like. */
interface Inside {
  /** Whether the folders of this machine are the container's. */
  sharesFolders: boolean;
  /** Whether commands see the container's root. */
  execSees: boolean;
  writable: readonly number[];
  agentReadable: boolean;
}

async function open(inside: Inside) {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-probe-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const world = new FakeWorld(createSystemClock());
  world.tag("image:1", "sha256:1");
  world.onExec(
    ([command]) => command === "sh",
    async ({ request, stdout }) => {
      const nonce = request.argv.at(-1) ?? "";
      const [container] = [...world.containers.values()];
      const canary = container?.created.mounts.find(({ target }) => target.endsWith("/canary"))?.source ?? "";
      // The model's main process does nothing: here is what a real one would have copied.
      if (inside.sharesFolders) await writeFile(join(canary, "main"), `${nonce}\n`);
      stdout.write(`sees ${inside.execSees ? nonce : ""}\n`);
      for (const index of inside.writable) stdout.write(`writable /openclaw-doctor/workspace-${index}\n`);
      if (inside.agentReadable) stdout.write("readable /openclaw-doctor/shown-0\n");
      stdout.write("overlay 1000 400 600 40% /\n");
      return 0;
    },
  );
  const engine = new FakeEngine(world, toInstanceId("0123456789ab"));
  const target: ProbeTarget = {
    agents: [toAgentId("main")],
    container: specOf("image:1", { env: { TOKEN: "hunter2" }, network: "bridge" }),
    workspaces: WORKSPACES,
    shown: ["/agents/main"],
  };
  return { folder, world, engine, target, look: () => probe({ engine, folder, now: () => NOW }, target) };
}

const WELL: Inside = { sharesFolders: true, execSees: true, writable: [0, 1], agentReadable: true };

test("a container in which all is well is reported so, with the space that it sees", async () => {
  const { look, folder, world } = await open(WELL);
  expect((await look()).outcome).toEqual({
    kind: "looked",
    mainSees: true,
    execSees: true,
    unwritable: [],
    unreadable: [],
    space: { totalBytes: 1_024_000, freeBytes: 614_400 },
  });
  expect(await readdir(folder)).toEqual([]);
  expect(world.containers.size).toBe(0);
});

test("a probe has no network and none of the sandbox's variables", async () => {
  const { look, world } = await open(WELL);
  const seen: unknown[] = [];
  world.onExec(
    () => true,
    async () => {
      seen.push(...[...world.containers.values()].map(({ created: { network, env } }) => ({ network, env })));
      return 0;
    },
  );
  await look();
  expect(seen).toEqual([{ network: "none", env: { HOME: "/" } }]);
});

test("folders that are not this machine's, another root and a workspace of somebody else are told apart", async () => {
  expect((await (await open({ ...WELL, sharesFolders: false })).look()).outcome).toMatchObject({ mainSees: false, execSees: true });
  expect((await (await open({ ...WELL, execSees: false })).look()).outcome).toMatchObject({ mainSees: true, execSees: false });
  expect((await (await open({ ...WELL, writable: [0] })).look()).outcome).toMatchObject({ unwritable: ["/w/b"] });
  expect((await (await open({ ...WELL, agentReadable: false })).look()).outcome).toMatchObject({ unreadable: ["/agents/main"] });
});

test("an engine that refuses or falls silent is the report, and no file stays", async () => {
  const { look, folder, world } = await open(WELL);
  world.failCall("probe", 1, new OperationError("SpecRejected", "unknown runtime"));
  expect((await look()).outcome).toMatchObject({ kind: "failed", error: { code: "SpecRejected" } });
  world.failCall("exec", 1, new OperationError("EngineTimeout", "no answer"));
  expect((await look()).outcome).toMatchObject({ kind: "failed", error: { code: "EngineTimeout" } });
  expect(await readdir(folder)).toEqual([]);
  expect(world.containers.size).toBe(0);
});

test("a folder that no file can be put in is the report", async () => {
  const { target, engine } = await open(WELL);
  const report = await probe({ engine, folder: "/nowhere/at/all", now: () => NOW }, target);
  expect(report.outcome).toMatchObject({
    kind: "failed",
    error: { code: "HostRejected", message: expect.stringContaining("/nowhere/at/all") },
  });
});

test("what a killed doctor left is removed when it is old, and what a running one uses stays", async () => {
  const { engine, folder, world, target } = await open(WELL);
  const [old, young] = [join(folder, ".openclaw-doctor-old"), join(folder, ".openclaw-doctor-young")];
  await mkdir(old);
  await mkdir(young);
  await utimes(old, NOW / 1_000, NOW / 1_000 - 3_600);
  void engine.probe({ spec: target.container, script: "" }, () => new Promise<never>(() => undefined));
  await removeLeftovers({ engine, folder, now: () => NOW });
  await expect(access(old)).rejects.toThrow("ENOENT");
  await access(young);
  expect(world.containers.size).toBe(1);
  await removeLeftovers({ engine, folder, now: () => NOW + 3_600_000 });
  expect(await readdir(folder)).toEqual([]);
  expect(world.containers.size).toBe(0);
});
