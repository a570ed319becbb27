// What every tool tells a model about its input, and that what models make of it is taken.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { renderOpenApi } from "../http/openapi.ts";
import { TOOLS } from "./catalog.ts";
import { type PublishedSchema, toPublishedSchema } from "./published-schema.ts";
import { makeWorld, textOf } from "./world.fixture.ts";

/** What Gemini's function declarations, OpenAI's and Anthropic's strict modes all take. */
const KEYWORDS = ["type", "description", "enum", "properties", "required", "items"];
/** Of the fields in `properties`, which are names and no keywords. */
const NAME = /^[a-zA-Z][a-zA-Z0-9]{0,63}$/;

function faultsOf(schema: Record<string, unknown>, place: string): string[] {
  const faults = Object.keys(schema).flatMap((keyword) => (KEYWORDS.includes(keyword) ? [] : [`${place}: ${keyword}`]));
  if (typeof schema.type !== "string") faults.push(`${place}: its type is ${JSON.stringify(schema.type)}`);
  if (schema.type === "array" && schema.items === undefined) faults.push(`${place}: an array of nothing`);
  const fields = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>);
  if (schema.type === "object" && fields.length === 0) faults.push(`${place}: an object without properties`);
  for (const name of (schema.required ?? []) as string[]) {
    if (!fields.some(([field]) => field === name)) faults.push(`${place}: requires ${name}, which is none of its properties`);
  }
  for (const value of (schema.enum ?? []) as unknown[])
    if (typeof value !== "string" || value === "") faults.push(`${place}: enum ${value}`);
  for (const [name, field] of fields) {
    if (!NAME.test(name)) faults.push(`${place}: the name ${name}`);
    faults.push(...faultsOf(field, `${place}.${name}`));
  }
  if (schema.items !== undefined) faults.push(...faultsOf(schema.items as Record<string, unknown>, `${place}[]`));
  return faults;
}

/** The least that a schema asks for, with null for all the rest, as OpenAI's strict mode writes it. */
function toLeast({ type, properties = {}, required = [], enum: values, items }: PublishedSchema): unknown {
  if (type === "object") {
    return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, required.includes(name) ? toLeast(field) : null]));
  }
  if (type === "array") return items === undefined ? [] : [toLeast(items)];
  return { string: values?.[0] ?? "text", number: 1, integer: 1, boolean: true }[type];
}

describe.each(TOOLS.map((tool) => [tool.name, tool] as const))("the tool %s", (_, tool) => {
  it("has a schema of which no provider refuses a word", () => {
    expect(faultsOf({ ...tool.inputSchema }, "input")).toEqual([]);
  });

  it("takes null for everything that it does not need", () => {
    expect(() => tool.prepare(toLeast(tool.inputSchema))).not.toThrow();
  });

  it("has a name and a description that every provider takes", () => {
    expect(tool.name).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
    expect(tool.description.length).toBeLessThanOrEqual(1_024);
  });
});

describe("a published schema", () => {
  it("says bounds in words, and the first of several forms", () => {
    const schema = z.strictObject({
      count: z.int().min(1).max(9).describe("How many"),
      seconds: z.number().positive().max(60).optional(),
      least: z.int().min(5),
      list: z.union([z.array(z.string().max(3)), z.record(z.string(), z.string())]).describe("Some"),
      free: z.number().optional(),
    });
    expect(toPublishedSchema(schema)).toEqual({
      type: "object",
      properties: {
        count: { type: "integer", description: "How many (1 to 9)" },
        seconds: { type: "number", description: "(more than 0, up to 60)" },
        least: { type: "integer", description: "(from 5)" },
        list: { type: "array", description: "Some", items: { type: "string" } },
        free: { type: "number" },
      },
      required: ["count", "least", "list"],
    });
  });

  it.each([
    ["several types", z.strictObject({ a: z.string().nullable() }), "no one type"],
    ["any value", z.strictObject({ a: z.unknown() }), "no one type"],
    ["an object of any names", z.strictObject({ a: z.record(z.string(), z.string()) }), "an object without properties"],
    ["nothing at all", z.strictObject({}), "an object without properties"],
    ["one constant", z.strictObject({ a: z.literal("x") }), "const can't be published"],
    ["a default", z.strictObject({ a: z.string().default("x") }), "default can't be published"],
    ["numbers to choose from", z.strictObject({ a: z.literal([1, 2]) }), "an enum of other things than strings"],
  ])("of %s, which a provider refuses, is never made", (_, schema, refusal) => {
    expect(() => toPublishedSchema(schema)).toThrow(refusal);
  });

  it("is what the OpenAPI document has, too", () => {
    const { paths } = renderOpenApi("1") as { paths: Record<string, { post: { requestBody: { content: Record<string, unknown> } } }> };
    const exec = TOOLS.find(({ name }) => name === "exec");
    expect(paths["/v1/sessions/{key}/tools/exec"]?.post.requestBody.content).toEqual({ "application/json": { schema: exec?.inputSchema } });
  });
});

describe("the variables of exec", () => {
  const command = `echo "$A|$B"`;
  it("come as a list, as the schema says, or as an object", async () => {
    const { say } = makeWorld();
    expect(await say("exec", { command, env: ["A=x=y", "B="] })).toBe("x=y|\n");
    expect(await say("exec", { command, env: { A: "x=y", B: "" } })).toBe("x=y|\n");
    expect(await say("exec", { command, env: null })).toBe("|\n");
  });

  it.each([[["A"]], [["=x"]], [["1A=x"]], [["A=\0"]], [{ "A B": "x" }], [{ A: 1 }], ["A=x"]])("are refused as %j", async (env) => {
    const { call } = makeWorld();
    await expect(call("exec", { command, env })).rejects.toThrow(/exec: env.*(expected|Invalid key)/);
  });
});

it("a tool that is called with nothing but nulls says what it needs", async () => {
  const { call } = makeWorld();
  await expect(call("read", { path: null, offset: null })).rejects.toThrow("read: path: expected text, not null");
  expect(textOf(await call("sessions_list", null))).toBe("(no sessions)");
});
