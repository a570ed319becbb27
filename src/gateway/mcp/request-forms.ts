// What MCP clients in the field send, made into what the protocol's library takes: any `Accept` that there is an answer for, and null for what is
// absent. Whose request it is, is mcp-endpoint.ts's; the answer as one JSON document is json-answer.ts.

/** `stream`: as the library answers. `none`: the client takes nothing that there is. */
export type AnswerForm = "stream" | "json" | "none";

const STREAM = "text/event-stream";
const JSON_TYPE = "application/json";

/** Who can read a stream names it; `*`/`*` or nothing at all comes from clients that were made for JSON. */
export function toAnswerForm(method: string, accept: string | null): AnswerForm {
  const header = accept?.trim() || "*/*";
  if (method === "GET") return isAccepted(STREAM, header) ? "stream" : "none";
  if (method !== "POST") return "stream";
  const isNamed = header.toLowerCase().includes(STREAM) && isAccepted(STREAM, header);
  if (isNamed) return "stream";
  return isAccepted(JSON_TYPE, header) ? "json" : "none";
}

/** The most specific range that it is in decides. */
function isAccepted(type: string, accept: string): boolean {
  const ranges = new Map(
    accept.split(",").map((part) => {
      const [range = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
      return [range, !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))] as const;
    }),
  );
  return ranges.get(type) ?? ranges.get(`${type.split("/")[0]}/*`) ?? ranges.get("*/*") ?? false;
}

/** The library insists on both names, whatever is answered in the end. */
export function toLibraryRequest(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.set("accept", `${JSON_TYPE}, ${STREAM}`);
  return new Request(request.url, { method: request.method, headers, signal: request.signal });
}

/** `params._meta.x`, `params.capabilities.roots.x`: no member of the protocol's own lies deeper. */
const DEPTH_MAX = 4;

/** A message, or a batch, without members of `params` that are null. The arguments of a tool are the tool's own. */
export function withoutNullParams(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(withoutNullParams);
  if (!isRecord(message)) return message;
  const { params, ...rest } = message;
  if (params === null || params === undefined) return rest;
  return { ...rest, params: dropNulls(params, DEPTH_MAX) };
}

function dropNulls(value: unknown, depth: number): unknown {
  if (!isRecord(value) || depth === 0) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      if (member === null) return [];
      return [[name, name === "arguments" ? member : dropNulls(member, depth - 1)]];
    }),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
