// What is offered at a place of a config that somebody is typing, from the schema that `openclaw config schema` prints.
import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { json5 } from "codemirror-json5";
import { expect, test } from "vitest";
import { toConfigJsonSchema } from "../../../api/config/json-schema.ts";
import { completeConfig, placeAt } from "./completion.ts";

const SCHEMA = toConfigJsonSchema();

/** `|` is the cursor. */
function offered(marked: string): string[] {
  const offset = marked.indexOf("|");
  const state = EditorState.create({ doc: marked.replace("|", ""), extensions: [json5()] });
  return (completeConfig(SCHEMA)(new CompletionContext(state, offset, true))?.options ?? []).map(({ label }) => label);
}

test.each([
  ["{ | }", "agents"],
  ["{ agents: { defaults: { sandbox: { mo| } } } }", "mode"],
  ["{ agents: { defaults: { sandbox: { mode: | } } } }", '"non-main"'],
  ['{ agents: { defaults: { sandbox: { mode: "n|" } } } }', '"non-main"'],
  ['{ agents: { list: [{ id: "main" }, { "sandbox": { docker: { "mem|": 1 } } }] } }', "memory"],
  ["{ agents: { entries: { anybody: { sandbox: { docker: {\n  // here\n  readOnlyRoot: t| } } } } } }", "true"],
])("in %j %s is offered", (marked, label) => expect(offered(marked)).toContain(label));

test("a key that stands there already is not offered again, and where nothing is known nothing is", () => {
  expect(offered('{ agents: { defaults: { sandbox: { mode: "all", | } } } }')).not.toContain("mode");
  expect(offered("{ nobody: { knows: { | } } }")).toEqual([]);
  expect(placeAt(EditorState.create({ doc: "", extensions: [json5()] }), 0)?.wants ?? "nothing").not.toBe("value");
});
