// Output on its way into frames: nothing is lost, doubled or overwritten while somebody still looks at it, whatever comes in which pieces.
// What a window means on the wire is test/exec.test.ts.
import { PassThrough, Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Window } from "../../api/command-window.ts";
import { COMMAND_CHANNEL, COMMAND_CHUNK_BYTES_MAX, COMMAND_WINDOW_BYTES } from "../../api/wire.ts";
import { pumpOutput } from "./output-pump.ts";

/** Each byte tells where it stands, modulo a prime. */
const outputOf = (bytes: number): Buffer => Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => index % 251));

function cut(whole: Buffer, lengths: readonly number[]): Buffer[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return whole.subarray(at - length, at);
  });
}

test("every byte arrives once and in order, and a frame stays as it is until it was sent", async () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 100_000 })), { maxLength: 30 });
  const delays = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(lengths, delays, async (pieces, turns) => {
      const whole = outputOf(pieces.reduce((sum, length) => sum + length, 0));
      const window = new Window(COMMAND_WINDOW_BYTES);
      const frames: Buffer[] = [];
      let sending = Promise.resolve();
      const send = (frame: Buffer, sent: () => void): void => {
        const wait = turns[frames.length % turns.length] ?? 0;
        const at = frames.push(frame) - 1;
        sending = sending.then(async () => {
          for (let turned = 0; turned < wait; turned += 1) await turn();
          frames[at] = Buffer.from(frame);
          sent();
          window.give(frame.length - 1);
        });
      };
      await pumpOutput({ source: Readable.from(cut(whole, pieces)), channel: COMMAND_CHANNEL.stderr, window, send });
      await sending;
      expect(frames.every((frame) => frame[0] === COMMAND_CHANNEL.stderr && frame.length <= 1 + COMMAND_CHUNK_BYTES_MAX)).toBe(true);
      expect(Buffer.concat(frames.map((frame) => frame.subarray(1))).equals(whole)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test("what comes at once goes in one frame; a source is stopped while a reader is slow, and ended when there is none", async () => {
  const source = new PassThrough();
  const window = new Window(COMMAND_WINDOW_BYTES);
  const frames: number[] = [];
  const pumped = pumpOutput({ source, channel: COMMAND_CHANNEL.stdout, window, send: (frame) => void frames.push(frame.length - 1) });
  for (let piece = 0; piece < 10; piece += 1) source.write("x");
  await turn();
  expect(frames).toEqual([10]);
  const more = Buffer.alloc(COMMAND_CHUNK_BYTES_MAX);
  for (let written = 0; written < 20; written += 1) source.write(more);
  for (let turned = 0; turned < 50; turned += 1) await turn();
  expect(frames.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(COMMAND_WINDOW_BYTES);
  expect(source.isPaused()).toBe(true);
  window.close();
  await pumped;
  expect(source.destroyed).toBe(true);
});
