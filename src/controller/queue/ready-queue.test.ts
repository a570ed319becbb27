// Which of those that are ready goes next, asked of the class itself; through the queue it is keyed-queue.test.ts's.
import { describe, expect, test } from "vitest";
import { type QueuePriority, rankOf } from "./priority.ts";
import { ReadyQueue } from "./ready-queue.ts";

function createReady(...added: readonly (readonly [id: string, priority: QueuePriority])[]) {
  const queue = new ReadyQueue();
  const begun: string[] = [];
  const add = (id: string, priority: QueuePriority): void =>
    queue.enqueue(async () => void begun.push(id), { id, priority: rankOf(priority) });
  for (const [id, priority] of added) add(id, priority);
  const drain = (count = queue.size): string[] => {
    for (let left = count; left > 0; left -= 1) void queue.dequeue()?.();
    return begun.splice(0);
  };
  return { queue, add, drain };
}

describe("what is ready", () => {
  test("goes in order of priority, and in order of arrival within one", () => {
    const { queue, drain } = createReady(["r1", "resync"], ["c1", "change"], ["l1", "live"], ["r2", "resync"], ["l2", "live"]);
    expect(queue.size).toBe(5);
    expect(drain()).toEqual(["l1", "l2", "c1", "r1", "r2"]);
    expect([queue.size, queue.dequeue()]).toEqual([0, undefined]);
  });

  test("rises to the end of those that it joins, and is still the oldest when the eighth slot comes", () => {
    const { queue, add, drain } = createReady(["old", "resync"], ["l1", "live"]);
    queue.setPriority("old", rankOf("change"));
    for (let index = 2; index <= 8; index += 1) add(`l${index}`, "live");
    add("c1", "change");
    expect(drain(8).at(-1)).toBe("old");
    expect(drain()).toEqual(["l8", "c1"]);
  });

  test("is counted by priority", () => {
    const { queue } = createReady(["r1", "resync"], ["c1", "change"], ["r2", "resync"]);
    queue.setPriority("r1", rankOf("live"));
    expect((["live", "change", "resync"] as const).map((priority) => queue.filter({ priority: rankOf(priority) }).length)).toEqual([
      1, 1, 1,
    ]);
  });

  test("is ready once: an id that is ready, none at all, and a rank that there is not are refused", () => {
    const { queue } = createReady(["a", "live"]);
    const run = async (): Promise<void> => undefined;
    expect(() => queue.enqueue(run, { id: "a", priority: 0 })).toThrow("ready once");
    expect(() => queue.enqueue(run, { priority: 0 })).toThrow("ready once");
    expect(() => queue.enqueue(run, { id: "b", priority: 7 })).toThrow("no rank");
    expect(() => queue.setPriority("gone", 0)).toThrow("gone");
    expect(queue.size).toBe(1);
  });
});
