// What a request in OpenAI's form asks of an agent: which one, in which conversation, and the one text that it is told. Pure.
// How the answer looks is completions.ts's and responses.ts's.
import { createHash } from "node:crypto";
import { OperationError } from "../../../api/errors.ts";
import type { ChatCompletionsBody, ResponsesBody } from "../../../api/gateway-protocol/operations-openai.ts";

export interface AgentRequest {
  /** null: the default agent. */
  agentId: string | null;
  /** The rest of the session's key. null: a conversation of this request alone. */
  conversation: string | null;
  /** Whether the text is the new message alone, and nothing that was said before. */
  isOwnWord: boolean;
  text: string;
}

interface Turn {
  role: string;
  text: string;
}

const MODEL = "openclaw";

/** Names that `toAgentId` takes, one for each agent and one for the default one. */
export const listModelNames = (agentIds: readonly string[]): string[] => [MODEL, ...agentIds.map((id) => `${MODEL}/${id}`)];

/** @throws OperationError `NotFound` */
export function toAgentId(model: string): string | null {
  const [, agentId] = /^openclaw[/:]([a-z0-9][a-z0-9_-]{0,63})$/.exec(model) ?? [];
  if (agentId !== undefined) return agentId;
  if (model === MODEL) return null;
  throw new OperationError("NotFound", `there is no model ${JSON.stringify(model.slice(0, 64))}`, {
    fix: `model: "${MODEL}" is the default agent, "${MODEL}/AGENT" another one; which model it asks is the agent's config`,
  });
}

/** @throws OperationError `InvalidArgument`, `NotFound` */
export function readCompletions({ model, messages, n, tools, functions, user }: ChatCompletionsBody): AgentRequest {
  refuseTools(tools ?? functions);
  if ((n ?? 1) !== 1) throw new OperationError("InvalidArgument", "n: an agent gives one answer");
  const turns = messages.map(({ role, content }) => ({ role, text: toText(content ?? "") }));
  return toRequest({ model, user, turns, instructions: null });
}

/** @throws OperationError `InvalidArgument`, `NotFound` */
export function readResponses(body: ResponsesBody): AgentRequest {
  const { model, input, instructions, tools, user } = body;
  refuseTools(tools);
  if (body.background === true) throw new OperationError("InvalidArgument", "background: a request is answered while its client waits");
  if ((body.previous_response_id ?? null) !== null)
    throw new OperationError("InvalidArgument", "previous_response_id: answers are not kept under their id", {
      fix: "send the same user: it goes on with its conversation",
    });
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const turns = items.map((item) => {
    if ("type" in item && item.type !== undefined && item.type !== "message")
      throw new OperationError("InvalidArgument", `input: items of type ${JSON.stringify(item.type)} are not taken`);
    return { role: item.role ?? "user", text: toText(item.content ?? "") };
  });
  return toRequest({ model, user, turns, instructions: instructions ?? null });
}

interface Told {
  model: string;
  user: string | undefined;
  turns: readonly Turn[];
  instructions: string | null;
}

/** A conversation that goes on has the turns before in its own history: of what the client repeats only the end is new. */
function toRequest({ model, user, turns, instructions }: Told): AgentRequest {
  const agentId = toAgentId(model);
  const isRule = ({ role }: Turn): boolean => role === "system" || role === "developer";
  const rules = [...(instructions === null ? [] : [instructions]), ...turns.filter(isRule).map(({ text }) => text)];
  const said = turns.filter((turn) => !isRule(turn));
  const lastAnswer = said.findLastIndex(({ role }) => role !== "user");
  const asked = said.slice(lastAnswer + 1).map(({ text }) => text);
  if (asked.join("").trim() === "") throw new OperationError("InvalidArgument", "the last message must be the user's, and say something");
  const before = user === undefined ? said.slice(0, lastAnswer + 1) : [];
  const parts = [
    ...(rules.length === 0 ? [] : ["Instructions of the program that asks:", ...rules]),
    ...(before.length === 0 ? [] : ["The conversation so far:", ...before.map(({ role, text }) => `[${role}]\n${text}`)]),
    ...(rules.length + before.length === 0 ? [] : ["The message to answer:"]),
    ...asked,
  ];
  return {
    agentId,
    conversation: user === undefined ? null : toConversation(user),
    text: parts.join("\n\n"),
    isOwnWord: rules.length + before.length === 0,
  };
}

/** A user's name may be anything: a key holds no name that could be another key's. */
const toConversation = (user: string): string => `openai:user-${createHash("sha256").update(user).digest("hex").slice(0, 32)}`;

type Content = NonNullable<ChatCompletionsBody["messages"][number]["content"]>;

/** @throws OperationError `InvalidArgument` */
function toText(content: Content): string {
  if (typeof content === "string") return content;
  return content
    .map(({ type, text }) => {
      if (["text", "input_text", "output_text"].includes(type) && text !== undefined) return text;
      throw new OperationError("InvalidArgument", `content of type ${JSON.stringify(type)} is not taken`, {
        fix: "send files with POST /v1/sessions/KEY/media, and name their path in the text",
      });
    })
    .join("\n");
}

/** A client's functions would be called by an agent that has tools of its own, behind the policy's back. */
function refuseTools(tools: readonly unknown[] | null | undefined): void {
  if (tools === null || tools === undefined || tools.length === 0) return;
  throw new OperationError("InvalidArgument", "tools: an agent uses its own tools, in its sandbox", {
    fix: "leave tools out; which ones the agent has is the config's",
  });
}
