// Takes null for what is optional as its absence: many clients and models have no other way to leave an argument out.
// What a value must be is its schema's; nothing else is changed here.
import { z } from "zod";

/**
 * The value without those members that are null where the schema takes their absence and not null, at any depth, and without null under names
 * that the schema does not have.
 */
export function withoutNulls(schema: z.ZodType, value: unknown): unknown {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) return value.map((item) => withoutNulls(inner.element as z.ZodType, item));
  if (!(inner instanceof z.ZodObject) || !isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const field = Object.hasOwn(inner.shape, name) ? (inner.shape[name] as z.ZodType) : null;
      if (member === null && isAbsence(field)) return [];
      return [[name, field === null ? member : withoutNulls(field, member)]];
    }),
  );
}

/** null: no such field. */
const isAbsence = (field: z.ZodType | null): boolean =>
  field === null || (field.safeParse(undefined).success && !field.safeParse(null).success);

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? unwrap(schema.unwrap() as z.ZodType) : schema;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
