import { describe, expect, it } from "vitest";
import { z } from "zod";
import { withoutNulls } from "./absent.ts";
import { METHODS, toCallParts } from "./gateway-protocol/methods.ts";
import { parseValue } from "./parse-value.ts";

const Schema = z.strictObject({
  name: z.string(),
  size: z.int().optional(),
  cleared: z.string().nullable().optional(),
  depth: z.int().default(3),
  anything: z.unknown().optional(),
  items: z.array(z.strictObject({ id: z.string(), note: z.string().optional() })).optional(),
  inner: z.strictObject({ note: z.string().optional() }).optional(),
});

describe("null", () => {
  it("is absence where a field is optional, at any depth, and under a name that is none", () => {
    const value = { name: "a", size: null, depth: null, unknown: null, items: [{ id: "1", note: null }], inner: { note: null } };
    expect(withoutNulls(Schema, value)).toEqual({ name: "a", items: [{ id: "1" }], inner: {} });
    expect(parseValue(Schema, value)).toEqual({ name: "a", depth: 3, items: [{ id: "1" }], inner: {} });
  });

  it("stays where the schema has a meaning for it, and where the field is needed", () => {
    const value = { name: null, cleared: null, anything: null };
    expect(withoutNulls(Schema, value)).toEqual(value);
    expect(() => parseValue(Schema, value)).toThrow("name: expected text, not null");
  });

  it("is left alone in what is no object", () => {
    for (const value of [null, "text", 1, [null], undefined]) expect(withoutNulls(Schema, value)).toEqual(value);
  });

  it("is absence of the parameters of a socket's method too", () => {
    const method = METHODS.get("sessions.create");
    const tool = METHODS.get("tools.call");
    if (method === undefined || tool === undefined) throw new Error("no such method");
    expect(toCallParts(method, { key: "main", agentId: null }).body).toEqual({ key: "main" });
    expect(toCallParts(method, null).body).toEqual({});
    expect(toCallParts(tool, { key: "main", tool: "sessions_list", input: null }).body).toEqual({});
  });
});
