// Which key is the oldest, after any changes, and how often a map is looked through for that.
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Arrivals } from "./arrivals.ts";

test("the oldest is the one that a plain map has first, whatever came, went and came again", () => {
  const step = fc.record({ does: fc.constantFrom("set", "delete", "look"), key: fc.integer({ min: 0, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const plain = new Map<number, number>();
      const arrivals = new Arrivals<number, number>();
      for (const [at, { does, key }] of steps.entries()) {
        if (does === "set") for (const map of [plain, arrivals]) map.set(key, at);
        else if (does === "delete") expect(arrivals.delete(key)).toBe(plain.delete(key));
        else expect(arrivals.oldest).toBe(plain.keys().next().value);
        expect([arrivals.size, arrivals.has(key), arrivals.get(key)]).toEqual([plain.size, plain.has(key), plain.get(key)]);
      }
      expect([...arrivals.values()]).toEqual([...plain.values()]);
      expect(arrivals.oldest).toBe(plain.keys().next().value);
    }),
  );
});

test("emptying a thousand from the front looks through them once", () => {
  const arrivals = new Arrivals<number, null>();
  for (let key = 0; key < 1_000; key += 1) arrivals.set(key, null);
  const oldest: (number | undefined)[] = [];
  const begun = vi.spyOn(Map.prototype, "keys");
  for (let key = 0; key < 1_000; key += 1) {
    oldest.push(arrivals.oldest);
    arrivals.delete(key);
  }
  const times = begun.mock.calls.length;
  begun.mockRestore();
  expect(times).toBeLessThanOrEqual(1);
  expect(oldest).toEqual(Array.from({ length: 1_000 }, (_, key) => key));
});
