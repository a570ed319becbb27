// Text of strangers, made harmless for a terminal.
import { describe, expect, test } from "vitest";
import { renderTable, toSafeLine, toSafeText } from "./text.ts";

describe("text of strangers", () => {
  test.each([
    ["an ANSI sequence", "\u001b[2J\u001b[31mred", "\\x1b[2J\\x1b[31mred"],
    ["an OSC sequence", "\u001b]0;title\u0007", "\\x1b]0;title\\x07"],
    ["an 8-bit sequence", "\u009b31m", "\\x9b31m"],
    ["a return to the line's begin", "good\rbad", "good\\x0dbad"],
    ["text that runs backwards", "a\u202etxt.exe", "a\\u202etxt.exe"],
  ])("with %s is shown, not obeyed", (_what, text, shown) => expect(toSafeText(text)).toBe(shown));

  test("keeps its lines, and one line stays one", () => {
    expect(toSafeText("one\n\ttwo é 漢\n")).toBe("one\n\ttwo é 漢\n");
    expect(toSafeLine("one\n\ttwo")).toBe("one two");
  });

  test("in a table makes no line and no colour of its own", () => {
    expect(renderTable(["NAME"], [["a\nb\u001b[0m"]])).toBe("NAME\na b\\x1b[0m\n");
  });
});
