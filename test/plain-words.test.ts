// What people read when a schema refuses what they sent: every schema of the servers and the config, with values of every wrong kind.
import { expect, test } from "vitest";
import { z } from "zod";
import { parseConfig } from "../src/api/config/parse.ts";
import { ConfigFile } from "../src/api/config/schema.ts";
import { toSources } from "../src/api/config/sources.ts";
import { OperationError } from "../src/api/errors.ts";
import type { Operation } from "../src/api/gateway-protocol/operation.ts";
import { OPERATION_NAMES, OPERATIONS } from "../src/api/gateway-protocol/operations.ts";
import { parseValue } from "../src/api/parse-value.ts";
import { TOOLS } from "../src/gateway/tools/catalog.ts";

/** How the schema library speaks by itself. */
const RAW =
  /Invalid (input|option|string|key|element|value|type|UUID|URL|base64|ISO)|Unrecognized|Too (small|big)|received|zod|regex|pattern/i;
const WRONG: readonly unknown[] = [null, true, -1, 1.5, 1e20, "", "\u0000", "x".repeat(3_000_000), [], [1], {}, { nope: 1 }];

function refusalOf(refuse: () => unknown): string | null {
  try {
    refuse();
    return null;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return `${error.message} ${error.fix ?? ""}`;
  }
}

/** The value of one field is wrong, the others are not there. */
function wrongObjects(shape: object): unknown[] {
  return [...WRONG, ...Object.keys(shape).flatMap((key) => WRONG.map((value) => ({ [key]: value })))];
}

const PARTS = OPERATION_NAMES.flatMap((name) => {
  const { body, query }: Operation = OPERATIONS[name];
  return [body, query].flatMap((schema) => (schema instanceof z.ZodObject ? [{ name, schema }] : []));
});

test.each(PARTS)("$name says what is wrong in plain words", ({ schema }) => {
  const said = wrongObjects(schema.shape).flatMap((value) => refusalOf(() => parseValue(schema, value)) ?? []);
  expect(said).not.toEqual([]);
  expect(said.filter((text) => RAW.test(text))).toEqual([]);
});

test.each(TOOLS.map((tool) => [tool.name, tool] as const))("the tool %s says what is wrong with its input in plain words", (_, tool) => {
  const properties: unknown = tool.inputSchema.properties;
  const said = wrongObjects(properties ?? {}).flatMap((value) => refusalOf(() => tool.prepare(value)) ?? []);
  expect(said.filter((text) => RAW.test(text))).toEqual([]);
});

interface Described {
  properties?: Record<string, Described>;
  items?: Described;
  additionalProperties?: Described | boolean;
  anyOf?: Described[];
}

/** Objects that are right but for one place. */
function wrongConfigs(schema: Described, depth = 0): unknown[] {
  if (depth > 8) return [];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    wrongConfigs(value, depth + 1).map((wrong) => ({ [key]: wrong })),
  );
  const listed = schema.items === undefined ? [] : wrongConfigs(schema.items, depth + 1).map((wrong) => [wrong]);
  const named =
    typeof schema.additionalProperties === "object"
      ? wrongConfigs(schema.additionalProperties, depth + 1).map((wrong) => ({ a: wrong }))
      : [];
  return [
    ...[null, true, -1, "\u0000", [], [1], { nope: 1 }],
    ...inner,
    ...listed,
    ...named,
    ...(schema.anyOf ?? []).flatMap((one) => wrongConfigs(one, depth + 1)),
  ];
}

test("the config says what is wrong in plain words, whatever key is wrong in whatever way", () => {
  const schema = z.toJSONSchema(ConfigFile, { io: "input", unrepresentable: "any" }) as Described;
  const environment = { stateDir: "/s", home: "/h", variables: {}, trustedOwners: null };
  const said = new Set<string>();
  for (const wrong of wrongConfigs(schema)) {
    const { issues } = parseConfig(toSources(JSON.stringify(wrong), "/s/openclaw.json"), environment);
    for (const { path, message } of issues) said.add(`${path}: ${message}`);
  }
  expect(said.size).toBeGreaterThan(100);
  expect([...said].filter((text) => RAW.test(text))).toEqual([]);
});

test("an unknown field is offered its nearest neighbour, and a missing one is said to be missing", () => {
  const schema = z.strictObject({ key: z.string().optional(), text: z.string().max(3) });
  expect(refusalOf(() => parseValue(schema, { kex: "main", text: "a" }))).toBe('unknown field "kex" did you mean "key"?');
  expect(refusalOf(() => parseValue(schema, {}))).toContain("text: missing; expected text");
  expect(refusalOf(() => parseValue(schema, { text: 7 }))).toContain("text: expected text, not a number");
  expect(refusalOf(() => parseValue(schema, { text: "long" }))).toContain("text: expected at most 3 characters");
});
