// Answers a request of a connection by the table of operations: the method, its scope, its params, its handler, and one form for every error.
// Frames, their order and the connection are connection.ts's.
import { METHODS, methodNamesFor, toCallParts } from "../../api/gateway-protocol/methods.ts";
import type { OperationName } from "../../api/gateway-protocol/operations.ts";
import { allows } from "../../api/gateway-protocol/scopes.ts";
import type { Say } from "../../api/place.ts";
import { type Identity, renderActor } from "../devices/identity.ts";
import type { CallOf, Handlers } from "../http/handler.ts";
import type { ToolEvent } from "../tools/tool-port.ts";
import { type SocketAnswer, toFrameError } from "./answer.ts";
import type { Idempotency } from "./idempotency.ts";

export interface SocketCall {
  method: string;
  params: unknown;
  identity: Identity;
  /** The client has gone. */
  signal: AbortSignal;
  emit(event: ToolEvent): Promise<void>;
}

export interface CallsParts {
  handlers: Handlers;
  idempotency: Idempotency;
  /** Told of what was thrown, before the client is. */
  failed(error: unknown): void;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

/** Never throws. */
export async function answerCall(call: SocketCall, { handlers, idempotency, failed, say }: CallsParts): Promise<SocketAnswer> {
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
  const attempt = async (work: () => Promise<SocketAnswer>): Promise<SocketAnswer> => {
    try {
      return await work();
    } catch (error) {
      failed(error);
      return { ok: false, error: toFrameError(error, say) };
    }
  };
  return await attempt(async () => {
    const { idempotencyKey, ...parts } = toCallParts(method, params);
    const work = (): Promise<SocketAnswer> =>
      attempt(async () => ({
        ok: true,
        payload: await run(handlers, method.operation, { ...parts, headers: new Headers(), identity, signal, emit }),
      }));
    if (idempotencyKey === null) return await work();
    return await idempotency.run({ who: renderActor(identity), method: name, key: idempotencyKey, params }, work);
  });
}

async function run<Name extends OperationName>(handlers: Handlers, name: Name, parts: object): Promise<unknown> {
  // Parsed by the schemas of the same operation, which the type of its handler is made from.
  const answer = await handlers[name](parts as CallOf<Name>);
  if (answer instanceof Response) throw new Error(`${name} answers with bytes, and is in the socket's table`);
  return answer;
}
