// A tool's input schema as it is told to models: only keywords that the function declarations of every large provider take, Gemini's narrow subset of
// OpenAPI and the strict modes among them. What they have no word for (bounds) is said in the description. What is accepted is the tool's schema itself.
import { z } from "zod";

/** JSON Schema with nothing but these keywords. */
export interface PublishedSchema {
  type: "object" | "array" | "string" | "number" | "integer" | "boolean";
  description?: string;
  /** Of strings alone. */
  enum?: string[];
  properties?: Record<string, PublishedSchema>;
  required?: string[];
  items?: PublishedSchema;
}

/** What zod makes of the kinds of schemas that tools have. */
interface MadeSchema extends Omit<PublishedSchema, "properties" | "items"> {
  properties?: Record<string, MadeSchema>;
  items?: MadeSchema;
  anyOf?: MadeSchema[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
}

/** What may be left out, because a refusal says it well enough. */
const UNSAID: ReadonlySet<string> = new Set([
  ...["$schema", "additionalProperties", "propertyNames", "pattern", "minLength", "maxLength", "minItems", "maxItems"],
  ...["minimum", "exclusiveMinimum", "maximum"],
]);
const TYPES: ReadonlySet<string> = new Set(["object", "array", "string", "number", "integer", "boolean"]);

/** Of alternatives (`z.union`) the first one: the others are accepted as well. @throws Error for a schema that not every provider takes */
export function toPublishedSchema(schema: z.ZodObject): PublishedSchema {
  return publish(z.toJSONSchema(schema, { io: "input", target: "draft-2020-12" }) as unknown as MadeSchema, "input");
}

function publish(made: MadeSchema, place: string): PublishedSchema {
  const { description, anyOf } = made;
  const { type, properties, required, items, enum: values, ...rest } = anyOf?.[0] ?? made;
  if (!TYPES.has(type)) throw new Error(`${place}: no one type, which a provider needs`);
  if (type === "array" && items === undefined) throw new Error(`${place}: an array without items`);
  if (type === "object" && Object.keys(properties ?? {}).length === 0)
    throw new Error(`${place}: an object without properties, which Gemini refuses`);
  if (values?.some((value) => typeof value !== "string")) throw new Error(`${place}: an enum of other things than strings`);
  const unknown = Object.keys(rest).filter((keyword) => keyword !== "description" && !UNSAID.has(keyword));
  if (unknown.length > 0) throw new Error(`${place}: ${unknown.join(", ")} can't be published`);
  const said = [description, renderBounds(rest)].filter((text) => text !== undefined && text !== "").join(" ");
  return {
    type,
    ...(said !== "" && { description: said }),
    ...(values !== undefined && { enum: values }),
    ...(properties !== undefined && { properties: mapValues(properties, (field, name) => publish(field, `${place}.${name}`)) }),
    ...(required !== undefined && required.length > 0 && { required }),
    ...(items !== undefined && { items: publish(items, `${place}[]`) }),
  };
}

/** `(1 to 200)`. Whole numbers up to the largest have no bound worth telling. */
function renderBounds({ minimum, exclusiveMinimum, maximum }: Omit<MadeSchema, "type">): string {
  const least = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : String(minimum);
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : String(maximum);
  const from = exclusiveMinimum === undefined ? least : `more than ${exclusiveMinimum}`;
  if (from === undefined) return most === undefined ? "" : `(up to ${most})`;
  if (most !== undefined) return exclusiveMinimum === undefined ? `(${from} to ${most})` : `(${from}, up to ${most})`;
  return exclusiveMinimum === undefined ? `(from ${from})` : `(${from})`;
}

function mapValues<From, To>(record: Record<string, From>, map: (value: From, name: string) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
