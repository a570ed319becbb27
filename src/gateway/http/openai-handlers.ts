// What the operations in OpenAI's form do: one message to an agent, in a conversation of the request's own or of its user, and the answer to it.
// The forms are gateway/chat/openai/'s, errors openai-error.ts's.
import type { Config } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import type { OPENAI_OPERATIONS } from "../../api/gateway-protocol/operations-openai.ts";
import type { Session } from "../../api/session.ts";
import { NO_WISHES } from "../agent/agent-port.ts";
import { answerInPieces, answerWhole } from "../chat/openai/answer.ts";
import { type AnswerFacts, type AnswerForm, COMPLETIONS, RESPONSES } from "../chat/openai/forms.ts";
import { type AgentRequest, readCompletions, readResponses } from "../chat/openai/request.ts";
import { toRequester } from "../chat/requester.ts";
import type { Identity } from "../devices/identity.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { ChatHandlerParts } from "./chat-handlers.ts";
import type { Handlers } from "./handler.ts";
import { toOpenAiError } from "./openai-error.ts";

export interface OpenAiHandlerParts extends ChatHandlerParts {
  config(): Config;
  end: Pick<SessionEnd, "delete">;
  /** Told of what was thrown where the status says 200 already. */
  failed(error: unknown): void;
  /** A new UUID. */
  newUid(): string;
  now(): number;
}

type Names = keyof typeof OPENAI_OPERATIONS;

interface Call {
  request: AgentRequest;
  form: AnswerForm;
  model: string;
  isStream: boolean;
  withUsage: boolean;
  headers: Headers;
  identity: Identity;
  signal: AbortSignal;
}

export function openAiHandlers(parts: OpenAiHandlerParts): Pick<Handlers, Names> {
  const guard = (name: Names): void => {
    const key = name === "chatCompletions" ? "chatCompletions" : "responses";
    if (parts.config().gateway.http[key]) return;
    throw new OperationError("NotFound", "this endpoint is not turned on", {
      fix: `openclaw config set gateway.http.endpoints.${key}.enabled true`,
    });
  };
  return {
    chatCompletions: async ({ body, headers, identity, signal }) => {
      guard("chatCompletions");
      const [isStream, withUsage] = [body.stream === true, body.stream_options?.include_usage === true];
      const call = { request: readCompletions(body), form: COMPLETIONS, model: body.model, isStream, withUsage };
      return await answer(parts, { ...call, headers, identity, signal });
    },
    responses: async ({ body, headers, identity, signal }) => {
      guard("responses");
      const call = { request: readResponses(body), form: RESPONSES, model: body.model, isStream: body.stream === true, withUsage: true };
      return await answer(parts, { ...call, headers, identity, signal });
    },
  };
}

async function answer(parts: OpenAiHandlerParts, { request, form, model, isStream, withUsage, ...call }: Call): Promise<Response> {
  const { agent, feed, say, failed } = parts;
  const { session, isOwn } = await openSession(parts, request, call.headers);
  const facts: AnswerFacts = { id: parts.newUid().replaceAll("-", ""), created: Math.floor(parts.now() / 1_000), model, withUsage };
  const over = async (): Promise<void> => {
    if (isOwn) await parts.end.delete(session).catch(failed);
  };
  const { key } = session.spec;
  const send = () =>
    agent.send({
      ...{ session: key, text: request.text, attachments: [], requester: toRequester(call.identity), isOwnWord: request.isOwnWord },
      // Another request of the same user waits for this one's answer: neither may go into the other's run.
      ...{ queueMode: "followup" as const, idempotencyKey: call.headers.get("idempotency-key"), timeoutMs: null, wishes: NO_WISHES },
    });
  const toError = (error: unknown): object => {
    failed(error);
    return toOpenAiError(error, say);
  };
  const answered = { agent, feed, session: key, form, facts, signal: call.signal, send, toError, over };
  return isStream ? await answerInPieces(answered) : await answerWhole(answered);
}

/** @returns `isOwn`: it is of this request alone, and ends with it @throws OperationError `NotFound`, `InvalidArgument` */
async function openSession(
  { service, newUid }: OpenAiHandlerParts,
  { agentId, conversation }: AgentRequest,
  headers: Headers,
): Promise<{ session: Session; isOwn: boolean }> {
  const asked = headers.get("x-openclaw-agent-id") ?? agentId ?? undefined;
  const key = headers.get("x-openclaw-session-key") ?? conversation;
  if (key !== null) return { session: await service.open({ key, agentId: asked }), isOwn: false };
  return { session: await service.open({ key: `openai:${newUid()}`, agentId: asked }), isOwn: true };
}
