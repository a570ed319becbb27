import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { SECOND_MS } from "../brands.ts";
import { VirtualClock } from "../virtual-clock.fixture.ts";
import { DetachedProcesses, type ScriptRequest, type ScriptStream } from "./detached-processes.ts";
import { LIST, WRITE_STDIN } from "./process-scripts.ts";

const RUNNING = "process1 1700000000000 running - 0 0 0 0 4\ncat\0\n";

/** A place whose machine is too busy to say that a write has ended, and that lists such records. */
async function writeWhereNothingAnswers(records: string): Promise<unknown> {
  const clock = new VirtualClock();
  const signals: string[] = [];
  const run = async ({ argv, stdin }: ScriptRequest): Promise<ScriptStream> => {
    const isWrite = argv[2] === WRITE_STDIN;
    expect([LIST, WRITE_STDIN]).toContain(argv[2]);
    return {
      stdin: stdin ? new PassThrough().resume() : null,
      stdout: isWrite ? new PassThrough() : Readable.from([Buffer.from(records)]),
      stderr: isWrite ? new PassThrough() : Readable.from([]),
      exit: isWrite ? new Promise(() => undefined) : Promise.resolve(0),
      signal: async (name) => void signals.push(name),
    };
  };
  const notKilled = (error: unknown): never => expect.unreachable(String(error));
  const processes = new DetachedProcesses({ folder: "/records", run, notKilled, clock, newProcessId: () => "process1" });
  const written = processes.write("process1", { data: "eA==", end: false }).catch((error: unknown) => error);
  await clock.advance(10 * SECOND_MS);
  const outcome = await written;
  expect(signals).toEqual(["KILL"]);
  return outcome;
}

test("input that nothing took in time is said to be unread where the process is there", async () => {
  expect(await writeWhereNothingAnswers(RUNNING)).toMatchObject({
    code: "Aborted",
    message: expect.stringContaining("does not read its stdin"),
  });
});

test("input that nothing took in time names the process that is not there", async () => {
  expect(await writeWhereNothingAnswers("")).toMatchObject({ code: "NotFound", message: expect.stringContaining('"process1"') });
});
