// The egress on a real engine, as a person has it: a list that is edited live, and everything that serves it killed, paused or frozen, alone and in pairs,
// the controller too. Programs inside try to get past the list all the while. That each destination is judged right is test/egress-table.engine.test.ts's;
// every pair of faults over a model is egress.test.ts's.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { LABEL } from "../../api/labels.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { docker, IMAGE, inspect, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { BUILD_MS_MAX, buildEgressImage, removeEgress } from "../fixtures/egress.fixture.ts";
import { type ControllerProcess, spawnController } from "../fixtures/process.fixture.ts";
import { createSite, eager, type Site } from "../fixtures/site.fixture.ts";

const execute = promisify(execFile);
const AGENT = "agent:main";
/** Each fault heals in a second or two on an idle machine, what stands still in some twenty: all of them take minutes. */
const IS_LONG = process.env.OPENCLAW_TEST_LONG === "1";
const ONLY_LONG = "it takes its time: OPENCLAW_TEST_LONG=1 runs it";
const ROUNDS = IS_LONG ? 20 : 1;
const TEST_MS_MAX = 300_000 + ROUNDS * 120_000;
/** A relay that never worked is missed for 30 s, and a proxy before it for 10; a busy machine takes its time for the rest. */
const RECOVERY_MS_MAX = 180_000;
const FROZEN_MS = 3_000;

beforeAll(async () => {
  await buildEgressImage();
}, BUILD_MS_MAX);

/** A sandbox whose list names one server, and another server that it does not name, both in the proxy's network. */
class World {
  readonly site: Site;
  readonly network: string;
  #controller: ControllerProcess;
  readonly servers: string[] = [];

  private constructor(site: Site) {
    this.site = site;
    this.network = `openclaw-egress-${site.instance}`;
    this.#controller = spawnController(site);
  }

  /** @param before what is there already when the controller starts */
  static async open(before: (site: Site) => Promise<unknown> = async () => undefined): Promise<World> {
    const site = await createSite();
    await before(site);
    await site.writeConfig(eager({ egress: { allow: ["192.0.2.1"] } }));
    const world = new World(site);
    site.atEnd(async () => {
      await world.#controller.crash();
      await tryDocker("rm", "--force", ...world.servers);
      await removeEgress(site.instance);
    });
    await until("the proxy is there", async () => (await world.one("proxy")) !== null);
    world.servers.push(await world.#serve(), await world.#serve());
    return world;
  }

  async #serve(): Promise<string> {
    const serve = ["python3", "-m", "http.server", "--directory", "/etc", "80"];
    return await docker("run", "--detach", `--network=${this.network}`, "--user=0:0", IMAGE, ...serve);
  }

  async addresses(): Promise<[allowed: string, other: string]> {
    const [allowed = "", other = ""] = await Promise.all(
      this.servers.map((id) => docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id)),
    );
    return [allowed, other];
  }

  /** Its id. null: there is none that runs, or more than one. */
  async one(role: "proxy" | "relay"): Promise<string | null> {
    const filters = [`label=${LABEL.instance}=${this.site.instance}`, `label=${LABEL.egress}=${role}`, "status=running"];
    const found = await docker("ps", "-q", "--no-trunc", ...filters.flatMap((filter) => ["--filter", filter]));
    return /^[0-9a-f]{64}$/.test(found) ? found : null;
  }

  async must(role: "proxy" | "relay"): Promise<string> {
    return await until(`there is a ${role}`, async () => await this.one(role));
  }

  async serving(): Promise<string> {
    return (await this.site.serves(AGENT)).Id;
  }

  /** Whether curl inside gets an answer of the server, by its address. Tried until it could be: a sandbox that is just being replaced says nothing. */
  async reaches(address: string, sandbox = this.site.nameOf(AGENT)): Promise<boolean> {
    const ask = ["sh", "-c", 'curl -sS --max-time 2 "http://$1/hostname" || echo closed', "sh", address];
    const answer = await until("curl runs inside", async () => await tryDocker("exec", sandbox, ...ask), RECOVERY_MS_MAX);
    return /^[0-9a-f]{12}$/.test(answer);
  }

  /** Milliseconds until it is reached. */
  async untilReached(address: string): Promise<number> {
    const startedMs = performance.now();
    await until(`${address} is reached`, async () => await this.reaches(address), RECOVERY_MS_MAX);
    return performance.now() - startedMs;
  }

  /** What its condition says while the list is not in force. null: it is. */
  async egressCondition(sandbox: string): Promise<string | null> {
    const file = join(this.site.stateDir, "controller", "status", `${sandbox}.json`);
    const text = await readFile(file, "utf8").catch(() => null);
    if (text === null) return "nothing is known of it yet";
    const { status } = JSON.parse(text) as Sandbox;
    const found = status.conditions.find(({ type }) => type === "Egress");
    return found === undefined || found.status === "True" ? null : `${found.reason}: ${found.message}`;
  }

  /** For longer than a look takes; nobody but a person starts another one. */
  async freezeController(): Promise<void> {
    this.#controller.freeze();
    await pause(FROZEN_MS);
    this.#controller.thaw();
  }

  async crashController(): Promise<void> {
    await this.#controller.crash();
    this.#controller = spawnController(this.site);
  }
}

/** Tries, as long as anybody listens, what must never succeed: past the proxy, and through it to what the list does not name. Prints each success. */
const PROBE = `import os, socket, sys, threading, time
address = sys.argv[1]
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print("begun", flush=True)
while True:
    try:
        with socket.create_connection((address, 80), 0.2): print("past", flush=True)
    except OSError: pass
    try:
        with socket.create_connection(("127.0.0.1", 3128), 0.2) as proxy:
            proxy.settimeout(1)
            proxy.sendall(f"CONNECT {address}:80 HTTP/1.1\\r\\nHost: {address}:80\\r\\n\\r\\n".encode())
            if b" 200 " in proxy.recv(64): print("through", flush=True)
    except OSError: pass
    time.sleep(0.02)`;

/**
 * Once it runs: an engine to which a container is paused while a program begins in it answers no question about it ever again (20.10).
 * @returns ends it, and says what it reached
 */
async function probe(container: string, address: string): Promise<() => Promise<string[]>> {
  const running = execute("docker", ["exec", "--interactive", container, "python3", "-c", PROBE, address]);
  running.catch(() => undefined);
  let said = "";
  running.child.stdout?.on("data", (chunk: string) => {
    said += chunk;
  });
  const end = async (): Promise<string[]> => {
    running.child.kill("SIGKILL");
    await running.catch(() => undefined);
    return said.match(/^(?:past|through)$/gm) ?? [];
  };
  onTestFinished(async () => void (await end()));
  await until("a program tries to get out", () => said.startsWith("begun"));
  return end;
}

it(
  "an edited list is in force within a second, in the same container; what it refuses now is not reached",
  async () => {
    const world = await World.open();
    const [allowed, other] = await world.addresses();
    const before = [await world.serving(), await world.must("relay"), await world.must("proxy")];
    expect(await world.reaches(allowed)).toBe(false);
    await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
    const tookMs = await world.untilReached(allowed);
    expect(await world.reaches(other)).toBe(false);
    await world.site.writeConfig(eager({ egress: { allow: [`${other}/32`] } }));
    await until("the new list counts", async () => (await world.reaches(other)) && !(await world.reaches(allowed)));
    expect([await world.serving(), await world.must("relay"), await world.must("proxy")]).toEqual(before);
    process.stdout.write(`egress: an edit was in force after ${Math.round(tookMs)} ms, an exec of curl included\n`);
    await world.site.writeConfig(eager());
    await until("nothing of it is left", async () => (await world.one("proxy")) === null && (await world.one("relay")) === null);
    expect(await world.reaches(other)).toBe(false);
  },
  TEST_MS_MAX,
);

type Fault = (world: World) => Promise<unknown>;

const processesOf = async (container: string): Promise<string[]> => {
  const init = await docker("inspect", "--format", "{{.State.Pid}}", container);
  const { stdout } = await execute("pgrep", ["-P", init]);
  return stdout.trim().split("\n");
};

/** All its processes; the engine sees none of it. */
const freeze = async (container: string): Promise<void> => void (await execute("kill", ["-STOP", ...(await processesOf(container))]));

/** Takes all the memory that its container may have; of its processes the kernel then ends the container's own first, as where those took it. */
async function exhaust(container: string): Promise<void> {
  for (const pid of await processesOf(container)) await writeFile(`/proc/${pid}/oom_score_adj`, "1000");
  await tryDocker("exec", container, "tail", "/dev/zero");
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "the proxy is paused": async (world) => await docker("pause", await world.must("proxy")),
  "relay and proxy are killed": async (world) => await docker("kill", await world.must("relay"), await world.must("proxy")),
  "proxy and controller are killed": async (world) => {
    await docker("kill", await world.must("proxy"));
    await world.crashController();
  },
};

const MORE_FAULTS: Readonly<Record<string, Fault>> = {
  "the relay is killed": async (world) => await docker("kill", await world.must("relay")),
  "the relay is paused": async (world) => await docker("pause", await world.must("relay")),
  "the proxy is killed": async (world) => await docker("kill", await world.must("proxy")),
  "the proxy is removed": async (world) => await docker("rm", "--force", await world.must("proxy")),
  "the proxy is frozen": async (world) => await freeze(await world.must("proxy")),
  "the relay is frozen": async (world) => await freeze(await world.must("relay")),
  "the proxy is out of memory": async (world) => await exhaust(await world.must("proxy")),
  "the relay is out of memory": async (world) => await exhaust(await world.must("relay")),
  "the sandbox is killed": async (world) => await docker("kill", await world.serving()),
  "relay and controller are killed": async (world) => {
    await Promise.all([docker("kill", await world.must("relay")), world.crashController()]);
  },
};

/** What ends each part, and what stops it. */
const HARMS: Readonly<Record<string, Readonly<Record<string, Fault>>>> = {
  proxy: {
    killed: async (world) => await docker("kill", await world.must("proxy")),
    frozen: async (world) => await freeze(await world.must("proxy")),
  },
  relay: {
    killed: async (world) => await docker("kill", await world.must("relay")),
    frozen: async (world) => await freeze(await world.must("relay")),
  },
  sandbox: {
    killed: async (world) => await docker("kill", await world.serving()),
    paused: async (world) => await docker("pause", await world.serving()),
  },
  controller: { killed: async (world) => await world.crashController(), frozen: async (world) => await world.freezeController() },
};
const ONES = Object.entries(HARMS).flatMap(([part, harms]) => Object.entries(harms).map(([how, harm]) => ({ part, how, harm })));
/** Any two of two parts, at the same moment: what the one takes away the other may not find any more. */
const PAIRS: Readonly<Record<string, Fault>> = Object.fromEntries(
  ONES.flatMap((first, at) => ONES.slice(at).map((second) => ({ first, second })))
    .filter(({ first, second }) => first.part !== second.part)
    .map(({ first, second }) => [
      `${first.part} ${first.how}, ${second.part} ${second.how}`,
      async (world: World) => await Promise.allSettled([first.harm(world), second.harm(world)]),
    ]),
);

const percentile = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);

/** A program inside tries to get past the list all the while. */
async function expectHeals(faults: Readonly<Record<string, Fault>>, rounds: number): Promise<void> {
  const world = await World.open();
  const [allowed, other] = await world.addresses();
  await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
  await world.untilReached(allowed);
  const recoveries: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const [what, fault] of Object.entries(faults)) {
      const end = await probe(await world.serving(), other);
      await fault(world);
      const tookMs = await world.untilReached(allowed);
      recoveries.push(tookMs);
      expect(await world.reaches(other), what).toBe(false);
      // What ends the sandbox ends what runs in it.
      const said = await end();
      expect(said, what).toEqual([]);
      process.stdout.write(`egress: ${what}: reached again after ${Math.round(tookMs)} ms\n`);
    }
  const sorted = recoveries.toSorted((left, right) => left - right);
  process.stdout.write(`egress: ${sorted.length} faults, recovery p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms\n`);
  // The sandbox, its relay and the proxy.
  await until("nothing is left over", async () => (await world.site.containers()).length === 3);
  const relay = await inspect(await world.must("relay"));
  expect(relay?.Config.Labels[LABEL.egressContainer]).toBe(await world.serving());
}

it(
  "whatever is killed, paused or removed, the list is never open, in force again soon, and nothing is left over",
  async () => {
    await expectHeals(IS_LONG ? { ...FAULTS, ...MORE_FAULTS } : FAULTS, ROUNDS);
  },
  TEST_MS_MAX,
);

it(
  "any two of proxy, relay, sandbox and controller may be killed or stand still at the same moment: never open, in force again, nothing left over",
  async ({ skip }) => {
    skip(!IS_LONG, `24 pairs: ${ONLY_LONG}`);
    await expectHeals(PAIRS, 1);
  },
  TEST_MS_MAX,
);

it(
  "a relay that stands still is found out, said to be closed, and replaced; the engine says that it runs",
  async () => {
    const world = await World.open();
    const [allowed, other] = await world.addresses();
    await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
    await world.untilReached(allowed);
    const frozen = await world.must("relay");
    await freeze(frozen);
    const end = await probe(await world.serving(), other);
    await until("it is replaced", async () => ![frozen, null].includes(await world.one("relay")), RECOVERY_MS_MAX);
    await world.untilReached(allowed);
    expect(await end()).toEqual([]);
    const events = await readFile(join(world.site.stateDir, "controller", "events", "events.jsonl"), "utf8");
    expect(events).toContain("the network is closed: its relay does not work: it gives no sign of life");
  },
  TEST_MS_MAX,
);

it(
  "a relay that stands still from its first second on is found out, too, and one whose limits somebody changed gives way at once",
  async ({ skip }) => {
    skip(!IS_LONG, ONLY_LONG);
    const world = await World.open();
    const [allowed, other] = await world.addresses();
    await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
    await world.untilReached(allowed);
    const end = await probe(await world.serving(), other);
    const first = await world.must("relay");
    await docker("kill", first);
    const frozen = await until("there is another one", async () => [await world.one("relay")].find((id) => id !== first && id !== null));
    await freeze(frozen);
    await until("it is replaced", async () => ![frozen, null].includes(await world.one("relay")), RECOVERY_MS_MAX);
    await world.untilReached(allowed);
    const changed = await world.must("relay");
    await docker("update", "--pids-limit=64", changed);
    await until("it is replaced", async () => ![changed, null].includes(await world.one("relay")));
    await world.untilReached(allowed);
    expect((await inspect(await world.must("relay")))?.HostConfig.PidsLimit).toBe(128);
    expect(await end()).toEqual([]);
    const events = await readFile(join(world.site.stateDir, "controller", "events", "events.jsonl"), "utf8");
    expect(events).toContain("it was changed by hand: PidsLimit is 64, not 128");
  },
  TEST_MS_MAX,
);

it(
  "memory that runs out ends the proxy or the relay, which are made anew with the same limit",
  async ({ skip }) => {
    skip(!IS_LONG, ONLY_LONG);
    const world = await World.open();
    const [allowed, other] = await world.addresses();
    await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
    await world.untilReached(allowed);
    for (const role of ["relay", "proxy"] as const) {
      const before = await world.must(role);
      const { Memory, MemorySwap } = (await inspect(before))?.HostConfig ?? {};
      expect([Memory, MemorySwap], role).toEqual([expect.any(Number), Memory]);
      const end = await probe(await world.serving(), other);
      await exhaust(before);
      await until(`the ${role} is another one`, async () => ![before, null].includes(await world.one(role)));
      await world.untilReached(allowed);
      expect(await end(), role).toEqual([]);
    }
  },
  TEST_MS_MAX,
);

it(
  "a full disk under the sockets closes what is new, says so, and heals when there is room",
  async ({ skip }) => {
    skip(!IS_LONG, ONLY_LONG);
    const small = async ({ instance }: Site): Promise<unknown> => {
      const name = `openclaw-egress-${instance}`;
      const labels = [`${LABEL.instance}=${instance}`, `${LABEL.name}=${name}`, `${LABEL.egress}=proxy`];
      const options = ["type=tmpfs", "device=tmpfs", "o=size=1m,nr_inodes=32"];
      return await docker("volume", "create", ...labels.map((label) => `--label=${label}`), ...options.map((one) => `--opt=${one}`), name);
    };
    const world = await World.open(small);
    const [allowed, other] = await world.addresses();
    await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
    await world.untilReached(allowed);
    const fill = "i=0; while touch /run/openclaw-egress/fill-$i 2>/dev/null; do i=$((i + 1)); done; [ $i -gt 5 ]";
    await docker("exec", await world.must("proxy"), "sh", "-c", fill);
    const list = { egress: { allow: [`${allowed}/32`] } };
    const defaults = { sandbox: { mode: "all", start: "eager", ...list } };
    await world.site.writeConfig({ agents: { defaults, list: [{ id: "main" }, { id: "second" }] } });
    const second = world.site.nameOf("agent:second");
    await until("it says so", async () => (await world.egressCondition(second))?.includes("no space left on device"));
    expect([await world.reaches(allowed, second), await world.reaches(other, second), await world.reaches(other)]).toEqual([
      false,
      false,
      false,
    ]);
    await docker("exec", await world.must("proxy"), "sh", "-c", "rm /run/openclaw-egress/fill-*");
    await until("it is reached", async () => await world.reaches(allowed, second), RECOVERY_MS_MAX);
    expect(await world.reaches(other, second)).toBe(false);
    await until("it says so", async () => (await world.egressCondition(second)) === null);
    await world.untilReached(allowed);
    expect(await world.reaches(other)).toBe(false);
  },
  TEST_MS_MAX,
);
