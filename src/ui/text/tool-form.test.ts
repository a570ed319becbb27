// A tool's form: fields from a schema as tools publish it, input from what a person filled in.
import { expect, test } from "vitest";
import { toFields, toInput } from "./tool-form.ts";

const SCHEMA = {
  type: "object",
  required: ["command"],
  properties: {
    timeoutMs: { type: "integer", description: "Milliseconds" },
    command: { type: "string" },
    background: { type: "boolean" },
    action: { type: "string", enum: ["list", "kill"] },
    env: { type: "object" },
    workdir: { type: ["string", "null"] },
    limit: { anyOf: [{ type: "number" }, { type: "null" }] },
  },
};

test("what is needed comes first, and each field has the kind that its schema says", () => {
  expect(toFields(SCHEMA).map(({ name, kind }) => [name, kind])).toEqual([
    ["command", "text"],
    ["timeoutMs", "number"],
    ["background", "flag"],
    ["action", "choice"],
    ["env", "json"],
    ["workdir", "text"],
    ["limit", "number"],
  ]);
});

test("what is empty is left out, and the rest has the types that the tool takes", () => {
  const values = { command: "id", timeoutMs: "5000", background: true, env: '{"A":"b"}', action: "", workdir: "" };
  expect(toInput(toFields(SCHEMA), values)).toEqual({
    ok: true,
    input: { command: "id", timeoutMs: 5000, background: true, env: { A: "b" } },
  });
});

test.each([
  [{}, "command is needed"],
  [{ command: "id", timeoutMs: "soon" }, "timeoutMs must be a number"],
  [{ command: "id", env: "{" }, "env must be JSON"],
])("%j is refused: %s", (values, message) => expect(toInput(toFields(SCHEMA), values)).toMatchObject({ ok: false, message }));
