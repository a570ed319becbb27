// What every request of the page over HTTP has: who asks, and the gateway's problems as the errors that pages show. Which requests there are is files.ts's
// and tool-call.ts's.
import type { Problem } from "../../api/wire.ts";
import { GatewayError } from "./link.ts";

/** What opens the gateway over HTTP just now. null: nothing does. */
export type HttpToken = () => string | null;

export function toHttpHeaders(token: HttpToken): Record<string, string> {
  const secret = token();
  return secret === null ? {} : { authorization: `Bearer ${secret}` };
}

/** @param text of the answer: a problem, or anything at all */
export function toHttpError(text: string, status: number): GatewayError {
  const problem = parseProblem(text);
  if (problem === null) return new GatewayError({ code: "UNAVAILABLE", message: `the gateway answered ${status}`, retryable: true });
  return toProblemError(problem);
}

export function toProblemError(problem: Problem): GatewayError {
  return new GatewayError({ code: "INVALID_REQUEST", message: problem.detail, details: { problem }, retryable: problem.retryable });
}

/** Of a request that was not answered. Who took it back learns that it was taken back. */
export function toAway(error: unknown): never {
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  throw toAwayError(error instanceof Error ? error.message : String(error));
}

export const toAwayError = (why: string): GatewayError =>
  new GatewayError({ code: "UNAVAILABLE", message: `the gateway does not answer: ${why}`, retryable: true });

function parseProblem(text: string): Problem | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
