// The socket's methods, made from the table of operations: what `params` are, and how they become the path, the query and the body of the same
// operation. What an operation does is gateway/http/handlers.ts.
import { z } from "zod";
import { parseValue } from "../parse-value.ts";
import type { Operation } from "./operation.ts";
import { namesInPath, OPERATION_NAMES, OPERATIONS, type OperationName } from "./operations.ts";
import { allows, type Scope } from "./scopes.ts";

export interface Method {
  operation: OperationName;
  scope: Scope;
  summary: string;
  params: z.ZodObject;
  answer: z.ZodType;
}

const IdempotencyKey = z
  .string()
  .min(1)
  .max(128)
  .meta({ description: "For five minutes the same request with the same key is done once, and answered as the first time" });
const PathPart = z.string().min(1).max(512);

export const METHODS: ReadonlyMap<string, Method> = new Map(
  OPERATION_NAMES.flatMap((name): [string, Method][] => {
    const operation: Operation = OPERATIONS[name];
    const { socket, scope, summary, answer } = operation;
    return socket === undefined ? [] : [[socket, { operation: name, scope, summary, params: toParams(operation), answer }]];
  }),
);

/** Those that a connection with these scopes may call. */
export function methodNamesFor(granted: readonly Scope[]): string[] {
  return [...METHODS].filter(([, { scope }]) => allows(granted, scope)).map(([name]) => name);
}

function toParams({ method, path, query, body }: Operation): z.ZodObject {
  const inPath = Object.fromEntries(namesInPath(path).map((name) => [name, PathPart]));
  const key = method === "get" ? {} : { idempotencyKey: IdempotencyKey.optional() };
  // An operation that can't do without a key says so in its body.
  return z.strictObject({ ...inPath, ...query?.shape, ...key, ...toBodyFields(body) });
}

function toBodyFields(body: z.ZodType | undefined): z.core.$ZodLooseShape {
  if (body === undefined) return {};
  return body instanceof z.ZodObject ? body.shape : { input: body.optional() };
}

export interface CallParts {
  /** null: the client gave none. */
  idempotencyKey: string | null;
  params: Record<string, string>;
  query: unknown;
  body: unknown;
}

/** @throws OperationError `InvalidArgument` that names the first field that is wrong */
export function toCallParts({ operation: name, params }: Method, given: unknown): CallParts {
  const operation: Operation = OPERATIONS[name];
  const values = parseValue(params, given ?? {});
  const pick = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.flatMap((field) => (values[field] === undefined ? [] : [[field, values[field]]])));
  const inPath = namesInPath(operation.path).map((field) => [field, String(values[field])] as const);
  return {
    idempotencyKey: typeof values.idempotencyKey === "string" ? values.idempotencyKey : null,
    params: Object.fromEntries(inPath),
    query: operation.query === undefined ? undefined : pick(Object.keys(operation.query.shape)),
    body: operation.body instanceof z.ZodObject ? pick(Object.keys(operation.body.shape)) : (values.input ?? {}),
  };
}
