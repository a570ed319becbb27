// What events do to the list of sandboxes that the page has.
import { expect, test } from "vitest";
import type { Sandbox } from "../../api/sandbox.ts";
import { withChanges } from "./live.ts";

const sandbox = (name: string, generation = 1): Sandbox => ({ metadata: { name, generation } }) as unknown as Sandbox;
const change = (name: string, to: Sandbox | null) => ({ name, sandbox: to as unknown as Record<string, unknown> | null });
const shown = (list: readonly Sandbox[]): string[] => list.map(({ metadata }) => `${metadata.name}@${metadata.generation}`);

test("a sandbox that changed takes the place of what it was, a new one its place by name, and one that is gone leaves", () => {
  const before = [sandbox("a"), sandbox("c"), sandbox("d")];
  const after = withChanges(before, [
    change("c", sandbox("c", 2)),
    change("b", sandbox("b")),
    change("d", null),
    change("c", sandbox("c", 3)),
  ]);
  expect(shown(after)).toEqual(["a@1", "b@1", "c@3"]);
  expect(shown(before)).toEqual(["a@1", "c@1", "d@1"]);
});

test("what is gone and comes again is there, what comes and goes is not", () => {
  expect(
    shown(withChanges([sandbox("a")], [change("a", null), change("a", sandbox("a", 2)), change("b", sandbox("b")), change("b", null)])),
  ).toEqual(["a@2"]);
});
