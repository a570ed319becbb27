// How an answer looks in OpenAI's two forms, whole and in pieces. Pure: ids and times are arguments.
// What is asked is request.ts's; when a piece is sent, answer.ts's.
import type { ChatUsage } from "../../../api/gateway-protocol/chat.ts";

export interface AnswerFacts {
  /** Without a prefix. */
  id: string;
  /** Seconds since 1970. */
  created: number;
  /** As the client wrote it. */
  model: string;
  /** Whether it asked for the usage in a stream too; responses always have it. */
  withUsage: boolean;
}

/** `[event, data]`; a stream of completions has no names. */
export type Piece = readonly [event: string | null, data: object | "[DONE]"];

export interface AnswerForm {
  begin(facts: AnswerFacts): Piece[];
  delta(facts: AnswerFacts, text: string): Piece[];
  end(facts: AnswerFacts, whole: WholeAnswer): Piece[];
  failed(facts: AnswerFacts, error: object): Piece[];
  whole(facts: AnswerFacts, answer: WholeAnswer): object;
}

export interface WholeAnswer {
  text: string;
  /** What was sent in pieces. */
  streamed: string;
  usage: ChatUsage | null;
}

const toTokens = ({ input, output }: ChatUsage) => ({ prompt_tokens: input, completion_tokens: output, total_tokens: input + output });

const chunk = ({ id, created, model }: AnswerFacts, choices: readonly object[], more: object = {}): Piece => [
  null,
  { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created, model, choices, ...more },
];
const choice = (delta: object, finish: string | null) => ({ index: 0, delta, logprobs: null, finish_reason: finish });

export const COMPLETIONS: AnswerForm = {
  begin: (facts) => [chunk(facts, [choice({ role: "assistant", content: "" }, null)])],
  delta: (facts, text) => [chunk(facts, [choice({ content: text }, null)])],
  end: (facts, { usage }) => [
    chunk(facts, [choice({}, "stop")]),
    ...(facts.withUsage && usage !== null ? [chunk(facts, [], { usage: toTokens(usage) })] : []),
    [null, "[DONE]"],
  ],
  failed: (_, error) => [[null, error]],
  whole: ({ id, created, model }, { text, usage }) => ({
    ...{ id: `chatcmpl-${id}`, object: "chat.completion", created, model },
    choices: [{ index: 0, message: { role: "assistant", content: text, refusal: null }, logprobs: null, finish_reason: "stop" }],
    ...(usage !== null && { usage: toTokens(usage) }),
  }),
};

const toResponse = ({ id, created, model }: AnswerFacts, status: string, more: object = {}) => ({
  ...{ id: `resp_${id}`, object: "response", created_at: created, status, model },
  ...{
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: false,
    tools: [],
    tool_choice: "auto",
  },
  ...{ output: [], usage: null, ...more },
});

const toPart = (text: string) => ({ type: "output_text", text, annotations: [] });
const toItem = ({ id }: AnswerFacts, status: string, content: readonly object[]) => ({
  ...{ id: `msg_${id}`, type: "message", role: "assistant", status, content },
});
const toWhole = (facts: AnswerFacts, text: string, usage: ChatUsage | null) =>
  toResponse(facts, "completed", {
    output: [toItem(facts, "completed", [toPart(text)])],
    ...(usage !== null && {
      usage: {
        ...{ input_tokens: usage.input, output_tokens: usage.output, total_tokens: usage.input + usage.output },
        ...{ input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
      },
    }),
  });

const named = (type: string, data: object): Piece => [type, { type, ...data }];
const place = ({ id }: AnswerFacts) => ({ item_id: `msg_${id}`, output_index: 0, content_index: 0 });

export const RESPONSES: AnswerForm = {
  begin: (facts) => [
    named("response.created", { response: toResponse(facts, "in_progress") }),
    named("response.in_progress", { response: toResponse(facts, "in_progress") }),
    named("response.output_item.added", { output_index: 0, item: toItem(facts, "in_progress", []) }),
    named("response.content_part.added", { ...place(facts), part: toPart("") }),
  ],
  delta: (facts, text) => [named("response.output_text.delta", { ...place(facts), delta: text, logprobs: [] })],
  end: (facts, { streamed, usage }) => [
    named("response.output_text.done", { ...place(facts), text: streamed, logprobs: [] }),
    named("response.content_part.done", { ...place(facts), part: toPart(streamed) }),
    named("response.output_item.done", { output_index: 0, item: toItem(facts, "completed", [toPart(streamed)]) }),
    named("response.completed", { response: toWhole(facts, streamed, usage) }),
  ],
  failed: (facts, { error }: { error?: { code?: unknown; message?: unknown } }) => [
    named("response.failed", {
      response: toResponse(facts, "failed", { error: { code: error?.code ?? "server_error", message: error?.message ?? "failed" } }),
    }),
  ],
  whole: (facts, { text, usage }) => toWhole(facts, text, usage),
};
