// The lines that an edit changes: whoever applies them to the text before gets the text after.
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyChanges, parseChanges } from "../../../api/config/line-diff.ts";
import { renderChanges, toLineChanges } from "./line-changes.ts";

test("a line that was replaced is named by its number, and nothing around it", () => {
  expect(toLineChanges("a\nb\nc", "a\nB\nc")).toEqual([{ at: 2, removed: ["b"], added: ["B"] }]);
  expect(toLineChanges("a", "a\nb")).toEqual([{ at: 2, removed: [], added: ["b"] }]);
  expect(toLineChanges("a\nb", "a")).toEqual([{ at: 2, removed: ["b"], added: [] }]);
  expect(toLineChanges("a", "a")).toEqual([]);
});

test("an empty line that goes, or comes, among empty lines is a change", () => {
  expect(toLineChanges("\n\nc\na", "\nc\na")).toEqual([{ at: 2, removed: [""], added: [] }]);
  expect(toLineChanges("a\n", "a\n\n")).toEqual([{ at: 3, removed: [], added: [""] }]);
});

test("whatever was edited, the changes lead from the text before to the text after", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "", "  a")).map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(applyChanges(before, toLineChanges(before, after))).toMatchObject({ ok: true, text: after });
    }),
    { numRuns: 2_000 },
  );
});

test("whatever the lines are, a rendered change is read back as it was", () => {
  const line = fc.string().map((text) => text.replaceAll(/[\r\n]/g, ""));
  const change = fc
    .record({ removed: fc.array(line), added: fc.array(line) })
    .filter(({ removed, added }) => removed.length + added.length > 0);
  fc.assert(
    fc.property(fc.array(change, { minLength: 1 }), (parts) => {
      let at = 1;
      const changes = parts.map((part) => {
        const placed = { at, ...part };
        at += part.removed.length + 1;
        return placed;
      });
      expect(parseChanges(renderChanges(changes))).toEqual(changes);
    }),
  );
});

test("a change reads as a unified diff without context", () => {
  const changes = toLineChanges("one\ntwo\nthree\nfour\n", "zero\none\n2\n2.5\nthree\n");
  expect(renderChanges(changes)).toBe("@@ -0,0 +1,1 @@\n+zero\n@@ -2,1 +3,2 @@\n-two\n+2\n+2.5\n@@ -4,1 +5,0 @@\n-four\n");
});
