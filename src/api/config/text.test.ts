import fc from "fast-check";
import json5 from "json5";
import { describe, expect, test } from "vitest";
import { renderIssue } from "../issue.ts";
import { CONFIG_BYTES_MAX, LineTable, parseText } from "./text.ts";
import { toPlain } from "./tree.ts";

function linesOf(text: string): string[] {
  const parsed = parseText("c.json", text);
  return parsed.ok ? [] : parsed.issues.map(renderIssue);
}

describe("a text that is not JSON5 is explained where it goes wrong", () => {
  test.each([
    ["", "c.json:1:1: the file is empty (write {} to use the defaults)"],
    ["\n// nothing but a comment\n", "c.json:1:1: the file is empty (write {} to use the defaults)"],
    ["{\n  a: 1\n  b: 2\n}", "c.json:3:3: unexpected b (a comma is probably missing before it)"],
    ['{ "a": "x" "b": 1 }', 'c.json:1:12: unexpected " (a comma is probably missing before it)'],
    ["{ agents: {\n  list: [1, 2\n", "c.json:2:9: this [ is never closed (add ])"],
    ["{ a: { b: 1 }", "c.json:1:1: this { is never closed (add })"],
    ["{ a: 1 } }", "c.json:1:10: unexpected } (a value is missing before it, or a bracket is closed twice)"],
    ["{ a: }", "c.json:1:6: unexpected } (a value is missing before it, or a bracket is closed twice)"],
    ["{ a: 1,, }", "c.json:1:8: unexpected ,"],
    ["{ a: 'never closed\n}", "c.json:1:19: the text in quotes does not end on its line (close the quote)"],
    ["{ a: 1 /* never closed }", "c.json:1:8: this comment is never closed: */ is missing"],
    ["{ a: '\\u12' }", "c.json:1:11: unexpected ' in an escape sequence"],
    ["{ a: undefined }", "c.json:1:6: unexpected u"],
  ])("%j", (text, expected) => expect(linesOf(text)).toEqual([expected]));

  test("a text deeper than 64 levels is refused before any parser sees it", () => {
    expect(linesOf("[".repeat(64) + "]".repeat(64))).toEqual([]);
    expect(linesOf("[".repeat(200_000))).toEqual(["c.json:1:65: nested deeper than 64 levels"]);
  });

  test("a text above 1 MiB is refused", () => {
    expect(linesOf(`{ a: "${"x".repeat(CONFIG_BYTES_MAX)}" }`)).toEqual(["c.json: the file is larger than 1048576 bytes"]);
  });

  test("a hundred thousand comments in a row are only comments", () => {
    expect(linesOf(`${"// x\n".repeat(100_000)}{}`)).toEqual([]);
  });
});

describe("keys that no config may have", () => {
  test("a key that is there twice is an error at its second place", () => {
    expect(linesOf("{ a: 1,\n  'a': 2 }")).toEqual(["c.json:2:3: a: this key is already set on line 1"]);
    expect(linesOf("{ a: { x: 1, \\u0078: 2 } }")).toEqual(["c.json:1:14: a.x: this key is already set on line 1"]);
  });

  test.each(["__proto__", "constructor", "prototype"])("%s is an error wherever it stands, also escaped", (key) => {
    expect(linesOf(`{ a: { ${key}: {} } }`)).toEqual([`c.json:1:8: a.${key}: this key cannot be used`]);
    expect(linesOf(`{ "\\u${key.charCodeAt(0).toString(16).padStart(4, "0")}${key.slice(1)}": {} }`)).toEqual([
      `c.json:1:3: ${key}: this key cannot be used`,
    ]);
  });
});

describe("positions", () => {
  test("lines end at LF, CR LF, CR and the Unicode separators; columns count UTF-16 units", () => {
    const lines = new LineTable("f", "a\nb\r\nc\rd\u2028e");
    expect([0, 2, 5, 7, 9].map((offset) => lines.locate(offset).line)).toEqual([1, 2, 3, 4, 5]);
    expect(lines.locate(9).column).toBe(1);
  });

  test("a comment with brackets and quotes in it moves nothing", () => {
    expect(linesOf("{ /* [{'\" */ a: 1, // }]\n  a: 2 }")).toEqual(["c.json:2:3: a: this key is already set on line 1"]);
  });

  test("a byte order mark is no part of the config", () => expect(linesOf("\uFEFF{ a: 1 }")).toEqual([]));
});

// The syntax tree's parser knows no unquoted key with letters beyond the basic plane: such a key has to be quoted.
const key = fc
  .string({ unit: "grapheme", maxLength: 8 })
  .filter((name) => !/[\ud800-\udfff]/.test(name) && !["__proto__", "constructor", "prototype"].includes(name));
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: "binary" }),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

test("the tree holds exactly what the JSON5 library reads", () => {
  fc.assert(
    fc.property(json, fc.constantFrom(0, 2), fc.constantFrom("'", '"'), (value, space, quote) => {
      const text = json5.stringify(value, { space, quote });
      const parsed = parseText("c.json", text);
      expect(parsed.ok && toPlain(parsed.root)).toEqual(json5.parse(text));
    }),
    { numRuns: 500 },
  );
});

test.each(["+5", "0x1F", ".5", "5.", "-Infinity", "NaN", "1e3", "'a\\\nb'", "'\\x41\\v\\0'", "'\\'\"'"])(
  "%s is read as the JSON5 library reads it",
  (text) => {
    const parsed = parseText("c.json", `{ a: ${text} }`);
    expect(parsed.ok && toPlain(parsed.root)).toEqual({ a: json5.parse(text) });
  },
);
