// Cuts: never through a character, nor through an escape sequence, and never further off than one of them is long.
// What is cut where is the callers' tests'.
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHead, toSafeEnd, toSafeStart, toTail } from "./cuts.ts";

const SIGNS = [
  "a",
  "\n",
  "ü",
  "日",
  "😀",
  "\u001b[31m",
  "\u001b[2K",
  "\u001b]8;;http://x\u0007",
  "\u001b]0;t\u001b\\",
  "\u001b(B",
  "\u001b7",
];
const signs = fc.array(fc.constantFrom(...SIGNS), { maxLength: 12 });
/** Where the text can be cut, counted as `lengthOf` does. */
const placesOf = (parts: readonly string[], lengthOf: (text: string) => number): number[] =>
  Array.from({ length: parts.length + 1 }, (_, at) => lengthOf(parts.slice(0, at).join("")));

test("bytes end and begin between characters and escape sequences, as near to the cut as can be", () => {
  fc.assert(
    fc.property(signs, fc.nat(80), (parts, cut) => {
      const data = Buffer.from(parts.join(""));
      const at = Math.min(cut, data.length);
      const places = placesOf(parts, Buffer.byteLength);
      expect(toSafeEnd(data, at)).toBe(places.findLast((place) => place <= at));
      expect(toSafeStart(data, at)).toBe(places.find((place) => place >= at));
      // What comes behind is not known yet.
      expect(toSafeEnd(data.subarray(0, at), at)).toBe(places.findLast((place) => place <= at));
    }),
  );
});

test("strings do too, and never become longer than they may", () => {
  fc.assert(
    fc.property(signs, fc.nat(60), (parts, length) => {
      const text = parts.join("");
      const places = placesOf(parts, ({ length: units }) => units);
      expect(toHead(text, length)).toBe(
        text.slice(
          0,
          places.findLast((place) => place <= length),
        ),
      );
      expect(toTail(text, length)).toBe(text.slice(places.find((place) => place >= text.length - length)));
    }),
  );
});

test("an escape sequence that never ends takes nothing with it, and bytes that are no text are cut where they are", () => {
  const endless = Buffer.from(`\u001b]0;${"x".repeat(1_000)}`);
  expect([toSafeEnd(endless, 900), toSafeStart(endless, 900)]).toEqual([900, 900]);
  const bad = Buffer.alloc(20, 0xbf);
  expect([toSafeEnd(bad, 10), toSafeStart(bad, 10)]).toEqual([10, 10]);
});
