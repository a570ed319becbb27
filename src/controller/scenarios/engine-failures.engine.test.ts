// The engine stops, dies, freezes, forgets, is full or keeps its events to itself, under a controller with three sandboxes. Each time: the
// loop lives, conditions, readiness and metrics say so, and it heals by itself, with nothing lost that was there and nothing made twice.
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { connectDocker } from "../engine/connect.ts";
import type { Engine } from "../engine/engine.ts";
import { createLateClock, everyPass, ledgerOf } from "../fixtures/aftermath.fixture.ts";
import { docker, IMAGE, type Inspected, until } from "../fixtures/docker.fixture.ts";
import { ownEngine } from "../fixtures/engine.fixture.ts";
import { createSite, type Running, type Site } from "../fixtures/site.fixture.ts";
import { Health } from "../views/health.ts";

const AGENTS = ["a", "b", "c"];
const IS_LONG = process.env.OPENCLAW_TEST_LONG === "1";
const AWAY_MS = IS_LONG ? 60_000 : 0;
const ONLY_LONG = "only with OPENCLAW_TEST_LONG=1";
/** Two starts of an engine, and what comes between. */
const TEST_MS_MAX = 120_000;
/** A wedge is noticed after 8 s, and looked at once more, for 3 s. */
const NOTICED_MS_MAX = 25_000;

const engine = ownEngine();

const toConfig = (ids: readonly string[], docker: object = {}): object => ({
  agents: {
    defaults: { sandbox: { mode: "all", start: "eager", rollout: { hotWindow: "0s" }, docker } },
    list: ids.map((id) => ({ id })),
  },
});

const connect = async ({ instance }: Site): Promise<Engine> =>
  await connectDocker({ instance, environment: process.env, home: "/", observer: () => undefined });

/** A controller with three sandboxes that serve. */
class Stage {
  readonly site: Site;
  readonly #running: Running;
  readonly #health: Health;
  /** Answers of `/healthz` that would have had the process restarted. */
  readonly #dead: string[] = [];
  readonly #watching = new AbortController();

  static async set(engineOf?: (site: Site) => Promise<Engine>): Promise<Stage> {
    const site = await createSite();
    await site.writeConfig(toConfig(AGENTS));
    const running = await site.start(engineOf === undefined ? {} : { engine: await engineOf(site) });
    const facts = {
      version: "test",
      stateDir: site.stateDir,
      startedAt: toEpochMs(0),
      configPath: site.configPath,
    };
    const health = new Health(facts);
    health.watch(running.controller, await (await connect(site)).info(), site.instance);
    health.serversOpen = true;
    const stage = new Stage(site, running, health);
    site.atEnd(async () => stage.#watching.abort());
    await stage.heals();
    return stage;
  }

  private constructor(site: Site, running: Running, health: Health) {
    this.site = site;
    this.#running = running;
    this.#health = health;
    void this.#watchLife();
  }

  async #watchLife(): Promise<void> {
    while (!this.#watching.signal.aborted) {
      for (const { ok, message } of this.#health.live()) if (!ok) this.#dead.push(message);
      await pause(20);
    }
  }

  get failing(): string[] {
    return this.#health.ready().flatMap(({ name, ok }) => (ok ? [] : [name]));
  }

  condition(
    type: "Ready" | "UpToDate" | "EngineReachable",
    agent: string,
  ): { status: string; reason: string; message: string } | undefined {
    const status = this.#running.controller.statuses.get(this.site.nameOf(`agent:${agent}`))?.status;
    return findCondition(status?.conditions ?? [], type);
  }

  /** Sum over all label values. */
  async metric(name: string, labels: string): Promise<number> {
    const lines = (await this.#running.metrics.registry.renderText()).split("\n");
    return lines
      .filter((line) => line.startsWith(name) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** Everybody who looks can tell: conditions, readiness, metrics. */
  async tells(): Promise<void> {
    await until(
      "the engine's absence is told of every sandbox",
      () => AGENTS.every((id) => this.condition("EngineReachable", id)?.status === "False"),
      NOTICED_MS_MAX,
    );
    for (const id of AGENTS) {
      expect(this.condition("Ready", id)).toMatchObject({
        status: "Unknown",
        reason: expect.stringMatching(/^Engine(Unreachable|Timeout)$/),
      });
      expect(this.condition("UpToDate", id)).toMatchObject({ status: "Unknown" });
    }
    await until("readiness tells of the engine and its events", () => ["engine", "events"].every((name) => this.failing.includes(name)));
    expect(await this.metric("openclaw_sandboxes", 'state="unknown"')).toBe(AGENTS.length);
    expect(await this.metric("openclaw_engine_events_connected", "")).toBe(0);
    expect(
      (await this.metric("openclaw_engine_requests_total", 'code="EngineUnreachable"')) +
        (await this.metric("openclaw_engine_requests_total", 'code="EngineTimeout"')),
    ).toBeGreaterThan(0);
  }

  /** Ready, converged, and one container of each sandbox under its own name. */
  async heals(ids: readonly string[] = AGENTS): Promise<Inspected[]> {
    const { controller } = this.#running;
    await until(
      "everything is ready again",
      () => {
        const ready = ids.every(
          (id) => this.condition("Ready", id)?.status === "True" && this.condition("EngineReachable", id)?.status === "True",
        );
        return ready && this.failing.length === 0 && controller.unconverged().length === 0;
      },
      NOTICED_MS_MAX,
    );
    const served = await Promise.all(ids.map((id) => this.site.serves(`agent:${id}`)));
    expect(await this.site.containers()).toEqual(served.map(({ Id }) => Id).sort());
    expect(await this.metric("openclaw_sandboxes", 'state="unknown"')).toBe(0);
    expect(this.#dead).toEqual([]);
    return served;
  }

  /** A controller that looks two minutes later finds nothing to do, and one entry for each container. */
  async isWhole(served: readonly Inspected[]): Promise<void> {
    await this.#running.stop();
    const late = await this.site.start({ clock: createLateClock() });
    await everyPass(late);
    await until("nothing is left to do", () => late.controller.unconverged().length === 0);
    expect(await this.site.containers()).toEqual(served.map(({ Id }) => Id).sort());
    expect(await ledgerOf(this.site)).toEqual(await this.site.containers());
    expect((await late.controller.sweep.observe()).filter(({ fate }) => fate !== "kept")).toEqual([]);
  }
}

const idOf = ({ Id }: Inspected): string => Id;
const runOf = ({ Id, State }: Inspected): string => `${Id} ${State.StartedAt}`;

/** Its event stream is up and says nothing. */
async function deaf(site: Site): Promise<Engine> {
  const hearing: Engine = await connect(site);
  const watch: Engine["watch"] = async (_hint, connected, signal) => {
    connected(true);
    await once(signal, "abort");
  };
  return new Proxy(hearing, {
    get: (target, key) => {
      const found: unknown = key === "watch" ? watch : Reflect.get(target, key, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

describe("an engine that", { timeout: AWAY_MS + TEST_MS_MAX }, () => {
  it("is stopped for a while takes nothing with it: the same containers run again", async () => {
    await engine().renew();
    const stage = await Stage.set();
    const before = await stage.heals();
    await engine().stop();
    await stage.tells();
    expect(stage.condition("Ready", "a")?.message).toContain("start Docker");
    await pause(AWAY_MS);
    await engine().start();
    const after = await stage.heals();
    expect(after.map(idOf)).toEqual(before.map(idOf));
    await stage.isWhole(after);
  });

  it.for(["is stopped", "is killed"] as const)(
    "%s and started again with --live-restore costs no container and no work in one",
    async (how, { skip }) => {
      skip(!IS_LONG, ONLY_LONG);
      await engine().renew("--live-restore");
      const stage = await Stage.set();
      const before = await stage.heals();
      await docker("exec", "-d", before[0]?.Id ?? "", "sleep", "4321");
      await (how === "is stopped" ? engine().stop() : engine().kill());
      await stage.tells();
      await engine().start("--live-restore");
      const after = await stage.heals();
      expect(after.map(runOf)).toEqual(before.map(runOf));
      expect(await docker("top", before[0]?.Id ?? "")).toContain("sleep 4321");
      await stage.isWhole(after);
    },
  );

  it("is killed and ends its containers when it starts again has the same ones running soon after", async ({ skip }) => {
    skip(!IS_LONG, ONLY_LONG);
    await engine().renew();
    const stage = await Stage.set();
    const before = await stage.heals();
    await engine().kill();
    await stage.tells();
    await engine().start();
    const after = await stage.heals();
    expect(after.map(idOf)).toEqual(before.map(idOf));
    await stage.isWhole(after);
  });

  it("accepts calls and never answers is told within seconds, and costs nothing when it goes on", async () => {
    await engine().renew();
    const stage = await Stage.set();
    const before = await stage.heals();
    await engine().freeze();
    await stage.tells();
    await pause(AWAY_MS);
    await engine().thaw();
    const after = await stage.heals();
    expect(after.map(runOf)).toEqual(before.map(runOf));
    await stage.isWhole(after);
  });

  it("lost its data is told what is missing, and has everything again once it has the image", async () => {
    await engine().renew();
    const stage = await Stage.set();
    const before = await stage.heals();
    await engine().stop();
    await stage.tells();
    await engine().loseData();
    await engine().start();
    await until("the image is asked for", () => AGENTS.every((id) => stage.condition("Ready", id)?.reason === "ImageMissing"));
    expect(stage.condition("Ready", "a")).toMatchObject({ status: "False", message: expect.stringContaining("scripts/sandbox-setup.sh") });
    expect(stage.failing).toEqual([]);
    await engine().makeImage();
    const after = await stage.heals();
    expect(after.map(idOf)).not.toEqual(before.map(idOf));
    await stage.isWhole(after);
  });

  it("has no image any more keeps what runs, tells how to build it, and makes what is new when it is there again", async () => {
    await engine().renew();
    const stage = await Stage.set();
    const before = await stage.heals();
    await docker("rmi", "-f", IMAGE);
    await stage.site.writeConfig(toConfig([...AGENTS, "d"]));
    await until("the image is asked for", () => stage.condition("Ready", "d")?.reason === "ImageMissing");
    expect(stage.condition("Ready", "d")?.message).toContain("scripts/sandbox-setup.sh");
    for (const id of AGENTS) expect(stage.condition("Ready", id)).toMatchObject({ status: "True" });
    await docker("tag", before[0]?.Image ?? "", IMAGE);
    const after = await stage.heals([...AGENTS, "d"]);
    expect(after.slice(0, AGENTS.length).map(runOf)).toEqual(before.map(runOf));
    await stage.isWhole(after);
  });

  it("has no room on its disk says so, keeps what runs, waits ever longer, and makes what is new when there is room", async ({ skip }) => {
    skip(!IS_LONG, ONLY_LONG);
    await engine().renew();
    const stage = await Stage.set();
    const before = await stage.heals();
    await engine().fillDisk();
    await stage.site.writeConfig(toConfig([...AGENTS, "d"]));
    await until("the full disk is told", () => stage.condition("Ready", "d")?.reason === "EngineFailed");
    expect(stage.condition("Ready", "d")?.message).toContain("no space left");
    for (const id of AGENTS) expect(stage.condition("Ready", id)).toMatchObject({ status: "True" });
    await pause(AWAY_MS);
    expect(await stage.metric("openclaw_engine_requests_total", 'operation="create",code="EngineFailed"')).toBeLessThanOrEqual(4);
    await engine().freeDisk();
    const after = await stage.heals([...AGENTS, "d"]);
    expect(after.slice(0, AGENTS.length).map(runOf)).toEqual(before.map(runOf));
    await stage.isWhole(after);
  });

  it("keeps its events to itself is found out by the next look at everything", async ({ skip }) => {
    skip(!IS_LONG, ONLY_LONG);
    await engine().renew();
    const stage = await Stage.set(deaf);
    const [a, b] = await stage.heals();
    const found = (): Promise<number> => stage.metric("openclaw_engine_relist_drift_found_total", "");
    await until("a look has found what was made", async () => (await found()) >= AGENTS.length);
    const before = await found();
    await docker("kill", a?.Id ?? "");
    await docker("rm", "-f", b?.Id ?? "");
    await until("the look finds both", async () => (await found()) >= before + 2);
    const [again, anew] = await stage.heals();
    expect([again?.Id, anew?.Id === b?.Id]).toEqual([a?.Id, false]);
    await stage.isWhole(await stage.heals());
  });
});
