// Frames and first lines arrive in any pieces, and a slow reader stops the source.
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Demux, type Started } from "./demux.ts";

function frame(stream: 1 | 2, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

async function take(demux: Demux): Promise<{ stdout: string; stderr: string; started: Started | null }> {
  const [stdout, stderr, started] = await Promise.all([text(demux.stdout), text(demux.stderr), demux.started]);
  return { stdout, stderr, started };
}

test("however the bytes are cut, output, errors and the process group come out whole", async () => {
  const whole = Buffer.concat([
    frame(1, "4700 4711\n"),
    frame(1, "out one\n"),
    frame(2, "error\n"),
    frame(1, ""),
    frame(1, "out two"),
    frame(2, "!"),
  ]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 12 }), async (cuts) => {
      const demux = new Demux({ isTerminal: false, resume: () => {} });
      const taken = take(demux);
      const at = [0, ...cuts.sort((left, right) => left - right), whole.length];
      for (let index = 1; index < at.length; index += 1) demux.push(whole.subarray(at[index - 1], at[index]));
      demux.end();
      expect(await taken).toEqual({ stdout: "out one\nout two", stderr: "error\n!", started: { leader: "4700", group: "4711" } });
    }),
    { numRuns: 200 },
  );
});

test("a terminal's output loses the first line only, also when it comes in pieces", async () => {
  for (const pieces of [["0 23\r\nhello\r\n"], ["0 2", "3\r", "\nhello\r\n"]]) {
    const demux = new Demux({ isTerminal: true, resume: () => {} });
    const taken = take(demux);
    for (const piece of pieces) demux.push(Buffer.from(piece));
    demux.end();
    expect(await taken).toEqual({ stdout: "hello\r\n", stderr: "", started: { leader: "23", group: "23" } });
  }
});

test("what the engine says instead of a first line is an error message, not output", async () => {
  const demux = new Demux({ isTerminal: false, resume: () => {} });
  const taken = take(demux);
  demux.push(frame(1, "OCI runtime exec failed: exec failed: no such file or directory: unknown\r\n"));
  demux.end();
  expect(await taken).toMatchObject({ stdout: "", stderr: expect.stringContaining("OCI runtime exec failed"), started: null });
});

test("a workdir in which the command can't begin is told apart from its output", async () => {
  const demux = new Demux({ isTerminal: false, resume: () => {} });
  const taken = take(demux);
  demux.push(frame(1, "- missing\n"));
  demux.end();
  expect([await taken, demux.workdirProblem]).toEqual([{ stdout: "", stderr: "", started: null }, "missing"]);
});

test("a workdir that was removed under the container is told as one, not as what runc takes it for", async () => {
  const demux = new Demux({ isTerminal: false, resume: () => {} });
  const taken = take(demux);
  const why = "current working directory is outside of container mount namespace root -- possible container breakout detected";
  demux.push(frame(1, `OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown\r\n`));
  demux.end();
  expect([await taken, demux.workdirProblem]).toEqual([{ stdout: "", stderr: "", started: null }, "removed"]);
});

test("an exec that ends without a word has no group", async () => {
  const demux = new Demux({ isTerminal: false, resume: () => {} });
  const taken = take(demux);
  demux.end();
  expect(await taken).toEqual({ stdout: "", stderr: "", started: null });
});

test("the source is stopped while either reader has enough, and goes on when both have room", async () => {
  let resumed = 0;
  const demux = new Demux({
    isTerminal: false,
    resume: () => {
      resumed += 1;
    },
  });
  expect(demux.push(frame(1, "0 1\n"))).toBe(true);
  expect(demux.push(frame(2, Buffer.alloc(100_000)))).toBe(false);
  expect(demux.push(frame(1, "more"))).toBe(false);
  demux.stdout.resume();
  await new Promise(setImmediate);
  expect(resumed).toBe(0);
  demux.stderr.resume();
  await new Promise(setImmediate);
  expect(resumed).toBeGreaterThan(0);
  expect(demux.isFull).toBe(false);
});

test("a reader that goes away stops nobody", async () => {
  const demux = new Demux({ isTerminal: false, resume: () => {} });
  demux.push(frame(1, "0 1\n"));
  demux.stderr.destroy();
  expect(demux.push(frame(2, Buffer.alloc(1_000_000)))).toBe(true);
  const out = text(demux.stdout);
  demux.push(frame(1, "still here"));
  demux.end();
  expect(await out).toBe("still here");
});
