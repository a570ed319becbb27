// The swap of a bind's source, with the product as Compose runs it: the controller's container has the source's folder at the same path.
// Only with OPENCLAW_TEST_LONG=1; the same attack on a controller of the host is swapped-mounts.engine.test.ts's.
import { chmod, chown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { containersWith, docker, inspect, until } from "../../src/controller/fixtures/docker.fixture.ts";
import { buildImage, findCompose, Stack } from "../compose.fixture.ts";

const IS_LONG = process.env.OPENCLAW_TEST_LONG === "1";
const ROUNDS = 1_000;
/** A victim whose source was refused several times in a row waits for up to five minutes: with bad luck the rounds take hours. */
const ATTACK_MS_MAX = 1_800_000;
/** Two such waits, and a slow machine. */
const LET_IN_MS_MAX = 900_000;
const VICTIMS = Array.from({ length: 5 }, (_, index) => `victim${index}`);
/** The user of the product's containers, and so of every sandbox. */
const OWNER = 1000;
const IMAGE = "debian:bookworm-slim";
const SWAP = join(import.meta.dirname, "swap-bind.pl");
const compose = IS_LONG ? await findCompose() : null;

beforeAll(async () => {
  if (compose !== null) await buildImage();
}, 600_000);

const Events = z.object({ items: z.array(z.object({ reason: z.string(), count: z.number() })) });

interface Ground {
  stack: Stack;
  /** The folder that attacker and victims know: `source` and, beside it, a symlink to `.ssh` of the host. */
  shared: string;
}

/** Everything runs, and the five sandboxes are ready. Gone after the test. */
async function openGround(program: readonly [string, ...string[]]): Promise<Ground> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "openclaw-swap-")));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  const [shared, host] = [join(folder, "shared"), join(folder, ".ssh")];
  await chmod(folder, 0o755);
  for (const path of [join(shared, "source"), host]) await mkdir(path, { recursive: true });
  await writeFile(join(shared, "source", "whose"), "ours\n");
  await writeFile(join(host, "whose"), "the host's\n");
  await symlink(host, join(shared, "link"));
  for (const path of [shared, join(shared, "source")]) await chown(path, OWNER, OWNER);
  const mounts = { services: { "openclaw-controller": { volumes: [`${folder}:${folder}`] } } };
  await writeFile(join(folder, "mounts.json"), JSON.stringify(mounts));
  const sandbox = {
    mode: "all",
    start: "eager",
    docker: { dangerouslyAllowExternalBindSources: true, binds: [`${join(shared, "source")}:/data`] },
    prune: { idleHours: 0, maxAgeDays: 0 },
  };
  const list = VICTIMS.map((id) => ({ id, sandbox: { scope: "agent" } }));
  const stack = await Stack.create(program, { gateway: { mode: "local" }, agents: { defaults: { sandbox }, list } });
  onTestFinished(async () => await stack.end(), 120_000);
  const up = await stack.compose("-f", "docker-compose.yml", "-f", join(folder, "mounts.json"), "up", "-d", "openclaw-gateway");
  expect(up.code, up.stderr).toBe(0);
  await stack.untilReady();
  for (const victim of VICTIMS) await stack.gateway.ask("/v1/sessions", { key: `agent:${victim}:main` });
  return { stack, shared };
}

/** What a tool call reads. null: nobody is let in now. */
async function readAsUser({ stack }: Ground, victim: string): Promise<string | null> {
  const answer = await stack.gateway.tool(`agent:${victim}:main`, "exec", { command: "cat /data/whose" }).catch(() => null);
  return answer?.status === 200 ? answer.text : null;
}

async function containerOf({ stack }: Ground, victim: string): Promise<string | null> {
  const names = await containersWith(`openclaw.instance=${stack.project}`);
  const found = await Promise.all(names.map(inspect));
  return found.find((each) => each?.Name.includes(`-${victim}-`))?.Id ?? null;
}

/** As a sandbox whose container is from before the config changed: it may write the folder that the source lies in. */
async function startAttacker({ stack, shared }: Ground): Promise<void> {
  const mounts = ["-v", `${shared}:/shared`, "-v", `${SWAP}:/swap.pl:ro`, "--label", `${stack.project}=attacker`];
  const confined = ["--network", "none", "--user", `${OWNER}:${OWNER}`, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
  const id = await docker("run", "-d", ...confined, ...mounts, IMAGE, "perl", "/swap.pl", "/shared/source", "/shared/link");
  onTestFinished(async () => void (await docker("rm", "-f", id)));
}

/** Over all victims, by the events that the CLI shows. */
async function countCaught({ stack }: Ground): Promise<number> {
  const { stdout, stderr } = await stack.cli("sandbox", "events", "--json");
  const { items } = Events.parse(JSON.parse(stdout.trim() === "" ? "null" : stdout), { error: () => stderr });
  return items.filter(({ reason }) => reason === "MountsRefused").reduce((sum, { count }) => sum + count, 0);
}

test("in Compose, a bind whose source another sandbox swaps for a symlink is never used while it is the host's", {
  timeout: 7_200_000,
}, async ({ skip }) => {
  if (compose === null) return skip(IS_LONG ? "there is neither docker compose nor docker-compose" : "only with OPENCLAW_TEST_LONG=1");
  const ground = await openGround(compose);
  await Promise.all(VICTIMS.map(async (victim) => await until(`${victim} serves`, async () => await readAsUser(ground, victim), 120_000)));
  await startAttacker(ground);
  const reads = new Map<string, number>();
  let rounds = 0;
  const endMs = performance.now() + ATTACK_MS_MAX;
  const attack = async (victim: string): Promise<void> => {
    while (rounds < ROUNDS && performance.now() < endMs) {
      rounds += 1;
      const id = await containerOf(ground, victim);
      if (id !== null) await docker("restart", "-t", "0", id).catch(() => "it was removed just now");
      const seen = await until("somebody is let in again", async () => await readAsUser(ground, victim), LET_IN_MS_MAX);
      reads.set(seen, (reads.get(seen) ?? 0) + 1);
    }
  };
  await Promise.all(VICTIMS.map(attack));
  const caught = await countCaught(ground);
  process.stdout.write(`${rounds} rounds: ${caught} swaps were caught, ${reads.get("the host's\n") ?? 0} reached\n`);
  expect([...reads]).toEqual([["ours\n", rounds]]);
  expect(caught).toBeGreaterThan(0);
});
