// How the end of a request is said in a response frame: its answer, or one form for every error.
// What a request does is calls.ts's.
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import type { FrameError, FrameErrorCode } from "../../api/gateway-protocol/frames.ts";
import type { Say } from "../../api/place.ts";
import { toProblemHere } from "../http/problem.ts";

export type SocketAnswer = { ok: true; payload: unknown } | { ok: false; error: FrameError };

const CODES: Partial<Record<ErrorCode, FrameErrorCode>> = { Forbidden: "FORBIDDEN", Unauthenticated: "UNAUTHORIZED" };

/** @param say absent: the error names no command */
export function toFrameError(error: unknown, say: Say = (text) => text): FrameError {
  const problem = toProblemHere(error, say);
  const code = error instanceof OperationError ? CODES[error.code] : undefined;
  const isTheirs = problem.status < 500 && problem.status !== 429;
  return {
    code: code ?? (isTheirs ? "INVALID_REQUEST" : "UNAVAILABLE"),
    message: problem.detail,
    details: { problem },
    retryable: problem.retryable,
  };
}
