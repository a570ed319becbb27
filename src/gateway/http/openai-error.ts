// Errors in the form of OpenAI's API, for the paths that speak it: what its clients read is `error.message`, `type` and `code`.
// Which error it is, is up to whoever throws it; everybody else gets problem.ts's form.
import type { Operation } from "../../api/gateway-protocol/operation.ts";
import { OPERATIONS } from "../../api/gateway-protocol/operations.ts";
import type { Say } from "../../api/place.ts";
import { toProblemHeaders, toProblemHere } from "./problem.ts";

const PATHS: ReadonlySet<string> = new Set(
  Object.values<Operation>(OPERATIONS)
    .filter(({ form }) => form === "openai")
    .map(({ path }) => path),
);

export const speaksOpenAi = (path: string): boolean => PATHS.has(path);

const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "invalid_request_error",
  413: "invalid_request_error",
  415: "invalid_request_error",
  429: "rate_limit_error",
};

export function toOpenAiError(error: unknown, say: Say): { error: object } {
  const { status, code, detail, fix } = toProblemHere(error, say);
  return {
    error: { message: fix === undefined ? detail : `${detail} (${fix})`, type: TYPES[status] ?? "server_error", param: null, code },
  };
}

export function toOpenAiResponse(error: unknown, say: Say): Response {
  const problem = toProblemHere(error, say);
  return Response.json(toOpenAiError(error, say), { status: problem.status, headers: toProblemHeaders(problem) });
}
