// Finds what may stand at a place of the config, by its JSON Schema: keys with what they mean, and values. Pure; how it is offered is completion.ts's.

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Keys, and `[]` for an entry of a list. */
export type SchemaPath = readonly string[];

export interface KeyChoice {
  key: string;
  about: string;
  /** As one would write it. Empty: it depends. */
  example: string;
}

export const LIST_ENTRY = "[]";

const isSchema = (value: unknown): value is JsonSchema => typeof value === "object" && value !== null && !Array.isArray(value);

/** Several where the config may be written in several forms. */
export function schemasAt(root: JsonSchema, path: SchemaPath): JsonSchema[] {
  return path.reduce<JsonSchema[]>((schemas, part) => schemas.flatMap((schema) => enter(schema, part)), formsOf(root));
}

function enter(schema: JsonSchema, part: string): JsonSchema[] {
  if (part === LIST_ENTRY) return isSchema(schema.items) ? formsOf(schema.items) : [];
  const { properties, additionalProperties } = schema;
  const known = isSchema(properties) && Object.hasOwn(properties, part) ? properties[part] : undefined;
  const found = known ?? additionalProperties;
  return isSchema(found) ? formsOf(found) : [];
}

function formsOf(schema: JsonSchema): JsonSchema[] {
  const forms = [schema.anyOf, schema.oneOf].flatMap((group) => (Array.isArray(group) ? group.filter(isSchema) : []));
  return forms.length === 0 ? [schema] : [schema, ...forms.flatMap(formsOf)];
}

export function keysAt(root: JsonSchema, path: SchemaPath): KeyChoice[] {
  const found = new Map<string, KeyChoice>();
  for (const { properties } of schemasAt(root, path)) {
    if (!isSchema(properties)) continue;
    for (const [key, property] of Object.entries(properties)) if (!found.has(key)) found.set(key, { key, ...describe(property) });
  }
  return [...found.values()];
}

function describe(property: unknown): Omit<KeyChoice, "key"> {
  if (!isSchema(property)) return { about: "", example: "" };
  const about = typeof property.description === "string" ? property.description : "";
  const forms = formsOf(property);
  if (forms.some(({ type }) => type === "object")) return { about, example: "{}" };
  if (forms.some(({ type }) => type === "array")) return { about, example: "[]" };
  const shown = property.default ?? valuesOf(property)[0];
  return { about, example: shown === undefined ? "" : JSON.stringify(shown) };
}

/** As one would write them. */
export function valuesAt(root: JsonSchema, path: SchemaPath): string[] {
  return [
    ...new Set(
      schemasAt(root, path)
        .flatMap(valuesOf)
        .map((value) => JSON.stringify(value)),
    ),
  ];
}

function valuesOf(schema: JsonSchema): unknown[] {
  if (Array.isArray(schema.enum)) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return [...(types.includes("boolean") ? [true, false] : []), ...(schema.default === undefined ? [] : [schema.default])];
}
