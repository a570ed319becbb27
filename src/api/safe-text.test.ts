// Text of strangers, made harmless for whoever looks at it.
import { describe, expect, test } from "vitest";
import { toSafeJson, toSafeLine, toSafeText } from "./safe-text.ts";

/** What it is, how it comes, and how it is shown. */
const HOSTILE = [
  ["an ANSI sequence", "\u001b[2J\u001b[31mred", "\\x1b[2J\\x1b[31mred"],
  ["an OSC sequence", "\u001b]0;title\u0007", "\\x1b]0;title\\x07"],
  ["an 8-bit sequence", "\u009b31m", "\\x9b31m"],
  ["a return to the line's begin", "good\rbad", "good\\x0dbad"],
  ["text that runs backwards", "a\u202etxt.exe", "a\\u202etxt.exe"],
  ["a mark of direction", "a\u061cb\u200e", "a\\u061cb\\u200e"],
  ["an isolate", "\u2066a\u2069", "\\u2066a\\u2069"],
  ["a line separator", "one\u2028two", "one\\u2028two"],
  ["a paragraph separator", "one\u2029two", "one\\u2029two"],
  ["the next-line control", "one\u0085two", "one\\x85two"],
  ["a zero-width space", "ma\u200bin", "ma\\u200bin"],
  ["a joiner", "ma\u200din", "ma\\u200din"],
  ["a byte order mark", "ma\ufeffin", "ma\\ufeffin"],
  ["a soft hyphen", "ma\u00adin", "ma\\xadin"],
  ["a word joiner", "ma\u2060in", "ma\\u2060in"],
  ["a filler", "ma\u3164in\u115f", "ma\\u3164in\\u115f"],
  ["an interlinear mark", "\ufff9a\ufffb", "\\ufff9a\\ufffb"],
  ["tags", "ok\u{e0049}\u{e007f}", "ok\\u{e0049}\\u{e007f}"],
  ["a variation selector on a letter", "a\ufe0fb\u{e0100}", "a\\ufe0fb\\u{e0100}"],
] as const;

describe("text of strangers", () => {
  test.each(HOSTILE)("with %s is shown, not obeyed", (_what, text, shown) => expect(toSafeText(text)).toBe(shown));

  test("keeps its lines, every language and pictures, and one line stays one", () => {
    const harmless = "one\n\ttwo é 漢 עברית हिन्दी 한국어 ❤\ufe0f 👍🏽\n";
    expect(toSafeText(harmless)).toBe(harmless);
    expect(toSafeLine("one\n\ttwo")).toBe("one two");
  });

  test("means the same as JSON, and has none of it there", () => {
    const value = HOSTILE.map(([, text]) => ({ [text]: text }));
    const json = toSafeJson(JSON.stringify(value, null, 2));
    expect(JSON.parse(json)).toEqual(value);
    expect(toSafeText(json)).toBe(json);
  });
});
