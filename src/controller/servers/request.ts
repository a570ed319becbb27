// Reads what a caller sent (names, query, JSON bodies) into typed values, or refuses with a sentence that says what was expected.
// It knows no route and does nothing.
import type { Context } from "hono";
import type { z } from "zod";
import { REQUEST_BYTES_MAX } from "../../api/controller-client.ts";
import { OperationError } from "../../api/errors.ts";
import { parseValue } from "../../api/parse-value.ts";
import { readBody } from "../../api/read-body.ts";
import type { Sandbox, SandboxKind } from "../../api/sandbox.ts";
import type { AdminViews } from "../views/admin-views.ts";

/** The JSON body in the schema's shape. @throws OperationError `InvalidArgument`, `PayloadTooLarge` */
export async function parseBody<Schema extends z.ZodType>(context: Context, schema: Schema): Promise<z.output<Schema>> {
  const text = await readBody(context.req.raw, REQUEST_BYTES_MAX);
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new OperationError("InvalidArgument", "the body is not JSON", { cause: error });
  }
  return parseValue(schema, body);
}

/** A whole number in the query; `fallback` when it is not there. @throws OperationError `InvalidArgument` */
export function parseCount(context: Context, key: string, { fallback, max }: { fallback: number; max: number }): number {
  const text = context.req.query(key);
  if (text === undefined) return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw new OperationError("InvalidArgument", `${key}: expected a whole number from 0 to ${max}`);
  return value;
}

/** Absent: the sandbox where tools run. @throws OperationError `InvalidArgument` */
export function parseKind(text: string | undefined): SandboxKind {
  if (text === undefined || text === "tools" || text === "browser") return text ?? "tools";
  throw new OperationError("InvalidArgument", "kind: expected tools or browser");
}

/** Whether the caller only looks, so that it is no use of the sandbox. */
export const isLook = ({ req }: Context): boolean => req.query("look") === "1";

/** The sandbox that the path names, by any name that a person may write. @throws OperationError `NotFound`, `InvalidArgument` */
export function findSandbox(views: AdminViews, name: string | undefined): Sandbox {
  const named = views.find(name ?? "");
  if (named.kind === "awaited") throw named.error;
  return named.sandbox;
}

/** A part of a path. null: not a name at all. */
export function decodeName(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}
