// The OpenAPI 3.1 document of the HTTP API, made from the table of operations, and from the tools' own schemas.
// The table is operations.ts, the tools are tools/.
import { z } from "zod";
import type { Operation } from "../../api/gateway-protocol/operation.ts";
import { OPERATIONS } from "../../api/gateway-protocol/operations.ts";
import { Problem } from "../../api/wire.ts";
import { TOOLS } from "../tools/catalog.ts";
import type { Tool } from "../tools/tool.ts";
import { FRAMES_TYPE } from "./frame-stream.ts";

type Json = Record<string, unknown>;

const BYTES: Json = { "application/octet-stream": {} };

export function renderOpenApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [operationId, operation] of Object.entries<Operation>(OPERATIONS)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: { operationId, ...renderOperation(operation) } };
  }
  for (const tool of TOOLS) paths[OPERATIONS.callTool.path.replace("{tool}", tool.name)] = { post: renderTool(tool) };
  return {
    openapi: "3.1.0",
    info: { title: "OpenClaw gateway", version },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "The gateway's token or password" } },
      schemas: { Problem: toSchema(Problem, "output") },
    },
  };
}

/** A call of one tool, with what it takes. */
function renderTool({ name, description, inputSchema }: Tool): Json {
  const call = { ...OPERATIONS.callTool, path: OPERATIONS.callTool.path.replace("{tool}", name), summary: description };
  return {
    operationId: `callTool_${name}`,
    ...renderOperation(call),
    requestBody: { required: true, content: { "application/json": { schema: inputSchema } } },
  };
}

function renderOperation({ path, summary, query, body, answer, events, frames, bytes }: Operation): Json {
  const names = [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
  const inPath = names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({ name, in: "query", schema: toSchema(schema, "input") }));
  const parameters = [...inPath, ...inQuery];
  const content = {
    ...(bytes === "answer" ? BYTES : { "application/json": { schema: toSchema(answer, "output") } }),
    ...(events !== undefined && { "text/event-stream": { schema: { type: "string", description: events } } }),
    ...(frames !== undefined && { [FRAMES_TYPE]: { schema: { type: "string", format: "binary", description: frames } } }),
  };
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { content: bytes === "body" ? BYTES : { "application/json": { schema: toSchema(body, "input") } } },
    }),
    responses: {
      200: { description: "Done", content },
      default: {
        description: "Refused or failed; `retryable` says whether the same request may succeed later, and Retry-After when",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

/** What JSON Schema can't say (a transformed value's origin) is left open. */
function toSchema(schema: z.core.$ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
