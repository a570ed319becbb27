// The egress on a real engine, as a person has it: a list that is edited live, and everything that serves it killed, paused or frozen, alone and in pairs,
// the controller too. Programs inside try to get past the list all the while. That each destination is judged right is test/egress-table.engine.test.ts's;
// every pair of faults over a model is egress.test.ts's.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { LABEL } from "../../api/labels.ts";
import { docker, IMAGE, inspect, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { type ControllerProcess, spawnController } from "../fixtures/process.fixture.ts";
import { createSite, eager, type Site } from "../fixtures/site.fixture.ts";

const execute = promisify(execFile);
const AGENT = "agent:main";
const BUILD_MS_MAX = 300_000;
/** Each fault heals in a second or two on an idle machine, a frozen proxy in some twelve: all of them take minutes. */
const IS_LONG = process.env.OPENCLAW_TEST_LONG === "1";
const ROUNDS = IS_LONG ? 20 : 1;
const TEST_MS_MAX = 60_000 + ROUNDS * 120_000;
const RECOVERY_MS_MAX = 40_000;

beforeAll(async () => {
  await execute("scripts/sandbox-egress-setup.sh", [], { timeout: BUILD_MS_MAX });
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

  static async open(): Promise<World> {
    const site = await createSite();
    await site.writeConfig(eager({ egress: { allow: ["192.0.2.1"] } }));
    const world = new World(site);
    site.atEnd(async () => {
      await world.#controller.crash();
      await tryDocker("rm", "--force", ...world.servers, ...(await site.containers()));
      await tryDocker("network", "rm", world.network);
      await tryDocker("volume", "rm", world.network);
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

  /** Whether curl inside gets an answer of the server, by its address. */
  async reaches(address: string): Promise<boolean> {
    const answer = await tryDocker("exec", this.site.nameOf(AGENT), "curl", "-sS", "--max-time", "2", `http://${address}/hostname`);
    return answer !== null && /^[0-9a-f]{12}$/.test(answer);
  }

  /** Milliseconds until it is reached. */
  async untilReached(address: string): Promise<number> {
    const startedMs = performance.now();
    await until(`${address} is reached`, async () => await this.reaches(address), RECOVERY_MS_MAX);
    return performance.now() - startedMs;
  }

  async crashController(): Promise<void> {
    await this.#controller.crash();
    this.#controller = spawnController(this.site);
  }
}

/** Tries, until it is ended, what must never succeed: past the proxy, and through it to what the list does not name. Prints each success. */
const PROBE = `import socket, sys, time
address, tries = sys.argv[1], 0
while True:
    tries += 1
    try:
        with socket.create_connection((address, 80), 0.2): print("past", flush=True)
    except OSError: pass
    try:
        with socket.create_connection(("127.0.0.1", 3128), 0.2) as proxy:
            proxy.settimeout(1)
            proxy.sendall(f"CONNECT {address}:80 HTTP/1.1\\r\\nHost: {address}:80\\r\\n\\r\\n".encode())
            if b" 200 " in proxy.recv(64): print("through", flush=True)
    except OSError: pass
    if tries % 10 == 0: print("tried", flush=True)
    time.sleep(0.02)`;

/** @returns ends it, and says what it printed */
function probe(container: string, address: string): () => Promise<string> {
  const running = execute("docker", ["exec", container, "python3", "-c", PROBE, address]);
  running.catch(() => undefined);
  let said = "";
  running.child.stdout?.on("data", (chunk: string) => {
    said += chunk;
  });
  const end = async (): Promise<string> => {
    running.child.kill("SIGKILL");
    await running.catch(() => undefined);
    return said;
  };
  onTestFinished(async () => void (await end()));
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
  "the proxy is frozen": async (world) => {
    const pid = await docker("inspect", "--format", "{{.State.Pid}}", await world.must("proxy"));
    await execute("pkill", ["-STOP", "-P", pid]);
  },
  "the sandbox is killed": async (world) => await docker("kill", await world.serving()),
  "relay and controller are killed": async (world) => {
    await Promise.all([docker("kill", await world.must("relay")), world.crashController()]);
  },
};

const percentile = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);

it(
  "whatever is killed, paused or removed, the list is never open, in force again soon, and nothing is left over",
  async () => {
    const world = await World.open();
    const [allowed, other] = await world.addresses();
    await world.site.writeConfig(eager({ egress: { allow: [`${allowed}/32`] } }));
    await world.untilReached(allowed);
    const recoveries: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [what, fault] of Object.entries(IS_LONG ? { ...FAULTS, ...MORE_FAULTS } : FAULTS)) {
        const end = probe(await world.serving(), other);
        await fault(world);
        const tookMs = await world.untilReached(allowed);
        recoveries.push(tookMs);
        // What ends the sandbox ends what runs in it.
        const said = await end();
        expect(said.replaceAll("tried\n", ""), what).toBe("");
        process.stdout.write(`egress: ${what}: reached again after ${Math.round(tookMs)} ms\n`);
      }
    const sorted = recoveries.toSorted((left, right) => left - right);
    process.stdout.write(
      `egress: ${sorted.length} faults, recovery p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms\n`,
    );
    // The sandbox, its relay and the proxy.
    await until("nothing is left over", async () => (await world.site.containers()).length === 3);
    const relay = await inspect(await world.must("relay"));
    expect(relay?.Config.Labels[LABEL.egressContainer]).toBe(await world.serving());
  },
  TEST_MS_MAX,
);
