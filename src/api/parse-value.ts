// Parses what a caller sent by a schema, or refuses it with one sentence. What the schema is, the server knows.
// Files of people have many issues at once: they are api/config's and api/store's.
import { z } from "zod";
import { withoutNulls } from "./absent.ts";
import { renderDidYouMean } from "./config/suggest.ts";
import { OperationError } from "./errors.ts";
import { toPlainText } from "./plain-issue.ts";

/** null is the absence of what is optional. @throws OperationError `InvalidArgument` that names the first field that is wrong */
export function parseValue<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(withoutNulls(schema, value), { error: toPlainText });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  const message = `${path === "" ? "" : `${path}: `}${issue?.message ?? "not valid"}`;
  throw new OperationError("InvalidArgument", message, issue?.code === "unrecognized_keys" ? suggest(schema, issue) : {});
}

/** The field that the unknown one may be meant for. */
function suggest(schema: z.ZodType, { path, keys: [key = ""] }: z.core.$ZodIssueUnrecognizedKeys): { fix?: string } {
  return path.length === 0 && schema instanceof z.ZodObject ? renderDidYouMean(key, Object.keys(schema.shape)) : {};
}
