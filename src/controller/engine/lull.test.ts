// When a burst of commands is over, and that neither a long one nor one that fails holds anything up.
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Lull } from "./lull.ts";

/** No command of a test gets so old by itself. */
const NEVER_MS = 60_000;

/** Begins commands; what is done after each is noted. */
function watch(lull: Lull, names: readonly string[]) {
  const done: string[] = [];
  const commands = new Map(names.map((name) => [name, Promise.withResolvers<number>()]));
  const all = [...commands].map(([name, { promise }]) => lull.after(promise).then(() => done.push(name)));
  return {
    done,
    all,
    end: (name: string) => commands.get(name)?.resolve(0),
    fail: (name: string) => commands.get(name)?.reject(new Error("planned")),
  };
}

test("what is done after a command waits for those that had begun beside it", async () => {
  const { done, all, end, fail } = watch(new Lull(NEVER_MS), ["first", "second", "third"]);
  end("first");
  await turn();
  fail("second");
  await turn();
  expect(done).toEqual([]);
  end("third");
  await Promise.all(all);
  expect(done.toSorted()).toEqual(["first", "second", "third"]);
});

test("a command alone is waited for no longer than it takes", async () => {
  const { done, end } = watch(new Lull(NEVER_MS), ["only"]);
  end("only");
  await turn();
  expect(done).toEqual(["only"]);
});

test("one that goes on holds up nobody", async () => {
  const { done, all } = watch(new Lull(1), ["goes on", "so does this"]);
  await Promise.all(all);
  expect(done.length).toBe(2);
});
