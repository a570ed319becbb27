// What the model of an engine offers to tests beyond the contract: misfortune on demand, a virtual clock, many containers.
import { expect, test } from "vitest";
import { type DurationMs, type EpochMs, later, toEpochMs, toInstanceId } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import { codeOf, identityOf, run, specOf } from "./contract.fixture.ts";
import { expectIdentifyContract } from "./contract-identify.fixture.ts";
import { expectProbeContract } from "./contract-probe.fixture.ts";
import { expectSurveyContract } from "./contract-survey.fixture.ts";
import type { Hint } from "./engine.ts";
import { FakeEngine } from "./fake.fixture.ts";
import { holdOpen } from "./fake-exec.fixture.ts";
import { FakeWorld } from "./fake-world.fixture.ts";

const INSTANCE = toInstanceId("0123456789ab");
const IMAGE = "image:1";

class TestClock implements Clock {
  #now: EpochMs = toEpochMs(1_000_000);
  #timers: { at: EpochMs; fire: () => void }[] = [];

  now(): EpochMs {
    return this.#now;
  }

  setTimer(delay: DurationMs, fire: () => void): () => void {
    const timer = { at: later(this.#now, delay), fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  async advance(duration: number): Promise<void> {
    // Calls reach their timer within a few turns of the event loop.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    this.#now = later(this.#now, duration as DurationMs);
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { fire } of due) fire();
    await new Promise(setImmediate);
  }
}

function open() {
  const clock = new TestClock();
  const world = new FakeWorld(clock);
  world.tag(IMAGE, "sha256:1");
  return { clock, world, engine: new FakeEngine(world, INSTANCE) };
}

async function launch({ engine }: ReturnType<typeof open>) {
  const identity = identityOf(INSTANCE);
  const handle = await engine.create(identity, specOf(IMAGE));
  await engine.act(handle, identity, { kind: "start" });
  const [observation] = await engine.observe(identity.name);
  return { identity, handle: observation?.handle ?? handle };
}

test("the call that is told to fails once, before its effect or after it", async () => {
  const bench = open();
  const { world, engine } = bench;
  world.failCall("create", 2, new OperationError("EngineFailed", "boom"));
  await engine.create(identityOf(INSTANCE), specOf(IMAGE));
  const second = identityOf(INSTANCE);
  expect(await codeOf(engine.create(second, specOf(IMAGE)))).toBe("EngineFailed");
  expect(await engine.observe(second.name)).toEqual([]);
  world.failCall("any", 1, new OperationError("EngineUnreachable", "reset"), "after");
  expect(await codeOf(engine.create(second, specOf(IMAGE)))).toBe("EngineUnreachable");
  expect(await engine.observe(second.name)).toHaveLength(1);
});

test("a call that hangs ends at its deadline on the virtual clock", async () => {
  const { world, engine, clock } = open();
  world.hangCall("list", 1);
  const stuck = codeOf(engine.list());
  await clock.advance(60_000);
  expect(await stuck).toBe("EngineTimeout");
  expect(await engine.list()).toEqual([]);
});

test("lost hints are lost, and a reconnect asks for a relist", async () => {
  const bench = open();
  const hints: Hint[] = [];
  const end = new AbortController();
  const watching = bench.engine.watch(
    (hint) => hints.push(hint),
    () => {},
    end.signal,
  );
  hints.length = 0;
  bench.world.dropHints(2);
  const { identity } = await launch(bench);
  await new Promise(setImmediate);
  expect(hints).toEqual([]);
  bench.world.reconnect();
  expect(hints).toEqual([{ kind: "relist", cause: "connected" }]);
  bench.world.tag(IMAGE, "sha256:2");
  await new Promise(setImmediate);
  expect(hints.at(-1)).toEqual({ kind: "relist", cause: "image" });
  expect((await bench.engine.observe(identity.name))[0]?.imageId).toBe("sha256:1");
  end.abort();
  await watching;
});

test("commands run as tests say, and stay open until they are ended", async () => {
  const bench = open();
  const { handle } = await launch(bench);
  bench.world.onExec(([command]) => command === "held", holdOpen);
  bench.world.onExec(
    (argv) => argv.join(" ") === "sh -lc apt-get install",
    async ({ stdout, stderr }) => {
      stdout.write("installing\n");
      stderr.write("E: no network\n");
      return 100;
    },
  );
  expect(await run(bench.engine, handle, ["sh", "-lc", "apt-get install"])).toEqual({
    stdout: "installing\n",
    stderr: "E: no network\n",
    code: 100,
  });
  const held = await bench.engine.exec(handle, { argv: ["held"], stdin: false });
  expect(await bench.engine.inUse(handle)).toBe("yes");
  const [exec] = bench.world.mustGet(handle.id).execs;
  exec?.end(4);
  expect(await held.exit).toBe(4);
  expect(await bench.engine.inUse(handle)).toBe("no");
});

test("a survey shows what confines each container, and what it wrote, as long as it is there", async () => {
  await expectSurveyContract(open().engine, INSTANCE, IMAGE);
});

test("a probe runs beside the sandboxes, unseen by listings, and is gone afterwards", async () => {
  await expectProbeContract(open().engine, INSTANCE, IMAGE);
});

test("what is mounted is what the path meant at the start of this run, whoever is asked", async () => {
  const { engine, world } = open();
  await expectIdentifyContract({ engine, instance: INSTANCE, image: IMAGE, end: async ({ id }) => world.die(id) });
});

test("sleeping takes virtual time only", async () => {
  const bench = open();
  const { handle } = await launch(bench);
  const slept = run(bench.engine, handle, ["sleep", "3600"]);
  await bench.clock.advance(3_600_000);
  expect((await slept).code).toBe(0);
});

test("10 000 containers are made, listed and looked at before the test's time is over, which is no time for 10 000 squared", async () => {
  const { engine } = open();
  const identities = Array.from({ length: 10_000 }, () => identityOf(INSTANCE));
  for (const identity of identities) await engine.create(identity, specOf(IMAGE));
  expect(await engine.list()).toHaveLength(10_000);
  for (const { name } of identities) expect(await engine.observe(name)).toHaveLength(1);
});
