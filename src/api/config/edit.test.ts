import fc from "fast-check";
import json5 from "json5";
import { describe, expect, test } from "vitest";
import { getPath, setPath } from "./edit.ts";

function edited(text: string, path: string, value: string): string {
  const result = setPath(text, path, value);
  return result.ok ? result.text : `refused: ${result.issue.message}`;
}

const FILE = `// my config
{
  // agents
  "agents": {
    defaults: { sandbox: { mode: "off", /* why */ scope: 'agent', } },
    list: [
      { id: "main" }, // first
    ],
  },
  tools: {
    allow: ["exec"], // only this
    // nothing else
  },
  unknown: 0x1F,
}
`;

describe("a value is set and nothing else changes", () => {
  test.each([
    ["agents.defaults.sandbox.mode", '"all"', [['mode: "off"', 'mode: "all"']]],
    ["agents.defaults.sandbox.scope", '"session" // new', [["scope: 'agent'", 'scope: "session"']]],
    ["agents.list[0].id", "'x'", [['id: "main"', "id: 'x'"]]],
    ["agents.list.0.id", "'x'", [['id: "main"', "id: 'x'"]]],
    ["tools.allow[0]", '"read"', [['["exec"]', '["read"]']]],
    ["unknown", "5", [["0x1F", "5"]]],
    ["agents.defaults.sandbox.docker.memory", '"1g"', [["scope: 'agent',", "scope: 'agent', docker: { memory: \"1g\" },"]]],
    ["tools.deny", '["x"]', [["    // nothing else\n", '    // nothing else\n    deny: ["x"],\n']]],
    ["agents.list[0].sandbox.mode", '"all"', [['{ id: "main" }', '{ id: "main", sandbox: { mode: "all" } }']]],
    ["agents.list[1].id", '"work"', [["// first\n", '// first\n      {\n        id: "work"\n      },\n']]],
    ["tools.allow[1]", '"read"', [['["exec"]', '["exec", "read"]']]],
    ["gateway.port", "1", [["0x1F,\n", "0x1F,\n  gateway: {\n    port: 1\n  },\n"]]],
    ['agents.defaults.sandbox.docker.env["a.b"]', "'x'", [["scope: 'agent',", "scope: 'agent', docker: { env: { \"a.b\": 'x' } },"]]],
  ] as const)("%s = %s", (path, value, replacements) => {
    const expected = replacements.reduce((text, [from, to]) => text.replace(from, to), FILE);
    expect(edited(FILE, path, value)).toBe(expected);
  });
});

describe("a file is begun", () => {
  test.each([
    ["", "{\n  a: {\n    b: 1\n  }\n}\n"],
    ["// note", "// note\n{\n  a: {\n    b: 1\n  }\n}\n"],
    ["{}", "{\n  a: {\n    b: 1\n  }\n}"],
    ["{ /* here */ }", "{ /* here */\n  a: {\n    b: 1\n  }\n}"],
    ["{\n  // here\n}\n", "{\n  // here\n  a: {\n    b: 1\n  }\n}\n"],
    ["{ a: {} }", "{ a: {\n  b: 1\n} }"],
    ['{"x": 1}', '{"x": 1, "a": { "b": 1 }}'],
    ["{'x': 1}", "{'x': 1, 'a': { 'b': 1 }}"],
    ['{\r\n\t"x": 1\r\n}\r\n', '{\r\n\t"x": 1,\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}\r\n'],
    ["{\n  x: 1 // last\n}", "{\n  x: 1, // last\n  a: {\n    b: 1\n  }\n}"],
    ["{\n  x: 1}", "{\n  x: 1,\n  a: {\n    b: 1\n  }\n}"],
  ])("%j", (text, expected) => expect(edited(text, "a.b", "1")).toBe(expected));
});

describe("what cannot be set is refused with a reason", () => {
  test.each([
    ["agents.list[5]", "1", "the list has 1 entries"],
    ["agents.defaults.sandbox.mode.x", "1", "agents.defaults.sandbox.mode is neither an object nor a list"],
    ["new[1]", "1", "a new list starts at index 0"],
    ["__proto__.x", "1", 'the key "__proto__" cannot be used'],
    ["a.constructor", "1", 'the key "constructor" cannot be used'],
    ["", "1", "this is not a key path"],
    ["a..b", "1", "this is not a key path"],
    ["a[", "1", "this is not a key path"],
    ["gateway", "{", "this { is never closed"],
    ["gateway", "", "the file is empty"],
    ["gateway", "1, x: 2", "unexpected ,"],
    ["gateway", "{ __proto__: 1 }", "this key cannot be used"],
  ])("%s = %s", (path, value, message) => expect(edited(FILE, path, value)).toBe(`refused: ${message}`));

  test("a broken file stays as it is", () => expect(edited("{ a: ", "a", "1")).toMatch(/^refused: /));
});

test("a value is read as a value and as it is written", () => {
  expect(getPath(FILE, "agents.list[0]")).toEqual({ kind: "found", value: { id: "main" }, text: '{ id: "main" }' });
  expect(getPath(FILE, "unknown")).toEqual({ kind: "found", value: 31, text: "0x1F" });
  expect(getPath(FILE, "agents.nothing.here")).toEqual({ kind: "absent" });
  expect(getPath(FILE, "a..b").kind).toBe("invalid");
  expect(getPath("{", "a").kind).toBe("invalid");
});

test("setting any value at any path leaves every other value alone", () => {
  const key = fc.constantFrom("a", "b", "c-d", "e f", "'", '"');
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.string(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  const file = fc.dictionary(key, value, { noNullPrototype: true });
  const path = fc.array(key, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.record({ content: file, keys: path, next: value }),
      fc.record({ space: fc.constantFrom<string | number>(0, 2, "\t"), quote: fc.constantFrom("'", '"') }),
      ({ content, keys, next }, { space, quote }) => {
        const text = `// head\n${json5.stringify(content, { space, quote })} // tail`;
        const result = setPath(text, keys.map((part) => `[${JSON.stringify(part)}]`).join(""), json5.stringify(next));
        if (!result.ok) return;
        const expected = structuredClone(content);
        let parent: Record<string, unknown> = expected;
        for (const part of keys.slice(0, -1)) {
          const child = parent[part] ?? {};
          parent[part] = child;
          if (typeof child === "object") parent = Object(child);
        }
        parent[keys.at(-1) ?? ""] = next;
        expect(json5.parse(result.text)).toEqual(json5.parse(json5.stringify(expected)));
        expect(result.text.startsWith("// head\n") && result.text.endsWith(" // tail")).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
