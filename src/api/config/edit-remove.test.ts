// Taking an entry out of a config: what is left is what a person would have left.
import fc from "fast-check";
import json5 from "json5";
import { expect, test } from "vitest";
import { unsetPath } from "./edit-remove.ts";

function without(text: string, path: string): string {
  const result = unsetPath(text, path);
  if (!result.ok) throw new Error(result.issue.message);
  return result.text;
}

test.each([
  ["a line of its own", "{\n  // of a\n  a: 1,\n  b: 2, // of b\n}\n", "a", "{\n  // of a\n  b: 2, // of b\n}\n"],
  ["the last one, with the comma before it", '{\n  "a": 1,\n  "b": 2\n}\n', "b", '{\n  "a": 1\n}\n'],
  ["one of a line", "{ a: 1, b: 2, c: 3 }", "b", "{ a: 1, c: 3 }"],
  ["the only one", "{ a: { b: 1 } }", "a.b", "{ a: { } }"],
  ["a list entry", "{ a: [1, /* two */ 2, 3] }", "a[1]", "{ a: [1, /* two */ 3] }"],
  ["an object over lines", "{\r\n  a: {\r\n    b: 1,\r\n  },\r\n  c: 2,\r\n}\r\n", "a", "{\r\n  c: 2,\r\n}\r\n"],
  ["what is not there", "{ a: 1 }", "b.c", "{ a: 1 }"],
])("takes out %s", (_, text, path, expected) => {
  expect(without(text, path)).toBe(expected);
});

test("whatever is taken out of whatever config, the rest means what it meant", () => {
  const key = fc.constantFrom("a", "b", "c-d", "$include");
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.integer(),
      fc.string(),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(key, tie("tree"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(
      fc.dictionary(key, tree, { minKeys: 1, noNullPrototype: true }),
      fc.constantFrom(0, 2),
      fc.boolean(),
      (config, space, isJson) => {
        const text = isJson ? JSON.stringify(config, null, space) : json5.stringify(config, null, space);
        for (const name of Object.keys(config)) {
          const { [name]: _, ...rest } = config;
          expect(json5.parse(without(text, `["${name}"]`))).toEqual(rest);
        }
      },
    ),
  );
});

test("a path that can't be read, and a text that is no JSON5, are issues", () => {
  expect(unsetPath("{ a: 1 }", "a..b")).toMatchObject({ ok: false });
  expect(unsetPath("{ a: ", "a")).toMatchObject({ ok: false });
});
