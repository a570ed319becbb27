import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyEdits } from "./text-edit.ts";

const edit = (oldText: string, newText: string, all = false) => ({ oldText, newText, all });

describe("replacing pieces of a text", () => {
  it("takes each from the original, in any order", () => {
    expect(applyEdits("a b c", [edit("c", "a"), edit("a", "c")])).toBe("c b a");
  });

  it("replaces every occurrence where that is asked for", () => {
    expect(applyEdits("x-x-x", [edit("x", "xx", true)])).toBe("xx-xx-xx");
  });

  it("takes special characters of replacements for what they are", () => {
    expect(applyEdits("price", [edit("price", "$& $1 $$")])).toBe("$& $1 $$");
  });

  it("keeps a file's CRLF when the edit has LF", () => {
    expect(applyEdits("a\r\nb\r\nc\r\n", [edit("a\nb", "A\nB\nB2")])).toBe("A\r\nB\r\nB2\r\nc\r\n");
  });

  it("refuses what is not there, there twice, also overlapping, empty, or no change, and names the edit", () => {
    expect(() => applyEdits("abc", [edit("a", "b"), edit("x", "y")])).toThrow('edit 2: the text is not in the file: "x"');
    expect(() => applyEdits("aaa", [edit("aa", "b")])).toThrow("edit 1: the text is in the file more than once");
    expect(() => applyEdits("abc", [edit("", "y")])).toThrow("edit 1: the text to replace is empty");
    expect(() => applyEdits("abc", [edit("a", "a")])).toThrow("edit 1: the new text is the old one");
    expect(() => applyEdits("abcd", [edit("abc", "1"), edit("bcd", "2")])).toThrow("two edits are about the same text");
  });

  it("changes exactly the one place, whatever is around it", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (before, after, replacement) => {
        const text = `${before}\u0001mark\u0001${after}`;
        fc.pre(text.indexOf("\u0001mark\u0001") === text.lastIndexOf("\u0001mark\u0001"));
        expect(applyEdits(text, [edit("\u0001mark\u0001", replacement)])).toBe(`${before}${replacement}${after}`);
      }),
    );
  });

  it("finds what the engine's own search finds", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 });
    fc.assert(
      fc.property(text, text, (whole, piece) => {
        fc.pre(piece !== "");
        expect(whole.includes(piece) ? applyEdits(whole, [{ oldText: piece, newText: "-", all: true }]) : "none").toBe(
          whole.includes(piece) ? whole.replaceAll(piece, "-") : "none",
        );
      }),
    );
  });

  // Each would hold up everybody else for minutes, or take all memory.
  it.each([
    [
      "a word that most searches are slow for",
      "a".repeat(4_194_304),
      [edit(`${"a".repeat(5_000)}b${"a".repeat(5_000)}`, "")],
      "is not in the file",
    ],
    ["too many places", "a".repeat(1_000_001), [{ ...edit("a", "b"), all: true }], "more than 1000000 times"],
    ["a file that grows too large", "a".repeat(100_000), [{ ...edit("a", "b".repeat(1_000)), all: true }], "more than 64 MiB"],
    ["too many edits of a large file", "a".repeat(1_048_576), Array.from({ length: 600 }, () => edit("b", "c")), "too many edits"],
  ])("refuses %s soon", { timeout: 20_000 }, (_, text, edits, because) => {
    expect(() => applyEdits(text, edits)).toThrow(because);
  });
});
