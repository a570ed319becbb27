// Operations of a conversation with a model: a part of the table in operations.ts, with upstream's names on the socket.
// Sessions and what clients keep in them without a model are operations.ts's.
import { z } from "zod";
import { CHAT_TEXT_LENGTH_MAX, ChatAbortAnswer, ChatHistoryAnswer, ChatSendAnswer, ChatSendBody, HISTORY_LENGTH_MAX } from "./chat.ts";
import type { Operation } from "./operation.ts";

const RUN_EVENTS =
  "`accepted` with the answer, then `chat` and `agent` as the socket has them, until the run has ended; `error` with a problem, where it can't go on";

export const CHAT_OPERATIONS = {
  chatHistory: {
    method: "get",
    path: "/v1/chat/{sessionKey}/history",
    summary: "What was said and done, oldest first, and what is under way; after a lost connection this comes first",
    scope: "operator.read",
    socket: "chat.history",
    query: z.object({
      limit: z.int().min(1).max(HISTORY_LENGTH_MAX).optional().meta({ description: "Absent: 100" }),
      before: z.int().min(0).optional().meta({ description: "As the answer before said. Absent: the newest" }),
    }),
    answer: ChatHistoryAnswer,
  },
  chatSend: {
    method: "post",
    path: "/v1/chat/{sessionKey}/send",
    summary: "Says something to the agent, and starts a run or goes into the one under way; a command (/status) is carried out",
    scope: "operator.write",
    socket: "chat.send",
    body: ChatSendBody,
    answer: ChatSendAnswer,
    events: RUN_EVENTS,
  },
  chatAbort: {
    method: "post",
    path: "/v1/chat/{sessionKey}/abort",
    summary: "Stops the run, what waits behind it, its children, and the commands that they started",
    scope: "operator.write",
    socket: "chat.abort",
    body: z.strictObject({ runId: z.string().min(1).max(128).optional().meta({ description: "Absent: all of the session" }) }),
    answer: ChatAbortAnswer,
  },
  chatInject: {
    method: "post",
    path: "/v1/chat/{sessionKey}/inject",
    summary: "Adds a note of the assistant's, without asking a model",
    scope: "operator.admin",
    socket: "chat.inject",
    body: z.strictObject({ message: z.string().min(1).max(CHAT_TEXT_LENGTH_MAX) }),
    answer: z.object({ ok: z.literal(true) }),
  },
  chatCommands: {
    method: "get",
    path: "/v1/chat/commands",
    summary: "What a message may be besides something to answer: a slash and one of these words, alone",
    scope: "operator.read",
    socket: "chat.commands",
    answer: z.object({ items: z.array(z.object({ name: z.string(), about: z.string() })) }),
  },
  followChat: {
    method: "get",
    path: "/v1/chat/{sessionKey}/events",
    summary: "The session's runs as they go: server-sent events `chat` and `agent`, as the socket has them",
    scope: "operator.read",
    answer: z.object({}),
    events: "`chat` and `agent` as the socket has them; `error` with a problem ends it",
  },
} as const satisfies Record<string, Operation>;
