// One form for every error of the gateway's HTTP API: problem+json with code and retryable, and when to retry.
// Which error it is, is up to whoever throws it.
import type { ErrorCode } from "../../api/errors.ts";
import type { Say } from "../../api/place.ts";
import { redactSecrets } from "../../api/secret-text.ts";
import { type Problem, toProblem } from "../../api/wire.ts";

/** Seconds. A sandbox that is being made takes one or two; limits are counted in minutes. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  LimitExceeded: 60,
  ImageMissing: 30,
  EngineUnreachable: 5,
  ControllerUnreachable: 5,
};
const RETRY_AFTER_DEFAULT = 1;

/** With hints as they work where the gateway runs. What a caller put in the wrong place is not repeated if it looks like a key. */
export function toProblemHere(error: unknown, say: Say): Problem {
  const { fix, ...problem } = toProblem(error);
  return { ...problem, detail: redactSecrets(say(problem.detail)), ...(fix !== undefined && { fix: redactSecrets(say(fix)) }) };
}

/** @param say absent: the error names no command */
export function toProblemResponse(error: unknown, say: Say = (text) => text): Response {
  const problem = toProblemHere(error, say);
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...toProblemHeaders(problem) },
  });
}

export function toProblemHeaders({ status, code, retryable }: Problem): Record<string, string> {
  if (status === 401) return { "www-authenticate": 'Bearer realm="openclaw"' };
  return retryable ? { "retry-after": String(RETRY_AFTER[code] ?? RETRY_AFTER_DEFAULT) } : {};
}
