// Operations in the form of OpenAI's API, for programs that speak nothing else: a part of the table in operations.ts. Off unless the config turns them on.
// What is not known here is ignored, as OpenAI's own clients send more with each version; what would change the answer is refused.
import { z } from "zod";
import { CHAT_TEXT_LENGTH_MAX } from "./chat.ts";
import type { Operation } from "./operation.ts";

const MESSAGES_MAX = 1_000;

const Text = z.string().max(CHAT_TEXT_LENGTH_MAX);
/** Parts of other types are refused by name, not by form. */
const Part = z.looseObject({ type: z.string().max(64), text: Text.optional() });
const Content = z.union([Text, z.array(Part).max(MESSAGES_MAX)]);
/** `openclaw`: the default agent; `openclaw/AGENT` or `openclaw:AGENT` */
const Model = z.string().min(1).max(128);
const User = z.string().min(1).max(128).optional().meta({
  description: "The same user goes on with one conversation and its sandbox. Absent: each request has its own, which ends with it",
});

export const ChatCompletionsBody = z.looseObject({
  model: Model,
  messages: z
    .array(z.looseObject({ role: z.string().max(32), content: Content.nullish() }))
    .min(1)
    .max(MESSAGES_MAX),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().nullish(),
  tools: z.array(z.unknown()).nullish(),
  functions: z.array(z.unknown()).nullish(),
  user: User,
});
export type ChatCompletionsBody = z.output<typeof ChatCompletionsBody>;

export const ResponsesBody = z.looseObject({
  model: Model,
  input: z.union([
    Text.min(1),
    z
      .array(z.looseObject({ type: z.string().max(64).optional(), role: z.string().max(32).optional(), content: Content.optional() }))
      .min(1)
      .max(MESSAGES_MAX),
  ]),
  instructions: Text.nullish(),
  stream: z.boolean().nullish(),
  tools: z.array(z.unknown()).nullish(),
  previous_response_id: z.string().max(256).nullish(),
  background: z.boolean().nullish(),
  user: User,
});
export type ResponsesBody = z.output<typeof ResponsesBody>;

export const OPENAI_OPERATIONS = {
  chatCompletions: {
    method: "post",
    path: "/v1/chat/completions",
    summary:
      "One answer of an agent, in the form of OpenAI's chat completions; its errors too. `gateway.http.endpoints.chatCompletions.enabled` turns it on",
    scope: "operator.write",
    body: ChatCompletionsBody,
    answer: z.looseObject({ id: z.string(), object: z.literal("chat.completion") }),
    events: "With `stream: true`: chunks as OpenAI sends them, then `[DONE]`",
    form: "openai",
  },
  responses: {
    method: "post",
    path: "/v1/responses",
    summary:
      "One answer of an agent, in the form of OpenAI's responses; its errors too. `gateway.http.endpoints.responses.enabled` turns it on",
    scope: "operator.write",
    body: ResponsesBody,
    answer: z.looseObject({ id: z.string(), object: z.literal("response") }),
    events: "With `stream: true`: `response.created` to `response.completed`, as OpenAI sends them",
    form: "openai",
  },
} as const satisfies Record<string, Operation>;
