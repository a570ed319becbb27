// The engine or the controller is killed or frozen, at random moments, while a new spec is rolled out that can't succeed. Each time: what
// served serves again although the new spec still fails, the mended spec reaches everybody, nothing is left over. How long that takes is told.
// Single faults are engine-failures.engine.test.ts's and crash.engine.test.ts's; every pair of them over a model is two-faults.test.ts's.
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { createLateClock, everyPass, ledgerOf } from "../fixtures/aftermath.fixture.ts";
import { type Dice, diceOf } from "../fixtures/dice.fixture.ts";
import { docker, type Inspected, until } from "../fixtures/docker.fixture.ts";
import { ownEngine } from "../fixtures/engine.fixture.ts";
import { type ControllerProcess, spawnController } from "../fixtures/process.fixture.ts";
import { createSite, type Site } from "../fixtures/site.fixture.ts";

const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 100 : 1;
/** Two faults, each with an engine's start after a kill (10 s), and what a back-off of 10 s or 20 s waits. */
const ROUND_MS_MAX = 120_000;
/** After the third failure in a row 40 s pass; a loaded machine takes its own time. */
const RECOVERY_MS_MAX = 60_000;
/** A rollout takes a second or two: faults come before, in the middle, and after it failed. */
const MOMENT_MS_MAX = 2_500;
const FREEZE_MS_MAX = 4_000;

const SCOPES = ["agent:a", "agent:b"];
/** Has a setup: once it ended it can't serve before there is a new one. */
const WITH_SETUP = "agent:s";

const engine = ownEngine();

const toConfig = (round: number, docker: object = {}): object => ({
  agents: {
    defaults: {
      sandbox: {
        mode: "all",
        start: "eager",
        rollout: { hotWindow: "0s", canary: 0 },
        docker: { env: { ROUND: String(round) }, ...docker },
      },
    },
    list: [{ id: "a" }, { id: "b" }, { id: "s", sandbox: { docker: { setupCommand: "exit 0", ...docker } } }],
  },
});

/** What no new container comes of. */
const BAD: readonly object[] = [
  { setupCommand: "sleep 0.2; exit 1" },
  { image: "openclaw-test-nowhere:1" },
  { image: "openclaw-test-empty:1" },
  { seccompProfile: "/nowhere/profile.json" },
  { ulimits: { nofile: { soft: 999_999_999, hard: 999_999_999 } } },
];

/** An annotation of a test that passes is shown nowhere. */
const say = (line: string): boolean => process.stdout.write(`chaos: ${line}\n`);

type Fault = "engine killed" | "engine frozen" | "controller killed" | "controller frozen" | "both killed";
const FAULTS = [
  "engine killed",
  "engine frozen",
  "controller killed",
  "controller frozen",
  "both killed",
] as const satisfies readonly Fault[];

class Chaos {
  readonly #site: Site;
  readonly #dice: Dice;
  #controller: ControllerProcess;
  /** What is under way, for whoever reads of a failure. */
  #last = "at the start";
  /** Milliseconds from when engine and controller were there again until everything served. */
  readonly recoveries = new Map<Fault, number[]>();
  /** The same from the mended config to nothing but its containers. */
  readonly mends: number[] = [];

  constructor(site: Site, dice: Dice) {
    this.#site = site;
    this.#dice = dice;
    this.#controller = spawnController(site);
  }

  async round(round: number): Promise<void> {
    const before = await this.#serving();
    const bad = this.#dice.pick(BAD);
    const fault = this.#dice.pick(FAULTS);
    this.#last = `round ${round}: ${JSON.stringify(bad)}, ${fault}`;
    await this.#site.writeConfig(toConfig(round, bad));
    await pause(this.#dice.throw(MOMENT_MS_MAX));
    await this.#strike(fault);
    const since = performance.now();
    const again = await this.#serving();
    const recoveredMs = performance.now() - since;
    this.recoveries.set(fault, [...(this.recoveries.get(fault) ?? []), recoveredMs]);
    expect(
      again.map(({ Id }) => Id),
      this.#last,
    ).toEqual(before.map(({ Id }) => Id));

    await this.#site.writeConfig(toConfig(round));
    if (this.#dice.throw(3) === 0) {
      await pause(this.#dice.throw(MOMENT_MS_MAX / 2));
      await this.#strike(this.#dice.pick(FAULTS));
    }
    const mendedAt = performance.now();
    await this.converges(round);
    const mendedMs = performance.now() - mendedAt;
    this.mends.push(mendedMs);
    say(`${this.#last}: served again after ${Math.round(recoveredMs)} ms, mended after ${Math.round(mendedMs)} ms`);
  }

  async converges(round: number): Promise<Inspected[]> {
    const holds = ({ Config }: Inspected): boolean => Config.Env.includes(`ROUND=${round}`);
    return await until(
      `${this.#last}: one container each of the newest spec`,
      async () => {
        const found = await Promise.all([...SCOPES, WITH_SETUP].map((scope) => this.#site.serving(scope)));
        const served = found.filter((one) => one !== null && holds(one)) as Inspected[];
        return served.length === found.length && (await this.#site.containers()).length === served.length ? served : null;
      },
      RECOVERY_MS_MAX,
    );
  }

  async end(): Promise<void> {
    await this.#controller.terminate();
  }

  async #serving(): Promise<Inspected[]> {
    return await Promise.all(
      SCOPES.map((scope) => until(`${this.#last}: ${scope} serves again`, () => this.#site.serving(scope), RECOVERY_MS_MAX)),
    );
  }

  async #strike(fault: Fault): Promise<void> {
    switch (fault) {
      case "engine killed":
        await engine().kill();
        return await engine().start();
      case "engine frozen":
        await engine().freeze();
        await pause(this.#dice.throw(FREEZE_MS_MAX));
        return await engine().thaw();
      case "controller killed":
        await this.#controller.crash();
        this.#controller = spawnController(this.#site);
        return;
      case "controller frozen":
        this.#controller.freeze();
        await pause(this.#dice.throw(FREEZE_MS_MAX));
        return this.#controller.thaw();
      case "both killed":
        await Promise.all([engine().kill(), this.#controller.crash()]);
        this.#controller = spawnController(this.#site);
        return await engine().start();
    }
  }
}

/** `n=20 p50=0.3 s p99=9.1 s max=9.1 s` */
function renderTimes(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((left, right) => left - right);
  const at = (share: number): string => `${((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) / 1_000).toFixed(1)} s`;
  return `n=${sorted.length} p50=${at(0.5)} p99=${at(0.99)} max=${at(1)}`;
}

it(
  `${ROUNDS} times the engine or the controller is killed or frozen during a rollout that fails: what served serves again, and nothing is left over`,
  async (context) => {
    const dice = await diceOf(context);
    await engine().renew();
    await docker("import", "/dev/null", "openclaw-test-empty:1");
    const site = await createSite();
    await site.writeConfig(toConfig(0));
    const chaos = new Chaos(site, dice);
    await chaos.converges(0);
    for (let round = 1; round <= ROUNDS; round += 1) await chaos.round(round);
    await chaos.end();
    for (const [fault, times] of chaos.recoveries) say(`recovery, ${fault}: ${renderTimes(times)}`);
    say(`recovery, all: ${renderTimes([...chaos.recoveries.values()].flat())}`);
    say(`mended: ${renderTimes(chaos.mends)}`);

    const late = await site.start({ clock: createLateClock() });
    await everyPass(late);
    await everyPass(late);
    await until("nothing is left to do", () => late.controller.unconverged().length === 0);
    expect(await site.containers()).toHaveLength(SCOPES.length + 1);
    expect(await ledgerOf(site)).toEqual(await site.containers());
    expect((await late.controller.sweep.observe()).filter(({ fate }) => fate !== "kept")).toEqual([]);
  },
  ROUNDS * ROUND_MS_MAX,
);
