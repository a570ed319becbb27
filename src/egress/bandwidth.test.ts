import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { toDurationMs, toEpochMs } from "../api/brands.ts";
import { VirtualClock } from "../api/virtual-clock.fixture.ts";
import { Bandwidth, forward } from "./bandwidth.ts";

test("a quarter of a second's bytes pass at once, and then each piece takes as long as its bytes", () => {
  const bandwidth = new Bandwidth(1_000);
  const now = toEpochMs(1_000_000);
  expect(bandwidth.take(250, now)).toBe(0);
  expect(bandwidth.take(100, now)).toBe(100);
  expect(bandwidth.take(100, now)).toBe(200);
  expect(bandwidth.take(10, toEpochMs(now + 200))).toBe(10);
  expect(bandwidth.take(250, toEpochMs(now + 10_000))).toBe(0);
});

test("without a limit nothing waits, and a clock that is set back holds nothing up for hours", () => {
  const bandwidth = new Bandwidth(null);
  expect(bandwidth.take(10 ** 12, toEpochMs(0))).toBe(0);
  bandwidth.bytesPerSecond = 1_000;
  expect(bandwidth.take(1_000, toEpochMs(10_000_000))).toBe(750);
  expect(bandwidth.take(1_000, toEpochMs(0))).toBeLessThanOrEqual(61_000);
});

test("a piece's memory is given back once it was written, and memory of which it is a part alone is left to its owner", async () => {
  const [source, sink] = [new PassThrough(), new PassThrough()];
  forward({ source, sink, bandwidth: new Bandwidth(null), clock: new VirtualClock() });
  const whole = Buffer.alloc(100_000, "a");
  const owner = Buffer.alloc(100_000, "b");
  const arrived: string[] = [];
  sink.on("data", (piece: Buffer) => arrived.push(piece.toString("latin1", 0, 1)));
  for (const piece of [whole, owner.subarray(1)]) source.write(piece);
  await expect.poll(() => arrived).toEqual(["a", "b"]);
  await expect.poll(() => whole.length).toBe(0);
  expect(owner.toString()).toBe("b".repeat(100_000));
});

test("everything arrives, in order and with its end, however slowly it is taken", async () => {
  const clock = new VirtualClock();
  const [source, sink] = [new PassThrough({ highWaterMark: 10 }), new PassThrough({ highWaterMark: 4 })];
  forward({ source, sink, bandwidth: new Bandwidth(1_000), clock });
  const pieces = Array.from({ length: 100 }, (_, at) => `${at};`);
  for (const piece of pieces) source.write(piece);
  source.end();
  let text = "";
  let ended = false;
  sink.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  sink.on("end", () => {
    ended = true;
  });
  await expect
    .poll(async () => {
      await clock.advance(toDurationMs(50));
      return ended;
    })
    .toBe(true);
  expect(text).toBe(pieces.join(""));
});
