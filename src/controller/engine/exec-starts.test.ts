import { expect, test } from "vitest";
import type { ExecStream } from "./engine.ts";
import { ExecStarts, TurnQueue } from "./exec-starts.ts";

const settle = async (): Promise<void> => await new Promise((settled) => setImmediate(settled));

test("containers take turns, and each container's own commands come in their order", async () => {
  const queue = new TurnQueue();
  const begun: string[] = [];
  for (const name of ["a1", "a2", "a3", "b1", "c1", "c2"])
    queue.enqueue(async () => void begun.push(name), { containerId: name.slice(0, 1) });
  expect(queue.filter({ containerId: "a" })).toHaveLength(3);
  for (let left = 6; left > 0; left -= 1) {
    expect(queue.size).toBe(left);
    await queue.dequeue()?.();
  }
  expect(begun).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"]);
  expect([queue.size, queue.dequeue()]).toEqual([0, undefined]);
});

test("so many begin at once, a caller has his command before it has begun, and what can't be started makes room", async () => {
  const starts = new ExecStarts();
  const stream = { stdin: null } as ExecStream;
  const beginnings: (() => void)[] = [];
  let started = 0;
  const commands = Array.from({ length: 40 }, (_, index) =>
    starts.run(
      `container ${index % 8}`,
      async () => {
        started += 1;
        if (index === 0) throw new Error("no such container");
        return stream;
      },
      async () => await new Promise<void>((begun) => beginnings.push(begun)),
    ),
  );
  const ends = Promise.allSettled(commands);
  await settle();
  // The failed one's place was taken by another.
  expect([started, beginnings.length]).toEqual([17, 16]);
  expect(await commands[3]).toBe(stream);
  for (let round = 0; round < 40; round += 1) {
    beginnings.shift()?.();
    await settle();
  }
  expect(started).toBe(40);
  expect((await ends).map(({ status }) => status)).toEqual(["rejected", ...Array.from({ length: 39 }, () => "fulfilled")]);
});

test("a container whose commands do not begin keeps four places, and the others have theirs at once", async () => {
  const starts = new ExecStarts();
  const stream = { stdin: null } as ExecStream;
  let halted = 0;
  const never = new Promise<void>(() => undefined);
  const start = async (): Promise<ExecStream> => {
    halted += 1;
    return stream;
  };
  for (let index = 0; index < 40; index += 1) void starts.run("halting", start, () => never);
  await settle();
  expect(halted).toBe(4);
  const others = Array.from({ length: 30 }, (_, index) =>
    starts.run(
      `other ${index % 2}`,
      async () => stream,
      async () => undefined,
    ),
  );
  expect(await Promise.all(others)).toHaveLength(30);
  expect(halted).toBe(4);
});
