// Answers a request of a connection by the table of operations: the method, its scope, its params, its handler, and one form for every error.
// Frames, their order and the connection are connection.ts's.
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import type { FrameError, FrameErrorCode } from "../../api/gateway-protocol/frames.ts";
import { METHODS, methodNamesFor, toCallParts } from "../../api/gateway-protocol/methods.ts";
import type { OperationName } from "../../api/gateway-protocol/operations.ts";
import { allows } from "../../api/gateway-protocol/scopes.ts";
import { toProblem } from "../../api/wire.ts";
import type { Identity } from "../devices/identity.ts";
import type { CallOf, Handlers } from "../http/handler.ts";
import type { ToolEvent } from "../tools/tool-port.ts";

export interface SocketCall {
  method: string;
  params: unknown;
  identity: Identity;
  /** The client has gone. */
  signal: AbortSignal;
  emit(event: ToolEvent): Promise<void>;
}

export type SocketAnswer = { ok: true; payload: unknown } | { ok: false; error: FrameError };

/** Never throws. @param failed told of what was thrown, before the client is */
export async function answerCall(call: SocketCall, handlers: Handlers, failed: (error: unknown) => void): Promise<SocketAnswer> {
  const { method: name, params, identity, signal, emit } = call;
  const { scopes } = identity;
  const method = METHODS.get(name);
  const methods = methodNamesFor(scopes);
  if (method === undefined) {
    return { ok: false, error: { code: "INVALID_REQUEST", message: `unknown method: ${name}`, details: { methods } } };
  }
  if (!allows(scopes, method.scope)) {
    return { ok: false, error: { code: "FORBIDDEN", message: `missing scope: ${method.scope}`, details: { methods } } };
  }
  try {
    const parts = { ...toCallParts(method, params), headers: new Headers(), identity, signal, emit };
    return { ok: true, payload: await run(handlers, method.operation, parts) };
  } catch (error) {
    failed(error);
    return { ok: false, error: toFrameError(error) };
  }
}

async function run<Name extends OperationName>(handlers: Handlers, name: Name, parts: object): Promise<unknown> {
  // Parsed by the schemas of the same operation, which the type of its handler is made from.
  const answer = await handlers[name](parts as CallOf<Name>);
  if (answer instanceof Response) throw new Error(`${name} answers with bytes, and is in the socket's table`);
  return answer;
}

const CODES: Partial<Record<ErrorCode, FrameErrorCode>> = { Forbidden: "FORBIDDEN", Unauthenticated: "UNAUTHORIZED" };

export function toFrameError(error: unknown): FrameError {
  const problem = toProblem(error);
  const code = error instanceof OperationError ? CODES[error.code] : undefined;
  const isTheirs = problem.status < 500 && problem.status !== 429;
  return {
    code: code ?? (isTheirs ? "INVALID_REQUEST" : "UNAVAILABLE"),
    message: problem.detail,
    details: { problem },
    retryable: problem.retryable,
  };
}
