// Parses what a caller sent by a schema, or refuses it with one sentence. What the schema is, the server knows.
// Files of people have many issues at once: they are api/config's and api/store's.
import type { z } from "zod";
import { withoutNulls } from "./absent.ts";
import { OperationError } from "./errors.ts";

/** null is the absence of what is optional. @throws OperationError `InvalidArgument` that names the first field that is wrong */
export function parseValue<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(withoutNulls(schema, value));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  throw new OperationError("InvalidArgument", `${path === "" ? "" : `${path}: `}${issue?.message ?? "not valid"}`);
}
