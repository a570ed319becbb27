// A tool's form: its fields from the JSON Schema of its input, and its input from what was filled in. Pure.

export interface ToolField {
  name: string;
  /** `json`: what no simple field can hold, written as JSON. */
  kind: "text" | "number" | "flag" | "choice" | "json";
  description: string;
  required: boolean;
  /** Of `choice`. */
  options: readonly string[];
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** Those that must be filled in come first, each kind in the schema's order. */
export function toFields(schema: JsonSchema): ToolField[] {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = Object.entries(properties).map(([name, given]) => toField(name, isObject(given) ? given : {}, required.includes(name)));
  return [...fields.filter(({ required: isRequired }) => isRequired), ...fields.filter(({ required: isRequired }) => !isRequired)];
}

function toField(name: string, schema: JsonSchema, required: boolean): ToolField {
  const options = Array.isArray(schema.enum) ? schema.enum.filter((option) => typeof option === "string") : [];
  const description = typeof schema.description === "string" ? schema.description : "";
  return { name, kind: options.length > 0 ? "choice" : kindOf(schema), description, required, options };
}

/** A union with null, or of which every member is simple in the same way, is that. */
function kindOf({ type, anyOf }: JsonSchema): ToolField["kind"] {
  const types = (Array.isArray(type) ? type : [type]).filter((one) => one !== "null" && one !== undefined);
  const [only] = types;
  if (types.length === 1) {
    if (only === "string") return "text";
    if (only === "number" || only === "integer") return "number";
    return only === "boolean" ? "flag" : "json";
  }
  const members = Array.isArray(anyOf) ? anyOf.filter(isObject).filter((member) => member.type !== "null") : [];
  const [member] = members;
  return members.length === 1 && member !== undefined ? kindOf(member) : "json";
}

export type FieldValues = Readonly<Record<string, string | boolean>>;
export type ToolInput = { ok: true; input: Record<string, unknown> } | { ok: false; field: string; message: string };

/** What was left empty is left out, so that the tool's own default counts. */
export function toInput(fields: readonly ToolField[], values: FieldValues): ToolInput {
  const input: Record<string, unknown> = {};
  for (const { name, kind, required } of fields) {
    const value = values[name];
    if (value === undefined || value === "" || value === false) {
      if (required && kind !== "flag") return { ok: false, field: name, message: `${name} is needed` };
      continue;
    }
    if (typeof value === "boolean" || kind === "text" || kind === "choice") input[name] = value;
    else {
      const parsed = parseJson(value);
      if (parsed === undefined || (kind === "number" && typeof parsed !== "number"))
        return { ok: false, field: name, message: kind === "number" ? `${name} must be a number` : `${name} must be JSON` };
      input[name] = parsed;
    }
  }
  return { ok: true, input };
}

/** undefined: it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is JsonSchema => typeof value === "object" && value !== null && !Array.isArray(value);
