// No command without an owner, on the model of an engine: whatever answer is lost, and whenever the process is killed.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { toInstanceId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { identityOf, specOf } from "../engine/contract.fixture.ts";
import type { ExecStream, Handle } from "../engine/engine.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { type FakeExec, holdOpen } from "../engine/fake-exec.fixture.ts";
import { FakeWorld } from "../engine/fake-world.fixture.ts";
import { OwnedCommands } from "./owned-commands.ts";

const INSTANCE = toInstanceId("0123456789ab");
const COMMAND = { argv: ["hang"], stdin: false } as const;
const lost = new OperationError("EngineUnreachable", "the answer was lost");

class Bench {
  readonly clock = new VirtualClock();
  readonly world = new FakeWorld(this.clock);
  readonly engine = new FakeEngine(this.world, INSTANCE);
  readonly folder: string;
  handle!: Handle;
  #marks = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.world.tag("image:1", "sha256:1");
    this.world.onExec(() => true, holdOpen);
  }

  async launch(): Promise<void> {
    const identity = identityOf(INSTANCE);
    const created = await this.engine.create(identity, specOf("image:1"));
    await this.engine.act(created, identity, { kind: "start" });
    this.handle = (await this.engine.observe(identity.name))[0]?.handle ?? created;
  }

  /** As a process that starts. */
  async open(): Promise<OwnedCommands> {
    const newMark = (): string => `mark${++this.#marks}`.padEnd(12, "0");
    const commands = await OwnedCommands.open(this.folder, {
      engine: this.engine,
      clock: this.clock,
      log: pino({ level: "silent" }),
      newMark,
    });
    onTestFinished(() => commands.stop());
    return commands;
  }

  running(): FakeExec[] {
    return [...this.world.mustGet(this.handle.id).execs].filter((exec) => exec.running);
  }

  records(): string[] {
    return readdirSync(this.folder);
  }

  /** Time passes until it is so, two minutes at the most. */
  async until(what: string, holds: () => boolean): Promise<void> {
    for (let step = 0; !holds(); step += 1) {
      if (step > 240) throw new Error(`still not so: ${what}`);
      await this.clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function open(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-commands-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bench = new Bench(folder);
  await bench.launch();
  return bench;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "OK",
    (error: unknown) => (error instanceof OperationError ? error.code : String(error)),
  );

describe("a command", () => {
  it("whose start got no answer is ended, however often the engine fails first, and others go on", async () => {
    const bench = await open();
    const commands = await bench.open();
    const other = await commands.exec(bench.handle, COMMAND);
    bench.world.failCall("exec", 1, lost, "after");
    for (const nth of [1, 2, 3]) bench.world.failCall("endCommands", nth, lost);
    expect(await codeOf(commands.exec(bench.handle, COMMAND))).toBe("EngineUnreachable");
    expect(bench.running()).toHaveLength(2);
    await bench.until("it is ended", () => bench.running().length === 1 && bench.records().length === 1);
    await other.signal("KILL");
    await bench.until("nothing is remembered", () => bench.records().length === 0);
  });

  it("whose connection breaks is ended; one whose container ends is forgotten", async () => {
    const bench = await open();
    const commands = await bench.open();
    await commands.exec(bench.handle, COMMAND);
    const [exec] = bench.running();
    // The model's command ends with its stream; a real one goes on, and only the engine's answer tells that it is over.
    exec?.break(lost);
    await bench.until("it was asked to end", () => bench.world.calls.some((call) => call.startsWith("endCommands")));
    await bench.until("nothing is remembered", () => bench.records().length === 0);
    bench.world.calls.length = 0;
    await commands.exec(bench.handle, COMMAND);
    bench.world.remove(bench.handle.id);
    await bench.until("nothing is remembered", () => bench.records().length === 0);
    expect(bench.world.calls.filter((call) => call.startsWith("endCommands"))).toEqual([]);
  });

  it("that could not be killed is ended later", async () => {
    const bench = await open();
    const commands = await bench.open();
    const stream: ExecStream = await commands.exec(bench.handle, COMMAND);
    const [exec] = bench.running();
    if (exec === undefined) throw new Error("it does not run");
    exec.signal = () => Promise.reject(lost);
    expect(await codeOf(stream.signal("KILL"))).toBe("EngineUnreachable");
    await bench.until("it is ended", () => bench.running().length === 0 && bench.records().length === 0);
  });

  it("that nothing began of leaves nothing", async () => {
    const bench = await open();
    const commands = await bench.open();
    bench.world.failCall("exec", 1, lost, "before");
    expect(await codeOf(commands.exec(bench.handle, COMMAND))).toBe("EngineUnreachable");
    await bench.until("nothing is remembered", () => bench.records().length === 0);
    expect(bench.world.calls.filter((call) => call.startsWith("endCommands"))).toEqual([]);
  });
});

describe("a command of a process that waited", () => {
  const WAITING = "waiting00001";
  const waits = async (bench: Bench, mark = WAITING): Promise<void> => {
    await bench.engine.waitingListener?.begins(bench.handle, mark);
    bench.engine.waiting.push(mark);
  };

  it("is in the records before that process begins, and no more once it is over", async () => {
    const bench = await open();
    const commands = await bench.open();
    await waits(bench);
    expect(bench.records()).toEqual([WAITING]);
    const written = statSync(join(bench.folder, WAITING)).ino;
    const stream = await commands.exec(bench.handle, COMMAND);
    expect(bench.running().map(({ request }) => request.mark)).toEqual([WAITING]);
    expect(statSync(join(bench.folder, WAITING)).ino, "the record was made anew, which the command waited for").toBe(written);
    bench.engine.waitingListener?.over(WAITING);
    expect(bench.records(), "a command that runs lost its record").toEqual([WAITING]);
    await stream.signal("KILL");
    await bench.until("nothing is remembered", () => bench.records().length === 0);
  });

  it("is recorded at once where that process's record could not be written", async () => {
    const bench = await open();
    const commands = await bench.open();
    rmSync(bench.folder, { recursive: true });
    await waits(bench);
    mkdirSync(bench.folder);
    await commands.exec(bench.handle, COMMAND);
    expect(bench.records()).toEqual([WAITING]);
  });

  it("leaves no record where it never came: that process ended, or this one was stopped", async () => {
    const bench = await open();
    const commands = await bench.open();
    await waits(bench);
    await waits(bench, "waiting00002");
    bench.engine.waitingListener?.over(WAITING);
    await bench.until("one is remembered", () => bench.records().length === 1);
    await commands.stop();
    expect(bench.records()).toEqual([]);
    await waits(bench, "waiting00003");
    expect(bench.records()).toEqual([]);
  });

  it("that was handed to it right before a kill -9 is ended by the next process", async () => {
    const bench = await open();
    const first = await bench.open();
    await waits(bench);
    await waits(bench, "waiting00002");
    await first.exec(bench.handle, COMMAND);
    const second = await bench.open();
    second.start();
    await bench.until("it is ended", () => bench.running().length === 0 && bench.records().length === 0);
  });
});

describe("after a kill -9", () => {
  it("what the process ran is ended by the next one; what ended before, what outlives it, and what began since are left alone", async () => {
    const bench = await open();
    const first = await bench.open();
    await first.exec(bench.handle, COMMAND);
    await first.exec(bench.handle, COMMAND);
    await first.exec(bench.handle, { ...COMMAND, outlivesCaller: true });
    const second = await bench.open();
    await second.exec(bench.handle, COMMAND);
    expect(bench.running()).toHaveLength(4);
    second.start();
    await bench.until("they are ended", () => bench.running().length === 2 && bench.records().length === 1);
    const marks = bench.running().map(({ request }) => request.mark);
    expect(marks).toEqual([undefined, expect.stringMatching(/^mark3/)]);
  });

  it("in the middle of writing a record, or over junk, the next process starts and ends nothing", async () => {
    const bench = await open();
    for (const [name, text] of [
      ["marktorn0000", '{"id":"00'],
      ["markempty000", ""],
      ["not a mark", "{}"],
      ["markwrong000", '{"id":"../../x","uid":"u","incarnation":"1"}'],
    ] as const)
      writeFileSync(join(bench.folder, name), text);
    const commands = await bench.open();
    commands.start();
    expect(bench.records()).toEqual([]);
    expect(bench.world.calls.filter((call) => call.startsWith("endCommands"))).toEqual([]);
  });
});
