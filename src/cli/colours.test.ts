// Colours: where there are some, and that text of strangers has none of its own.
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { colour, hasColours } from "./colours.ts";

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, true, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
])("with %j and a terminal: %s there are colours: %s", (env, isTerminal, expected) => {
  expect(hasColours(env, isTerminal)).toBe(expected);
});

test("heads are bold, and words that say how something is are coloured as whole cells only", () => {
  const text = "NAME  READY  REASON\na     False  False alarm\nb     True   Serving\n  FAIL engine: x\n  ok   config:\n";
  const coloured = colour(text);
  expect(stripVTControlCharacters(coloured)).toBe(text);
  expect(coloured).toContain("\u001b[1mNAME  READY  REASON\u001b[22m");
  expect(coloured).toContain("\u001b[31mFalse\u001b[39m  False alarm");
  expect(coloured).toContain("\u001b[32mTrue\u001b[39m ");
  expect(coloured).toContain("\u001b[31mFAIL\u001b[39m engine: x");
});
