// Changes of lines as text and back: only what is as it was is changed.
import { expect, test } from "vitest";
import { applyChanges, type LineChange, parseChanges } from "./line-diff.ts";

const TEXT = "one\ntwo\nthree\nfour";

test("a change reads as a unified diff without context, and is applied by its line numbers", () => {
  const changes: LineChange[] = [
    { at: 1, removed: [], added: ["zero"] },
    { at: 2, removed: ["two"], added: ["2", "2.5"] },
    { at: 4, removed: ["four"], added: [] },
  ];
  const diff = "@@ -0,0 +1,1 @@\n+zero\n@@ -2,1 +3,2 @@\n-two\n+2\n+2.5\n@@ -4,1 +5,0 @@\n-four\n";
  expect(parseChanges(diff)).toEqual(changes);
  expect(applyChanges(TEXT, changes)).toEqual({ ok: true, text: "zero\none\n2\n2.5\nthree", lines: 4 });
});

test("a file that changed meanwhile is left alone, and line ends stay as they are", () => {
  const change: LineChange = { at: 2, removed: ["two"], added: ["2"] };
  expect(applyChanges("one\nTWO", [change])).toEqual({ ok: false, message: "line 2 is not as the change expects it" });
  expect(applyChanges("one", [change])).toEqual({ ok: false, message: "line 2 is not as the change expects it" });
  expect(applyChanges(TEXT, [change, { at: 1, removed: ["one"], added: [] }])).toEqual({
    ok: false,
    message: "its parts are not in order",
  });
  expect(applyChanges("one\r\ntwo\r\n", [change])).toMatchObject({ text: "one\r\n2\r\n" });
});

test.each(["", "no diff", "@@ -1,2 +1,1 @@\n-one\n+1\n", "@@ -1,1 +1,1 @@\none\n+1\n", "@@ -1,1 +1,1 @@\n-one\n"])(
  "%j is refused as no diff",
  (text) => expect(parseChanges(text)).toBeNull(),
);
